"""Images in, predictions out: the road that the window, the command line and the batches all take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.format.class_hierarchy import taxonomy_of
from resnet_desktop.core.errors import AnswerError, ModelError
from resnet_desktop.imaging.decode import DEFAULT_MAX_PIXELS, DecodeBudget, Note, Range, Source, decode_image
from resnet_desktop.imaging.transforms import Fit
from resnet_desktop.inference import providers, runtime
from resnet_desktop.inference.groups import DEFAULT_THRESHOLD, GroupRule, GroupScore
from resnet_desktop.inference.novelty import NoveltyRule
from resnet_desktop.inference.providers import Choice
from resnet_desktop.inference.runtime import SessionFactory
from resnet_desktop.inference.session import Session
from resnet_desktop.inference.way import USUAL, Way


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One class of a prediction; ``probability`` is a fraction of 1."""

    index: int
    label: str
    probability: float


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What the network says of one image.

    Attributes:
        scores: the best classes, best first.
        logits: float32 ``(classes,)``, before temperature.
        probabilities: float32 ``(classes,)``: softmax(logits / temperature), or each label's own; see ``probabilities``
            of the classifier.
        activations: the last stage's activations, float32 ``(C, h, w)``, where the model has a closed-form heatmap and
            the classifier keeps them; else None.
        unfamiliar: whether the image looks unlike what the model was trained on, by the model's own rule.
        provider: ONNX Runtime's name of the provider that ran it.
        seconds: decode to prediction; of photos that run side by side, its own; in a batch, with its share of the run.
        full_size: width and height of the image in its file, in pixels, upright.
        group: the most specific thing that is probable enough, or that the network leans to; None for a model without
            a hierarchy of its classes.
        sure: whether the group, or without one the best class, is probable enough to be said; of a network that rates
            each label by itself, whether any is present.
        notes: what is to be known of how the image was read, and what was assumed of the model.
        present: of a network that rates each label by itself, all labels whose probability reaches their threshold,
            best first; None where classes exclude each other.
    """

    scores: tuple[ClassScore, ...]
    logits: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    activations: NDArray[np.float32] | None
    unfamiliar: bool
    provider: str
    seconds: float
    full_size: tuple[int, int]
    group: GroupScore | None = None
    sure: bool = True
    notes: tuple[Note, ...] = ()
    present: tuple[ClassScore, ...] | None = None

    @property
    def top(self) -> ClassScore:
        """The most probable class."""
        return self.scores[0]


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of an image once it was prepared: its size in its file, in pixels, and notes on reading it."""

    full_size: tuple[int, int]
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class RawOutputs:
    """What a run of n images gave: logits ``(n, classes)``, activations ``(n, C, h, w)`` or None, and the provider.

    ``familiar``: what the model's rule about unfamiliar images looks at, ``(n, width)``, if it looks at a layer.
    """

    logits: NDArray[np.float32]
    activations: NDArray[np.float32] | None
    provider: str
    familiar: NDArray[np.float32] | None = None


