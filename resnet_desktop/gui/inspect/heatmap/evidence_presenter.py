"""Which heatmap is wanted of the photo that is looked at, and where it comes from.

A map that was computed with those of all depths is shown at once; any other is asked of the session thread. While an
answer is on its way, what was shown before stays, and says what it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from resnet_desktop.gui.background.session_controller import SessionController
from resnet_desktop.gui.inspect.heatmap.depth_maps import DepthMaps
from resnet_desktop.session.evidence_choice import DEEP_METHODS, EvidenceChoice
from resnet_desktop.session.results import Evidence, Failure, ModelInfo, Source

if TYPE_CHECKING:
    from resnet_desktop.explain.cam.target import Target


class EvidencePresenter(QObject):
    """The evidence for one photo.

    Attributes:
        choice: what is wanted.
        depths: the maps of all depths.
        info: the model that is open.

    Signals:
        evidence_changed: Evidence, or None while there is none.
        request_changed: EvidenceRequest: what is wanted now.
        waiting_changed: whether an answer is on its way.
        progressed: steps done of a long method, and of how many.
    """

    evidence_changed = Signal(object)
    request_changed = Signal(object)
    waiting_changed = Signal(bool)
    progressed = Signal(int, int)

    def __init__(self, controller: SessionController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._controller = controller
        self._photo: tuple[int, Source] | None = None
        self.info: ModelInfo | None = None
        self.choice = EvidenceChoice()
        self._evidence: Evidence | None = None
        self._waiting = False
        self.depths = DepthMaps(controller, self)
        self.depths.ended.connect(self._on_depths)
        controller.evidence_ready.connect(self._on_evidence)
        controller.evidence_progressed.connect(self._on_progress)
        controller.model_ready.connect(self._on_model)
        controller.model_failed.connect(self._on_model_failed)
        controller.stopped.connect(lambda _failure: self._set_waiting(False))

    @property
    def evidence(self) -> Evidence | None:
        """What is shown."""
        return self._evidence

    @property
    def waiting(self) -> bool:
        """Whether an answer is on its way."""
        return self._waiting

    @property
    def photo(self) -> tuple[int, Source] | None:
        """The number and source of the photo."""
        return self._photo

    def look_at(self, number: int, source: Source) -> None:
        """Another photo, or another model: the best class, at the layer and by the method that were chosen."""
        self._photo = (number, source)
        self.depths.forget()
        self._show(None)
        self._set_choice(self._asking(target=None, against=None))
        self._ask()

    def clear(self) -> None:
        """No photo."""
        self._photo = None
        self.depths.forget()
        self._controller.drop_request()
        self._set_waiting(False)
        self._show(None)

    def choose_target(self, target: Target) -> None:
        """The evidence for another class, or for a group."""
        against = None if self.choice.request.against == target else self.choice.request.against
        self.change(self._asking(target=target, against=against))

    def choose_against(self, against: int | None) -> None:
        """What speaks for the class and against another one."""
        target = self.choice.request.target
        if target is None and self._evidence is not None:
            target = self._evidence.target
        if against is None or target not in (None, against):
            self.change(self._asking(target=target, against=against))
        else:
            self.request_changed.emit(self.choice.request)  # none is set against itself: say so to the control

    def choose_method(self, method: str) -> None:
        """Another way to make the map."""
        self.change(self.choice.by_method(method))

    def choose_layer(self, name: str) -> None:
        """Another layer; by another method, where this one does not work there."""
        self.change(self.choice.at_layer(name))

    def change(self, wanted: EvidenceChoice) -> None:
        """Something else is wanted."""
        before = self.choice
        if wanted == before:
            return
        if wanted.layer != before.layer and wanted.request.method == before.request.method:
            self.prepare_depths()  # who moves to another layer may move on
        self._set_choice(wanted)
        if wanted.any_depth != before.any_depth:
            self.depths.forget()
        if self._show_ready():
            return
        if self.depths.preparing:  # it comes with those of all depths
            self._controller.drop_request()
            self._set_waiting(True)
        else:
            self._ask()

    def prepare_depths(self) -> None:
        """Have the maps of all depths made, so that moving between them is instant."""
        if self._photo is not None and not self._controller.loading and self.choice.request.method in DEEP_METHODS:
            self.depths.prepare(*self._photo, self.choice.any_depth)

    def cancel(self) -> None:
        """Give up what is on its way, and want again what is shown."""
        self.depths.cancel()
        if self._waiting:
            self._controller.drop_request()
            self._set_waiting(False)
            if self._evidence is not None:
                self._set_choice(replace(self.choice, request=self._evidence.request))

    def _asking(self, *, target: Target | None, against: Target | None) -> EvidenceChoice:
        return replace(self.choice, request=replace(self.choice.request, target=target, against=against))

    def _show_ready(self) -> bool:
        """Show the map that is wanted if it is one of those of all depths."""
        ready = self.depths.at(self.choice.layer)
        if ready is None:
            return False
        self._controller.drop_request()
        self._set_waiting(False)
        self._show(replace(ready, request=self.choice.request))
        return True

    def _ask(self) -> None:
        if self._photo is not None:
            self._set_waiting(True)
            if not self._controller.loading:  # else it would be asked of another model
                self._controller.explain(*self._photo, self.choice.request)

    def _set_choice(self, choice: EvidenceChoice) -> None:
        self.choice = choice
        self.request_changed.emit(choice.request)

    def _set_waiting(self, waiting: bool) -> None:
        self._waiting = waiting
        self.waiting_changed.emit(waiting)

    def _show(self, evidence: Evidence | None) -> None:
        self._evidence = evidence
        self.evidence_changed.emit(evidence)

    def _on_evidence(self, evidence: Evidence) -> None:
        if self._photo is not None and evidence.item == self._photo[0] and evidence.request == self.choice.request:
            self._set_waiting(False)
            self._show(evidence)

    def _on_progress(self, done: int, total: int) -> None:
        if self._waiting:
            self.progressed.emit(done, total)

    def _on_depths(self) -> None:
        if self._waiting and not self._show_ready():
            self._ask()  # not a block, or none is reached: the map of this layer alone, or why there is none

    def _on_model_failed(self, _failure: Failure) -> None:
        if self._waiting:
            self._ask()

    def _on_model(self, info: ModelInfo) -> None:
        """The photo is looked at anew by whoever shows it."""
        self.info = info
        self._set_choice(self.choice.of_model(info.layers))
