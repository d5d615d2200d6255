"""Residual blocks opened up: what each adds to its skip, what reaches it on the way back, and what is lost without it.

He et al. 2015 (arXiv:1512.03385), section 4.2, compare the sizes of F(x); He et al. 2016 (arXiv:1603.05027), section 2,
show how skips carry the gradient past every block; Veit et al. 2016 (arXiv:1605.06431) remove blocks of a trained
network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import onnx
from numpy.typing import NDArray

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.structure.blocks import ResidualBlock
from resnet_desktop.core.errors import LayerError
from resnet_desktop.core.progress import Cancelled, Progress, never, stop_if, unheard
from resnet_desktop.explain.autodiff.backward import SEED, gradient_name, gradient_part, has_rules
from resnet_desktop.explain.autodiff.gradient_sessions import GradientSessions, Graph
from resnet_desktop.explain.cam.explainer import Explainer, Subject
from resnet_desktop.explain.cam.feature_maps import FeatureSheet, strongest
from resnet_desktop.explain.cam.target import Target, check_classes, label_of, probability
from resnet_desktop.explain.residual.lesion import LesionTest
from resnet_desktop.explain.residual.network_parts import structure
from resnet_desktop.inference.classifier import Classifier, ClassScore

__all__ = ["BlockAnalysis", "BlockAnalyzer", "BlockReport", "FeatureSheet", "Lesion"]

_CUT = "cut"
"""The variant of the gradients in which the skips are cut."""

_CAN_BE_SILENT = ("Relu", "Clip")
"""Activations that put out exact zeros for what they silence."""


@dataclass(frozen=True, slots=True)
class Lesion:
    """Predictions without a block's F(x).

    Attributes:
        probability: of the target, a fraction of 1.
        top: the most probable class then.
    """

    probability: float
    top: ClassScore

    def as_dict(self) -> dict[str, object]:
        """The lesion as it stands in JSON output."""
        top = {"index": self.top.index, "label": self.top.label, "probability": _rounded(self.top.probability)}
        return {"probability": _rounded(self.probability), "top": top}


@dataclass(frozen=True, slots=True)
class BlockReport:
    """One residual block at work on one picture. Norms are Euclidean, over all units of a tensor.

    Attributes:
        name: such as ``layer3.5``.
        residual_norm: of F(x).
        skip_norm: of what F(x) is added to: x, or its projection.
        ratio: residual_norm / skip_norm; None where the skip is 0 everywhere.
        cosine: between F(x) and the skip, from -1 to 1: below 0 the block takes away, above 0 it adds to what is there;
            None where either is 0 everywhere.
        silenced: the fraction of the output's units that are 0 behind the last ReLU; None where there is none.
        gradient_norm: of the target's logit with respect to the block's output; None where an operator on the way has
            no gradient rule.
        gradient_norm_cut: the same, if no gradient passed the skips of the blocks that follow.
        lesion: the prediction without this block; None if it was not asked for.
    """

    name: str
    residual_norm: float
    skip_norm: float
    ratio: float | None
    cosine: float | None
    silenced: float | None
    gradient_norm: float | None
    gradient_norm_cut: float | None
    lesion: Lesion | None

    def as_dict(self) -> dict[str, object]:
        """The block as it stands in JSON output; numbers to six digits."""
        numbers = ("residual_norm", "skip_norm", "ratio", "cosine", "silenced", "gradient_norm", "gradient_norm_cut")
        lesion = self.lesion.as_dict() if self.lesion is not None else None
        return {"name": self.name, **{name: _rounded(getattr(self, name)) for name in numbers}, "lesion": lesion}


@dataclass(frozen=True, slots=True)
class BlockAnalysis:
    """Every residual block at work on one picture.

    Attributes:
        target: the class, or the classes of the group, whose logit and probability are looked at.
        label: its label.
        probability: of the target by the whole network, a fraction of 1.
        reports: one for each block, from input to output.
    """

    target: Target
    label: str
    probability: float
    reports: tuple[BlockReport, ...]


class BlockAnalyzer:
    """Opens up the blocks of one model. Its two further sessions are opened when needed, and freed with it."""

    def __init__(self, explainer: Explainer) -> None:
        self._explainer = explainer
        self._classifier = explainer.classifier
        self._blocks = structure(self._classifier.bundle).blocks
        self._sessions = GradientSessions(self._classifier, most=2)
        self._measuring = _Measuring(self._classifier, self._blocks, self._sessions)
        self._lesions = LesionTest(self._classifier, self._blocks, self._sessions)

    @property
    def blocks(self) -> tuple[ResidualBlock, ...]:
        """The model's residual blocks; empty if it has none."""
        return self._blocks

    def analyse(
        self,
        subject: Subject,
        target: Target,
        *,
        lesions: bool = True,
        cancelled: Cancelled = never,
        progress: Progress | None = None,
    ) -> BlockAnalysis:
        """Measure every block on one picture: one run for norms and gradients, one for all lesions.

        Args:
            subject: the picture and its prediction.
            target: a class index, or those of a group's classes.
            lesions: whether to make the lesion test.
            cancelled: asked before every run.
            progress: told after every run.

        Raises:
            LayerError: ``no_blocks``.
            IndexError: there is no such class.
            CancelledError: somebody asked for it.
            ModelError: the file is gone or has changed.
            ProviderError: ``provider_failed``.
        """
        bundle = self._classifier.bundle
        check_classes(bundle.classes, target)
        if not self._blocks:
            message = "This network has no residual blocks: no skip connection ends in a sum."
            raise LayerError("no_blocks", message)
        stop_if(cancelled)
        tell = progress or unheard
        test = self._lesions if lesions else None
        total = 1 + (test.runs if test is not None else 0)
        reports = self._measuring.run(subject.input, self._explainer.seed_at(subject.prediction.logits[None], target))
        tell(1, total)
        rows: list[Lesion | None] = [None] * len(self._blocks)
        if test is not None:
            logits = test.logits(subject.input, cancelled, lambda done, _: tell(1 + done, total))
            rows = [self._lesion(row, target) for row in logits]
        reports = [replace(report, lesion=lesion) for report, lesion in zip(reports, rows, strict=True)]
        return BlockAnalysis(
            target=target,
            label=label_of(bundle.metadata, target),
            probability=float(probability(subject.prediction.probabilities, target)),
            reports=tuple(reports),
        )

    def feature_maps(self, subject: Subject, layer: str, target: Target, count: int = 24) -> FeatureSheet:
        """The feature maps of a layer, those that speak most for a class or group first.

        Args:
            subject: the picture.
            layer: a layer's name.
            target: a class index, or those of a group's classes.
            count: how many at most.

        Raises:
            LayerError: ``unknown_layer``, ``no_gradient_rule``.
            IndexError: there is no such class.
        """
        found = self._explainer.layer(layer)
        seed = self._explainer.seed_at(subject.prediction.logits[None], target)
        run = self._explainer.sessions.gradient(subject.input[None], seed, [found.tensor])
        activations, gradient = run.activations[found.tensor][0], run.gradients[found.tensor][0]
        return strongest(found.name, target, activations, gradient, count)

    def _lesion(self, logits: NDArray[np.float32], target: Target) -> Lesion:
        probabilities = self._classifier.probabilities(logits)
        best = int(probabilities.argmax())
        label = self._classifier.bundle.metadata.categories[best]
        return Lesion(float(probability(probabilities, target)), ClassScore(best, label, float(probabilities[best])))


