"""Photos that come to the list are classified, and those that go are not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from resnet_desktop.gui.gallery.gallery_model import Item

if TYPE_CHECKING:
    from resnet_desktop.gui.shell.main_window import MainWindow


class PhotoQueue(QObject):
    """Between the list and the session.

    Signal: ``list_changed``, when photos have come or gone.
    """

    list_changed = Signal()

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        window.steps.came.connect(self._on_came)
        window.steps.went.connect(self._on_went)

    def cancel(self) -> None:
        """Give up all that is under way; photos without a result stay in the list."""
        window = self._window
        window.arrivals.scanner.cancel()
        window.controller.cancel()
        window.evidence.cancel()
        window.saver.cancel()
        window.exporting.cancel()
        window.gallery.unqueue()

    def _on_came(self, items: Sequence[Item]) -> None:
        window = self._window
        new = window.companions.without_results([item for item in items if item.outcome is None])
        window.controller.classify((item.number, item.source) for item in new)
        self.list_changed.emit()
        if window.inspect.gallery.current is None and items:
            window.inspect.gallery.reveal(items[0].number)

    def _on_went(self, numbers: set[int]) -> None:
        window = self._window
        window.controller.forget(numbers)
        if not window.gallery.items:
            window.inspect.start_anew()
        self.list_changed.emit()
