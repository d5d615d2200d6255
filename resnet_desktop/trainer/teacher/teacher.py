"""The teacher of a run: a model of the library in ONNX Runtime, asked about the very crops that the network learns."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.format.class_matching import matching_classes
from resnet_desktop.bundle.library import remembered_labels
from resnet_desktop.bundle.library.library import Library
from resnet_desktop.core.errors import AnswerError, JobError, ModelError
from resnet_desktop.core.text.printable import printable
from resnet_desktop.inference import providers
from resnet_desktop.inference.session import Session
from resnet_desktop.jobs.fields import shown
from resnet_desktop.jobs.job import Job, Recipe
from resnet_desktop.trainer.inputs.augment import Augmenter, Draws

FORMAT = 1
"""Changes whenever the same crop would get other answers."""
BATCH = 16
_OTHER = "Choose another teacher, or leave it out."
_NAMED = 20
"""Classes that an error names."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Teacher:
    """A network that has all the classes of a run.

    Attributes:
        name: as the job calls it.
        bundle: the model.
        classes: for each class of the run, the model's classes that it stands for; each at least one, none twice.
    """

    name: str
    bundle: Bundle
    classes: tuple[tuple[int, ...], ...]

    @cached_property
    def checksum(self) -> str:
        """Of its weights."""
        return self.bundle.metadata.weights_sha256 or self.bundle.file_sha256

    @cached_property
    def identity(self) -> str:
        """Stands for whatever its answers follow from, beside the crops."""
        transforms = self.bundle.metadata.transforms
        seen = [self.bundle.input_shape, transforms.mean, transforms.std, transforms.channels]
        text = json.dumps([FORMAT, BATCH, self.checksum, self.classes, seen])
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def size(self) -> int:
        """Pixels along a side of what it sees."""
        return self.bundle.input_shape[1]


class Speaker:
    """Asks a teacher about crops.

    Args:
        teacher: who is asked.
        augmenter: renders crops as it sees them.
        device: where the run trains: beside a CPU it runs there, too, else on the best provider that works.
    """

    def __init__(self, teacher: Teacher, augmenter: Augmenter, device: torch.device) -> None:
        self._teacher, self._augmenter = teacher, augmenter
        provider = providers.choose("cpu" if device.type == "cpu" else "auto").provider
        self._session = Session(teacher.bundle, provider)

    def __call__(self, pixels: Tensor, draws: Draws) -> NDArray[np.float16]:
        """The logarithms of its probabilities of the run's classes, ``(n, classes)``, of at most ``BATCH`` crops.

        Args:
            pixels: the stored pictures, uint8 ``[n, 3, side, side]``.
            draws: one crop of each.

        Raises:
            AnswerError: ``not_finite``.
            ProviderError: the model cannot be run.
        """
        x = self._augmenter.training(pixels.cpu(), self._teacher.size, draws)
        logits = self._session.run(x.contiguous().numpy())[self._teacher.bundle.output_name]
        if not np.isfinite(logits).all():
            raise AnswerError("not_finite", f"The teacher {self._teacher.name} returned non-finite numbers.", _OTHER)
        return log_probabilities(logits, self._teacher.classes)


def seconds_per_lesson(teacher: Teacher, recipe: Recipe, pixels: Tensor, device: torch.device) -> float:
    """What one answer takes, once the teacher is warm, measured on some pictures."""
    augmenter = Augmenter(recipe, teacher.bundle.metadata.transforms, torch.device("cpu"))
    speaker, some = Speaker(teacher, augmenter, device), pixels[:BATCH]
    draws = augmenter.draw(len(some), torch.Generator().manual_seed(0))
    speaker(some, draws)
    started = time.monotonic()
    speaker(some, draws)
    return (time.monotonic() - started) / len(some)


def log_probabilities(logits: Floats, classes: Sequence[Sequence[int]]) -> NDArray[np.float16]:
    """Logits ``(n, model's classes)`` as log-probabilities ``(n, classes)`` among some of the classes.

    A class that stands for several has their probabilities together. Where the probability is, near 0, float16 is
    finest.
    """
    z = logits.astype(np.float64)
    found = np.stack([_log_sum(z[:, list(indices)]) for indices in classes], axis=1)
    found -= _log_sum(found)[:, None]
    return np.clip(found, np.finfo(np.float16).min, 0.0).astype(np.float16)


def _log_sum(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logarithm of the sum of the exponentials along the last axis."""
    most = z.max(-1, keepdims=True)
    total: NDArray[np.float64] = np.log(np.exp(z - most).sum(-1)) + most[..., 0]
    return total


def read_teacher(job: Job, labels: Sequence[str]) -> Teacher | None:
    """The teacher of a job whose classes are called ``labels``; None if it has none.

    Raises:
        JobError: it lacks a class, each named, or cannot teach.
        ModelError: it cannot be read, or is damaged.
    """
    asked = None if job.recipe is None else job.recipe.teacher
    if asked is None:
        return None
    bundle = _read(asked.model)
    checked = bundles.verify(bundle)
    if checked.expected is not None and not checked.ok:
        message = f"The weights in the teacher {shown(asked.model)} do not match their checksum: the file is damaged."
        raise ModelError("damaged_model", message, f"Copy or download it again. {_OTHER}")
    _, height, width = bundle.input_shape
    if bundle.metadata.independent or height != width:
        why = "rates each label by itself" if bundle.metadata.independent else "takes photos that are not square"
        raise JobError("bad_job", f"The teacher {shown(asked.model)} {why}, so it cannot teach here.", _OTHER)
    folders = job.classes or {}
    names = [(label, *(folder for folder, each in folders.items() if each == label)) for label in labels]
    found = matching_classes(bundle.metadata, names)
    _check(asked.model, labels, found)
    return Teacher(asked.model, bundle, found)


def _check(name: str, labels: Sequence[str], found: Sequence[Sequence[int]]) -> None:
    """Refuse classes that the teacher lacks, and two that are one to it. Raises JobError."""
    missing = [label for label, indices in zip(labels, found, strict=True) if not indices]
    if missing:
        raise JobError(
            "bad_job",
            f"The teacher {shown(name)} does not know {_listed(missing)}.",
            "Give folders or labels its names or WordNet identifiers ('classes'), or choose another teacher.",
        )
    owner: dict[int, str] = {}
    for label, indices in zip(labels, found, strict=True):
        for index in indices:
            other = owner.setdefault(index, label)
            if other != label:
                message = f"{_listed([other, label])} are the same to the teacher {shown(name)}."
                raise JobError("bad_job", message, _OTHER)


def _listed(labels: Sequence[str]) -> str:
    named = ", ".join(repr(printable(label)) for label in labels[:_NAMED])
    return f"{named} and {len(labels) - _NAMED:,} more classes" if len(labels) > _NAMED else named


def _read(name: str) -> Bundle:
    try:
        return remembered_labels.read(Library().find(name))
    except ModelError as error:
        raise ModelError(error.code, error.message, error.hint or _OTHER) from error
    except (OSError, RuntimeError) as error:  # a name that is too long; the home folder of nobody
        said = error.strerror if isinstance(error, OSError) else "there is no such folder"
        raise ModelError("missing_model", f"The teacher {shown(name)} cannot be read: {said}.", _OTHER) from error
