"""Is a heatmap about the network at all? Scramble the network's weights and see whether the map notices.

The cascading randomization of Adebayo et al. 2018 (arXiv:1810.03292, section 3): weights are scrambled from the logits
downward, group after group, and the same map is made each time. A map that stays as it was shows the photo (its edges,
its middle) and not what the network learnt. The test is necessary and not sufficient: a map that passes can still be
wrong about what the prediction rests on, which is what ``faithfulness`` asks.
"""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.structure.logits import find_features
from resnet_desktop.core import atomic
from resnet_desktop.core.errors import AnswerError
from resnet_desktop.core.progress import Cancelled, Progress, never, stop_if, unheard
from resnet_desktop.explain.cam.explainer import Explainer, Heatmap, Subject
from resnet_desktop.explain.checks.randomize import WeightGroup, scramble, weight_groups
from resnet_desktop.explain.checks.similarity import rank_correlation, ssim
from resnet_desktop.imaging.heat.overlay import scale_map, upsample
from resnet_desktop.inference import runtime
from resnet_desktop.inference.classifier import Classifier
from resnet_desktop.inference.runtime import RunnableSession

SAME_MAP = 0.5
"""A map is not about the network if its rank correlation with itself under scrambled weights is at least this, on
average over the steps. Chance alone gives a map of 4 × 4 cells 0.26 (one standard deviation) in one step. On the
bundled model (24 photos, four stages) Grad-CAM, XGrad-CAM and HiResCAM came to 0.0 in the middle and to 0.53 at most;
what follows the photo more than the network lies above: LayerCAM before the last stage at 0.7, EigenCAM and Grad-CAM++
in the first two stages at 0.6 to 0.8, a map of the photo's edges or of its middle at 1."""

SAME_WITHOUT_CLASSES = 0.98
"""A map is not about a class if both similarities stay above this when the layer that makes the logits is scrambled."""

_GRID = 64
"""Maps are compared by SSIM as they are shown, enlarged smoothly to this many pixels a side."""

_COSTLY = ("scorecam",)
_FEW = 2
"""Steps for methods that need thousands of runs for one map."""


@dataclass(frozen=True, slots=True, eq=False)
class SanityStep:
    """The map of the network with one more group of weights scrambled.

    Attributes:
        name: the group that was scrambled last; all above it are scrambled as well.
        ssim: structural similarity of the maps as they are shown (without negative places, the peak scaled to 1).
        rank_correlation: Spearman's, of the unscaled maps cell by cell.
        cam: the map, float32 ``(h, w)``, before ReLU and scaling.
    """

    name: str
    ssim: float
    rank_correlation: float
    cam: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class SanityReport:
    """What became of a map as the network was scrambled from the top; the last step has nothing learnt left."""

    steps: tuple[SanityStep, ...]

    @property
    def rank_correlation(self) -> float:
        """The mean over the steps; 0 where a network has no weights to scramble."""
        return fmean(step.rank_correlation for step in self.steps) if self.steps else 0.0

    @property
    def ssim(self) -> float:
        """The mean over the steps."""
        return fmean(step.ssim for step in self.steps) if self.steps else 0.0

    @property
    def about_the_model(self) -> bool:
        """Whether the map changes with the weights: mean rank correlation under SAME_MAP."""
        return self.rank_correlation < SAME_MAP

    @property
    def about_the_class(self) -> bool:
        """Whether the map changes already when only what tells the classes apart is scrambled."""
        first = self.steps[0] if self.steps else None
        return first is None or min(first.ssim, first.rank_correlation) < SAME_WITHOUT_CLASSES

    def as_dict(self) -> dict[str, object]:
        """For JSON output."""
        return {
            "about_the_model": self.about_the_model,
            "about_the_class": self.about_the_class,
            "ssim": round(self.ssim, 4),
            "rank_correlation": round(self.rank_correlation, 4),
            "steps": [
                {"scrambled": s.name, "ssim": round(s.ssim, 4), "rank_correlation": round(s.rank_correlation, 4)}
                for s in self.steps
            ],
        }


def sanity(
    explainer: Explainer,
    subject: Subject,
    heatmap: Heatmap,
    *,
    seed: int = 0,
    cancelled: Cancelled = never,
    progress: Progress = unheard,
) -> SanityReport:
    """Make ``heatmap`` again with the weights scrambled in cascade: same photo, class, layer and method.

    Raises:
        CancelledError: between two runs of a model.
        LayerError, ModelError, ProviderError: as of ``Explainer.explain``.
        StorageError: there is no room for a scrambled copy of the model, which lies in a temporary folder meanwhile.
    """
    groups = _steps(weight_groups(explainer.classifier.bundle.view, explainer.classifier.bundle.output_name), heatmap)
    steps: list[SanityStep] = []
    networks = scrambled(explainer.classifier, groups, seed)
    try:
        for number, (name, network) in enumerate(networks):
            stop_if(cancelled)
            cam = _again(network, subject, heatmap, cancelled)
            if cam is None:  # a network that overflows says nothing, and scrambling it further will not help
                break
            steps.append(compared(name, heatmap, cam))
            progress(number + 1, len(groups))
            stop_if(cancelled)
    finally:
        networks.close()
    return SanityReport(tuple(steps))


