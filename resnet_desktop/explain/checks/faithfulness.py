"""Does a heatmap show what the prediction rests on? Take its hottest pixels away and see.

Deletion and insertion curves after Petsiuk et al. 2018 (RISE, arXiv:1806.07421): the probability of the class while the
pixels that the map ranks hottest are replaced, or while they alone are put back. A good map makes the first fall early
(small area) and the second rise early (large area). Both depend on what a pixel is replaced with, so there are two
baselines, and both depend on the photo and the network, so the same is done with maps of random numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.core.progress import Cancelled, Progress, never, stop_if, unheard
from resnet_desktop.explain.cam import target as targets
from resnet_desktop.explain.cam.target import Target, probability
from resnet_desktop.imaging.heat.overlay import upsample

if TYPE_CHECKING:
    from resnet_desktop.explain.cam.explainer import Explainer, Heatmap, Subject
    from resnet_desktop.inference.classifier import Classifier, Prediction

Baseline = Literal["blur", "mean"]
Score = Callable[[NDArray[np.float32]], NDArray[np.float64]]
"""From pictures float32 ``(n, 3, H, W)`` as the network takes them to what is measured of each, ``(n,)``."""

BASELINES: tuple[Baseline, ...] = ("blur", "mean")
STEPS = 16
BATCH = 16
RANDOM_MAPS = 2
_BLUR = 0.05
"""Standard deviation of the blur, as a part of the picture's side: outlines are gone, colours stay where they were."""


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """How the probability of the explained class goes as pixels leave and come back, with one baseline.

    Attributes:
        baseline: what stands where a pixel is missing: the picture blurred, or its mean colour.
        fractions: of the pixels, from 0 to 1 in equal steps, float64 ``(steps + 1,)``.
        deletion: the probability once that fraction, the hottest first, is replaced.
        insertion: the probability once that fraction, the hottest first, is back in the baseline.
        random: the mean of deletion over random maps of the same grid. Each random map counts with its reverse, and
            inserting in one order is deleting in the reverse one, so that random insertion is this curve read backward.
        deletion_area: under ``deletion`` by the trapezoid rule, from 0 to 1; the smaller, the better.
        insertion_area: under ``insertion``; the larger, the better.
        random_area: under ``random``: what either area is worth without knowing where to look.
    """

    baseline: Baseline
    fractions: NDArray[np.float64]
    deletion: NDArray[np.float64]
    insertion: NDArray[np.float64]
    random: NDArray[np.float64]
    deletion_area: float
    insertion_area: float
    random_area: float

    def as_dict(self) -> dict[str, object]:
        """For JSON output."""
        curves = {name: [round(float(v), 5) for v in getattr(self, name)] for name in _CURVES}
        areas = {name: round(getattr(self, name), 5) for name in ("deletion_area", "insertion_area", "random_area")}
        return {"baseline": self.baseline, **areas, **curves}


_CURVES = ("fractions", "deletion", "insertion", "random")


@dataclass(frozen=True, slots=True, eq=False)
class Removed:
    """A photo without what its heatmap calls hottest.

    Attributes:
        input: what the network was given, float32 ``(3, H, W)``.
        prediction: what it made of it.
        mask: True where a pixel was replaced, bool ``(H, W)``.
        baseline: with what.
    """

    input: NDArray[np.float32]
    prediction: Prediction
    mask: NDArray[np.bool_]
    baseline: Baseline


def curves(
    explainer: Explainer,
    subject: Subject,
    heatmap: Heatmap,
    *,
    steps: int = STEPS,
    seed: int = 0,
    cancelled: Cancelled = never,
    progress: Progress = unheard,
) -> dict[Baseline, Curves]:
    """The curves of a heatmap with each baseline.

    What is measured is the probability that the classifier gives the target, at its own temperature; of a map of
    evidence for one class against another, the target's share of the two probabilities.

    Raises:
        CancelledError: between two batches.
        ProviderError: the model cannot be run (any more).
        ModelError: it gives numbers that are not finite.
    """
    score = scorer(explainer.classifier, heatmap.target, heatmap.against)
    return measured(score, subject.input, heatmap.cam, steps=steps, seed=seed, cancelled=cancelled, progress=progress)


def scorer(classifier: Classifier, target: Target, against: Target | None) -> Score:
    """The probability of ``target``, or its share of the two where it is explained against another class."""

    def score(pictures: NDArray[np.float32]) -> NDArray[np.float64]:
        logits = classifier.predict(pictures).logits
        if against is None:
            return probability(classifier.probabilities(logits), target)
        temperature = classifier.bundle.metadata.temperature
        lead = targets.score(logits, target, temperature) - targets.score(logits, against, temperature)
        share: NDArray[np.float64] = 1.0 / (1.0 + np.exp(np.clip(-lead / temperature, -700.0, 700.0)))
        return share

    return score


