"""What a page shows in place of an answer: nothing yet, at work, or why there is none."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from resnet_desktop.gui.style import theme
from resnet_desktop.gui.widgets.plain import PlainLabel


class Working(QWidget):
    """Words, progress and one button.

    Signals: ``cancelled`` (the user gives up), ``wanted`` (the user asks again).
    """

    cancelled = Signal()
    wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words, self._more = PlainLabel(), PlainLabel()
        for label in (self._words, self._more):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._more.setProperty("tone", "secondary")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._cancel, self._again = QPushButton(self.tr("Cancel")), QPushButton(self.tr("Try again"))
        self._cancel.clicked.connect(self.cancelled)
        self._again.clicked.connect(self.wanted)
        row = QHBoxLayout()
        row.setSpacing(theme.M)
        row.addWidget(self._bar, 1, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._cancel)
        row.addWidget(self._again)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.S)
        layout.addWidget(self._words)
        layout.addWidget(self._more)
        layout.addLayout(row)
        self.say("")

    @property
    def text(self) -> str:
        """What is said."""
        return f"{self._words.text()} {self._more.text()}".strip()

    @property
    def cancel_button(self) -> QPushButton:
        """Gives up."""
        return self._cancel

    @property
    def again_button(self) -> QPushButton:
        """Asks again."""
        return self._again

    def say(self, words: str, more: str = "", *, again: str = "") -> None:
        """Nothing is under way; ``again``: the words on a button that asks (again)."""
        self._set(words, more)
        self._bar.hide()
        self._cancel.hide()
        self._again.setText(again)
        self._again.setVisible(bool(again))

    def work(self, words: str) -> None:
        """Something is under way; how far is not known."""
        self._set(words, "")
        self._again.hide()
        self._bar.setRange(0, 0)
        self._bar.setAccessibleName(words)
        self._bar.show()
        self._cancel.show()

    def advance(self, done: int, total: int) -> None:
        """It has come so far."""
        self._bar.setRange(0, max(1, total))
        self._bar.setValue(done)

    def _set(self, words: str, more: str) -> None:
        self._words.setText(words)
        self._words.setVisible(bool(words))
        self._more.setText(more)
        self._more.setVisible(bool(more))
