"""The user guide: the Markdown pages of ``docs`` that ship with the app, in a window of its own."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QAction, QDesktopServices, QKeySequence, QResizeEvent, QTextCursor
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from resnet_desktop.core import paths
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.style.screen import size_within_screen
from resnet_desktop.gui.widgets.help.shipped_pages import ShippedPages
from resnet_desktop.gui.widgets.plain import PlainLabel

GUIDE = "guide"
"""The folder of the guide among the pages."""
FIRST = f"{GUIDE}/index.md"
_CONTENTS_WIDTH = 230
_WIDE_ENOUGH = 720
"""Pixels of the window from which the list of pages stands beside the page."""
_PAGE_ROLE = int(Qt.ItemDataRole.UserRole)


class GuideWindow(QWidget):
    """Stays beside the main window, so that one can read and do."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setWindowTitle(self.tr("Guide"))
        self._texts = _pages(paths.docs_folder())
        self.pages, self.contents = ShippedPages(paths.docs_folder()), QListWidget()
        self.search, self._said = QLineEdit(), PlainLabel()
        self._back, self._home = QPushButton(self.tr("Back")), QPushButton(self.tr("Contents"))
        self._build()
        self._connect()
        size_within_screen(self, (980, 700), (360, 280))
        self.open_page()

    def open_page(self, name: str = "") -> None:
        """A page of the guide by the name of its file; the first page where none is named."""
        self.pages.open_page(f"{GUIDE}/{name}" if name else FIRST)

    def find_next(self) -> None:
        """The next place of what is looked for; behind the last of a page, on the next page that has it."""
        words = self.search.text().strip()
        found = not words or self.pages.find(words) or self._find_beyond(words)
        self._said.setText("" if found else self.tr("Not found"))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The list of pages is there where there is room for it."""
        super().resizeEvent(event)
        wide = self.width() >= _WIDE_ENOUGH
        self.contents.setVisible(wide)
        self._home.setHidden(wide)

    def _find_beyond(self, words: str) -> bool:
        names = list(self._texts)
        place = names.index(self.pages.page) if self.pages.page in names else -1
        for name in (*names[place + 1 :], *names[: place + 1]):
            if words.casefold() not in self._texts[name].casefold():
                continue
            if name != self.pages.page:
                self.pages.open_page(name)
            self.pages.moveCursor(QTextCursor.MoveOperation.Start)
            if self.pages.find(words):
                return True
        return False

    def _build(self) -> None:
        self.pages.setAccessibleName(self.tr("Guide"))
        self.pages.document().setDocumentMargin(theme.XL)
        self.contents.setAccessibleName(self.tr("Pages of the guide"))
        self.contents.setFixedWidth(_CONTENTS_WIDTH)
        self.contents.setWordWrap(True)
        self.contents.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for name, text in self._texts.items():
            item = QListWidgetItem(_title(text), self.contents)
            item.setData(_PAGE_ROLE, name)
        self.search.setPlaceholderText(self.tr("Find in the guide"))
        self.search.setAccessibleName(self.tr("Find in the guide"))
        self.search.setClearButtonEnabled(True)
        self._said.setProperty("tone", "secondary")
        self._back.setEnabled(False)
        row = QHBoxLayout()
        row.setContentsMargins(theme.S, theme.S, theme.S, theme.S)
        row.setSpacing(theme.S)
        row.addWidget(self._back)
        row.addWidget(self._home)
        row.addStretch(1)
        row.addWidget(self._said)
        row.addWidget(self.search, 1)
        columns = QHBoxLayout()
        columns.setSpacing(0)
        columns.addWidget(self.contents)
        columns.addWidget(self.pages, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(row)
        layout.addLayout(columns, 1)

    def _connect(self) -> None:
        self.pages.web_asked.connect(lambda address: QDesktopServices.openUrl(QUrl(address)))
        self.pages.page_changed.connect(self._on_page)
        self.pages.backwardAvailable.connect(self._back.setEnabled)
        self.contents.itemClicked.connect(self._on_item)
        self.contents.itemActivated.connect(self._on_item)
        self.search.returnPressed.connect(self.find_next)
        self.search.textChanged.connect(self._on_words)
        self._back.clicked.connect(self.pages.backward)
        self._home.clicked.connect(lambda: self.open_page())
        for keys, does in (
            (QKeySequence.StandardKey.Find, self.search.setFocus),
            (QKeySequence.StandardKey.FindNext, self.find_next),
            (QKeySequence.StandardKey.Back, self.pages.backward),
            ("Esc", self.close),
        ):
            action = QAction(self)
            action.setShortcut(QKeySequence(keys))
            action.triggered.connect(does)
            self.addAction(action)

    def _on_page(self, name: str) -> None:
        names = list(self._texts)
        self.contents.setCurrentRow(names.index(name) if name in names else -1)

    def _on_item(self, item: QListWidgetItem) -> None:
        name = str(item.data(_PAGE_ROLE))
        if name != self.pages.page:
            self.pages.open_page(name)

    def _on_words(self) -> None:
        """Looked for on this page while it is typed, from the beginning of what is found now."""
        words, cursor = self.search.text().strip(), self.pages.textCursor()
        cursor.setPosition(cursor.selectionStart())
        self.pages.setTextCursor(cursor)
        found = not words or self.pages.find(words)
        if not found:
            self.pages.moveCursor(QTextCursor.MoveOperation.Start)
            found = self.pages.find(words)
        elsewhere = any(words.casefold() in text.casefold() for text in self._texts.values())
        said = self.tr("Enter: on another page") if elsewhere else self.tr("Not found")
        self._said.setText("" if found else said)


def _pages(folder: Path) -> dict[str, str]:
    """The text of each page of the guide, in the order in which the first one links to them."""
    first = (folder / FIRST).read_text("utf-8")
    linked = [f"{GUIDE}/{name}" for name in re.findall(r"\]\(([\w-]+\.md)\)", first)]
    return {name: (folder / name).read_text("utf-8") for name in dict.fromkeys((FIRST, *linked))}


def _title(text: str) -> str:
    """The first heading of a page."""
    return text.partition("\n")[0].removeprefix("#").strip()
