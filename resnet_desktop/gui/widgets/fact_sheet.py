"""Facts under headings: a title and what is said of it, line by line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLineEdit, QScrollArea, QWidget

from resnet_desktop.gui.style import theme
from resnet_desktop.gui.widgets.plain import PlainLabel, plain_tip

Lines = Iterable[tuple[str, str]]
LONGEST_WORD = 40
"""Letters without a space that a line is thought to have room for."""


class FactSheet(QScrollArea):
    """Headings with lines below them; a line without text is left out, and so is a heading without lines."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName(name)
        self._lines: dict[str, str] = {}

    @property
    def lines(self) -> Mapping[str, str]:
        """What is said, by the title of each line."""
        return self._lines

    def show_facts(self, sections: Iterable[tuple[str, Lines]]) -> None:
        """Show these in place of what was shown."""
        content = QWidget()
        grid = QGridLayout(content)
        grid.setContentsMargins(0, theme.M, theme.M, 0)
        grid.setHorizontalSpacing(theme.L)
        grid.setVerticalSpacing(theme.S)
        grid.setColumnStretch(1, 1)
        self._lines = {}
        for title, lines in sections:
            said = [(name, text) for name, text in lines if text]
            if said:
                head = PlainLabel(title)
                head.setFont(theme.font(1.05, strong=True))
                grid.addWidget(head, grid.rowCount(), 0, 1, 2)
            for name, text in said:
                self._add(grid, name, text)
        grid.setRowStretch(grid.rowCount(), 1)
        self.setWidget(content)

    def _add(self, grid: QGridLayout, name: str, text: str) -> None:
        self._lines[name] = text
        title = PlainLabel(name)
        title.setProperty("tone", "secondary")
        row = grid.rowCount()
        grid.addWidget(title, row, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(_words(name, text), row, 1)


def _words(name: str, text: str) -> QWidget:
    """Words that can be selected; one long word, which has no place to be broken at, is moved through."""
    if len(text) > LONGEST_WORD and not any(letter.isspace() for letter in text):
        line = QLineEdit(text)
        line.setReadOnly(True)
        line.setFrame(False)
        line.setProperty("plain", "true")
        line.setCursorPosition(0)
        line.setToolTip(plain_tip(text))
        line.setAccessibleName(name)
        return line
    words = PlainLabel(text)
    words.setWordWrap(True)
    words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return words
