"""How much of the network is trained: the choice in plain words, and what it means drawn as a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QGridLayout, QRadioButton, QVBoxLayout, QWidget

from resnet_desktop.gui.style import theme
from resnet_desktop.gui.wizard.model.network_diagram import NetworkDiagram, Piece, pieces, sentence
from resnet_desktop.gui.wizard.page import heading, secondary

if TYPE_CHECKING:
    from resnet_desktop.jobs.estimate import Part


class PartChoice(QFrame):
    """Signal: ``changed``."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", "true")
        self._buttons = {name: QRadioButton(title) for name, (title, _) in self._choices().items()}
        self._buttons["head"].setChecked(True)
        self._build()

    @property
    def chosen(self) -> str:
        """``train`` of the job."""
        return next(name for name, button in self._buttons.items() if button.isChecked())

    def choose(self, train: str) -> None:
        """Choose a part, as the user would."""
        self._buttons[train].setChecked(True)

    def _choices(self) -> dict[str, tuple[str, str]]:
        return {
            "head": (
                self.tr("Only the last layer"),
                self.tr("Takes seconds and works with a few dozen photos. The best start."),
            ),
            "last-stage": (
                self.tr("The last stage as well"),
                self.tr("Minutes. A few hundred photos, or unusual things."),
            ),
            "last-two-stages": (
                self.tr("The last two stages"),
                self.tr("Longer. A thousand photos of unusual things."),
            ),
            "all": (
                self.tr("The whole network"),
                self.tr("Longest. Many thousands of photos, best on a GPU."),
            ),
            "scratch": (
                self.tr("From scratch"),
                self.tr("To see what pretraining adds: tens of thousands of photos."),
            ),
        }

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.L, theme.M, theme.L, theme.M)
        layout.setSpacing(theme.S)
        layout.addWidget(heading(self.tr("How much of the network?")))
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.L)
        grid.setVerticalSpacing(theme.XS)
        grid.setColumnStretch(1, 1)
        group = QButtonGroup(self)
        for row, (name, (_, text)) in enumerate(self._choices().items()):
            button = self._buttons[name]
            button.setAccessibleDescription(text)
            button.toggled.connect(self._on_toggled)
            group.addButton(button)
            grid.addWidget(button, row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(secondary(text), row, 1)
        layout.addLayout(grid)

    def _on_toggled(self, checked: bool) -> None:
        if checked:
            self.changed.emit()


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
