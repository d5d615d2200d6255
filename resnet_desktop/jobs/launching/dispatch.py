"""Which of two processes a job goes to: the one that teaches the last layer alone, or the one that needs PyTorch.

Both speak one protocol, write the same run folder and take the same commands, so that nobody else has to know.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from resnet_desktop.core.errors import JobError
from resnet_desktop.core.processes import own_process
from resnet_desktop.jobs.job import Job, read_job

TRAINER = "resnet_desktop.trainer"
HEAD = own_process.HEAD
_NAMED = ("--resume", "--estimate", "--preview", "--find-rate")
_PROCESSORS = ("auto", "cpu")


def needs_pytorch(job: Job) -> str:
    """What of a job takes PyTorch, in words; empty where the last layer alone is taught, which takes none."""
    recipe = job.recipe
    reasons = (
        (job.train != "head", "more than the last layer is to be trained"),
        (job.head.hidden is not None, "the head has a hidden layer"),
        (bool(job.head.dropout), "the head has dropout"),
        (job.input_size is not None, "a different input size is set"),
        (job.device not in _PROCESSORS, f"the device is {job.device}"),
        (recipe is not None and bool(recipe.mixup or recipe.ema), "photos are blended, or weights averaged"),
    )
    return next((words for holds, words in reasons if holds), "")


def module_for(arguments: Sequence[str]) -> str:
    """The module that answers these arguments of a trainer: that of the job which they name.

    A job that cannot be read goes to the one without PyTorch, which says so; so does a run folder. A run of the head
    that PyTorch began has checkpoints, and goes on there.
    """
    if "--check" in arguments or "--find-rate" in arguments:
        return TRAINER
    names = [word for i, word in enumerate(arguments) if not word.startswith("-") and _is_job(arguments, i)]
    if not names:
        return TRAINER
    path = Path(names[0])
    resumed = "--resume" in arguments
    if resumed and any((path / "checkpoints").glob("*.pt")):
        return TRAINER
    try:
        job = read_job(path / "job.json" if resumed else path)
    except JobError:
        return HEAD
    return TRAINER if needs_pytorch(job) else HEAD


def _is_job(arguments: Sequence[str], place: int) -> bool:
    """Whether a word names a job or a run, and is not what another option is given."""
    before = arguments[place - 1] if place else ""
    return not before.startswith("-") or before in _NAMED
