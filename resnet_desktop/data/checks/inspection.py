"""Looking at all pictures of a job before anything is learnt from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from resnet_desktop.core.progress import Cancelled, Progress, never, unheard
from resnet_desktop.data import dataset
from resnet_desktop.data.checks.finding import Finding, Material, imbalance, readable_counts
from resnet_desktop.data.checks.findings import findings, remarks
from resnet_desktop.data.pictures.image_stats import PictureFacts, read_facts
from resnet_desktop.data.pictures.near_duplicates import Near, near_groups
from resnet_desktop.data.pictures.samples import Sample, Scan
from resnet_desktop.data.spec import DataSpec

__all__ = ["Finding", "Inspection", "PictureFacts", "inspect", "scan_with_remarks"]


@dataclass(frozen=True, slots=True, eq=False)
class Inspection:
    """A job's pictures, looked at.

    Attributes:
        scan: the split that the trainer will use for this job.
        pictures: what was measured of each.
        findings: what to look at, the worst first.
        groups: pictures that are the same, or nearly; each group is in one part of the split.
        counts: pictures that can be read, for each label.
    """

    scan: Scan
    pictures: tuple[PictureFacts, ...]
    findings: tuple[Finding, ...]
    groups: tuple[tuple[Sample, ...], ...]
    counts: dict[str, int]

    @property
    def imbalance(self) -> float:
        """How many times as many pictures the largest class has as the smallest."""
        return imbalance(self.counts.values())


def inspect(job: DataSpec, *, cancelled: Cancelled = never, progress: Progress = unheard) -> Inspection:
    """Read every picture of a job once (or remember it), and say what was found.

    Args:
        job: whose pictures.
        cancelled: asked after every picture; what was read until then is remembered.
        progress: told how many pictures are read, of how many.

    Raises:
        DataError: as ``dataset.scan``.
        CancelledError: ``cancelled`` said so.
    """
    found = dataset.collect(job, cancelled)
    facts = read_facts(found.samples, workers=job.workers, cancelled=cancelled, progress=progress)
    near = near_groups(facts, cancelled=cancelled)
    scan = dataset.stored_scan(job, found)
    if scan is None:
        grouped = job.split.group_duplicates
        scan = dataset.split_grouped(found, facts, near.groups, job) if grouped else dataset.split_plainly(found, job)
    material = Material(found, facts, near, scan)
    groups = material.groups(near.groups)
    return Inspection(scan, tuple(facts), findings(material), groups, readable_counts(material))


def scan_with_remarks(job: DataSpec, *, cancelled: Cancelled = never, progress: Progress = unheard) -> Scan:
    """The scan of a job that may never have been inspected: what is wrong with its pictures is among the problems.

    Where the run folder holds the split, or copies are not looked for, no picture is read and nothing is said of any.

    Raises:
        DataError: as ``dataset.scan``.
        CancelledError: ``cancelled`` said so.
    """

    def remark(found: dataset.Dataset, facts: Sequence[PictureFacts], near: Near, scan: Scan) -> Scan:
        said = remarks(Material(found, facts, near, scan))
        return replace(scan, problems=(*scan.problems, *said))

    return dataset.scan(job, cancelled=cancelled, progress=progress, remark=remark)
