"""Which photos are learnt from and how the model is judged: few photos by cross-validation, many by some set apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from resnet_desktop.core.errors import DataError
from resnet_desktop.core.progress import Cancelled, Progress, never, unheard
from resnet_desktop.data import dataset
from resnet_desktop.data.checks.finding import Material
from resnet_desktop.data.checks.findings import remarks
from resnet_desktop.data.pictures.image_stats import PictureFacts, read_facts
from resnet_desktop.data.pictures.near_duplicates import Near, near_groups, separable
from resnet_desktop.data.pictures.samples import Sample, Scan
from resnet_desktop.jobs.job import Job

MANY = 400
"""Photos set apart from which on they say enough: fewer join the others, and all are judged by cross-validation."""

Groups = tuple[tuple[Sample, ...], ...]
"""Photos that show the same, or nearly."""


def scan(job: Job, *, cancelled: Cancelled = never, progress: Progress = unheard) -> tuple[Scan, Groups]:
    """The photos of a job by what they are for, and the groups among them.

    Where some would be set apart by chance, but fewer than ``MANY``, none are: every photo is learnt from.

    Raises:
        DataError: as ``dataset.scan``.
        CancelledError: ``cancelled`` said so.
    """
    kept: list[tuple[Sequence[PictureFacts], Near]] = []

    def remark(found: dataset.Dataset, facts: Sequence[PictureFacts], near: Near, scanned: Scan) -> Scan:
        kept.append((facts, near))
        said = remarks(Material(found, facts, near, scanned))
        return replace(scanned, problems=(*scanned.problems, *said))

    found = dataset.scan(job, cancelled=cancelled, progress=progress, remark=remark)
    if 0 < len(found.validation) < MANY and not _set_apart(job):
        together = sorted((*found.training, *found.validation), key=lambda s: (s.label, s.name))
        found = replace(found, training=tuple(together), validation=())
    if not job.split.group_duplicates:
        return found, ()
    if not kept:  # the split was stored
        read = read_facts(found.training, workers=job.workers, cancelled=cancelled, progress=progress)
        kept.append((read, near_groups(read, cancelled=cancelled)))
    facts, near = kept[0]
    groups = separable(near.groups, facts)
    whole = {sample.label for sample in found.training}
    if not _divisible(groups, facts, whole):
        groups = separable(near.groups, facts, whole)
    return found, tuple(tuple(facts[i].sample for i in group) for group in groups)


def _set_apart(job: Job) -> bool:
    """Whether the user, or an earlier run that this one follows, says which photos are judged by."""
    try:
        return "validation" in dataset.collect(job).roles
    except DataError:  # the photos have gone since the split was stored
        return True


def _divisible(groups: Sequence[Sequence[int]], facts: Sequence[PictureFacts], classes: set[int]) -> bool:
    """Whether every class of two photos and more has parts that can be judged by each other."""
    parts = dict.fromkeys(classes, 0)
    photos = dict.fromkeys(classes, 0)
    inside = {i for group in groups for i in group}
    for group in (*groups, *([i] for i in range(len(facts)) if i not in inside)):
        for label in {facts[i].sample.label for i in group} & classes:
            parts[label] += 1
    for fact in facts:
        if fact.sample.label in photos:
            photos[fact.sample.label] += 1
    return all(parts[label] > 1 or photos[label] < 2 for label in classes)
