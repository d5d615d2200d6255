"""*Open recent*: the folders, photos and lists that were opened last."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMenu

from resnet_desktop.core import atomic, paths
from resnet_desktop.core.errors import StorageError
from resnet_desktop.core.text.printable import printable
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.widgets.plain import plain_tip

MOST = 12
TOGETHER = 3
"""Of more photos that come together their folder is remembered."""
_LONGEST_NAME = 70


class RecentFiles(QObject):
    """Fills a menu. Signals: ``chosen`` (Path); ``missing`` (Path): it was chosen, and is not there any more."""

    chosen = Signal(Path)
    missing = Signal(Path)

    def __init__(self, menu: QMenu, parent: QObject) -> None:
        super().__init__(parent)
        self._menu = menu
        self._tasks = Tasks(1, "recent", self)
        self._paths: list[str] = []
        self._read = False
        menu.setToolTipsVisible(True)
        menu.setEnabled(False)
        self._tasks.run_task(_read, self._on_read)

    @property
    def paths(self) -> tuple[str, ...]:
        """Those opened last come first."""
        return tuple(self._paths)

    def add(self, opened: Sequence[Path]) -> None:
        """These were opened together."""
        own = (paths.assets_folder(), paths.cache_folder())
        theirs = [path.absolute() for path in opened if not any(path.is_relative_to(folder) for folder in own)]
        if len(theirs) > TOGETHER:
            theirs = list(dict.fromkeys(path.parent for path in theirs))[:TOGETHER]
        if theirs:
            self._keep([*map(str, theirs), *self._paths])

    def clear(self) -> None:
        """Forget all."""
        self._keep([])

    def close(self) -> None:
        """Wait until it is written."""
        self._tasks.finish()

    def _on_chosen(self, name: str) -> None:
        """A drive that sleeps is waited for elsewhere."""
        self._tasks.run_task(lambda: os.path.exists(name), lambda future: self._on_looked(name, future))  # noqa: PTH110 - never raises

    def _on_looked(self, name: str, future: Future[bool]) -> None:
        if future.result():
            self.chosen.emit(Path(name))
            return
        self._keep([other for other in self._paths if other != name])
        self.missing.emit(Path(name))

    def _keep(self, names: Iterable[str]) -> None:
        self._paths = list(dict.fromkeys(names))[:MOST]
        self._fill()
        if self._read:
            kept = list(self._paths)
            self._tasks.run_task(lambda: _write(kept), lambda _future: None)

    def _on_read(self, future: Future[list[str]]) -> None:
        self._read, known = True, future.result()
        self._keep([*self._paths, *known]) if self._paths else self._show(known)

    def _show(self, known: list[str]) -> None:
        self._paths = known
        self._fill()

    def _fill(self) -> None:
        self._menu.clear()
        for name in self._paths:
            words = printable(name)
            short = words if len(words) <= _LONGEST_NAME else f"…{words[-_LONGEST_NAME:]}"
            action = self._menu.addAction(short.replace("&", "&&"))
            action.setToolTip(plain_tip(words))
            action.triggered.connect(lambda _checked=False, name=name: self._on_chosen(name))
        if self._paths:
            self._menu.addSeparator()
            self._menu.addAction(self.tr("Clear this list")).triggered.connect(self.clear)
        self._menu.setEnabled(bool(self._paths))


def _file() -> Path:
    return paths.data_folder() / "recent.json"


def _read() -> list[str]:
    """Empty where there is none, or none that can be read: it is a convenience."""
    try:
        found = json.loads(_file().read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return []
    names = found if isinstance(found, list) else []
    return [name for name in names if isinstance(name, str) and name and "\0" not in name][:MOST]


def _write(names: Sequence[str]) -> None:
    try:
        atomic.write_text(_file(), json.dumps(names) + "\n")
    except StorageError:  # the settings, which lie beside it, say so
        return
