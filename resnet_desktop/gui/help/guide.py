"""The user guide: Markdown pages that ship with the app, with links between them, in a window of its own."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QAction, QDesktopServices, QKeySequence, QTextCursor
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from resnet_desktop.core import paths
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.style.screen import size_within_screen
from resnet_desktop.gui.widgets.plain import PlainLabel, ShippedPages

FIRST = "index.md"


def guide_folder() -> Path:
    """Where the pages lie."""
    return paths.assets_folder() / "guide"


class GuideWindow(QWidget):
    """Stays beside the main window, so that one can read and do."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setWindowTitle(self.tr("Guide"))
        size_within_screen(self, (720, 640), (360, 280))
        self.pages = ShippedPages(guide_folder())
        self.pages.setAccessibleName(self.tr("Guide"))
        self.pages.web_asked.connect(lambda address: QDesktopServices.openUrl(QUrl(address)))
        self.search, self._said = QLineEdit(), PlainLabel()
        self._back = QPushButton(self.tr("Back"))
        self._build()
        self.pages.open_page(FIRST)

    def find_next(self) -> None:
        """The next place of what is looked for; from the beginning again behind the last."""
        words = self.search.text()
        found = not words or self.pages.find(words)
        if not found:
            self.pages.moveCursor(QTextCursor.MoveOperation.Start)
            found = self.pages.find(words)
        self._said.setText("" if found else self.tr("Not found"))

    def _build(self) -> None:
        self.search.setPlaceholderText(self.tr("Find in this page"))
        self.search.setClearButtonEnabled(True)
        self.search.returnPressed.connect(self.find_next)
        self.search.textChanged.connect(self._on_words)
        self._said.setProperty("tone", "secondary")
        self._back.setEnabled(False)
        self._back.clicked.connect(self.pages.backward)
        self.pages.backwardAvailable.connect(self._back.setEnabled)
        self.pages.document().setDocumentMargin(theme.XL)
        for keys, does in ((QKeySequence.StandardKey.Find, self.search.setFocus), ("Esc", self.close)):
            action = QAction(self)
            action.setShortcut(QKeySequence(keys))
            action.triggered.connect(does)
            self.addAction(action)
        row = QHBoxLayout()
        row.setContentsMargins(theme.S, theme.S, theme.S, theme.S)
        row.addWidget(self._back)
        row.addStretch(1)
        row.addWidget(self._said)
        row.addWidget(self.search, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(row)
        layout.addWidget(self.pages, 1)

    def _on_words(self) -> None:
        """Looked for while it is typed, from the beginning of what is found now."""
        cursor = self.pages.textCursor()
        cursor.setPosition(cursor.selectionStart())
        self.pages.setTextCursor(cursor)
        self.find_next()
