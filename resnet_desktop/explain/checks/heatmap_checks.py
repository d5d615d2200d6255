"""Whether a heatmap means anything: every test of it in one call, and the outcome in plain words."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from resnet_desktop.core.progress import Cancelled, Progress, never, stop_if, unheard
from resnet_desktop.explain.cam.target import label_of, probability
from resnet_desktop.explain.checks.faithfulness import Curves, Removed, curves, without_hottest
from resnet_desktop.explain.checks.sanity import SanityReport, sanity

if TYPE_CHECKING:
    from resnet_desktop.explain.cam.explainer import Explainer, Heatmap, Subject

Grade = Literal["good", "mixed", "poor"]

BETTER_BY = 0.05
"""An area counts as better than that of random maps by this part of the probability of the whole photo at least."""

LEAST_PROBABILITY = 0.05
"""Below this there is too little probability to take away for the removal tests to say anything."""

_CURVES_SHARE, _TOTAL = 60, 100


@dataclass(frozen=True, slots=True, eq=False)
class HeatmapCheck:
    """The tests of one heatmap.

    Attributes:
        label: the class that the map explains.
        against_label: the class that it is held against, or None.
        probability: what the curves start from: of the class, or its share of the two, for the whole photo.
        probability_removed: of the class in ``removed.prediction``, measured alike.
        empty: whether the map has no positive place.
        blur: curves with the blurred picture in place of missing pixels.
        mean: curves with the picture's mean colour in their place.
        removed: the photo without the hottest tenth of its pixels.
        sanity: the map of the scrambled network.
        seconds: how long all this took.
    """

    label: str
    against_label: str | None
    probability: float
    probability_removed: float
    empty: bool
    blur: Curves
    mean: Curves
    removed: Removed
    sanity: SanityReport
    seconds: float

    @property
    def removal_wins(self) -> int | None:
        """In how many of four removal tests (two baselines, deletion and insertion) the map beats random maps.

        None where the class has too little probability for them to say anything.
        """
        if self.probability < LEAST_PROBABILITY:
            return None
        margin = BETTER_BY * self.probability
        gains = [
            gain
            for found in (self.blur, self.mean)
            for gain in (found.random_area - found.deletion_area, found.insertion_area - found.random_area)
        ]
        return sum(gain > margin for gain in gains)

    @property
    def grade(self) -> Grade:
        """``poor``: not to be read as a reason; ``good``: it passed every test; ``mixed``: neither."""
        wins = self.removal_wins
        if self.empty or not self.sanity.about_the_model or (wins is not None and wins <= 1):
            return "poor"
        return "good" if wins == 4 and self.sanity.about_the_class else "mixed"

    @property
    def verdict(self) -> str:
        """What the tests say, in two to four plain sentences."""
        if self.empty:
            sentences = [
                f"This layer shows no evidence for {self._name} in this photo, so there is no map to trust.",
                *self._sanity_sentence(),
            ]
        else:
            sentences = [self._removed_sentence(), self._removal_sentence(), *self._sanity_sentence()]
        return " ".join(sentences)

    def as_dict(self) -> dict[str, object]:
        """For JSON output; the curves start from ``probability``."""
        top = self.removed.prediction.top
        return {
            "grade": self.grade,
            "verdict": self.verdict,
            "empty": self.empty,
            "probability": round(self.probability, 5),
            "removal_wins": self.removal_wins,
            "deletion_insertion": [self.blur.as_dict(), self.mean.as_dict()],
            "hottest_removed": {
                "fraction": round(float(self.removed.mask.mean()), 4),
                "baseline": self.removed.baseline,
                "probability": round(self.probability_removed, 5),
                "top": {"index": top.index, "label": top.label, "probability": top.probability},
            },
            "sanity": self.sanity.as_dict(),
            "seconds": round(self.seconds, 3),
        }

    @property
    def _name(self) -> str:
        return f"“{self.label}”" if self.against_label is None else f"“{self.label}” against “{self.against_label}”"

    def _removed_sentence(self) -> str:
        part = f"{self.removed.mask.mean():.0%}".replace("%", "\u00a0%")
        what = "blurred" if self.removed.baseline == "blur" else "filled with the mean colour"
        before, after = _percent(self.probability), _percent(self.probability_removed)
        top = self.removed.prediction.top
        change = f"stays at {after}" if before == after else f"changes from {before} to {after}"
        now = f"the network's best guess is “{top.label}” ({_percent(top.probability)})"
        return f"With the hottest {part} of the picture {what}, {self._name} {change}, and {now}."

    def _removal_sentence(self) -> str:
        wins = self.removal_wins
        if wins is None:
            return (
                f"The network gives {self._name} only {_percent(self.probability)} here, so removing parts of the "
                "picture cannot show what the prediction relies on."
            )
        if wins == 4:
            return (
                "Removing the hottest parts lowers the score sooner than removing random parts, and restoring them "
                "raises it sooner: the prediction relies on what the map shows."
            )
        if wins >= 2:
            return (
                f"In {wins} of 4 tests, removing or restoring the hottest parts matters more than random parts "
                "do: the map shows some of what the prediction relies on."
            )
        return (
            "Removing or restoring the hottest parts matters hardly more than random parts do: the prediction "
            "does not rely on what this map shows."
        )

    def _sanity_sentence(self) -> list[str]:
        if not self.sanity.steps:
            return []
        if not self.sanity.about_the_model:
            return [
                "The map barely changes when the network's weights are scrambled: it shows more of the photo "
                "itself than of what this network has learned."
            ]
        if not self.sanity.about_the_class:
            return [
                "The map does not change when the class-specific weights are scrambled: it shows what stands out to "
                "the network, whatever the class."
            ]
        return ["When the network's weights are scrambled, the map changes, as it should."]


def check_heatmap(
    explainer: Explainer,
    subject: Subject,
    heatmap: Heatmap,
    *,
    seed: int = 0,
    cancelled: Cancelled = never,
    progress: Progress = unheard,
) -> HeatmapCheck:
    """Test a heatmap: deletion and insertion, the photo without its hottest tenth, the map of scrambled networks.

    Raises:
        CancelledError: between two runs of a model.
        LayerError, ModelError, ProviderError: as of ``Explainer.explain``.
        StorageError: there is no room for a scrambled copy of the model.
    """
    start = time.perf_counter()

    def first_part(done: int, total: int) -> None:
        progress(done * _CURVES_SHARE // total, _TOTAL)

    def second_part(done: int, total: int) -> None:
        progress(_CURVES_SHARE + done * (_TOTAL - _CURVES_SHARE) // total, _TOTAL)

    found = curves(explainer, subject, heatmap, seed=seed, cancelled=cancelled, progress=first_part)
    stop_if(cancelled)
    removed = without_hottest(explainer, subject, heatmap)
    report = sanity(explainer, subject, heatmap, seed=seed, cancelled=cancelled, progress=second_part)
    probabilities = removed.prediction.probabilities
    after = float(probability(probabilities, heatmap.target))
    if heatmap.against is not None:
        after /= max(after + float(probability(probabilities, heatmap.against)), 1e-30)
    metadata = explainer.classifier.bundle.metadata
    return HeatmapCheck(
        label=label_of(metadata, heatmap.target),
        against_label=None if heatmap.against is None else label_of(metadata, heatmap.against),
        probability=float(found["blur"].deletion[0]),
        probability_removed=after,
        empty=heatmap.empty,
        blur=found["blur"],
        mean=found["mean"],
        removed=removed,
        sanity=report,
        seconds=time.perf_counter() - start,
    )


def _percent(probability: float) -> str:
    """A probability as people read it."""
    if 0.0 < probability < 0.005:
        return "under 1\u00a0%"
    if 0.995 <= probability < 1.0:
        return "over 99\u00a0%"
    return f"{probability * 100:.0f}\u00a0%"
