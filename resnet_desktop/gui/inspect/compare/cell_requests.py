"""Asks for the heatmaps of the comparison, and puts what comes into its cells."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from resnet_desktop.gui.background.request_slot import careful
from resnet_desktop.gui.background.session_controller import SessionController
from resnet_desktop.gui.inspect.compare.compare_cell import CompareCell
from resnet_desktop.gui.inspect.compare.compare_grid import CompareGrid
from resnet_desktop.gui.inspect.compare.compare_presets import ComparePhoto
from resnet_desktop.session.evidence_choice import choice_of
from resnet_desktop.session.results import Evidence, EvidenceRequest, Failure, LayerChoice

if TYPE_CHECKING:
    from resnet_desktop.core.progress import Cancelled, Progress
    from resnet_desktop.session.engine import Engine

_DEPTH_SLOT = "compare depths"


class CellRequests(QObject):
    """Each cell has a slot of its own; maps that differ in depth alone are asked for together.

    Signal: ``waiting_changed``: whether maps are on their way may have changed.
    """

    waiting_changed = Signal()

    def __init__(self, controller: SessionController, grid: CompareGrid, parent: QObject) -> None:
        super().__init__(parent)
        self._controller, self._grid = controller, grid
        self._deep: tuple[ComparePhoto, tuple[LayerChoice, ...]] | None = None
        controller.answered.connect(self._on_answered)
        controller.progressed.connect(self._on_progressed)

    def ask(self, cell: CompareCell, photo: ComparePhoto) -> None:
        """Ask for the map that is wanted in a cell."""
        number, source, request = photo.number, photo.source, cell.request

        def work(engine: Engine, cancelled: Cancelled, progress: Progress) -> object:
            return engine.analysis.evidence(number, source, request, cancelled, progress)

        self._controller.ask(cell.slot, careful(work))
        self.waiting_changed.emit()

    def ask_depths(self, request: EvidenceRequest, photo: ComparePhoto, layers: tuple[LayerChoice, ...]) -> None:
        """Ask for the maps of all depths, for the cells that wait; ``layers``: those of the model."""
        self._deep = photo, layers
        number, source, wanted = photo.number, photo.source, replace(request, layer=None)

        def work(engine: Engine, cancelled: Cancelled, _progress: Progress) -> object:
            return engine.analysis.depths(number, source, wanted, cancelled)

        self._controller.ask(_DEPTH_SLOT, careful(work))
        self.waiting_changed.emit()

    def drop(self, cell: CompareCell) -> None:
        """Its map is no longer wanted."""
        self._controller.drop(cell.slot)

    def drop_depths(self) -> None:
        """Those of all depths are no longer wanted."""
        self._controller.drop(_DEPTH_SLOT)

    def cancel(self) -> None:
        """Give up what is on its way."""
        self.drop_depths()
        for cell in self._grid.cells:
            if cell.waiting:
                self.drop(cell)
                cell.show_failure(Failure("cancelled", self.tr("Cancelled.")))
        self.waiting_changed.emit()

    def _on_answered(self, slot: str, answer: object) -> None:
        if slot == _DEPTH_SLOT:
            self._on_depths(answer if isinstance(answer, tuple) else ())
            return
        cell = next((cell for cell in self._grid.cells if cell.slot == slot), None)
        if cell is None:
            return
        if isinstance(answer, Failure):
            cell.show_failure(answer)
        elif isinstance(answer, Evidence):
            cell.show_evidence(answer)
        self.waiting_changed.emit()

    def _on_depths(self, maps: tuple[Evidence, ...]) -> None:
        assert self._deep is not None
        photo, layers = self._deep
        for cell in self._grid.cells:
            if cell.kept or not cell.waiting:
                continue
            choice = choice_of(layers, cell.request.layer)
            found = next((map_ for map_ in maps if choice is not None and map_.layer == choice.name), None)
            if found is not None:
                cell.show_evidence(replace(found, request=cell.request))
            else:  # not a block, or gradients do not reach it: the map of this layer alone, or why there is none
                self.ask(cell, photo)
        self.waiting_changed.emit()

    def _on_progressed(self, slot: str, done: int, total: int) -> None:
        for cell in self._grid.cells:
            if cell.slot == slot:
                cell.show_progress(done, total)
