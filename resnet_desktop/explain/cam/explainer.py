"""Heatmaps: where the network found its evidence for a class."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.bundle.file.layers import Layer
from resnet_desktop.bundle.file.layers import layers as layers_of
from resnet_desktop.core.errors import LayerError
from resnet_desktop.core.progress import Cancelled, Progress, never, stop_if, unheard
from resnet_desktop.explain.autodiff.backward import has_rules
from resnet_desktop.explain.autodiff.gradient_sessions import GradientSessions
from resnet_desktop.explain.cam import activation_maps as cams
from resnet_desktop.explain.cam import perturbation
from resnet_desktop.explain.cam import target as targets
from resnet_desktop.explain.cam.heatmap import NO_LAYER, Heatmap, Subject
from resnet_desktop.explain.cam.methods import DEFAULT_METHOD, METHODS, MethodInfo
from resnet_desktop.explain.cam.target import Target
from resnet_desktop.imaging.decode import Source
from resnet_desktop.inference.classifier import Classifier, Prediction

__all__ = ["Explainer", "Heatmap", "Subject"]

FUSED_SIZES = 3
"""How many grid sizes the fusion takes: earlier layers show edges of whatever the photo shows."""


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    """What is asked of one photo."""

    subject: Subject
    target: Target
    against: Target | None
    cancelled: Cancelled
    progress: Progress


class Explainer:
    """Explains the predictions of one classifier.

    Args:
        classifier: the model; its own session is used where it has what is needed, and never changed.
        sessions: where other graphs of it run; made for this explainer unless given.
    """

    def __init__(self, classifier: Classifier, sessions: GradientSessions | None = None) -> None:
        self.classifier = classifier
        self.sessions = sessions if sessions is not None else GradientSessions(classifier)
        self._without_rule: dict[str, str | None] = {}

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that can be explained, from input to output."""
        return layers_of(self.classifier.bundle)

    def layer(self, name: str | None) -> Layer:
        """A layer by its name; None is the recommended one, and a stage's name (``layer3``) its last block.

        Raises:
            LayerError: ``unknown_layer``.
        """
        if name is None:
            found = [layer for layer in self.layers if layer.recommended]
        else:
            found = [layer for layer in self.layers if name in (layer.name, layer.tensor)]
            found = found or [layer for layer in self.layers if layer.name.startswith((f"{name}.", f"{name},"))]
        if found:
            return found[-1]
        path = self.classifier.bundle.path.name
        if name is None:
            message = f"{path} has no layer with height and width."
            raise LayerError("unknown_layer", message, "Occlusion works without one.")
        names = ", ".join(layer.name for layer in self.layers[-3:])
        raise LayerError("unknown_layer", f"{path} has no layer {name!r}.", f"Its last layers are {names}.")

    def why_no_gradient(self, layer: Layer) -> str | None:
        """The operator between a layer and the logits that gradients cannot pass; None if they can."""
        if layer.tensor not in self._without_rule:
            bundle = self.classifier.bundle
            operator = None if self._closed(layer) else has_rules(bundle.view, bundle.output_name, layer.tensor)
            self._without_rule[layer.tensor] = operator
        return self._without_rule[layer.tensor]

    def methods(self, layer: Layer | None) -> tuple[str, ...]:
        """The methods that work at a layer, or without any, in the order in which they are offered."""
        if layer is None:
            return tuple(name for name, info in METHODS.items() if not info.needs_layer)
        gradient = self.why_no_gradient(layer) is None
        return tuple(name for name, info in METHODS.items() if gradient or not info.needs_gradient)

    def possible(self, layer: str | None, method: str) -> Layer | None:
        """The layer that ``explain`` would look at; None for a method that looks at none.

        Raises:
            LayerError: ``unknown_method``, ``unknown_layer``, ``no_gradient_rule``.
        """
        info = _known(method)
        if not info.needs_layer:
            return None
        found = self.layer(layer)
        if info.needs_gradient:
            self._check_rules(found)
        return found

    def subject(self, source: Source) -> Subject:
        """Read and classify a photo. Raises ImageError, ProviderError, ModelError."""
        began = time.perf_counter()
        batch = self.classifier.new_batch(1)
        seen = self.classifier.prepare(source, batch[0])
        raw = self.classifier.predict(batch)
        seconds = time.perf_counter() - began
        return Subject(batch[0], self.classifier.prediction(raw, 0, seconds, seen.full_size, seen.notes))

    def seed(self, target: int, against: int | None = None, count: int = 1) -> NDArray[np.float32]:
        """What the gradient of one class's logit is of: 1 at ``target``, -1 at ``against``; ``(count, classes)``.

        Raises:
            IndexError: there is no such class.
        """
        return targets.gradient(np.zeros((count, self.classifier.bundle.classes), np.float32), target, against, 1.0)

    def seed_at(
        self, logits: NDArray[np.float32], target: Target, against: Target | None = None
    ) -> NDArray[np.float32]:
        """What the gradient is of where the network gives ``logits`` ``(n, classes)``; float32 of the same shape.

        Of groups it depends on the logits (see ``target``). Raises IndexError: there is no such class.
        """
        return targets.gradient(logits, target, against, self.classifier.bundle.metadata.temperature)

    def heatmap(self, prediction: Prediction, target: Target) -> Heatmap:
        """Grad-CAM at the last stage for a class or a group, from the same run as the prediction.

        Raises:
            LayerError: ``no_closed_form``: the network does not end in pooling and one linear layer, or the prediction
                was made without keeping activations.
            IndexError: there is no such class.
        """
        features = self.classifier.bundle.features
        if features is None:
            message = "This model does not end in average pooling and one linear layer, so it has no direct heatmap."
            raise LayerError("no_closed_form", message)
        if prediction.activations is None:
            raise LayerError("no_closed_form", "This prediction was made without keeping the data its heatmap needs.")
        seed = self.seed_at(prediction.logits[None], target)[0]
        weights = cams.closed_form_weights(features, seed)
        name = next((layer.name for layer in self.layers if self._closed(layer)), features.layer)
        return Heatmap(
            cam=cams.closed_form(features, prediction.activations, seed),
            layer=name,
            method=DEFAULT_METHOD,
            target=target,
            activations=prediction.activations,
            gradient=np.broadcast_to(weights[:, None, None], prediction.activations.shape),
        )

    def explain(
        self,
        subject: Subject,
        target: Target,
        *,
        layer: str | None = None,
        method: str = DEFAULT_METHOD,
        against: Target | None = None,
        cancelled: Cancelled = never,
        progress: Progress = unheard,
    ) -> Heatmap:
        """The heatmap of one photo.

        Args:
            subject: the photo.
            target: the class, or the classes of the group, whose evidence is wanted.
            layer: where in the network (see ``layer``); occlusion looks at none.
            method: one of ``methods.METHODS``.
            against: a class or group to contrast with: the score is then that of ``target`` minus that of ``against``.
            cancelled: asked before every run of the model.
            progress: told how far a method of many runs is.

        Raises:
            LayerError: ``unknown_method``, ``unknown_layer``, ``no_gradient_rule``.
            IndexError: there is no such class.
            CancelledError: ``cancelled`` said so.
            ModelError: the file is gone or has changed, or gives numbers that are not finite.
            ProviderError: ``provider_failed``.
        """
        began = time.perf_counter()
        targets.check_classes(self.classifier.bundle.classes, target, against)
        where = self.possible(layer, method)
        question = _Question(subject, target, against, cancelled, progress)
        if where is not None:
            found = self._at_layer(question, where, method)
        else:
            score = self._logit_difference if against is not None else self._probability
            cam = perturbation.occlusion(
                partial(score, question), subject.input, cancelled=cancelled, progress=progress
            )
            found = _without_arrays(question, cam, NO_LAYER, method)
        return replace(found, seconds=time.perf_counter() - began)

    def depths(
        self,
        subject: Subject,
        target: Target,
        *,
        method: str = DEFAULT_METHOD,
        against: Target | None = None,
    ) -> tuple[Heatmap, ...]:
        """A heatmap at every depth, from first to last, from one run of one graph.

        At every block, or, in a network without blocks, at every layer; for the methods of one run: those of
        ``cam.GRADIENT_MAPS`` and EigenCAM. Layers that gradients cannot reach are left out. Each map's ``seconds`` are
        those of all of them together.

        Raises:
            LayerError: ``unknown_method`` also for a method of many runs; ``unknown_layer`` if there is no layer;
                ``no_gradient_rule`` if gradients reach none.
            IndexError: there is no such class.
            ModelError, ProviderError: as ``explain``.
        """
        began = time.perf_counter()
        targets.check_classes(self.classifier.bundle.classes, target, against)
        if method not in cams.GRADIENT_MAPS and method != "eigencam":
            title = _known(method).title
            raise LayerError(
                "unknown_method", f"{title} needs many runs or layers for one map, so it cannot show every depth."
            )
        question = _Question(subject, target, against, never, unheard)
        chosen = self._depth_layers(gradient=method != "eigencam")
        tensors = [layer.tensor for layer in chosen]
        batch = subject.input[None]
        if method == "eigencam":
            found = self.sessions.activations(batch, tensors)
            maps = [_eigen(question, layer, found[layer.tensor][0]) for layer in chosen]
        else:
            run = self.sessions.gradient(batch, self._seed(question), tensors)
            maps = [
                _gradient_map(question, layer, method, run.activations[layer.tensor][0], run.gradients[layer.tensor][0])
                for layer in chosen
            ]
        seconds = time.perf_counter() - began
        return tuple(replace(heatmap, seconds=seconds) for heatmap in maps)

    def _at_layer(self, question: _Question, layer: Layer, method: str) -> Heatmap:
        stop_if(question.cancelled)
        match method:
            case "eigencam":
                return _eigen(question, layer, self._activations(question.subject, layer))
            case "scorecam":
                return self._score_cam(question, layer)
            case "smoothgradcam":
                return self._smooth(question, layer)
            case "fusion":
                return self._fusion(question, layer)
        activations, gradient = self._activations_and_gradient(question, layer)
        return _gradient_map(question, layer, method, activations, gradient)

    def _activations_and_gradient(
        self, question: _Question, layer: Layer
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        features = self.classifier.bundle.features
        if features is not None and self._closed(layer):
            activations = self._activations(question.subject, layer)
            weights = cams.closed_form_weights(features, self._seed(question)[0])
            return activations, np.broadcast_to(weights[:, None, None], activations.shape)
        run = self.sessions.gradient(question.subject.input[None], self._seed(question), (layer.tensor,))
        return run.activations[layer.tensor][0], run.gradients[layer.tensor][0]

    def _activations(self, subject: Subject, layer: Layer) -> NDArray[np.float32]:
        """Of one photo, float32 ``(C, h, w)``: those of its prediction, where it kept them."""
        if self._closed(layer) and subject.prediction.activations is not None:
            return subject.prediction.activations
        found = self.sessions.activations(subject.input[None], (layer.tensor,))
        return np.asarray(found[layer.tensor][0])

    def _score_cam(self, question: _Question, layer: Layer) -> Heatmap:
        activations = self._activations(question.subject, layer)
        cam = perturbation.score_cam(
            partial(self._logit_difference, question),
            question.subject.input,
            activations,
            cancelled=question.cancelled,
            progress=question.progress,
        )
        return replace(_without_arrays(question, cam, layer.name, "scorecam"), activations=activations)

    def _smooth(self, question: _Question, layer: Layer) -> Heatmap:
        def maps(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
            one_class = isinstance(question.target, int) and isinstance(question.against, int | None)
            # The gradient of a logit is of that logit wherever it is taken; that of a group's follows its logits.
            logits = None if one_class else self.classifier.predict(pictures).logits
            seed = self._seed(question, logits) if logits is not None else self._seed(question).repeat(len(pictures), 0)
            run = self.sessions.gradient(pictures, seed, (layer.tensor,))
            pairs = zip(run.activations[layer.tensor], run.gradients[layer.tensor], strict=True)
            return np.stack([cams.grad_cam(activations, gradient) for activations, gradient in pairs])

        cam = perturbation.smoothed(
            maps, question.subject.input, cancelled=question.cancelled, progress=question.progress
        )
        return _without_arrays(question, cam, layer.name, "smoothgradcam")

    def _fusion(self, question: _Question, layer: Layer) -> Heatmap:
        chosen = self._fused_layers(layer)
        tensors = [one.tensor for one in chosen]
        run = self.sessions.gradient(question.subject.input[None], self._seed(question), tensors)
        maps = [cams.layer_cam(run.activations[name][0], run.gradients[name][0]) for name in tensors]
        return _without_arrays(question, cams.fused(maps), layer.name, "fusion")

    def _fused_layers(self, layer: Layer) -> list[Layer]:
        """The last layer of each of the last grid sizes up to ``layer``, which is among them."""
        last: dict[tuple[int, int], Layer] = {}
        for one in self.layers[: self.layers.index(layer) + 1]:
            if self.why_no_gradient(one) is None:
                last.pop(one.shape[1:], None)  # a size that comes back belongs where it comes last
                last[one.shape[1:]] = one
        return list(last.values())[-FUSED_SIZES:]

    def _depth_layers(self, *, gradient: bool) -> list[Layer]:
        blocks = [layer for layer in self.layers if layer.residual or layer.kind == "plain block"]
        layers = blocks or list(self.layers)
        if not layers:
            self.layer(None)
        if not gradient:
            return layers
        reached = [layer for layer in layers if self.why_no_gradient(layer) is None]
        if not reached:
            self._check_rules(layers[-1])
        return reached

    def _closed(self, layer: Layer) -> bool:
        return self.classifier.bundle.features is not None and layer.tensor == self.classifier.bundle.features.name

    def _check_rules(self, layer: Layer) -> None:
        operator = self.why_no_gradient(layer)
        if operator is not None:
            free = ", ".join(METHODS[name].title for name in self.methods(layer))
            message = f"Gradients cannot pass through the operator {operator} after {layer.name}."
            raise LayerError("no_gradient_rule", message, f"Methods without gradients: {free}.")

    def _seed(self, question: _Question, logits: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """The seed at the photo's own logits, or at others ``(n, classes)``."""
        at = question.subject.prediction.logits[None] if logits is None else logits
        return self.seed_at(at, question.target, question.against)

    def _logit_difference(self, question: _Question, pictures: NDArray[np.float32]) -> NDArray[np.float64]:
        logits, temperature = self.classifier.predict(pictures).logits, self.classifier.bundle.metadata.temperature
        score = targets.score(logits, question.target, temperature)
        return score if question.against is None else score - targets.score(logits, question.against, temperature)

    def _probability(self, question: _Question, pictures: NDArray[np.float32]) -> NDArray[np.float64]:
        logits = self.classifier.predict(pictures).logits
        return targets.probability(self.classifier.probabilities(logits), question.target)


def _known(method: str) -> MethodInfo:
    if method not in METHODS:
        names = ", ".join(METHODS)
        raise LayerError("unknown_method", f"There is no method called {method!r}.", f"Available: {names}.")
    return METHODS[method]


def _gradient_map(
    question: _Question, layer: Layer, method: str, activations: NDArray[np.float32], gradient: NDArray[np.float32]
) -> Heatmap:
    cam = cams.GRADIENT_MAPS[method](activations, gradient)
    return Heatmap(cam, layer.name, method, question.target, activations, gradient, question.against)


def _eigen(question: _Question, layer: Layer, activations: NDArray[np.float32]) -> Heatmap:
    cam = cams.eigen_cam(activations)
    return Heatmap(cam, layer.name, "eigencam", question.target, activations, None, question.against)


def _without_arrays(question: _Question, cam: NDArray[np.float32], layer: str, method: str) -> Heatmap:
    return Heatmap(cam, layer, method, question.target, None, None, question.against)
