"""The photo alone, over the whole screen; and from one photo to the next without the list."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QMainWindow, QToolButton, QWidget

from resnet_desktop.gui.inspect.inspect_page import InspectPage
from resnet_desktop.gui.inspect.photo.caption_bar import PHOTO
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.widgets.plain import plain_tip

_STEPS = {
    int(Qt.Key.Key_Right): 1,
    int(Qt.Key.Key_PageDown): 1,
    int(Qt.Key.Key_Space): 1,
    int(Qt.Key.Key_Left): -1,
    int(Qt.Key.Key_PageUp): -1,
    int(Qt.Key.Key_Backspace): -1,
}


class FullScreen(QObject):
    """F11 shows the photo and nothing else; F11 or Esc leads back to the window as it was.

    Args:
        action: switches it, and shows which of both it is.
        window: the main window.
        page: whose photo is shown.
    """

    def __init__(self, action: QAction, window: QMainWindow, page: InspectPage) -> None:
        super().__init__(window)
        self._action, self._window, self._page = action, window, page
        self._hidden: list[QWidget] = []
        self._before = Qt.WindowState.WindowNoState
        action.triggered.connect(self.show)
        window.installEventFilter(self)

    @property
    def shown(self) -> bool:
        """Whether the photo has the whole screen."""
        return bool(self._hidden)

    def show(self, on: bool) -> None:
        """Enter or leave."""
        self._action.setChecked(on)
        if on == self.shown:
            return
        if on:
            self._before = self._window.windowState()
            self._page.views.show_view(PHOTO)
            self._hidden = [widget for widget in self._others() if not widget.isHidden()]
            for widget in self._hidden:
                widget.hide()
            self._window.showFullScreen()
            self._page.view.setFocus()
            return
        for widget in self._hidden:
            widget.show()
        self._hidden = []
        self._window.setWindowState(self._before)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Esc leads back before it is a command."""
        if self.shown and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            if event.type() == QEvent.Type.ShortcutOverride:
                event.accept()
                return True
            if event.type() == QEvent.Type.KeyPress:
                self.show(on=False)
                return True
        return super().eventFilter(watched, event)

    def _others(self) -> list[QWidget]:
        """All but the photo: menu, tools, status, and what lies beside and above it."""
        window, middle = self._window, self._page.views
        columns = middle.parentWidget()
        beside = [w for w in columns.children() if isinstance(w, QWidget) and w is not middle] if columns else []
        panels = [widget for widget in beside if not widget.objectName().startswith("qt_splithandle")]
        tools = [bar for bar in window.children() if isinstance(bar, QWidget) and bar.objectName() == "tools"]
        return [window.menuBar(), window.statusBar(), *tools, self._page.views.bar, *panels]


class PhotoSteps(QObject):
    """From the photo that is looked at to the one before or behind it, by command, key, or a click at its edge."""

    def __init__(self, previous: QAction, following: QAction, page: InspectPage) -> None:
        super().__init__(page)
        self._list, self._view = page.gallery, page.view
        self._actions = (previous, following)
        previous.triggered.connect(lambda: self.step(-1))
        following.triggered.connect(lambda: self.step(1))
        self.buttons = tuple(
            _button(action, arrow, self._view) for action, arrow in zip(self._actions, "‹›", strict=True)
        )
        self._view.installEventFilter(self)
        model = self._list.model()
        for changed in (self._list.current_changed, model.rowsInserted, model.rowsRemoved, model.layoutChanged):
            changed.connect(self._refresh)
        self._refresh()

    def step(self, by: int) -> None:
        """So many rows on; at either end it stays."""
        row = self._list.currentIndex().row() + by
        if 0 <= row < self._list.model().rowCount():
            self._list.select_row(row)
            self._list.scrollTo(self._list.currentIndex())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keys on the photo; the buttons come with the pointer and go with it."""
        kind = event.type()
        if kind in (QEvent.Type.Enter, QEvent.Type.Resize, QEvent.Type.Leave):
            self._place(shown=kind == QEvent.Type.Enter or (kind == QEvent.Type.Resize and self._view.underMouse()))
        if isinstance(event, QKeyEvent) and kind == QEvent.Type.KeyPress and not event.modifiers():
            step = _STEPS.get(event.key())
            arrows = event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right)
            if step is not None and not (
                arrows and self._view.divider.place is not None
            ):  # there they move the divider
                self.step(step)
                return True
        return super().eventFilter(watched, event)

    def _place(self, *, shown: bool) -> None:
        height = self._view.height()
        for button, left in zip(self.buttons, (theme.S, self._view.width() - theme.S), strict=True):
            place = left if left == theme.S else left - button.width()
            button.move(QPoint(place, (height - button.height()) // 2))
            button.setVisible(shown and button.isEnabled())

    def _refresh(self, *_what: object) -> None:
        row, rows = self._list.currentIndex().row(), self._list.model().rowCount()
        for action, possible in zip(self._actions, (row > 0, 0 <= row < rows - 1), strict=True):
            action.setEnabled(possible)
        if any(button.isVisible() for button in self.buttons):
            self._place(shown=True)


def _button(action: QAction, arrow: str, view: QWidget) -> QToolButton:
    button = QToolButton(view)
    button.setText(arrow)
    button.setFont(theme.font(1.6))
    button.setAccessibleName(action.text())
    button.setToolTip(plain_tip(action.text()))
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    button.setProperty("overlay", "true")
    button.setFixedSize(36, 56)
    button.clicked.connect(action.trigger)
    action.enabledChanged.connect(button.setEnabled)
    button.hide()
    return button
