"""How fast a model runs here, from pictures that are ready, by batch size."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.core.errors import ProviderError
from resnet_desktop.inference.classifier import Classifier

LEAST_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Speed:
    """What one provider makes of one batch size.

    Attributes:
        provider: ONNX Runtime's name of the one that ran.
        batch: pictures in one run.
        seconds: of each run, in the order of the runs; empty where ``error`` says why there are none.
        error: what the provider said.
    """

    provider: str
    batch: int
    seconds: tuple[float, ...]
    error: ProviderError | None = None

    @property
    def images_per_second(self) -> float:
        """The median; 0 where nothing could be run."""
        return self.batch / statistics.median(self.seconds) if self.seconds else 0.0

    @property
    def range(self) -> tuple[float, float]:
        """Images a second in the slowest and in the fastest run."""
        if not self.seconds:
            return 0.0, 0.0
        return self.batch / max(self.seconds), self.batch / min(self.seconds)


def measure(classifier: Classifier, batches: Sequence[int], seconds: float) -> list[Speed]:
    """Time runs of each batch size by turns, so that whatever else the machine does slows all alike.

    Args:
        classifier: its provider is measured; one that fails and hands over to the CPU is named as what it is.
        batches: pictures in one run.
        seconds: how long each batch size is measured, at least ``LEAST_ROUNDS`` runs.
    """
    rng = np.random.default_rng(0)
    pictures = rng.standard_normal((max(batches), *classifier.bundle.input_shape), np.float32)
    found: dict[int, list[float]] = {batch: [] for batch in batches}
    errors: dict[int, ProviderError] = {}
    for batch in found:  # the first run of a shape makes room, and on a GPU chooses its kernels
        _run(classifier, pictures[:batch], errors)
    deadline = time.perf_counter() + seconds * len(found)
    while time.perf_counter() < deadline or any(len(found[b]) < LEAST_ROUNDS for b in found if b not in errors):
        if errors.keys() == found.keys():
            break
        for batch, times in found.items():
            if batch not in errors:
                took = _run(classifier, pictures[:batch], errors)
                times += [took] if took is not None else []
    return [Speed(classifier.provider, b, tuple(t) if b not in errors else (), errors.get(b)) for b, t in found.items()]


def _run(classifier: Classifier, pictures: NDArray[np.float32], errors: dict[int, ProviderError]) -> float | None:
    started = time.perf_counter()
    try:
        classifier.predict(pictures)
    except ProviderError as error:  # such as no memory for a batch of this size: smaller ones go on
        errors[len(pictures)] = error
        return None
    return time.perf_counter() - started
