"""What comes after the last step, in pictures that go through the network: for estimates and for the time left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from resnet_desktop.data.dataset import Sample, Scan
from resnet_desktop.runs.evaluation.parity import PROOF_PHOTOS as PROOF_PHOTOS

PROTOTYPE_PHOTOS = 256
"""Training pictures whose features are computed for the warning about unfamiliar ones, where none are at hand."""
PROOF_RUNS = 4
"""How often each photo of the proof is asked about."""
REPORT_SECONDS = 6.0
"""What the report's heatmaps and the writing of the files take, more or less."""


def prototype_photos(found: Scan) -> Sequence[Sample]:
    """At most ``PROTOTYPE_PHOTOS`` of the training pictures, evenly over their order, which is that of the classes."""
    return found.training[:: max(1, -(-len(found.training) // PROTOTYPE_PHOTOS))]


@dataclass(frozen=True, slots=True)
class RemainingWork:
    """So many pictures: those whose features are computed, those that the model is judged by, those of the proof.

    ``answer``: seconds for one of them, where it is known before training begins; else 0.
    """

    learnt: int = 0
    judged: int = 0
    proven: int = 0
    answer: float = 0.0

    @classmethod
    def of(cls, found: Scan, *, has_features: bool) -> RemainingWork:
        """The end of a run on these pictures; ``has_features``: those of the training pictures are at hand."""
        learnt = 0 if has_features else len(prototype_photos(found))
        proven = min(PROOF_PHOTOS, len(found.validation or found.training))
        return cls(learnt, len(found.validation) + len(found.test), proven)

    @property
    def pictures(self) -> int:
        """How many go through the network."""
        return self.learnt + self.judged + PROOF_RUNS * self.proven

    def seconds(self, answer: float) -> float:
        """How long it takes, at ``answer`` seconds a picture where nothing else is known."""
        return REPORT_SECONDS + (self.answer or answer) * self.pictures
