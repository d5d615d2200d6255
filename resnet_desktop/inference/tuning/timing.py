"""How fast a model goes in one way and another, by turns: whatever else the machine does slows all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.core.progress import Cancelled, Progress, never, stop_if, unheard
from resnet_desktop.inference.batch import MOST_RUNS, cores, default_batch_size
from resnet_desktop.inference.classifier import Classifier
from resnet_desktop.inference.runtime import CPU
from resnet_desktop.inference.tuning.offers import Speed
from resnet_desktop.inference.way import Way

ROUNDS = 5
SECONDS = 0.7
"""A round of the model as installed takes about so long."""
_LEAST, _MOST = 1, 64
_CPU_BATCHES, _GPU_BATCHES = (2, 8), (8, 128)

Pictures = NDArray[np.float32]


def ways(classifier: Classifier) -> tuple[Way, ...]:
    """What is worth trying beside the usual way."""
    alone = classifier.bundle.batch is not None or classifier.session.fixed_batch is not None
    if classifier.provider != CPU:
        return () if alone else tuple(Way(batch=batch) for batch in _GPU_BATCHES)
    here, physical = cores(), physical_cores()
    shared = [(threads, here // threads) for threads in _counts(physical)]
    side_by_side = tuple(Way(*pair) for pair in dict.fromkeys((*shared, (1, physical))))
    return side_by_side if alone else (*side_by_side, *(Way(batch=batch) for batch in _CPU_BATCHES))


def physical_cores() -> int:
    """Cores that share their units with no other, of those that this process may use; all where Linux does not say."""
    siblings = set()
    for file in Path("/sys/devices/system/cpu").glob("cpu[0-9]*/topology/thread_siblings_list"):
        siblings.add(file.read_text("ascii").strip())
    return min(len(siblings) or cores(), cores())


def compare(
    installed: Classifier,
    others: Sequence[Classifier],
    pictures: Pictures,
    cancelled: Cancelled = never,
    progress: Progress = unheard,
) -> tuple[Speed, list[Speed]]:
    """Time the model as installed, in the usual way, and others, each in its own.

    Args:
        installed: what the others are compared with.
        others: each goes as its ``way`` says.
        pictures: prepared, ``(n, 3, H, W)``; they are run again and again.
        cancelled: asked between rounds.
        progress: told of rounds.

    Raises:
        ProviderError, CancelledError.
    """
    all_of_them = (installed, *others)
    for classifier in all_of_them:  # the first runs make room, and on a GPU choose kernels
        _seconds(classifier, pictures, _batch(classifier))
    count = _enough(_seconds(installed, pictures, _batch(installed)) / _batch(installed), all_of_them)
    found: list[list[float]] = [[] for _ in all_of_them]
    for done in range(ROUNDS):
        stop_if(cancelled)
        progress(done, ROUNDS)
        for classifier, rates in zip(all_of_them, found, strict=True):
            rates.append(count / _seconds(classifier, pictures, count))
    first, *rest = found
    return _speed(first, first), [_speed(rates, first) for rates in rest]


def _speed(rates: list[float], installed: list[float]) -> Speed:
    return Speed(tuple(rates), statistics.median(a / b for a, b in zip(rates, installed, strict=True)))


def _batch(classifier: Classifier) -> int:
    way = classifier.way
    if way.batch is not None:
        return way.batch
    side_by_side = classifier.session.side_by_side
    return _photos(way) if side_by_side else default_batch_size(classifier.provider)


def _photos(way: Way) -> int:
    return way.photos or cores()


def _enough(seconds: float, classifiers: Sequence[Classifier]) -> int:
    """Photos of a round: whole batches of each."""
    whole = int(np.lcm.reduce([_batch(classifier) for classifier in classifiers]))
    return whole * max(_LEAST, min(_MOST, round(SECONDS / max(seconds, 1e-6) / whole)))


def _seconds(classifier: Classifier, pictures: Pictures, count: int) -> float:
    """Of running so many, the given ones over and over."""
    way, rows = classifier.way, np.arange(count) % len(pictures)
    started = time.perf_counter()
    if way.batch is None and classifier.session.side_by_side:
        with ThreadPoolExecutor(min(_photos(way), MOST_RUNS), thread_name_prefix="timing") as pool:
            for _ in pool.map(lambda row: classifier.run(pictures[row : row + 1]), rows):
                pass
    else:
        size = _batch(classifier)
        for start in range(0, count, size):
            classifier.run(pictures[rows[start : start + size]])
    return time.perf_counter() - started


def _counts(most: int) -> list[int]:
    """1, 2, 4 … and the last."""
    return sorted({*(2**power for power in range(most.bit_length())), most})
