"""Up to four heatmaps side by side, zoomed and moved together: classes, depths, methods, models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from resnet_desktop.gui.background.session_controller import SessionController
from resnet_desktop.gui.inspect.compare.cell_requests import CellRequests
from resnet_desktop.gui.inspect.compare.compare_cell import CompareCell
from resnet_desktop.gui.inspect.compare.compare_grid import CompareGrid
from resnet_desktop.gui.inspect.compare.compare_presets import (
    CLASSES,
    DEPTHS,
    MOST,
    ComparePhoto,
    carried_over,
    named,
    translated,
    wanted,
)
from resnet_desktop.gui.inspect.compare.preset_bar import PresetBar
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.widgets.plain import PlainLabel
from resnet_desktop.session.evidence_choice import DEEP_METHODS
from resnet_desktop.session.results import Evidence, EvidenceRequest, ModelInfo

MENU_CLASSES = 12
PATIENCE_MS = 250


class CompareView(QWidget):
    """The grid, and ways to fill it. It asks for nothing while it is hidden.

    Signal: ``said`` (a sentence): why nothing happened.
    """

    said = Signal(str)

    def __init__(self, controller: SessionController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._info: ModelInfo | None = None
        self._photo: ComparePhoto | None = None
        self._base = EvidenceRequest()
        self._patience = QTimer(self)  # the base changes with every step of a slider
        self._patience.setSingleShot(True)
        self._patience.setInterval(PATIENCE_MS)
        self._patience.timeout.connect(self._catch_up)
        self._preset = ""
        self._due = False  # the cells are still those of another photo, model or part of the photo
        self.grid, self._hint = CompareGrid(), PlainLabel()
        self.requests = CellRequests(controller, self.grid, self)
        self.grid.request_changed.connect(self._on_request_changed)
        self.grid.removal_asked.connect(self.remove)
        self.bar = PresetBar()
        self.bar.chosen.connect(self.fill)
        self._build()
        controller.fit_changed.connect(self._on_fit_changed)

    @property
    def preset(self) -> str:
        """CLASSES, DEPTHS or METHODS while the cells are those; empty otherwise."""
        return self._preset

    @property
    def waiting(self) -> bool:
        """Whether maps are on their way."""
        return any(cell.waiting for cell in self.grid.cells)

    def show_model(self, info: ModelInfo) -> None:
        """Another model: what was kept stays beside what it says; the rest is asked anew."""
        before, self._info = self._info, info
        if self._photo is not None:  # its classes are those of the model before
            self._photo = replace(self._photo, classes=(), target=None, said=None)
        self._due = True
        for cell in self.grid.cells:
            self.requests.drop(cell)
            if before is None:
                continue
            if not cell.kept:
                cell.request = translated(cell.request, before, info)
            elif not cell.model:
                cell.name(model=before.name)
        self.requests.drop_depths()

    def show_photo(self, photo: ComparePhoto) -> None:
        """Another photo, or another answer for it. Kept cells keep their own photo."""
        before, self._photo = self._photo, photo
        if before is not None and before.number != photo.number:
            self._due = True
            for cell in self.grid.cells:
                if cell.kept and not cell.photo:
                    cell.name(photo=before.name)
        if self.isVisible():
            self._catch_up()

    def show_request(self, request: EvidenceRequest) -> None:
        """What is asked outside the grid: presets change one thing in it, and keep the rest."""
        self._base = request
        if self.isVisible() and self._preset:
            self._patience.start()

    def clear(self) -> None:
        """No photo: nothing to compare."""
        self._photo, self._preset = None, ""
        self._take_away(list(self.grid.cells))
        self._refresh()

    def keep(self, evidence: Evidence) -> bool:
        """Put a heatmap of the photo and by the model of now into the grid as it is, to stay.

        Where there is no place, it takes that of the last one that was not kept; False if all four were.
        """
        photo = self._photo
        if photo is None or photo.number != evidence.item:
            return False
        known = next((cell for cell in self._own_cells() if cell.request == evidence.request), None)
        if known is None and len(self.grid.cells) == MOST:
            free = [cell for cell in self.grid.cells if not cell.kept]
            if not free:
                self.said.emit(self.tr("All four places are taken by heatmaps you added. Remove one first."))
                return False
            self._take_away(free[-1:])
        cell = known if known is not None else self.grid.add(evidence.request, photo.image)
        cell.kept = True
        cell.show_evidence(evidence)
        self._fill_menu(cell)
        self._refresh()
        return True

    def fill(self, preset: str) -> None:
        """CLASSES: the best four. DEPTHS: four layers, in a ResNet the last of each stage. METHODS: four of them."""
        if self._photo is None or self._info is None:
            return
        self._due = False
        if len([cell for cell in self.grid.cells if cell.kept]) == MOST:
            self._set_preset("")
            self.said.emit(self.tr("All four places are taken by heatmaps you added. Remove one first."))
            return
        self._take_away([cell for cell in self.grid.cells if not cell.kept])
        self.requests.drop_depths()
        requests = self._missing(preset)
        together = preset == DEPTHS and self._base.method in DEEP_METHODS
        for request in requests:
            cell = self.grid.add(request, self._photo.image)
            cell.show_waiting(named(request.target, self._info, self._photo))
            self._fill_menu(cell)
            if not together:
                self.requests.ask(cell, self._photo)
        if together and requests:
            self.requests.ask_depths(requests[0], self._photo, self._info.layers)
        self._set_preset(preset)
        self._refresh()

    def remove(self, cell: CompareCell) -> None:
        """Take a heatmap away."""
        self._set_preset("")
        self._take_away([cell])
        self._refresh()

    def showEvent(self, event: QShowEvent) -> None:
        """Now it is time to ask."""
        super().showEvent(event)
        self._catch_up()

    def _catch_up(self) -> None:
        """Fill the grid for the photo and the model of now."""
        if self._photo is None or self._info is None or self._photo.image.isNull():
            return
        if not self.grid.cells:
            self.fill(CLASSES)
        elif self._preset:
            if self._due or [cell.request for cell in self.grid.cells if not cell.kept] != self._missing(self._preset):
                self.fill(self._preset)
        elif self._due:
            self._due = False
            for cell in self.grid.cells:
                if cell.kept:
                    self._fill_menu(cell)
                else:
                    self._ask_anew(cell)

    def _missing(self, preset: str) -> list[EvidenceRequest]:
        """What a preset puts beside the cells that are kept."""
        assert self._photo is not None
        assert self._info is not None
        kept = [cell for cell in self.grid.cells if cell.kept]
        there = [cell.request for cell in self._own_cells() if cell.kept]
        found = [r for r in wanted(preset, self._base, self._info, self._photo) if r not in there]
        return found[: MOST - len(kept)]

    def _own_cells(self) -> list[CompareCell]:
        """Those about the photo and by the model of now."""
        return [cell for cell in self.grid.cells if not cell.model and not cell.photo]

    def _ask_anew(self, cell: CompareCell) -> None:
        """The same question for the photo and the model of now."""
        assert self._photo is not None
        assert self._info is not None
        cell.request = carried_over(cell.request, self._info, self._photo)
        cell.model = cell.photo = ""
        if cell.image is not self._photo.image:
            cell.show_photo(self._photo.image)
        cell.show_waiting(named(cell.request.target, self._info, self._photo))
        self._fill_menu(cell)
        self.requests.ask(cell, self._photo)

    def _take_away(self, cells: Sequence[CompareCell]) -> None:
        for cell in cells:
            self.requests.drop(cell)
            self.grid.take_away(cell)

    def _refresh(self) -> None:
        self.grid.lay_out()
        self.grid.setVisible(bool(self.grid.cells))
        self._hint.setVisible(not self.grid.cells)

    def _fill_menu(self, cell: CompareCell) -> None:
        if self._info is not None and self._photo is not None:
            cell.fill_menu(self._info, self._photo.classes[:MENU_CLASSES], self._photo.said)

    def _set_preset(self, preset: str) -> None:
        self._preset = preset
        self.bar.show_preset(preset)

    def _on_request_changed(self, cell: CompareCell, request: EvidenceRequest) -> None:
        if self._photo is not None and self._info is not None:
            self._set_preset("")
            cell.kept, cell.request = False, request
            self._ask_anew(cell)

    def _on_fit_changed(self, _fit: str) -> None:
        self._due = True

    def _build(self) -> None:
        self._hint.setText(
            self.tr(
                "Fill the grid with the buttons above, or press P to add the current heatmap. It stays when "
                "you open another model or photo."
            )
        )
        self._hint.setWordWrap(True)
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._hint.setProperty("tone", "secondary")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.L, theme.XS, theme.L, theme.M)
        layout.setSpacing(theme.S)
        layout.addWidget(self.bar)
        layout.addWidget(self._hint, 1)
        layout.addWidget(self.grid, 1)
