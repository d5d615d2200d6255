"""The photos that the model gets most wrong: often it is the label that is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from resnet_desktop.gui import theme, wording
from resnet_desktop.gui.choice import Choice
from resnet_desktop.gui.wizard.page import secondary
from resnet_desktop.gui.wizard.picture_grid import PictureGrid
from resnet_desktop.gui.wizard.quality_view import judged

if TYPE_CHECKING:
    from resnet_desktop.finetune.results import Results


class MistakesView(QWidget):
    """Signal: ``again_asked`` (names to leave out, right class by name)."""

    again_asked = Signal(object, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._results: Results | None = None
        self._out: list[str] = []
        self._relabel: dict[str, str] = {}
        self.grid = PictureGrid()
        self._suspects = QCheckBox(self.tr("Only those whose label looks wrong"))
        self._leave, self._class = QPushButton(self.tr("Leave out")), Choice()
        self._again = QPushButton(self.tr("Train again"))
        self._words = secondary()
        self._build()

    @property
    def words(self) -> str:
        """What is said about the sheet."""
        return self._words.text()

    def show_results(self, results: Results) -> None:
        """Show the mistakes, the worst first."""
        self._results = results
        self._out, self._relabel = [], {}
        self._class.clear()
        self._class.addItem(self.tr("It is really…"), None)
        for label in results.labels:
            self._class.addItem(label, label)
        suspects = len(results.suspects)
        self._suspects.setText(self.tr("Only those whose label looks wrong ({count})").format(count=suspects))
        self._suspects.setEnabled(bool(suspects))
        self._refill()

    def close_loader(self) -> None:
        """Wait for the thread."""
        self.grid.close_loader()

    def leave_out(self, names: list[str]) -> None:
        """Train without these next time."""
        self._out = list(dict.fromkeys((*self._out, *names)))
        self.grid.mark(self._out)
        self._show_changes()

    def relabel(self, names: list[str], label: str) -> None:
        """Say what these really are."""
        self._relabel |= dict.fromkeys(names, label)
        self._show_changes()

    def _refill(self) -> None:
        if self._results is None:
            return
        shown = self._results.suspects if self._suspects.isChecked() else self._results.mistakes
        self.grid.show_pictures([judged(picture) for picture in shown], self._out)
        self._show_changes()

    def _show_changes(self) -> None:
        count = len(self._out) + len(self._relabel)
        self._again.setEnabled(bool(count))
        if count:
            text = self.tr("{out} left out, {moved} renamed: train again to see what that changes.")
            self._words.setText(
                text.format(out=wording.number(len(self._out)), moved=wording.number(len(self._relabel)))
            )
        elif self.grid.names:
            self._words.setText(self.tr("The worst first. What it is, an arrow, what the model says, and how sure."))
        else:
            self._words.setText(self.tr("It makes no mistakes on the photos set apart."))

    def _on_class(self, index: int) -> None:
        label = self._class.itemData(index)
        if label is not None and self.grid.chosen:
            self.relabel(self.grid.chosen, label)
        self._class.setCurrentIndex(0)

    def _on_chosen(self) -> None:
        some = bool(self.grid.chosen)
        self._leave.setEnabled(some)
        self._class.setEnabled(some)

    def _build(self) -> None:
        self._suspects.toggled.connect(self._refill)
        self._leave.clicked.connect(lambda: self.leave_out(self.grid.chosen))
        self._class.activated.connect(self._on_class)
        self._class.setAccessibleName(self.tr("The right class of the selected photos"))
        self._again.clicked.connect(lambda: self.again_asked.emit(list(self._out), dict(self._relabel)))
        self.grid.chosen_changed.connect(self._on_chosen)
        row = QHBoxLayout()
        for widget in (self._leave, self._class):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self._suspects)
        row.addWidget(self._again)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, theme.M, 0, 0)
        layout.addWidget(self._words)
        layout.addWidget(self.grid, 1)
        layout.addLayout(row)
        self._on_chosen()
        self._show_changes()
