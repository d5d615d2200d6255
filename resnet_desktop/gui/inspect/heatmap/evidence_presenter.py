"""Which heatmap is wanted of the photo that is looked at, and where it comes from.

A map that was computed with those of all depths is shown at once; any other is asked of the session thread. While an
answer is on its way, what was shown before stays, and says what it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from resnet_desktop.explain.cam.methods import DEFAULT_METHOD, METHODS
from resnet_desktop.gui.background.request_slot import RequestSlot
from resnet_desktop.gui.background.session_controller import SessionController
from resnet_desktop.session.results import Evidence, EvidenceRequest, Failure, LayerChoice, ModelInfo, Source

if TYPE_CHECKING:
    from resnet_desktop.core.progress import Cancelled, Progress
    from resnet_desktop.explain.cam.target import Target
    from resnet_desktop.session.engine import Engine

DEEP_METHODS = ("gradcam", "gradcam++", "hirescam", "xgradcam", "layercam", "eigencam")
"""Those whose maps at every depth come from one run."""
GRADIENT_FREE = "eigencam"
"""What is offered where gradients cannot pass."""


class EvidencePresenter(QObject):
    """The evidence for one photo.

    Signals:
        evidence_changed: Evidence, or None while there is none.
        request_changed: EvidenceRequest: what is wanted now.
        waiting_changed: whether an answer is on its way.
        progressed: steps done of a long method, and of how many.
        depths_changed: whether the maps of all depths are being made.
    """

    evidence_changed = Signal(object)
    request_changed = Signal(object)
    waiting_changed = Signal(bool)
    progressed = Signal(int, int)
    depths_changed = Signal(bool)

    def __init__(self, controller: SessionController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._controller = controller
        self._photo: tuple[int, Source] | None = None
        self.info: ModelInfo | None = None
        """The model that is open."""
        self._evidence: Evidence | None = None
        self._request = EvidenceRequest()
        self._waiting = False
        self._deep = RequestSlot(controller, "depths", self)
        self._maps: tuple[Evidence, ...] = ()
        self._deep.answered.connect(self._on_depths)
        self._deep.outdated.connect(self._forget_maps)
        controller.evidence_ready.connect(self._on_evidence)
        controller.evidence_progressed.connect(self._on_progress)
        controller.model_ready.connect(self._on_model)
        controller.model_failed.connect(self._on_model_failed)
        controller.stopped.connect(lambda _failure: self._set_waiting(False))

    @property
    def request(self) -> EvidenceRequest:
        """What is wanted."""
        return self._request

    @property
    def evidence(self) -> Evidence | None:
        """What is shown."""
        return self._evidence

    @property
    def waiting(self) -> bool:
        """Whether an answer is on its way."""
        return self._waiting

    @property
    def layers(self) -> tuple[LayerChoice, ...]:
        """From first to last."""
        return () if self.info is None else self.info.layers

    @property
    def layer(self) -> LayerChoice | None:
        """The layer that is wanted."""
        return choice_of(self.layers, self._request.layer)

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that work at the layer that is wanted, or without any."""
        layer = self.layer
        if layer is not None:
            return layer.methods
        return tuple(name for name, info in METHODS.items() if not info.needs_layer)

    @property
    def photo(self) -> tuple[int, Source] | None:
        """The number and source of the photo."""
        return self._photo

    @property
    def has_depths(self) -> bool:
        """Whether the maps of all depths are there."""
        return bool(self._maps)

    def look_at(self, number: int, source: Source) -> None:
        """Another photo, or another model: the best class, at the layer and by the method that were chosen."""
        self._photo = (number, source)
        self._deep.drop()
        self._forget_maps()
        self._show(None)
        self._set_request(replace(self._request, target=None, against=None))
        self._ask()

    def clear(self) -> None:
        """No photo."""
        self._photo = None
        self._deep.drop()
        self._controller.drop_request()
        self._forget_maps()
        self._set_waiting(False)
        self._show(None)

    def choose_target(self, target: Target) -> None:
        """The evidence for another class, or for a group."""
        against = None if self._request.against == target else self._request.against
        self._change(replace(self._request, target=target, against=against))

    def choose_against(self, against: int | None) -> None:
        """What speaks for the class and against another one."""
        target = self._target
        if against is None or target not in (None, against):
            self._change(replace(self._request, target=target, against=against))
        else:
            self.request_changed.emit(self._request)  # a class is not set against itself: say so to the control

    def choose_method(self, method: str) -> None:
        """Another way to make the map."""
        if method in self.methods:
            self._change(replace(self._request, method=method))

    def choose_layer(self, name: str) -> None:
        """Another layer; by another method, where this one does not work there."""
        choice = choice_of(self.layers, name)
        if choice is None:
            return
        method = self._request.method if self._request.method in choice.methods else next(iter(choice.methods), "")
        wanted = replace(self._request, layer=None if choice.recommended else name, method=method)
        if wanted != self._request:
            if method == self._request.method:
                self.prepare_depths()
            self._change(wanted)

    def step_layer(self, step: int) -> None:
        """Deeper (1) or shallower (-1)."""
        layer, names = self.layer, [choice.name for choice in self.layers]
        if layer is not None and METHODS[self._request.method].needs_layer:
            place = names.index(layer.name) + step
            if 0 <= place < len(names):
                self.choose_layer(names[place])

    def step_method(self, step: int) -> None:
        """The next method that works here (1), or the one before (-1)."""
        methods = self.methods
        if self._request.method in methods:
            self.choose_method(methods[(methods.index(self._request.method) + step) % len(methods)])
        elif methods:
            self.choose_method(methods[0])

    def prepare_depths(self) -> None:
        """Have the maps of all depths made, so that moving between them is instant."""
        if self._photo is None or self._maps or self._switching or self._request.method not in DEEP_METHODS:
            return
        number, source = self._photo
        wanted = self._any_depth
        if self._deep.asked == (number, wanted):
            return

        def work(engine: Engine, cancelled: Cancelled, _progress: Progress) -> object:
            return engine.analysis.depths(number, source, wanted, cancelled)

        self._deep.ask((number, wanted), work)
        self.depths_changed.emit(self._deep.asked is not None)

    def cancel(self) -> None:
        """Give up what is on its way, and want again what is shown."""
        self._deep.drop()
        self.depths_changed.emit(False)
        if self._waiting:
            self._controller.drop_request()
            self._set_waiting(False)
            if self._evidence is not None:
                self._set_request(self._evidence.request)

    @property
    def _target(self) -> Target | None:
        """The class or group that is wanted, as far as it is known."""
        if self._request.target is None and self._evidence is not None:
            return self._evidence.target
        return self._request.target

    @property
    def _any_depth(self) -> EvidenceRequest:
        return replace(self._request, layer=None)

    def _change(self, wanted: EvidenceRequest) -> None:
        before = self._any_depth
        if wanted == self._request:
            return
        self._set_request(wanted)
        if self._any_depth != before:
            self._deep.drop()
            self._forget_maps()
        ready = self._ready()
        if ready is not None:
            self._controller.drop_request()
            self._set_waiting(False)
            self._show(replace(ready, request=wanted))
        elif self._deep.asked is not None:  # it comes with those of all depths
            self._controller.drop_request()
            self._set_waiting(True)
        else:
            self._ask()

    def _ready(self) -> Evidence | None:
        layer = self.layer
        return None if layer is None else next((map_ for map_ in self._maps if map_.layer == layer.name), None)

    def _ask(self) -> None:
        if self._photo is not None:
            self._set_waiting(True)
            if not self._switching:
                self._controller.explain(*self._photo, self._request)

    def _set_request(self, wanted: EvidenceRequest) -> None:
        self._request = wanted
        self.request_changed.emit(wanted)

    def _set_waiting(self, waiting: bool) -> None:
        self._waiting = waiting
        self.waiting_changed.emit(waiting)

    def _forget_maps(self) -> None:
        self._maps = ()
        self.depths_changed.emit(False)

    def _show(self, evidence: Evidence | None) -> None:
        self._evidence = evidence
        self.evidence_changed.emit(evidence)

    def _on_evidence(self, evidence: Evidence) -> None:
        if self._photo is not None and evidence.item == self._photo[0] and evidence.request == self._request:
            self._set_waiting(False)
            self._show(evidence)

    def _on_progress(self, done: int, total: int) -> None:
        if self._waiting:
            self.progressed.emit(done, total)

    def _on_depths(self, answer: tuple[Evidence, ...] | Failure) -> None:
        self.depths_changed.emit(False)
        if self._photo is None:
            return
        if not isinstance(answer, Failure):
            self._maps = answer
        if self._waiting:
            ready = self._ready()
            if ready is None:  # not a block, or none is reached: the map of this layer alone, or why there is none
                self._ask()
                return
            self._controller.drop_request()
            self._set_waiting(False)
            self._show(replace(ready, request=self._request))

    @property
    def _switching(self) -> bool:
        """Whether a model is being opened: what is asked now would be asked of another one."""
        return self._controller.loading > 0

    def _on_model_failed(self, _failure: Failure) -> None:
        if self._waiting:
            self._ask()

    def _on_model(self, info: ModelInfo) -> None:
        """Layer and method stay where the new model has them; the photo is looked at anew by whoever shows it."""
        self.info = info
        layer = self._request.layer if choice_of(info.layers, self._request.layer) is not None else None
        self._request = EvidenceRequest(layer=layer, method=self._request.method)
        if self._request.method not in self.methods:
            # Without any layer the default says that there is none: occlusion takes seconds and waits to be chosen.
            usual = DEFAULT_METHOD in self.methods or not info.layers
            self._request = replace(self._request, method=DEFAULT_METHOD if usual else self.methods[0])
        self._forget_maps()
        self.request_changed.emit(self._request)


def choice_of(layers: tuple[LayerChoice, ...], name: str | None) -> LayerChoice | None:
    """A layer by its name; None is the recommended one."""
    found = (choice for choice in layers if (choice.recommended if name is None else choice.name == name))
    return next(found, None)
