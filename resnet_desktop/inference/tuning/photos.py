"""The user's photos, prepared as the model takes them: some to learn ranges from, others to compare answers on."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.core.errors import ImageError
from resnet_desktop.core.progress import Cancelled, Progress, never, stop_if, unheard
from resnet_desktop.inference.classifier import Classifier

LEAST = 48
"""Fewer photos are too few to learn from some and judge by the others."""
MOST_LEARNT, MOST_JUDGED = 64, 192
MOST_BYTES = 512 * 2**20
"""What prepared photos may take."""


@dataclass(frozen=True, slots=True, eq=False)
class Photos:
    """Prepared, ``(n, 3, H, W)`` each.

    Attributes:
        learnt: to learn ranges from.
        judged: to compare answers on; none of them is among the others.
        unreadable: how many could not be read.
    """

    learnt: NDArray[np.float32]
    judged: NDArray[np.float32]
    unreadable: int

    @property
    def enough(self) -> bool:
        """Whether a variant can be made and judged by them."""
        return len(self.learnt) + len(self.judged) >= LEAST


def prepare(
    classifier: Classifier, paths: Iterable[Path], cancelled: Cancelled = never, progress: Progress = unheard
) -> Photos:
    """Read a random sample of photos: the same one each time. Raises CancelledError."""
    each = 4 * int(np.prod(classifier.bundle.input_shape))
    wanted = max(LEAST, min(MOST_LEARNT + MOST_JUDGED, MOST_BYTES // each))
    order = sorted(set(paths))
    random.Random(0).shuffle(order)
    total = min(wanted, len(order))
    pictures = classifier.new_batch(total)
    count = unreadable = 0
    for path in order:
        stop_if(cancelled)
        if count == total:
            break
        try:
            classifier.prepare(path, pictures[count])
        except ImageError:  # counted, and said
            unreadable += 1
            continue
        count += 1
        progress(count, total)
    learnt = min(MOST_LEARNT, count // 2)
    return Photos(pictures[:learnt], pictures[learnt:count], unreadable)
