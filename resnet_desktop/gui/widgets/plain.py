"""Text that is shown as it is.

Qt takes what looks like HTML for HTML, in labels, tips and boxes, and an image in it is loaded from wherever it says:
a class that is called ``<img src=…>`` would have the window open a file. So labels are made here, and tips and boxes
pass through here; a test looks that none is made elsewhere. The pages of the guide, which are ours, may be markup.
"""

from __future__ import annotations

import html

from PySide6.QtCore import Qt
from PySide6.QtGui import Qt as GuiQt
from PySide6.QtWidgets import QLabel, QMessageBox, QWidget


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
