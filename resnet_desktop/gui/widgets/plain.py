"""Text that is shown as it is.

Qt takes what looks like HTML for HTML, in labels, tips and boxes, and an image in it is loaded from wherever it says:
a class that is called ``<img src=…>`` would have the window open a file. So labels are made here, and tips and boxes
pass through here; a test looks that none is made elsewhere. The pages of the guide, which are ours, may be markup.
"""

from __future__ import annotations

import html
from pathlib import Path

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import Qt as GuiQt
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QLabel, QMessageBox, QTextBrowser, QWidget


class PlainLabel(QLabel):
    """A label that shows its text letter by letter.

    Args:
        text: to begin with.
        parent: the widget that it lies in.
    """

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        super().setText(text)


class ShippedPages(QTextBrowser):
    """Shows Markdown pages of a folder that ships with the app: the only text that is markup, for it is our own.

    Signal: ``web_asked`` (str): an address of the web was clicked.

    Args:
        folder: where the pages lie; nothing else is read.
        parent: the widget that it lies in.
    """

    web_asked = Signal(str)

    def __init__(self, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self.setOpenLinks(False)
        self.anchorClicked.connect(self._on_link)

    def open_page(self, name: str) -> None:
        """A page by the name of its file."""
        self.setSource(QUrl.fromLocalFile(str(self._folder / name)), QTextDocument.ResourceType.MarkdownResource)

    def _on_link(self, url: QUrl) -> None:
        name = url.path().rsplit("/", 1)[-1]
        if url.scheme() in ("http", "https"):
            self.web_asked.emit(url.toString())
        elif name.endswith(".md") and (self._folder / name).is_file():
            self.open_page(name)


def plain_tip(text: str) -> str:
    """``text`` for a tool tip, which is always looked at for HTML: the same, or HTML that shows it letter by letter."""
    if not GuiQt.mightBeRichText(text):
        return text
    return f"<span>{html.escape(text, quote=False).replace(chr(10), '<br>')}</span>"


def message_box(parent: QWidget, title: str, text: str, more: str = "") -> QMessageBox:
    """A box that deletes itself when it is closed; it has no buttons yet.

    Args:
        parent: its window.
        title: of the box.
        text: what it says.
        more: what it says below, smaller.
    """
    box = QMessageBox(parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setWindowTitle(title)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(text)
    if more:
        box.setInformativeText(more)
        for label in box.findChildren(QLabel):  # the text's format is not that of the text below
            label.setTextFormat(Qt.TextFormat.PlainText)
    return box
