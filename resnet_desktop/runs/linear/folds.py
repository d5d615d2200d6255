"""Parts of a set of photos for cross-validation: every class spread evenly, what shows the same kept together."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.data.dataset import Sample

FOLDS = 5
Folds = NDArray[np.int64]
NEVER = -1
"""The fold of photos that are always learnt from: nothing would be left of their class without them."""


def folds(samples: Sequence[Sample], groups: Iterable[Sequence[int]], seed: int) -> Folds:
    """The fold of each photo ``(n,)``, 0 to at most ``FOLDS`` - 1, or ``NEVER``.

    There are fewer folds where no class has so many photos (or groups of them). Which photo comes where follows from
    the seed and its name within the folder that all have in common: it is the same wherever that folder lies.

    Args:
        samples: the photos.
        groups: places of photos that show the same, or nearly; each place in one of them at the most.
        seed: of the run.
    """
    together = [list(group) for group in groups]
    covered = {place for group in together for place in group}
    together += [[place] for place in range(len(samples)) if place not in covered]
    homes = [Counter(samples[i].label for i in group).most_common(1)[0][0] for group in together]
    sizes = Counter(homes)
    count = min(FOLDS, max(sizes.values()))
    found = np.full(len(samples), NEVER, np.int64)
    if count < 2:
        return found
    salt, above = f"{seed} ".encode(), len(_common_folder(samples))

    def turn(i: int) -> tuple[int, bytes]:
        name = samples[together[i][0]].name[above:].encode("utf-8", "surrogateescape")
        return -len(together[i]), hashlib.sha256(salt + name).digest()

    of_class = {label: np.zeros(count, np.int64) for label in sizes}
    of_all = np.zeros(count, np.int64)
    for i in sorted(range(len(together)), key=turn):
        group, home = together[i], homes[i]
        if sizes[home] < 2:
            continue
        fold = int(np.lexsort((np.arange(count), of_all, of_class[home]))[0])
        of_class[home][fold] += len(group)
        of_all[fold] += len(group)
        found[group] = fold
    return found


def _common_folder(samples: Sequence[Sample]) -> str:
    """The folder above all samples; empty where there is none, as on several drives."""
    try:
        return os.path.commonpath([os.path.dirname(sample.name) for sample in samples])  # noqa: PTH120 - strings
    except ValueError:
        return ""


def copies(values: NDArray[np.float16]) -> list[list[int]]:
    """Places of photos whose features ``(n, width)`` are the same, in groups: copies of one photo."""
    same: dict[bytes, list[int]] = {}
    for place, row in enumerate(values):
        same.setdefault(row.tobytes(), []).append(place)
    return [places for places in same.values() if len(places) > 1]


def judged_alone(samples: Sequence[Sample], fold: Folds, classes: int) -> list[int]:
    """The classes that have photos, none of which can be judged since each is needed to learn from."""
    labels = np.array([sample.label for sample in samples], np.int64)
    there, judged = (np.bincount(some, minlength=classes) for some in (labels, labels[fold != NEVER]))
    return [int(i) for i in np.flatnonzero((there > 0) & (judged == 0))]
