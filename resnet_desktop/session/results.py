"""What passes from the session thread to the window: small, immutable, and free of heavy imports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from resnet_desktop.core.settings import (
    GROUP_THRESHOLD,
    MAX_MEGAPIXELS,
    MEMORY,
    RANGE,
    THREADS,
    TOP_K,
    TUNED,
    Setting,
    Settings,
    Value,
)
from resnet_desktop.imaging.region import Region

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from resnet_desktop.core.errors import ResNetDesktopError
    from resnet_desktop.explain.cam.target import Target
    from resnet_desktop.imaging.deep.limits import Range
    from resnet_desktop.imaging.transforms import Box, Fit
    from resnet_desktop.inference.classifier import ClassScore, Prediction
    from resnet_desktop.inference.groups import GroupScore
    from resnet_desktop.inference.providers import ProviderStatus

FileState = tuple[int, int]
"""Size in bytes and time of the last change in nanoseconds: a file of the same state is taken for the same."""
Source = Path | bytes | Region
"""A picture: its file, its bytes where it was pasted or dropped without one, or a part of either."""


def file_of(source: Source) -> Path | None:
    """The file that a picture is in, or that it is a part of; None where there is none."""
    if isinstance(source, Region):
        return None if source.data is not None else Path(source.path)
    return source if isinstance(source, Path) else None


def whole_of(source: Source) -> Path | bytes:
    """The picture itself, or the one that it is a part of."""
    if isinstance(source, Region):
        return Path(source.path) if source.data is None else source.data
    return source


MOST_NAMED = 6
"""So many labels that are present at once are named in one line."""
LEAST_TO_SUGGEST = 3
"""Labelled photos that each of two classes needs, at the least, before labels are suggested."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error in words: ``message`` is one sentence, ``hint`` what to do about it or empty, ``code`` for programs."""

    code: str
    message: str
    hint: str = ""

    @staticmethod
    def of(error: ResNetDesktopError) -> Failure:
        """The words of one of the app's own errors."""
        return Failure(error.code, error.message, error.hint or "")

    @property
    def text(self) -> str:
        """Message and hint."""
        return f"{self.message} {self.hint}".strip()

    def beside(self, name: str) -> str:
        """The message for a place where the file's name stands already."""
        rest = self.message.removeprefix(name).lstrip()
        return rest[:1].upper() + rest[1:]


@dataclass(frozen=True, slots=True)
class Limits:
    """Of what is classified and said.

    Attributes:
        top_k: classes listed for a photo.
        max_pixels: larger images are refused.
        group_threshold: the probability from which an answer is sure, a fraction of 1.
        range: what is black and white in pictures of more than 8 bits, unless the model says how it was trained.
        threads: photos that are worked at side by side, and cores for one; 0: as many as there are cores.
        memory: bytes that all pictures decoded at once share.
        tuned: how models run faster, as was chosen for each.
    """

    top_k: int
    max_pixels: int
    group_threshold: float = float(GROUP_THRESHOLD.default)
    range: Range = "tags"
    threads: int = int(THREADS.default)
    memory: int = int(MEMORY.default) << 20
    tuned: str = ""

    @staticmethod
    def of(settings: Settings) -> Limits:
        """As the user has set them."""
        return Limits.from_values(settings.value)

    @staticmethod
    def from_values(value: Callable[[Setting], Value]) -> Limits:
        """Of what ``value`` says of each setting."""
        top_k, max_pixels, threads = int(value(TOP_K)), int(value(MAX_MEGAPIXELS)) * 1_000_000, int(value(THREADS))
        values, memory = cast("Range", value(RANGE)), int(value(MEMORY)) << 20
        least, tuned = float(value(GROUP_THRESHOLD)), str(value(TUNED))
        return Limits(top_k, max_pixels, least, values, threads, memory, tuned)


@dataclass(frozen=True, slots=True)
class Listed:
    """A class, or a group of several, in a list of answers; ``probability`` is a fraction of 1."""

    target: Target
    label: str
    probability: float


@dataclass(frozen=True, slots=True)
class Result:
    """The prediction for one photo, without its large arrays.

    ``scores`` are best first; ``seconds`` from decode to prediction; ``full_size`` (width, height) in the file, pixels.
    ``group`` and ``sure`` are those of the prediction: the most specific thing that is probable enough. ``notes``:
    sentences on how the photo was read, ``note_codes`` their codes. ``file``: the state of its file before it was read;
    None where it has none. ``full_provider`` is ONNX Runtime's name for the provider. ``present``: of labels that are
    rated by themselves, all that reach their thresholds, best first; None where classes exclude each other.
    """

    scores: tuple[ClassScore, ...]
    unfamiliar: bool
    provider: str
    seconds: float
    full_size: tuple[int, int]
    group: GroupScore | None = None
    sure: bool = True
    notes: tuple[str, ...] = ()
    file: FileState | None = None
    note_codes: tuple[str, ...] = ()
    full_provider: str = ""
    present: tuple[ClassScore, ...] | None = None

    @property
    def top(self) -> ClassScore:
        """The most probable class."""
        return self.scores[0]

    @property
    def headline(self) -> Listed:
        """What is said in large: the group, or without one the best class; what it leans to where it is not sure.

        Where several labels can be right at once: those that are present, with index and probability of the best.
        """
        if self.present:
            best, labels = self.present[0], ", ".join(one.label for one in self.present[:MOST_NAMED])
            return Listed(best.index, labels + (" …" if len(self.present) > MOST_NAMED else ""), best.probability)
        group = self.group
        if group is None:
            return Listed(self.top.index, self.top.label, self.top.probability)
        return Listed(as_target(group.classes), group.label, group.probability)


def as_target(classes: tuple[int, ...]) -> Target:
    """A group of one class is that class."""
    return classes[0] if len(classes) == 1 else classes


