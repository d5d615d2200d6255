"""What a job leaves open is chosen here, by its preset, its pictures and the machine: the run folder stores it all."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from resnet_desktop.core.errors import JobError
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.jobs.job import Job, Phase, Recipe, recipe_of
from resnet_desktop.jobs.presets import EPOCHS, HEAD_RATE
from resnet_desktop.trainer import machine
from resnet_desktop.trainer.inputs import memory
from resnet_desktop.trainer.network.build import BatchNorm, read_base
from resnet_desktop.trainer.network.classifier import Classifier

LARGEST_BATCH = 64
SMALLEST_BATCH = 4
STEPS = 8
"""Steps in an epoch, at the least, that small sets of pictures get by smaller batches."""
MARGIN = 1.15
"""Stored pictures are this much larger than the network's input, so that random crops keep some detail."""
PASSING_MARGIN = 2.0
"""The same for pictures that are used once and not kept in memory."""


def fill(job: Job) -> Job:
    """The job with every choice made that does not need the pictures.

    Raises:
        JobError: the device does not work here, or nothing can be learnt from the base.
        ModelError: the base cannot be read.
    """
    recipe = recipe_of(job)
    device = machine.choose_device(job.device)
    recipe = dataclasses.replace(
        recipe,
        transforms=_transforms(job, recipe),
        precision=machine.choose_precision(recipe.precision, device),
    )
    rate = job.learning_rate or (None if job.train == "scratch" else HEAD_RATE[job.train])
    workers = machine.choose_workers(job.workers)
    return dataclasses.replace(job, recipe=recipe, learning_rate=rate, device=str(device), workers=workers)


def fill_schedule(job: Job, pictures: int, network: Classifier, device: torch.device, processes: int = 1) -> Job:
    """The job with a schedule for so many pictures to train on, whose batches fit into memory.

    A batch that does not fit goes through the network in parts (``accumulate``), so that it stays as large as chosen.
    ``processes`` share each batch.

    Raises:
        JobError: batches of fewer pictures than there are processes, or than batch norms can learn from.
    """
    recipe = job.recipe
    assert recipe is not None, "filled in before"
    assert recipe.transforms is not None, "filled in before"
    schedule = recipe.schedule
    if not schedule:
        epochs = job.epochs or EPOCHS[job.train][job.preset]
        size = job.input_size or recipe.transforms.crop
        schedule = (Phase(epochs, size, job.batch_size or _batch(job, pictures)),)
    if job.train == "head":  # features are computed at one size
        schedule = tuple(dataclasses.replace(phase, size=recipe.transforms.crop) for phase in schedule)
    for phase in schedule:
        _check_batch(network, phase, min(pictures, phase.batch_size), processes)
    accumulate = recipe.accumulate
    if accumulate == 1 and job.train != "head":
        shares = [-(-min(pictures, phase.batch_size) // processes) for phase in schedule]
        accumulate = max(_parts(network, *pair, device) for pair in zip(schedule, shares, strict=True))
    return dataclasses.replace(job, recipe=dataclasses.replace(recipe, schedule=schedule, accumulate=accumulate))


def stored_side(recipe: Recipe, margin: float = MARGIN) -> int:
    """Pixels along a side of the stored squares: no more than the transforms let through, or training needs.

    ``margin``: how much larger than the network's input they are.
    """
    transforms = recipe.transforms
    assert transforms is not None, "filled in before"
    largest = max((phase.size for phase in recipe.schedule), default=transforms.crop)
    needed = max(round(largest * margin), transforms.resize if largest >= transforms.crop else 0)
    return min(transforms.native or needed, needed)


def _transforms(job: Job, recipe: Recipe) -> Transforms:
    """Fine-tuning keeps the base's preprocessing, at another size if the job says so."""
    found = _sized(job, recipe)
    return found if job.range is None else dataclasses.replace(found, range=job.range)


def _sized(job: Job, recipe: Recipe) -> Transforms:
    if job.train == "scratch":
        size = job.input_size or 128
        return recipe.transforms or Transforms(resize=size, crop=size)
    found = recipe.transforms or read_base(job.base).metadata.transforms
    if job.input_size is None or job.input_size == found.crop:
        return found
    return dataclasses.replace(found, crop=job.input_size, resize=round(found.resize * job.input_size / found.crop))


def _batch(job: Job, pictures: int) -> int:
    """A power of two that gives small sets some steps in an epoch."""
    if job.train == "scratch":
        return LARGEST_BATCH
    batch = LARGEST_BATCH
    while batch > SMALLEST_BATCH and pictures < STEPS * batch:
        batch //= 2
    return batch


def least_batch(network: Classifier, size: int) -> int:
    """How many pictures of ``size`` pixels must go through the network together while it learns.

    Batch norms that learn need two values of each channel; at the last stage of a network whose pictures are small, a
    picture has but one.
    """
    learns = any(isinstance(m, BatchNorm) and m.weight.requires_grad for m in network.modules())
    cells = -(-size // network.reduction)
    return 2 if learns and cells == 1 else 1


def _check_batch(network: Classifier, phase: Phase, batch: int, processes: int) -> None:
    least = processes * least_batch(network, phase.size)
    if batch >= least:
        return
    if processes > 1:
        message = f"Batches of {batch} are too small for {processes} processes: at least {least} photos are needed."
        raise JobError("bad_job", message, "Choose a larger batch_size, add photos, or start fewer processes.")
    message = f"Batch norm cannot learn from one {phase.size}-pixel photo at a time."
    raise JobError("bad_job", message, "Choose a batch_size of at least 2, a larger input_size, or freeze_norms.")


def _parts(network: Classifier, phase: Phase, batch: int, device: torch.device) -> int:
    """Into how many parts a batch must be split to fit."""
    try:
        x = _blank(2, phase.size, device)
        needed = memory.bytes_per_picture(network, x)
    except (RuntimeError, MemoryError) as error:
        if not memory.is_out_of_memory(error):
            raise
        return batch
    return -(-batch // memory.batch_that_fits(batch, needed, device))


def _blank(n: int, size: int, device: torch.device) -> Tensor:
    return torch.zeros(n, 3, size, size, device=device).contiguous(memory_format=torch.channels_last)
