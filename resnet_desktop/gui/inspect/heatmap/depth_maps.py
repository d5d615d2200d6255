"""The maps of one photo at all depths, made in one run, so that moving between them is instant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from resnet_desktop.gui.background.request_slot import RequestSlot
from resnet_desktop.gui.background.session_controller import SessionController
from resnet_desktop.session.results import Evidence, EvidenceRequest, Failure, LayerChoice, Source

if TYPE_CHECKING:
    from resnet_desktop.core.progress import Cancelled, Progress
    from resnet_desktop.session.engine import Engine


class DepthMaps(QObject):
    """Signals: ``preparing_changed`` (whether they are being made); ``ended``: they are there, or will not come."""

    preparing_changed = Signal(bool)
    ended = Signal()

    def __init__(self, controller: SessionController, parent: QObject) -> None:
        super().__init__(parent)
        self.maps: tuple[Evidence, ...] = ()
        self._slot = RequestSlot(controller, "depths", self)
        self._slot.answered.connect(self._on_answered)
        self._slot.outdated.connect(self.forget)

    @property
    def preparing(self) -> bool:
        """Whether they are being made."""
        return self._slot.asked is not None

    def prepare(self, number: int, source: Source, wanted: EvidenceRequest) -> None:
        """Have them made, unless they are there or on their way; ``wanted`` names no layer."""
        if self.maps or self._slot.asked == (number, wanted):
            return

        def work(engine: Engine, cancelled: Cancelled, _progress: Progress) -> object:
            return engine.analysis.depths(number, source, wanted, cancelled)

        self._slot.ask((number, wanted), work)
        self.preparing_changed.emit(self.preparing)

    def at(self, layer: LayerChoice | None) -> Evidence | None:
        """The map of a layer; None where it is not there."""
        return None if layer is None else next((map_ for map_ in self.maps if map_.layer == layer.name), None)

    def cancel(self) -> None:
        """Make no more; those that are there stay."""
        self._slot.drop()
        self.preparing_changed.emit(False)

    def forget(self) -> None:
        """Something else is looked at."""
        self.maps = ()
        self.cancel()

    def _on_answered(self, answer: tuple[Evidence, ...] | Failure) -> None:
        self.preparing_changed.emit(False)
        if not isinstance(answer, Failure):
            self.maps = answer
        self.ended.emit()
