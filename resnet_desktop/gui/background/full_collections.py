"""Python's full garbage collections, at moments when nobody waits for the window.

A full collection looks at every object that there is, with all threads standing still: a tenth of a second in a list of
ten thousand photos, in the middle of a scroll. Most objects are freed without one.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

INTERVAL_MS = 10_000
SOME, MANY = 10, 500
"""Lesser collections since the last full one after which the next comes: in a quiet moment, and in any case."""
LOOKED_AT_AGAIN = 20
"""One full collection of so many looks at what outlived an earlier one."""
_NEVER = 10**6
_USUAL = gc.get_threshold()


class FullCollections(QObject):
    """Has them wait while something is under way.

    Args:
        busy: whether something is.
        parent: as long as it lives.
    """

    def __init__(self, busy: Callable[[], bool], parent: QObject) -> None:
        super().__init__(parent)
        self._busy = busy
        self._times = 0
        self._timer = QTimer(self, interval=INTERVAL_MS)
        self._timer.timeout.connect(self.collect_if_due)

    def start(self) -> None:
        """From now on; what is there already, the modules above all, is not looked at again."""
        gc.freeze()
        gc.set_threshold(*_USUAL[:2], _NEVER)
        self._timer.start()

    def end(self) -> None:
        """As usual from now on."""
        self._timer.stop()
        gc.set_threshold(*_USUAL)
        gc.unfreeze()

    def collect_if_due(self) -> None:
        """Collect, if there may be something to free and nothing is under way."""
        since = gc.get_count()[2]
        if since > MANY or (since > SOME and not self._busy()):
            self._times += 1
            if self._times % LOOKED_AT_AGAIN == 0:
                gc.unfreeze()
            gc.collect()
            gc.freeze()
