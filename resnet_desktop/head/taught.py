"""All that a run knows once its layer has learnt: what is exported, judged and told."""

from __future__ import annotations

from dataclasses import dataclass

from resnet_desktop.data.dataset import Sample, Scan
from resnet_desktop.jobs.job import Job
from resnet_desktop.runs.linear.base import Base
from resnet_desktop.runs.linear.features import Extractor, Features
from resnet_desktop.runs.linear.folds import NEVER, Folds
from resnet_desktop.runs.linear.learner import Learnt


@dataclass(frozen=True, eq=False)
class Taught:
    """A layer and where it comes from.

    Attributes:
        job: filled in.
        base: what it was made of.
        found: the photos by what they are for.
        training: features of those that were learnt from.
        validation: those that were set apart and can be read.
        fold: of each training photo.
        learnt: the layer, and its answers out of fold.
        extract: computes features of more photos.
        seconds: that it took so far.
    """

    job: Job
    base: Base
    found: Scan
    training: Features
    validation: tuple[Sample, ...]
    fold: Folds
    learnt: Learnt
    extract: Extractor
    seconds: float

    @property
    def crossed(self) -> bool:
        """Whether the model is judged by cross-validation, since nothing was set apart."""
        return not self.validation and not self.found.test

    @property
    def folds(self) -> int:
        """How many parts the photos were divided into."""
        return len(set(self.fold.tolist()) - {NEVER})
