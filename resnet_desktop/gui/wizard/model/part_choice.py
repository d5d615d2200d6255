"""How much of the network is trained: the choice in plain words, and what it means drawn as a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QGridLayout, QHBoxLayout, QRadioButton, QVBoxLayout, QWidget

from resnet_desktop.gui.style import theme
from resnet_desktop.gui.widgets.plain import PlainLabel
from resnet_desktop.gui.wizard.model.network_diagram import NetworkDiagram, Piece, pieces, sentence
from resnet_desktop.gui.wizard.page import secondary

if TYPE_CHECKING:
    from resnet_desktop.jobs.launching.estimate import Part


class PartChoice(QWidget):
    """Three choices with what each takes and brings; ``others`` has two that few need, for a place of their own.

    Signal: ``changed``.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.others = QWidget()
        self._cards = {name: PartCard(*words) for name, words in self._choices().items()}
        self._buttons = {name: card.button for name, card in self._cards.items()}
        self._buttons |= {name: QRadioButton(title) for name, (title, _) in self._more().items()}
        self._buttons["head"].setChecked(True)
        self._build()

    @property
    def chosen(self) -> str:
        """``train`` of the job."""
        return next(name for name, button in self._buttons.items() if button.isChecked())

    @property
    def main(self) -> tuple[str, ...]:
        """The parts that have a card."""
        return tuple(self._cards)

    def card(self, train: str) -> PartCard:
        """The card of a part that has one."""
        return self._cards[train]

    def choose(self, train: str) -> None:
        """Choose a part, as the user would."""
        self._buttons[train].setChecked(True)

    def refresh_fonts(self) -> None:
        """Follow the app's font."""
        for card in self._cards.values():
            card.refresh_fonts()

    def _choices(self) -> dict[str, tuple[str, str]]:
        return {
            "head": (
                self.tr("Only the last layer"),
                self.tr("A few dozen photos are enough. Often as accurate as anything below: the best start."),
            ),
            "last-stage": (
                self.tr("The last stage as well"),
                self.tr("From some hundred photos. Often a little more accurate, most so where details decide."),
            ),
            "all": (
                self.tr("The whole network"),
                self.tr(
                    "From some thousand photos, most to gain where they look like no everyday photos. Best with a GPU."
                ),
            ),
        }

    def _more(self) -> dict[str, tuple[str, str]]:
        return {
            "last-two-stages": (
                self.tr("The last two stages"),
                self.tr("Between the last stage and the whole network."),
            ),
            "scratch": (
                self.tr("From scratch"),
                self.tr("To see what pretraining adds: tens of thousands of photos."),
            ),
        }

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.S)
        for card in self._cards.values():
            layout.addWidget(card)
        grid = QGridLayout(self.others)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(theme.L)
        grid.setVerticalSpacing(theme.XS)
        grid.setColumnStretch(1, 1)
        for row, (name, (_, text)) in enumerate(self._more().items()):
            self._buttons[name].setAccessibleDescription(text)
            grid.addWidget(self._buttons[name], row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(secondary(text), row, 1)
        group = QButtonGroup(self)
        for button in self._buttons.values():
            group.addButton(button)
            button.toggled.connect(self._on_toggled)

    def _on_toggled(self, checked: bool) -> None:
        if checked:
            self.changed.emit()


class PartCard(QFrame):
    """One choice: a title with the time beside it, what to expect, and what it needs. A click anywhere chooses it."""

    def __init__(self, title: str, words: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", "true")
        self.button, self._time = QRadioButton(title), PlainLabel()
        self._words, self._expected = secondary(words), words
        self._needs = ""
        self._build()
        self.refresh_fonts()

    @property
    def time(self) -> str:
        """How long it takes, as far as is known."""
        return self._time.text()

    @property
    def words(self) -> str:
        """What to expect of it, and what it needs; or why it cannot be had."""
        return self._words.text()

    def tell_time(self, text: str) -> None:
        """How long it takes; empty where nobody knows."""
        self._time.setText(text)

    def tell_needs(self, text: str) -> None:
        """What it needs."""
        self._needs = text
        self.tell_problem("")

    def tell_problem(self, text: str) -> None:
        """Why it cannot be had, in place of what to expect; empty where it can."""
        self._words.setText(text or f"{self._expected}\n{self._needs}".strip())
        self.button.setAccessibleDescription(self._words.text())

    def refresh_fonts(self) -> None:
        """Follow the app's font."""
        self.button.setFont(theme.font(strong=True))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose it."""
        super().mouseReleaseEvent(event)
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.button.click()

    def _build(self) -> None:
        self._words.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)  # a click is for the card
        self.tell_needs("")
        line = QHBoxLayout()
        line.addWidget(self.button, 1)
        line.addWidget(self._time)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.L, theme.S, theme.L, theme.S)
        layout.setSpacing(theme.XS)
        layout.addLayout(line)
        inner = QHBoxLayout()
        inner.setContentsMargins(theme.XL, 0, 0, 0)
        inner.addWidget(self._words)
        layout.addLayout(inner)
        self.button.toggled.connect(self._on_toggled)

    def _on_toggled(self, checked: bool) -> None:
        self.setProperty("chosen", "true" if checked else "false")
        self.style().unpolish(self)
        self.style().polish(self)


class NetworkCard(QFrame):
    """What a choice means: the network with what is frozen and what learns, and the same in words."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", "true")
        self._diagram, self._words = NetworkDiagram(), secondary()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.L, theme.M, theme.L, theme.M)
        layout.setSpacing(theme.S)
        layout.addWidget(self._diagram)
        layout.addWidget(self._words)

    @property
    def shown(self) -> tuple[Piece, ...]:
        """What is drawn."""
        return self._diagram.shown

    @property
    def words(self) -> str:
        """What is said."""
        return self._words.text()

    def show_network(
        self, train: str, stages: int, stage_rate: float, parts: Sequence[Part], *, norms_freeze: bool
    ) -> None:
        """Draw the network for a choice (see ``network_diagram.pieces``)."""
        found = pieces(train, stages, stage_rate, parts)
        words = sentence(train, found, norms_freeze=norms_freeze)
        self._diagram.show_pieces(found, words, fresh=train == "scratch")
        self._words.setText(words)
