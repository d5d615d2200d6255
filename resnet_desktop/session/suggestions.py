"""Suggested labels: a last layer is fitted to the photos labelled so far, and asked about the others.

The base and the features are those of the guide's *Only the last layer*: what is computed here is not computed again
there. Features of a photo are computed once; a fit to some dozens of photos then takes a fraction of a second.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.core.progress import Cancelled, stop_if
from resnet_desktop.data.dataset import Sample
from resnet_desktop.jobs.job import Recipe
from resnet_desktop.runs import weights
from resnet_desktop.runs.evaluation import calibrate, scores
from resnet_desktop.runs.feature_cache import features_cache
from resnet_desktop.runs.linear.base import read_base
from resnet_desktop.runs.linear.features import Extractor
from resnet_desktop.runs.linear.folds import copies, folds
from resnet_desktop.runs.linear.learner import Learnt, learn
from resnet_desktop.session.results import Judged, Suggested, enough_to_suggest

AT_ONCE = 32
"""Photos without features that are asked about together, so that the first suggestions do not wait for the last."""
_WORKERS = 2
_Halves = NDArray[np.float16]


Found = Callable[[Mapping[int, Suggested], Judged], object]
"""Told of suggestions by the numbers of the photos, as they come, and of how far they can be trusted."""


class Suggester:
    """Learns from labels and suggests more. For one thread at a time.

    Args:
        base: the model whose features are used, by its name in the library or its path.
    """

    def __init__(self, base: str) -> None:
        self._base = base
        self._extract: Extractor | None = None
        self._cancelled: Cancelled = lambda: False
        self._known: dict[Path, _Halves | None] = {}  # None: the file cannot be read

    def suggest(
        self,
        labelled: Mapping[Path, int],
        rest: Mapping[int, Path],
        classes: int,
        found: Found,
        cancelled: Cancelled,
    ) -> None:
        """Fit a layer to the labels and ask it about the rest: first what has features, then the others in order.

        Args:
            labelled: places of classes by photo.
            rest: photos without a label, by number.
            classes: how many.
            found: hears of the suggestions, on this thread.
            cancelled: asked before each batch and each step of the fit.

        Raises:
            ModelError: the base cannot be read, or has no last layer.
            CancelledError: ``cancelled`` said so. Features that were computed are kept.
        """
        self._cancelled = cancelled
        self._look_at(list(labelled))
        seen = {path: place for path, place in labelled.items() if self._known.get(path) is not None}
        labels = np.array(list(seen.values()), np.int64)
        if not enough_to_suggest(np.bincount(labels, minlength=classes).tolist()):
            return
        values = np.stack([row for path in seen if (row := self._known[path]) is not None])
        learnt, temperature, judged = _learnt(values, labels, list(seen), classes, cancelled)
        at_hand = {number: path for number, path in rest.items() if path in self._known}
        found(self._asked(at_hand, learnt, temperature), judged)
        missing = [(number, path) for number, path in rest.items() if path not in self._known]
        for start in range(0, len(missing), AT_ONCE):
            some = dict(missing[start : start + AT_ONCE])
            self._look_at(list(some.values()))
            found(self._asked(some, learnt, temperature), judged)

    def _asked(self, photos: Mapping[int, Path], learnt: Learnt, temperature: float) -> dict[int, Suggested]:
        rows = {number: row for number, path in photos.items() if (row := self._known.get(path)) is not None}
        if not rows:
            return {}
        logits = learnt.layer(np.stack(list(rows.values())).astype(np.float32)) / np.float32(temperature)
        probabilities = scores.softmax(logits)
        places = probabilities.argmax(1)
        return {
            number: Suggested(int(place), float(probabilities[i, place]))
            for i, (number, place) in enumerate(zip(rows, places, strict=True))
        }

    def _look_at(self, photos: Sequence[Path]) -> None:
        """Have the features of these photos."""
        missing = [path for path in dict.fromkeys(photos) if path not in self._known]
        if not missing:
            return
        extract = self._opened()
        with contextlib.closing(features_cache()) as cache:
            found, skipped = extract([Sample(str(path), None, 0) for path in missing], 1, cache)
        self._known |= {Path(sample.source): None for sample, _ in skipped}
        for i, sample in enumerate(found.samples):
            self._known[Path(sample.source)] = found.values[0, i]

    def _opened(self) -> Extractor:
        if self._extract is None:
            base = read_base(self._base)
            stop_if(self._cancelled)
            recipe = Recipe(transforms=base.bundle.metadata.transforms)
            self._extract = Extractor(
                base.bundle,
                base.head,
                recipe,
                checksum=base.checksum,
                seed=0,
                workers=_WORKERS,
                told=lambda _done, _all: stop_if(self._cancelled),
            )
        return self._extract


def _learnt(
    values: _Halves, labels: NDArray[np.int64], photos: Sequence[Path], classes: int, cancelled: Cancelled
) -> tuple[Learnt, float, Judged]:
    """A layer, the temperature that makes its confidences honest, and how it did on photos that it had not seen."""
    samples = [Sample(str(path), None, int(label)) for path, label in zip(photos, labels, strict=True)]
    fold = folds(samples, copies(values), 0)
    balance = weights.chosen("auto", labels)
    learnt = learn(values[None], labels, fold, classes, balance, check=lambda: stop_if(cancelled))
    judged = np.isfinite(learnt.logits).all(1)
    if not judged.any():  # each class is needed whole to learn from
        return learnt, 1.0, Judged(0, 0)
    logits, truth = learnt.logits[judged], labels[judged]
    right = int((logits.argmax(1) == truth).sum())
    return learnt, calibrate.fit_temperature(logits, truth), Judged(right, len(truth))