class _Measuring:
    """One run with the blocks' tensors, the gradients at their outputs, and these past cut skips.

    The numbers are made of the fetched tensors: as further nodes of the graph they take longer.
    """

    def __init__(self, classifier: Classifier, blocks: tuple[ResidualBlock, ...], sessions: GradientSessions) -> None:
        bundle = classifier.bundle
        self._bundle = bundle
        self._blocks = blocks
        self._sessions = sessions
        outputs = [block.output for block in blocks]
        # What is nearest to the logits may have a gradient where something before it has none.
        self._layers = [name for name in outputs if has_rules(bundle.view, bundle.output_name, name) is None]

    def run(self, picture: NDArray[np.float32], seed: NDArray[np.float32]) -> list[BlockReport]:
        """A report for each block, without its lesion; ``seed`` ``(1, classes)`` says what the gradient is of."""
        session = self._sessions.session("measures", self._graph)
        others = {SEED: seed} if self._layers else None
        # A skip may start at the picture itself, which the runtime does not give out again.
        found = {self._bundle.input_name: picture[None], **session.run(picture[None], others)}
        return [_report(block, found) for block in self._blocks]

    def _graph(self) -> Graph:
        view, logits, layers = self._bundle.view, self._bundle.output_name, self._layers
        inner = [name for block in self._blocks for name in (block.residual, block.skip, block.output)]
        inner = [name for name in inner if name != self._bundle.input_name]
        data, outputs = bundles.serialized(self._bundle, inner), list(dict.fromkeys(inner))
        if not layers:
            return data, outputs
        model = onnx.load_from_string(data)
        cut = [(block.total, block.skip) for block in self._blocks]
        parts = (
            gradient_part(model, view, logits, layers),
            gradient_part(model, view, logits, layers, cut=cut, variant=_CUT, seed=False),
        )
        outputs += [gradient_name(name, variant) for name in layers for variant in ("", _CUT)]
        # Protobuf merges messages that follow each other: the weights are not copied around.
        return data + b"".join(onnx.ModelProto(graph=part).SerializeToString() for part in parts), outputs


def _report(block: ResidualBlock, found: Mapping[str, NDArray[np.float32]]) -> BlockReport:
    residual, skip = _flat(found[block.residual]), _flat(found[block.skip])
    residual_norm, skip_norm = float(np.linalg.norm(residual)), float(np.linalg.norm(skip))
    cosine = float(residual @ skip) / (residual_norm * skip_norm) if residual_norm and skip_norm else None
    alive = np.count_nonzero(found[block.output]) if block.activation in _CAN_BE_SILENT else None
    gradient, gradient_cut = (found.get(gradient_name(block.output, variant)) for variant in ("", _CUT))
    return BlockReport(
        name=block.name,
        residual_norm=residual_norm,
        skip_norm=skip_norm,
        ratio=residual_norm / skip_norm if skip_norm else None,
        cosine=None if cosine is None else min(1.0, max(-1.0, cosine)),
        silenced=None if alive is None else 1.0 - alive / found[block.output].size,
        gradient_norm=None if gradient is None else float(np.linalg.norm(_flat(gradient))),
        gradient_norm_cut=None if gradient_cut is None else float(np.linalg.norm(_flat(gradient_cut))),
        lesion=None,
    )


def _flat(tensor: NDArray[np.float32]) -> NDArray[np.float64]:
    """All units of one picture, in float64: the square of a gradient behind fifty cut skips is 0 in float32."""
    return tensor.reshape(-1).astype(np.float64)


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")
