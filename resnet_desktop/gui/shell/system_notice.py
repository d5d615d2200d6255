"""Word of something to a user who looks at other windows."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget

from resnet_desktop.gui.style import icons

SECONDS_SHOWN = 20


class SystemNotice(QObject):
    """The system's own notifications, where it has any; the window's mark in the task bar in any case."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._tray: QSystemTrayIcon | None = None

    def tell(self, title: str, text: str, clicked: Callable[[], None]) -> None:
        """Tell it, unless the app is being looked at."""
        if QApplication.activeWindow() is not None:
            return
        QApplication.alert(self._window)
        if not (QSystemTrayIcon.isSystemTrayAvailable() and QSystemTrayIcon.supportsMessages()):
            return
        self.close()
        self._tray = QSystemTrayIcon(icons.app_icon(), self)  # a message needs an icon that it comes from
        self._tray.messageClicked.connect(clicked)
        self._tray.show()
        self._tray.showMessage(title, text, icons.app_icon(), SECONDS_SHOWN * 1000)
        QTimer.singleShot(SECONDS_SHOWN * 1000, self._tray, self._tray.hide)

    def close(self) -> None:
        """Take the icon away."""
        if self._tray is not None:
            self._tray.hide()
            self._tray.deleteLater()
            self._tray = None
