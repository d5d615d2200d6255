"""What a job would cost on this machine, asked of the trainer itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from resnet_desktop.core.errors import TrainingError
from resnet_desktop.core.progress import Cancelled, never
from resnet_desktop.jobs.launching.trainer_requests import ask


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the network, from input to output.

    Attributes:
        name: ``conv1`` (with its batch norm), ``layer1`` …, ``head``.
        total: its parameters.
        trainable: those that change.
        rate: its learning rate as a fraction of the head's; 0 where it is frozen.
    """

    name: str
    total: int
    trainable: int
    rate: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of a whole run, from steps that were really made.

    Attributes:
        seconds: until the model is there.
        seconds_per_step: of the optimizer.
        batch_size: pictures in a step.
        trainable: parameters that change.
        total: parameters of the network.
        device: where.
        classes: that are told apart.
        parts: of the network, from input to output.
        chosen: what the trainer filled in where the job leaves it open, by the keys of the job (``recipe.`` before
            those of the recipe).
    """

    seconds: float
    seconds_per_step: float
    batch_size: int
    trainable: int
    total: int
    device: str
    classes: int
    parts: tuple[Part, ...] = ()
    chosen: Mapping[str, Any] = field(default_factory=dict)


def estimate(job: Mapping[str, Any], python: Path | None, cancelled: Cancelled = never) -> Estimate:
    """Measure a job: the trainer reads the pictures' number, makes a few steps, and says how long all would take.

    Raises:
        TrainingError: the trainer's own code and words, or ``no_estimate``.
        CancelledError: as asked; the trainer has ended then.
    """
    return read(ask("--estimate", job, python, cancelled=cancelled)[-1])


def read(values: Mapping[str, Any]) -> Estimate:
    """The estimate out of what the trainer said. Raises TrainingError ``no_estimate``."""
    try:
        return Estimate(
            float(values["seconds"]),
            float(values["seconds_per_step"]),
            int(values["batch_size"]),
            int(values["trainable"]),
            int(values["total"]),
            str(values["device"]),
            int(values["classes"]),
            tuple(
                Part(str(row["name"]), int(row["total"]), int(row["trainable"]), float(row["rate"]))
                for row in values["parts"]
            ),
            dict(values["chosen"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise TrainingError(
            "no_estimate", "The time could not be measured: the trainer's answer is unreadable."
        ) from error