class Classifier:
    """A model ready to classify.

    Args:
        bundle: the model.
        provider: ``auto``, a provider's name, or a choice made before.
        top_k: how many classes a prediction lists.
        fit: whether the network sees the centre crop or the whole image.
        keep_activations: fetch what last-stage heatmaps need, in the same run.
        max_pixels: images with more are refused.
        group_threshold: the probability from which an answer is sure, a fraction of 1 (see ``groups``).
        range: which values of images of more than 8 bits are black and white; None: as the model was trained, else by
            their tags.
        page: which page of files that have several; None: the one that is meant.
        way: how many photos go through it at once, where nobody says otherwise.
        on_fallback: called with a sentence when the provider fails and the CPU takes over.
        factory: opens ONNX Runtime sessions.

    Raises:
        ProviderError: ``provider_unavailable``.
        ModelError: the file cannot be run (any more), or its rule about unfamiliar images does not fit it.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        provider: str | Choice = "auto",
        top_k: int = 5,
        fit: Fit = "crop",
        keep_activations: bool = True,
        max_pixels: int = DEFAULT_MAX_PIXELS,
        group_threshold: float = DEFAULT_THRESHOLD,
        range: Range | None = None,  # noqa: A002 - the option's name
        page: int | None = None,
        way: Way = USUAL,
        on_fallback: Callable[[str], None] | None = None,
        factory: SessionFactory = runtime.open_session,
    ) -> None:
        self.bundle = bundle
        self.way = way
        self.top_k = top_k
        self.fit: Fit = fit
        self.max_pixels = max_pixels
        self.range: Range = range or bundle.metadata.transforms.range or "tags"
        self.page = page
        self.choice = provider if isinstance(provider, Choice) else providers.choose(provider, factory=factory)
        self.groups = GroupRule(taxonomy_of(bundle.metadata), group_threshold)
        present_from = bundle.metadata.present_from
        self._thresholds = None if present_from is None else np.array(present_from, np.float32)
        self._novelty = NoveltyRule.from_metadata(bundle.metadata.novelty)
        self._features = bundle.features.name if bundle.features is not None and keep_activations else None
        watched = None if self._novelty is None else _watched(bundle, self._novelty)
        extra = [name for name in (self._features, watched) if name is not None]
        self.session = Session(
            bundle,
            self.choice.provider,
            extra_outputs=extra,
            threads=way.threads or None,
            on_fallback=on_fallback,
            factory=factory,
        )

    @property
    def provider(self) -> str:
        """ONNX Runtime's name of the provider that runs the model now."""
        return self.session.provider

    def new_batch(self, size: int) -> NDArray[np.float32]:
        """An array for ``size`` prepared images, ``(size, 3, H, W)``, its contents undefined."""
        return np.empty((size, *self.bundle.input_shape), np.float32)

    def prepare(self, source: Source, out: NDArray[np.float32], budget: DecodeBudget | None = None) -> Seen:
        """Decode ``source`` and write what the network sees of it into ``out``, ``(3, H, W)``.

        Raises:
            ImageError: the image cannot be read.
        """
        transforms = self.bundle.metadata.transforms
        image, full_size, notes = decode_image(
            source,
            shorter_side=transforms.decode_side,
            max_pixels=self.max_pixels,
            budget=budget,
            range=self.range,
            page=self.page,
        )
        transforms.apply(image, self.fit, out=out, full_size=full_size)
        return Seen(full_size, notes)

    def classify(self, source: Source) -> Prediction:
        """Classify one image file or its bytes. Raises ImageError if it cannot be read, ProviderError, ModelError."""
        start = time.perf_counter()
        batch = self.new_batch(1)
        seen = self.prepare(source, batch[0])
        return self._only(batch, start, seen)

    def classify_pixels(self, pixels: NDArray[np.uint8]) -> Prediction:
        """Classify upright sRGB pixels, uint8 ``(height, width, 3)``. Raises ProviderError, ModelError."""
        start = time.perf_counter()
        batch = self.new_batch(1)
        self.bundle.metadata.transforms.apply(pixels, self.fit, out=batch[0])
        return self._only(batch, start, Seen((pixels.shape[1], pixels.shape[0])))

    def predict(self, batch: NDArray[np.float32]) -> RawOutputs:
        """Run prepared images, float32 ``(n, 3, H, W)``.

        Raises:
            AnswerError: the model gave numbers that are not finite.
            ProviderError: ``provider_failed``.
        """
        raw = self.run(batch)
        self._check(raw.logits)
        return raw

    def run(self, batch: NDArray[np.float32]) -> RawOutputs:
        """As ``predict``, but ``prediction`` tells of numbers that are not finite, for each image alone.

        Raises:
            ProviderError: ``provider_failed``.
        """
        outputs = self.session.run(batch)
        activations = None if self._features is None else outputs[self._features]
        logits = outputs[self.bundle.output_name]
        rule = self._novelty
        familiar = None if rule is None or rule.layer is None else outputs[rule.layer]
        return RawOutputs(logits, activations, self.session.provider, familiar)

    def probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """softmax(logits / temperature) along the last axis, summed in float64; float32 of the same shape.

        Of a network that rates each label by itself, 1 / (1 + exp(-logits / temperature)).
        """
        scaled = logits.astype(np.float64) / self.bundle.metadata.temperature
        if self.bundle.metadata.independent:
            return (1.0 / (1.0 + np.exp(np.clip(-scaled, -700.0, 700.0)))).astype(np.float32)
        scaled -= scaled.max(axis=-1, keepdims=True)
        np.exp(scaled, out=scaled)
        scaled /= scaled.sum(axis=-1, keepdims=True)
        return scaled.astype(np.float32)

    def prediction(
        self, raw: RawOutputs, row: int, seconds: float, full_size: tuple[int, int], notes: tuple[Note, ...] = ()
    ) -> Prediction:
        """The prediction of image ``row`` of a run. Raises AnswerError if its numbers are not finite."""
        logits = raw.logits[row]
        self._check(logits)
        activations = None if raw.activations is None else raw.activations[row]
        if len(raw.logits) > 1:  # so that one prediction that is kept does not keep the whole batch in memory
            logits = logits.copy()
            activations = None if activations is None else activations.copy()
        probabilities = self.probabilities(logits)
        familiar = None if raw.familiar is None else raw.familiar[row]
        answer, present = self.groups.answer(probabilities), self._present(probabilities)
        return Prediction(
            scores=self.best(probabilities, self.top_k),
            logits=logits,
            probabilities=probabilities,
            activations=activations,
            unfamiliar=self._novelty is not None and self._novelty.unfamiliar(logits, probabilities, familiar),
            provider=raw.provider,
            seconds=seconds,
            full_size=full_size,
            group=answer.group,
            sure=answer.sure if present is None else bool(present),
            notes=(*self.bundle.doubts, *notes),
            present=present,
        )

    def _check(self, logits: NDArray[np.float32]) -> None:
        if not np.isfinite(logits).all():
            message = f"{self.bundle.path.name} returned non-finite numbers on {self.provider}."
            raise AnswerError("not_finite", message, "Try another execution provider.")

    def _only(self, batch: NDArray[np.float32], start: float, seen: Seen) -> Prediction:
        raw = self.predict(batch)
        return self.prediction(raw, 0, time.perf_counter() - start, seen.full_size, seen.notes)

    def best(self, probabilities: NDArray[np.float32], count: int) -> tuple[ClassScore, ...]:
        """The ``count`` most probable classes of ``probabilities`` (float32 ``(classes,)``), best first."""
        # A stable sort, so that equal probabilities come in the order of their classes.
        return self._scores(probabilities, np.argsort(-probabilities, kind="stable")[:count])

    def _present(self, probabilities: NDArray[np.float32]) -> tuple[ClassScore, ...] | None:
        if self._thresholds is None:
            return None
        found = np.flatnonzero(probabilities >= self._thresholds)
        return self._scores(probabilities, found[np.argsort(-probabilities[found], kind="stable")])

    def _scores(self, probabilities: NDArray[np.float32], order: NDArray[np.intp]) -> tuple[ClassScore, ...]:
        categories = self.bundle.metadata.categories
        return tuple(ClassScore(int(i), categories[i], float(probabilities[i])) for i in order)


def _watched(bundle: Bundle, rule: NoveltyRule) -> str | None:
    """The layer that the rule looks at. Raises ModelError if there is none of its name and width."""
    if rule.layer is None or rule.prototypes is None:
        return None
    shape = bundle.view.shape(rule.layer)
    if bundle.view.producer(rule.layer) is None or len(shape) != 2 or shape[1] != rule.prototypes.shape[1]:
        message = f"The novelty rule of {bundle.path.name} uses {rule.layer!r}, which matches no layer of its network."
        raise ModelError("bad_metadata", message)
    return rule.layer
