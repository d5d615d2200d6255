"""Checkpoints: everything that a run needs to go on as if it had never stopped.

Randomness is a function of the seed, the epoch and the step, so a checkpoint holds no generator: weights, the
optimizer's moments and the position are all there is.
"""

from __future__ import annotations

import contextlib
import io
import logging
import pickle
import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from resnet_desktop.core import atomic
from resnet_desktop.core.errors import TrainingError

NAME = re.compile(r"epoch-(\d+)-step-(\d+)\.pt")
ANEW = "Start a new run in another folder."
_logger = logging.getLogger(__name__)
KEPT = 2
"""Complete checkpoints kept in a run folder: the last, and one before it in case the last is damaged later."""


@dataclass(frozen=True, slots=True)
class Position:
    """The next step to take: ``epoch`` counts from 0 over all phases, ``step`` from 0 inside it."""

    epoch: int = 0
    step: int = 0


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A state of a run. Of networks only what training changes is kept; the rest is the base's.

    Attributes:
        position: where to go on.
        network: trained parameters and statistics.
        optimizer: its state.
        best: the best network so far, and ``best_score``, what it was judged by.
        history: a row for each finished epoch.
        scaler: the state of the loss scaler.
        averaged: the averaged network.
        accumulate: into how many parts a batch is split.
        stopped: the run was told to finish with the best network so far.
        base: checksum of the weights of the base.
        data: stands for the classes and the split; empty in files of the first versions.
        scaling: shift and scale of the features that the head learns on, which depend on the pictures that were there.
        schedule: the epochs as they were fitted to the time; None where it is not limited.
        head_start: where the head began (``linear_probe.HeadStart``); None for random weights.
    """

    position: Position
    network: dict[str, Any]
    optimizer: dict[str, Any]
    best: dict[str, Any] | None
    best_score: tuple[float, float]
    history: list[dict[str, Any]]
    scaler: dict[str, Any] = field(default_factory=dict)
    averaged: dict[str, Any] | None = None
    accumulate: int = 1
    stopped: bool = False
    base: str = ""
    data: str = ""
    scaling: tuple[Any, Any] | None = None
    schedule: dict[str, Any] | None = None
    head_start: dict[str, Any] | None = None


def save(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint atomically; older ones beyond ``KEPT`` are removed. Raises StorageError, MemoryError."""
    position = checkpoint.position
    path = folder / f"epoch-{position.epoch:04d}-step-{position.step:06d}.pt"
    values = {name: getattr(checkpoint, name) for name in Checkpoint.__slots__ if name != "position"}
    # Through memory: on a full disk torch's own writer raises errors that do not say so.
    content = io.BytesIO()
    try:
        torch.save({"epoch": position.epoch, "step": position.step, **values}, content)
    except RuntimeError as error:  # of a position that is not the one expected, when memory cannot hold it
        raise MemoryError("a checkpoint") from error
    atomic.write_bytes(path, content.getvalue())
    for old in _sorted(folder)[:-KEPT]:
        old.unlink(missing_ok=True)
    return path


def load_latest(folder: Path) -> Checkpoint | None:
    """The newest checkpoint that can be read, or None if there is none at all.

    Raises:
        TrainingError: there are checkpoints and none can be read.
    """
    paths = _sorted(folder)
    for path in reversed(paths):
        values = _read(path)
        if values is None:
            _logger.warning("%s is damaged and not used", path)
            continue  # the one before it is complete
        try:
            return Checkpoint(Position(values.pop("epoch"), values.pop("step")), **values)
        except (KeyError, TypeError) as error:
            message = f"The checkpoint {path} was written by another version of the app."
            raise TrainingError("no_checkpoint", message, ANEW) from error
    if paths:
        what = "The checkpoint" if len(paths) == 1 else f"Each of the {len(paths)} checkpoints"
        raise TrainingError("no_checkpoint", f"{what} in {folder} is damaged.", ANEW)
    return None


def clean(folder: Path) -> None:
    """Remove what a process that was killed while it saved has left; for whoever holds the run's lock."""
    for path in folder.glob(".epoch-*.part"):
        with contextlib.suppress(OSError):
            path.unlink()


def newest(folder: Path) -> Position | None:
    """The position of the newest checkpoint, whether it can be read or not."""
    names = [NAME.fullmatch(path.name) for path in _sorted(folder)[-1:]]
    return next((Position(int(name[1]), int(name[2])) for name in names if name), None)


def _read(path: Path) -> dict[str, Any] | None:
    """What a checkpoint holds; None if it is damaged, which torch alone does not notice of every byte."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is not None:
                return None
        values = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError, zipfile.BadZipFile):
        return None
    return values if isinstance(values, dict) else None


def _sorted(folder: Path) -> list[Path]:
    """Complete checkpoints, oldest first; temporary files have other names."""
    return sorted(p for p in folder.glob("epoch-*.pt") if NAME.fullmatch(p.name))


def another(what: str) -> TrainingError:
    """The error of a checkpoint that belongs to something else."""
    return TrainingError("no_checkpoint", f"The checkpoint belongs to a different {what}.", ANEW)


def is_adam(state: dict[str, Any]) -> bool:
    """Whether an optimizer's state is that of Adam: another one takes it without a word, and fails at its next step."""
    return "betas" in state["param_groups"][0]
