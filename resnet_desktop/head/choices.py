"""What a job leaves open, filled in for the last layer alone."""

from __future__ import annotations

import dataclasses
import os

from resnet_desktop.core.errors import JobError
from resnet_desktop.jobs.job import Job, Recipe, recipe_of
from resnet_desktop.jobs.launching.dispatch import needs_pytorch
from resnet_desktop.runs.linear.base import Base, read_base

MOST_WORKERS = 16
VIEWS = {"quick": 1, "balanced": 2, "best": 4}
"""Versions of each photo, where the job does not say."""
MOST_ROWS = 8000
"""Versions of all photos together, where the job does not say: of many photos more versions teach nothing."""


def fill(job: Job) -> tuple[Job, Base]:
    """The job with every choice made that does not need the photos, and its base.

    Raises:
        JobError: it asks for more than the last layer.
        ModelError: the base cannot be read, is damaged, or has no last layer to teach.
    """
    why = needs_pytorch(job)
    if why:
        raise JobError("bad_job", f"Only PyTorch can do what the job asks for: {why}.", "Leave that out of the job.")
    base = read_base(job.base)
    recipe = recipe_of(job)
    transforms = recipe.transforms or base.bundle.metadata.transforms
    if job.range is not None:
        transforms = dataclasses.replace(transforms, range=job.range)
    side = base.bundle.input_shape[-1]
    if transforms.crop != side:
        message = f"The base {job.base} takes photos of {side} pixels, and the job's transforms give {transforms.crop}."
        raise JobError("bad_job", message, "Leave 'transforms' out of the job, or train more than the head.")
    if job.recipe is None:
        recipe = dataclasses.replace(recipe, views=VIEWS[job.preset])
    workers = job.workers if job.workers is not None else min(MOST_WORKERS, os.cpu_count() or 1)
    filled = dataclasses.replace(recipe, transforms=transforms, precision="float32", compile="off")
    return dataclasses.replace(job, recipe=filled, workers=workers), base


def views(recipe: Recipe, photos: int, *, chosen: bool) -> int:
    """Versions of each of so many photos; ``chosen``: the job names their number."""
    return recipe.views if chosen else max(1, min(recipe.views, MOST_ROWS // max(1, photos)))
