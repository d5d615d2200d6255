"""Whether the file that is handed over answers as the network that was trained, on real photos.

The PyTorch network that it is held against holds the same stored (rounded) values; what the rounding itself changes is
measured beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from resnet_desktop.bundle.bundle import Bundle
from resnet_desktop.bundle.resnet_graph import Storage, stored_arrays
from resnet_desktop.core.errors import DataError, TrainingError
from resnet_desktop.finetune.dataset import Sample
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.inference.session import Session
from resnet_desktop.trainer import assess, judge
from resnet_desktop.trainer.ending import PROOF_PHOTOS
from resnet_desktop.trainer.network import load_arrays
from resnet_desktop.trainer.resnet import ResNet

LIMIT = 1e-4
"""Largest difference in probability between the bundle and PyTorch with the same stored values."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Parity:
    """Largest differences in probability: bundle against stored values, and stored against full-precision values.

    ``same_classes``: the bundle's answer is that of the stored values on every photo; ``moved_classes``: on so many of
    the photos storing has changed the answer.
    """

    photos: int
    bundle: float
    storage: float
    same_classes: bool
    moved_classes: int

    @classmethod
    def of(cls, ours: Floats, stored: Floats, full: Floats) -> Parity:
        """From probabilities ``(photos, classes)``: the bundle's, and PyTorch's with stored and with full values."""
        return cls(
            photos=len(ours),
            bundle=float(np.abs(ours - stored).max()),
            storage=float(np.abs(stored - full).max()),
            same_classes=bool((ours.argmax(1) == stored.argmax(1)).all()),
            moved_classes=int((stored.argmax(1) != full.argmax(1)).sum()),
        )

    @property
    def holds(self) -> bool:
        """Whether the bundle answers as the network does. A difference that is no number is none to accept."""
        return self.bundle <= LIMIT and self.same_classes


def prove(
    bundle: Bundle,
    session: Session,
    network: ResNet,
    arrays: dict[str, NDArray[Any]],
    storage: Storage,
    samples: Sequence[Sample],
    workers: int,
    check: Callable[[], object],
) -> Parity:
    """Hold the bundle against PyTorch on real photos.

    Args:
        bundle: what was written.
        session: of the bundle.
        network: of the same shape; it gets other weights here.
        arrays: the weights as they were trained.
        storage: how the bundle stores them.
        samples: photos, of which ``PROOF_PHOTOS`` evenly spaced ones are asked about.
        workers: threads that decode.
        check: called before every run; what it raises ends the work.

    Raises:
        TrainingError: ``parity_failed``.
        DataError: none of the photos can be read any more.
    """
    rows = _inputs(samples, bundle.metadata.transforms, workers)
    outputs: list[Floats] = []
    for x in rows:
        check()
        outputs.append(session.run(x)[bundle.output_name])
    ours = judge.softmax(np.concatenate(outputs))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    load_arrays(network, stored_arrays(arrays, storage))
    stored = judge.softmax(_logits(network, rows, check))
    load_arrays(network, arrays)
    full = judge.softmax(_logits(network, rows, check))
    parity = Parity.of(ours, stored, full)
    if not parity.holds:
        raise TrainingError(
            "parity_failed",
            f"The exported model differs from the trained network by {parity.bundle:.2g} in probability.",
            "This is a fault of the program: please report it.",
        )
    return parity


def _inputs(samples: Sequence[Sample], transforms: Transforms, workers: int) -> list[Floats]:
    """Evenly spaced photos as the app sees them, in batches ``(n, 3, crop, crop)``. Raises DataError."""
    chosen = samples[:: max(1, len(samples) // PROOF_PHOTOS)][:PROOF_PHOTOS]
    rows = [x for _, x in assess.batches(chosen, transforms, workers)]
    if not rows:
        raise DataError(
            "missing_data",
            "The pictures cannot be read any more, so the model cannot be checked.",
            "Put them back, or connect their disk, and go on with the run: what was learnt is kept.",
        )
    return rows


def _logits(network: ResNet, rows: list[Floats], check: Callable[[], object]) -> Floats:
    """Logits of PyTorch in float32 on the CPU."""
    network.eval()
    found = []
    with torch.inference_mode():
        for x in rows:
            check()
            found.append(network(torch.from_numpy(x)).numpy())
    whole: Floats = np.concatenate(found)
    return whole
