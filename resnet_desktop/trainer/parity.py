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


@dataclass(frozen=True, slots=True, eq=False)
class Witness:
    """What PyTorch says on some photos, to hold a file against.

    Attributes:
        rows: the photos as the app sees them, batches ``(n, 3, crop, crop)``.
        stored: logits ``(photos, classes)`` with the values that a bundle stores.
        full: the same with full-precision values.
        temperature: that the app divides logits by.
    """

    rows: list[Floats]
    stored: Floats
    full: Floats
    temperature: float

    def prove(self, bundle: Bundle, session: Session, temperature: float, check: Callable[[], object]) -> Parity:
        """Hold a bundle against PyTorch, as the app would run it.

        Args:
            bundle: what was written.
            session: of the bundle.
            temperature: that the bundle's logits are divided by.
            check: called before every run; what it raises ends the work.

        Raises:
            TrainingError: ``parity_failed``.
        """
        outputs: list[Floats] = []
        for x in self.rows:
            check()
            outputs.append(session.run(x)[bundle.output_name])
        ours = judge.softmax(np.concatenate(outputs), temperature)
        stored, full = (judge.softmax(logits, self.temperature) for logits in (self.stored, self.full))
        parity = Parity.of(ours, stored, full)
        if not parity.holds:
            raise TrainingError(
                "parity_failed",
                f"The exported model differs from the trained network by {parity.bundle:.2g} in probability.",
                "This is a bug in the app: please report it.",
            )
        return parity


def witness(
    network: ResNet,
    arrays: dict[str, NDArray[Any]],
    storage: Storage,
    rows: list[Floats],
    temperature: float,
    check: Callable[[], object],
) -> Witness:
    """Ask PyTorch.

    Args:
        network: of the same shape as the bundle; it gets other weights here.
        arrays: the weights as they were trained.
        storage: how the bundle stores them.
        rows: the photos, from ``inputs``.
        temperature: that was fitted.
        check: called before every run; what it raises ends the work.
    """
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    load_arrays(network, stored_arrays(arrays, storage))
    stored = _logits(network, rows, check)
    load_arrays(network, arrays)
    return Witness(rows, stored, _logits(network, rows, check), temperature)


def inputs(samples: Sequence[Sample], transforms: Transforms, workers: int) -> list[Floats]:
    """At most ``PROOF_PHOTOS`` photos as the app sees them, in batches ``(n, 3, crop, crop)``.

    They are spread evenly over all samples, whose order is that of the classes.

    Raises:
        DataError: none of the photos can be read any more.
    """
    count = min(PROOF_PHOTOS, len(samples))
    chosen = [samples[(2 * i + 1) * len(samples) // (2 * count)] for i in range(count)]
    rows = [x for _, x in assess.batches(chosen, transforms, workers)]
    if not rows:
        raise DataError(
            "missing_data",
            "The photos can no longer be read, so the model cannot be verified.",
            "Put them back or reconnect their disk, then resume the run. The training so far is kept.",
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
