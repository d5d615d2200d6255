"""Whether the file that is handed over answers as what was trained, on real photos.

What it is held against holds the same stored (rounded) values; what the rounding itself changes is measured beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.core.errors import DataError, TrainingError
from resnet_desktop.data.dataset import Sample
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.inference.session import Session
from resnet_desktop.runs.evaluation import evaluate_bundle, scores

PROOF_PHOTOS = 64
"""Photos on which the bundle is held against what was trained."""
LIMIT = 1e-4
"""Largest difference in probability between the bundle and PyTorch with the same stored values."""
ROUNDING = 5e-3
"""Largest change of a probability that storing a base's float32 weights as float16 may bring."""

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
    temperature: float = 1.0

    @property
    def rounding_matters(self) -> bool:
        """Whether storing changes an answer, or a probability by more than is forgiven."""
        stored, full = (scores.softmax(logits) for logits in (self.stored, self.full))
        moved = (stored.argmax(1) != full.argmax(1)).any()
        return bool(moved or np.abs(stored - full).max() > ROUNDING)

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
        ours = scores.softmax(np.concatenate(outputs), temperature)
        stored, full = (scores.softmax(logits, self.temperature) for logits in (self.stored, self.full))
        parity = Parity.of(ours, stored, full)
        if not parity.holds:
            raise TrainingError(
                "parity_failed",
                f"The exported model differs from the trained network by {parity.bundle:.2g} in probability.",
                "This is a bug in the app: please report it.",
            )
        return parity


def inputs(samples: Sequence[Sample], transforms: Transforms, workers: int) -> list[Floats]:
    """At most ``PROOF_PHOTOS`` photos as the app sees them, in batches ``(n, 3, crop, crop)``.

    They are spread evenly over all samples, whose order is that of the classes.

    Raises:
        DataError: none of the photos can be read any more.
    """
    count = min(PROOF_PHOTOS, len(samples))
    chosen = [samples[(2 * i + 1) * len(samples) // (2 * count)] for i in range(count)]
    rows = [x for _, x in evaluate_bundle.batches(chosen, transforms, workers)]
    if not rows:
        raise DataError(
            "missing_data",
            "The photos can no longer be read, so the model cannot be verified.",
            "Put them back or reconnect their disk, then resume the run. The training so far is kept.",
        )
    return rows
