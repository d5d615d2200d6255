"""Photos that a model was asked about, as a sheet: with heatmaps if wished, and each large at a double click."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtGui import QPixmap, QShowEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.widgets.choice import Choice
from resnet_desktop.gui.wizard.page import secondary
from resnet_desktop.gui.wizard.pictures.picture_dialog import PictureDialog
from resnet_desktop.gui.wizard.pictures.picture_grid import MOST, Picture, PictureGrid
from resnet_desktop.gui.wizard.pictures.picture_heatmaps import Heatmaps, Wish
from resnet_desktop.session.results import Failure

if TYPE_CHECKING:
    from resnet_desktop.jobs.results import PictureResult

AHEAD = 40
"""Pictures out of view whose heatmaps are made when those in view are there."""


class PictureSheet(QWidget):
    """The switch for heatmaps, the photos, and words about them.

    Args:
        heatmaps: who makes them.
        lead: stands above the photos, if anything does.

    Attributes:
        grid: the photos.
        dialog: one of them by itself.
    """

    def __init__(self, heatmaps: Heatmaps, lead: QWidget | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._heatmaps = heatmaps
        self._pictures: dict[str, PictureResult] = {}
        self._decided: tuple[Sequence[str], Mapping[str, str]] = ((), {})
        self.dialog = PictureDialog(heatmaps, self)
        self.grid = PictureGrid()
        self._words = secondary()
        self._heat, self._whose = QCheckBox(self.tr("Heatmaps")), Choice()
        self._build(lead)

    @property
    def words(self) -> str:
        """What is said about the sheet."""
        return self._words.text()

    def say(self, words: str) -> None:
        """Say something about the sheet."""
        self._words.setText(words)

    def show_pictures(self, pictures: Sequence[PictureResult]) -> None:
        """Show these photos, with what was decided about them."""
        self._pictures = {picture.path: picture for picture in pictures}
        self.grid.show_pictures([judged(picture) for picture in pictures[:MOST]])
        self.grid.mark(*self._decided)
        self._on_view()

    def mark(self, left_out: Sequence[str], renamed: Mapping[str, str]) -> None:
        """Show what was decided about photos: those that are left out, and what others really are."""
        self._decided = left_out, renamed
        self.grid.mark(left_out, renamed)

    def set_heat(self, on: bool, *, of_truth: bool = False) -> None:
        """With or without heatmaps: of what the model says, or of what the photos are."""
        self._whose.setCurrentIndex(int(of_truth))
        self._heat.setChecked(on)

    def open(self, name: str) -> None:
        """Look at one photo by itself."""
        if name not in self._pictures:
            return
        self.dialog.show_pictures(list(self._pictures.values()), list(self._pictures).index(name))

    def close_loader(self) -> None:
        """Wait for the thread."""
        self.grid.close_loader()

    def showEvent(self, event: QShowEvent) -> None:
        """Heatmaps are made for the sheet that is looked at."""
        super().showEvent(event)
        self._on_view()

    def _build(self, lead: QWidget | None) -> None:
        self._whose.addItem(self.tr("for the predicted class"), False)
        self._whose.addItem(self.tr("for the actual class"), True)
        self._whose.setAccessibleName(self.tr("Whose evidence the heatmaps show"))
        self._heat.setToolTip(self.tr("Where the new model finds its evidence in each photo"))
        self._heat.toggled.connect(self._on_heat)
        self._whose.currentIndexChanged.connect(self._on_heat)
        self._whose.setMinimumContentsLength(15)
        self._whose.hide()
        self.grid.opened.connect(self.open)
        self.grid.view_changed.connect(self._on_view)
        self.grid.setToolTip(self.tr("Double-click a photo to see its heatmaps."))
        self._heatmaps.painted.connect(self._on_painted)
        self._heatmaps.failed.connect(self._on_failed)
        row = QHBoxLayout()
        if lead is not None:
            row.addWidget(lead)
        row.addStretch(1)
        row.addWidget(self._heat)
        row.addWidget(self._whose)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.XS)
        layout.addLayout(row)
        layout.addWidget(self.grid, 1)
        layout.addWidget(self._words)

    def _wish(self, name: str) -> Wish:
        picture = self._pictures[name]
        return name, picture.label if self._whose.currentData() else picture.predicted

    def _over(self, name: str) -> QPixmap | None:
        return self._heatmaps.kept(*self._wish(name)) if name in self._pictures else None

    def _on_heat(self) -> None:
        on = self._heat.isChecked()
        self._whose.setVisible(on)
        self.grid.show_over(self._over if on else None)
        self._on_view()

    def _on_view(self) -> None:
        if not self.isVisible():
            return
        if not self._heat.isChecked():
            self._heatmaps.want(())
            return
        seen, names = self.grid.in_view, self.grid.names
        first = names.index(seen[0]) if seen else 0
        known = set(seen)
        ahead = [name for name in names[first:] if name not in known][:AHEAD]
        self._heatmaps.want([self._wish(name) for name in (*seen, *ahead) if name in self._pictures])

    def _on_painted(self, name: str, label: str) -> None:
        if name in self._pictures and self._wish(name) == (name, label):
            self.grid.viewport().update()

    def _on_failed(self, failure: Failure) -> None:
        if self._heat.isChecked():
            self._heat.setChecked(False)
            self.say(failure.text)


def judged(picture: PictureResult) -> Picture:
    """A photo with what the model says of it."""
    caption = picture.predicted if picture.right else f"{picture.label} → {picture.predicted}"
    return Picture(picture.path, caption, wording.percent(picture.probability))