def measured(
    score: Score,
    picture: NDArray[np.float32],
    cam: NDArray[np.float32],
    *,
    steps: int = STEPS,
    seed: int = 0,
    cancelled: Cancelled = never,
    progress: Progress = unheard,
) -> dict[Baseline, Curves]:
    """The curves of a map ``(h, w)`` over a picture float32 ``(3, H, W)``, by any measure; see ``curves``."""
    size = (picture.shape[2], picture.shape[1])
    maps = [cam, *np.random.default_rng(seed).standard_normal((RANDOM_MAPS, *cam.shape)).astype(np.float32)]
    masks = np.concatenate([_masks(ranking(values, size, seed), steps) for values in maps])
    ends = np.stack([picture, *(replaced_with(picture, name) for name in BASELINES)])
    stop_if(cancelled)
    full, *empty = score(ends)
    total = len(masks) * len(BASELINES)
    found: dict[Baseline, Curves] = {}
    for number, name in enumerate(BASELINES):
        values = np.empty(len(masks))
        for start in range(0, len(masks), BATCH):
            stop_if(cancelled)
            part = slice(start, min(start + BATCH, len(masks)))
            values[part] = score(np.where(masks[part, None], ends[1 + number], picture))
            progress(number * len(masks) + part.stop, total)
        found[name] = _curves(name, values.reshape(len(maps), 2, steps - 1), full, empty[number])
    return found


def without_hottest(
    explainer: Explainer, subject: Subject, heatmap: Heatmap, fraction: float = 0.1, baseline: Baseline = "blur"
) -> Removed:
    """The photo with the hottest ``fraction`` of its pixels replaced, and the new prediction."""
    picture = subject.input
    mask = ranking(heatmap.cam, (picture.shape[2], picture.shape[1])) < round(fraction * picture[0].size)
    changed = np.where(mask, replaced_with(picture, baseline), picture)
    raw = explainer.classifier.predict(changed[None])
    prediction = explainer.classifier.prediction(raw, 0, 0.0, subject.prediction.full_size)
    return Removed(changed, prediction, mask, baseline)


def ranking(cam: NDArray[np.float32], size: tuple[int, int], seed: int = 0) -> NDArray[np.int64]:
    """The place of each pixel of ``size`` (width, height) by heat, int64 ``(height, width)``; 0 is the hottest.

    The map ``(h, w)`` is enlarged smoothly, as it is shown. Pixels of equal heat come in patches of random order:
    taking them from the top left corner on would favour one place.
    """
    heat = upsample(np.nan_to_num(cam, nan=0.0, posinf=0.0, neginf=0.0), size)
    coarse = np.random.default_rng([seed, 1]).standard_normal(cam.shape).astype(np.float32)
    order = np.lexsort((-upsample(coarse, size).reshape(-1), -heat.reshape(-1)))
    place = np.empty(order.size, np.int64)
    place[order] = np.arange(order.size)
    return place.reshape(heat.shape)


def replaced_with(picture: NDArray[np.float32], baseline: Baseline) -> NDArray[np.float32]:
    """What stands where pixels of a picture float32 ``(3, H, W)`` are missing; of the same shape."""
    if baseline == "mean":
        return np.broadcast_to(picture.mean(axis=(1, 2), keepdims=True), picture.shape).astype(np.float32)
    rows, columns = (_blur(side) for side in picture.shape[1:])
    return np.asarray(rows @ picture @ columns.T, np.float32)


def _blur(side: int) -> NDArray[np.float32]:
    """A Gaussian blur of ``side`` pixels as a matrix; at the border the weights inside the picture count alone."""
    place = np.arange(side, dtype=np.float64)
    weights = np.exp(-0.5 * ((place[:, None] - place) / (_BLUR * side)) ** 2)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


def _masks(place: NDArray[np.int64], steps: int) -> NDArray[np.bool_]:
    """Where the baseline stands, at each step between the ends: of deletion, then of insertion; one below the other."""
    counts = np.rint(np.arange(1, steps) / steps * place.size).astype(np.int64)[:, None, None]
    return np.concatenate([place < counts, place >= counts])


def _curves(name: Baseline, inner: NDArray[np.float64], full: float, empty: float) -> Curves:
    """From the probabilities between the ends, ``(maps, 2, steps - 1)``, the map's own first."""
    deletion, insertion = (
        np.concatenate([np.broadcast_to(start, (len(inner), 1)), inner[:, i], np.broadcast_to(end, (len(inner), 1))], 1)
        for i, (start, end) in enumerate(((full, empty), (empty, full)))
    )
    random = np.concatenate([deletion[1:], insertion[1:, ::-1]]).mean(axis=0)
    fractions = np.linspace(0.0, 1.0, deletion.shape[1])
    areas = (float(np.trapezoid(curve, fractions)) for curve in (deletion[0], insertion[0], random))
    return Curves(name, fractions, deletion[0], insertion[0], random, *areas)