def scrambled(
    classifier: Classifier, groups: Sequence[WeightGroup], seed: int = 0
) -> Generator[tuple[str, Explainer], None, None]:
    """A network that loses one more group of weights each time: the group's name, and an explainer of what is left.

    Only one of them is in memory at a time; an explainer must not be used after the next one was asked for.
    """
    model = onnx.load_model_from_string(bundles.whole_file(classifier.bundle))
    choice = replace(classifier.choice, provider=classifier.provider)
    with tempfile.TemporaryDirectory(prefix="resnet-desktop-", ignore_cleanup_errors=True) as folder:
        for group in groups:
            scramble(model, group, seed)
            copy = _stored(classifier.bundle, model, Path(folder) / "scrambled.onnx")
            later = partial(_OpensLater, copy)
            yield (
                group.name,
                Explainer(
                    Classifier(
                        copy,
                        provider=choice,
                        fit=classifier.fit,
                        range=classifier.range,
                        page=classifier.page,
                        factory=later,
                    )
                ),
            )


class _OpensLater:
    """A session that is opened by its first run: maps by gradients never run the plain graph of a scrambled network."""

    def __init__(self, bundle: Bundle, model: bytes, provider: str, threads: int | None) -> None:
        self._bundle = bundle
        self._open = partial(runtime.open_session, model, provider, threads)
        self._provider = provider
        self._session: RunnableSession | None = None

    def run(self, output_names: Sequence[str] | None, input_feed: Mapping[str, NDArray[Any]]) -> Sequence[Any]:
        """Run the model on one batch; one of ``runtime.failures()`` also if it cannot be opened."""
        if self._session is None:
            self._session = self._open()
        return self._session.run(output_names, input_feed)

    def get_providers(self) -> Sequence[str]:
        """The provider that it is meant for."""
        return (self._provider,)

    def get_inputs(self) -> Sequence[Any]:
        """The one input as the bundle knows it."""
        shape = (self._bundle.batch or "batch", *self._bundle.input_shape)
        return (SimpleNamespace(name=self._bundle.input_name, shape=shape),)


def _stored(bundle: Bundle, model: onnx.ModelProto, path: Path) -> Bundle:
    """The bundle with the weights of ``model``. Raises StorageError."""
    data = model.SerializeToString()
    try:
        path.write_bytes(data)
        modified_ns = path.stat().st_mtime_ns
    except OSError as error:
        raise atomic.storage_error(path, error) from error
    features = find_features(bundle.view, model, bundle.output_name)
    return replace(bundle, path=path, size=len(data), modified_ns=modified_ns, features=features)


def _steps(groups: tuple[WeightGroup, ...], heatmap: Heatmap) -> tuple[WeightGroup, ...]:
    """The groups, or for a costly method the first one and all others together."""
    if heatmap.method not in _COSTLY or len(groups) <= _FEW:
        return groups
    rest = tuple(weight for group in groups[1:] for weight in group.weights)
    return groups[0], WeightGroup("all", rest)


def _again(network: Explainer, subject: Subject, heatmap: Heatmap, cancelled: Cancelled) -> NDArray[np.float32] | None:
    """The same map of another network; None if that network gives numbers that are not finite."""
    # Its own prediction is not needed, and the real one's activations are not its own.
    unknown = replace(subject.prediction, activations=None)
    try:
        if not isinstance(heatmap.target, int):  # of a group the gradient depends on the network's own logits
            unknown = replace(unknown, logits=network.classifier.predict(subject.input[None]).logits[0])
        again = network.explain(
            Subject(subject.input, unknown),
            heatmap.target,
            layer=heatmap.layer,
            method=heatmap.method,
            against=heatmap.against,
            cancelled=cancelled,
        )
    except AnswerError:
        return None
    return again.cam if np.isfinite(again.cam).all() else None


def compared(name: str, heatmap: Heatmap, cam: NDArray[np.float32]) -> SanityStep:
    """The step ``name``, whose network gave ``cam`` where the real one gave ``heatmap``."""
    shown = [upsample(scale_map(each).values, (_GRID, _GRID)) for each in (heatmap.cam, cam)]
    return SanityStep(name, ssim(*shown), rank_correlation(heatmap.cam, cam), cam)
