"""The menu of installed models."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from resnet_desktop.gui.background.tasks import Tasks


class ModelMenu(QObject):
    """The installed models, the one in use ticked, and below them what else can be done.

    Signal: ``model_chosen`` (a name in the library).
    """

    model_chosen = Signal(str)

    def __init__(self, menu: QMenu, more: Sequence[QAction], tasks: Tasks, window: QWidget) -> None:
        super().__init__(window)
        self._menu, self._more, self._tasks = menu, tuple(more), tasks
        self._names: tuple[str, ...] = ()
        self._current = ""
        self._due = False  # the list is not that of the menu, which was open when it came
        self._group = QActionGroup(self)
        self._group.triggered.connect(lambda action: self.model_chosen.emit(action.data()))
        menu.addActions(self._more)
        menu.aboutToHide.connect(self._on_hide)

    def show_current(self, name: str) -> None:
        """Tick the model that answers now, and look again for what is installed."""
        self._current = name
        self._tasks.run_task(_installed, self._on_listed)

    def _on_listed(self, future: Future[tuple[str, ...]]) -> None:
        self._names, self._due = future.result(), self._menu.isVisible()
        if not self._due:
            self._fill()

    def _on_hide(self) -> None:
        if self._due:
            self._due = False
            QTimer.singleShot(0, self._fill)  # what was chosen in it is still to be heard

    def _fill(self) -> None:
        for action in self._group.actions():
            self._group.removeAction(action)
            action.deleteLater()
        self._menu.clear()
        for name in self._names:
            action = self._menu.addAction(name)
            action.setCheckable(True)
            action.setChecked(name == self._current)
            action.setData(name)
            self._group.addAction(action)
        if self._names:
            self._menu.addSeparator()
        self._menu.addActions(self._more)


def _installed() -> tuple[str, ...]:
    from resnet_desktop.bundle.library.library import Library  # brings in onnx, which the window does not wait for

    return tuple(entry.name for entry in Library().entries())