def meant_by(answer: Result | Prediction) -> Target:
    """What is explained unless something else is chosen: what the answer is sure of, else the best class."""
    if answer.present:
        return answer.present[0].index
    if answer.sure and answer.group is not None:
        return as_target(answer.group.classes)
    return answer.top.index


def classes_in(target: Target | None) -> tuple[int, ...]:
    """The class indices of a class or group; none of None."""
    if target is None:
        return ()
    return (target,) if isinstance(target, int) else target


@dataclass(frozen=True, slots=True)
class EvidenceRequest:
    """Which heatmap is wanted.

    Attributes:
        target: a class index, or those of a group's classes; None is what the answer says (see ``meant_by``).
        against: a class or group that the target is contrasted with, or None.
        layer: a layer's name; None is the recommended one.
        method: one of ``explain.methods``.
    """

    target: Target | None = None
    against: Target | None = None
    layer: str | None = None
    method: str = "gradcam"


@dataclass(frozen=True, slots=True)
class LayerChoice:
    """A layer as the window offers it.

    Attributes:
        name: such as ``layer3.5``.
        title: where it lies, in words.
        grid: its resolution, in words.
        text: what this depth tends to show, one or two sentences.
        recommended: where to start.
        methods: the names of the methods that work here.
        no_gradient: the operator that gradients cannot pass, or None.
    """

    name: str
    title: str
    grid: str
    text: str
    recommended: bool
    methods: tuple[str, ...]
    no_gradient: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Where the network found its evidence for one class in one photo.

    Attributes:
        item: the photo's number in the list.
        target: the class index, or those of a group's classes.
        label: its name.
        values: the map, float32 (h, w) from 0 to 1; None if there is no map (``problem`` says why).
        empty: no place speaks for the class.
        layer: the layer's name.
        where: the same in words, for people.
        box: the part of the photo that the network saw, as fractions of its width and height (may exceed 0 to 1).
        fit: how the photo was brought into the square.
        request: what was asked for.
        raw: the map before ReLU and scaling, float32 (h, w), in its own unit.
        peak: the value of ``raw`` that became 1.
        against: the class index that the target is contrasted with.
        against_label: its name.
        method: how the map was made.
        seconds: what it took.
        problem: why there is no map.
    """

    item: int
    target: Target
    label: str
    values: NDArray[np.float32] | None
    empty: bool
    layer: str
    box: Box
    fit: Fit
    request: EvidenceRequest = EvidenceRequest()
    raw: NDArray[np.float32] | None = None
    peak: float = 0.0
    against: Target | None = None
    against_label: str = ""
    method: str = "gradcam"
    seconds: float = 0.0
    problem: Failure | None = None
    where: str = ""

    @property
    def exact(self) -> EvidenceRequest:
        """The request with the class or group that it came to."""
        return replace(self.request, target=self.target)


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How often a model is right.

    Attributes:
        share: of photos that it classifies correctly, as a fraction.
        images: how many it was measured on; None where the publisher alone says it.
        photos: which photos, in the file's words.
    """

    share: float
    images: int | None
    photos: str

    @classmethod
    def of(cls, provenance: Mapping[str, Any]) -> Accuracy | None:
        """As a model was measured where it was made, else as its publisher says; None where nobody says."""
        metrics, published = provenance.get("metrics", {}), provenance.get("published", {})
        if metrics.get("acc1") is not None and metrics.get("images"):
            return cls(metrics["acc1"], metrics["images"], metrics.get("on", ""))
        if published.get("acc1") is not None:
            return cls(published["acc1"], None, published.get("on", ""))
        return None


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The model that answers now.

    Attributes:
        name: the file's name without its suffix.
        path: the file.
        arch: such as ``resnet50``; empty for a foreign model.
        classes: how many.
        side: of the square that the network sees, in pixels.
        provider: short name of the execution provider that runs it.
        reason: why this provider, in one line.
        statuses: every provider that was tried.
        has_labels: False if the file names no classes.
        is_prepared: False if nobody has said how its photos are prepared, so that the usual way is assumed.
        explains: whether heatmaps cost nothing (see explain.explainer).
        categories: the labels.
        layers: the layers that can be explained, from first to last.
        accuracy: accuracy; None where the file does not say.
        topics: what its classes are kinds of, the largest first, and how many each has; empty where that is not known.
        problem: why this is not the model that the app should start with; empty where it is.
        answers: stands for all that its answers depend on but the photo and its fit: the file, what is known of it,
            the limits. With the same one, the same photo has the same result.
        thresholds: from which probability each label counts as present; None where classes exclude each other.
        variant: which faster form of the file answers, such as ``int8``; None: the file itself.
    """

    name: str
    path: Path
    arch: str
    classes: int
    side: int
    provider: str
    reason: str
    statuses: tuple[ProviderStatus, ...]
    has_labels: bool
    is_prepared: bool
    explains: bool
    categories: tuple[str, ...] = ()
    layers: tuple[LayerChoice, ...] = ()
    accuracy: Accuracy | None = None
    topics: tuple[tuple[str, int], ...] = ()
    problem: str = ""
    answers: str = ""
    thresholds: tuple[float, ...] | None = None
    variant: str | None = None


@dataclass(frozen=True, slots=True)
class Suggested:
    """The place of a class, and how probable it is."""

    place: int
    probability: float


@dataclass(frozen=True, slots=True)
class Judged:
    """How many of how many labelled photos are named rightly by a layer that has not seen them."""

    right: int
    photos: int


def enough_to_suggest(counts: Sequence[int]) -> bool:
    """Whether so many photos of each class are enough to learn from."""
    return sum(count >= LEAST_TO_SUGGEST for count in counts) >= 2
