"""What can be looked at before training: each finding, and below them the photos of each class as they lie there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from resnet_desktop.gui.style import wording

if TYPE_CHECKING:
    from resnet_desktop.data.checks.inspection import Inspection
    from resnet_desktop.data.pictures.samples import Sample

MOST_CLASSES = 30
"""With more classes their photos are one entry: a list of thousands would hide the findings."""
SEVERE = {"error": "warning", "warning": "warning", "note": "info"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the list and the photos behind it.

    Attributes:
        message: the line.
        icon: its name.
        severity: ``error``, ``warning``, ``note``, or empty for photos that nothing is wrong with.
        samples: the photos.
        group_of: the number of the group of photos that each belongs to, where there are groups.
        surplus: those that can be left out so that one of each group remains.
    """

    message: str
    icon: str
    severity: str
    samples: tuple[Sample, ...]
    group_of: dict[str, int]
    surplus: tuple[Sample, ...] = ()


def entries(inspection: Inspection) -> tuple[Entry, ...]:
    """The findings, the worst first, then the classes."""
    found = [
        Entry(
            finding.message,
            SEVERE[finding.severity],
            finding.severity,
            finding.samples,
            {sample.name: number for number, group in enumerate(finding.groups) for sample in group},
            finding.surplus,
        )
        for finding in inspection.findings
    ]
    labels = inspection.scan.labels
    samples = sorted(inspection.scan.samples, key=lambda sample: (sample.label, sample.name))
    text = _tr("All photos: {count}")
    parts = [(text.format(count=wording.number(len(samples))), tuple(samples))]
    if len(labels) <= MOST_CLASSES:
        text = _tr("{label}: {count}")
        for index, label in enumerate(labels):
            mine = tuple(sample for sample in samples if sample.label == index)
            parts.append((text.format(label=label, count=wording.number(len(mine))), mine))
    return (*found, *(Entry(message, "folder", "", some, {}) for message, some in parts))


def _tr(text: str) -> str:
    return QCoreApplication.translate("check_entries", text)
