"""A job with other decisions on single pictures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from resnet_desktop.jobs.job import Job


def exclude(job: Job, names: Iterable[str]) -> Job:
    """The job without these pictures."""
    return replace(job, exclude=tuple(dict.fromkeys((*job.exclude, *names))))


def relabel(job: Job, name: str, label: str) -> Job:
    """The job with another class for a picture, which takes part again if it was excluded."""
    return replace(keep(job, [name]), relabel={**job.relabel, name: label})


def keep(job: Job, names: Iterable[str]) -> Job:
    """The job with these pictures as they lie there: neither excluded nor relabelled."""
    gone = set(names)
    return replace(
        job,
        exclude=tuple(name for name in job.exclude if name not in gone),
        relabel={name: label for name, label in job.relabel.items() if name not in gone},
    )
