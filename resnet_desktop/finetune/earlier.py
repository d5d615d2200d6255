"""A run that follows another: what is kept of that one's split, and what became of the pictures it was judged by."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from resnet_desktop.core.errors import DataError
from resnet_desktop.finetune import split_file
from resnet_desktop.finetune.job import Job
from resnet_desktop.finetune.results import read_results

_logger = logging.getLogger(__name__)


def roles(job: Job) -> Mapping[str, str]:
    """What each picture of the earlier run was for, by its name: nothing where there is none that can be read.

    What was left out must not be made up for with pictures that were learnt from, or those that stay would be judged
    by a network of an earlier run that knows them.
    """
    stored = None if job.follows is None else split_file.load(Path(job.follows))
    return {} if stored is None else {name: role for name, (role, _) in stored.roles().items()}


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
