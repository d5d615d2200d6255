"""A run that follows another: what is kept of that one's split, and what became of the pictures it was judged by."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from resnet_desktop.core.errors import DataError, JobError
from resnet_desktop.data.split import split_file
from resnet_desktop.jobs.job import Job, Split, read_job
from resnet_desktop.jobs.results import read_results

_logger = logging.getLogger(__name__)


def roles(job: Job) -> Mapping[str, str]:
    """What each picture of the earlier run was for, by its name: nothing where there is none that can be read.

    What was left out is not made up for with pictures that were learnt from: those that stay are the ones that both
    runs are judged by. A job that asks for other shares than the earlier one gets a split of its own.
    """
    if job.follows is None or _split(Path(job.follows)) not in (None, job.split):
        return {}
    stored = split_file.load(Path(job.follows))
    return {} if stored is None else {name: role for name, (role, _) in stored.roles().items()}


def _split(folder: Path) -> Split | None:
    try:
        return read_job(folder / "job.json").split
    except JobError:
        return None


def judged_changed(job: Job) -> int:
    """How many pictures that the earlier runs were judged by this job leaves out or gives another label.

    Whoever saw the answers and took the mistakes away has chosen by them: the accuracy of what is left flatters.
    """
    if job.follows is None:
        return 0
    try:
        found = read_results(Path(job.follows))
    except DataError as error:
        _logger.warning("the earlier run is not looked at: %s", error)
        return 0
    left_out = set(job.exclude)
    changed = sum(p.path in left_out or job.relabel.get(p.path, p.label) != p.label for p in found.judged)
    return changed + int(found.about.get("judged_changed", 0))
