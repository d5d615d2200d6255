"""What computes features: a GPU where ONNX Runtime can use one and it is faster, else the processor."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.inference import providers
from resnet_desktop.inference.runtime import CPU, CUDA
from resnet_desktop.inference.session import Session

_logger = logging.getLogger(__name__)
Opened = Callable[[str], Session]
"""Opens a session on a provider."""


def candidates(device: str) -> tuple[str, ...]:
    """The providers to compare for a job's ``device``, ``auto`` or ``cpu``; the first is a GPU if there are two."""
    if device == "cpu" or CUDA not in providers.available() or not providers.prove(CUDA).usable:
        return (CPU,)
    return CUDA, CPU


def faster(wanted: Sequence[str], opened: Opened, blank: NDArray[np.float32]) -> Session:
    """The session that takes less time for a batch, its first run, in which memory is found, not counted.

    Raises:
        ModelError: ONNX Runtime cannot load the model.
        ProviderError: it cannot run it.
    """
    if len(wanted) == 1:
        return opened(wanted[0])
    timed = []
    for provider in wanted:
        session = opened(provider)
        session.run(blank)
        started = time.perf_counter()
        session.run(blank)
        timed.append((time.perf_counter() - started, session))
    timed.sort(key=lambda pair: pair[0])
    _logger.info("Features: %s", ", ".join(f"{s.provider} {seconds * 1e3:.1f} ms" for seconds, s in timed))
    return timed[0][1]


def device_name(provider: str) -> str:
    """What a run's record calls it: ``cpu``, or the name of the GPU."""
    return providers.gpu_name() if provider == CUDA else "cpu"
