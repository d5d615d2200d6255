"""What a run tells about its data, whatever taught the network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from resnet_desktop.data.dataset import Sample, Scan
from resnet_desktop.jobs import events
from resnet_desktop.jobs.job import DataSource

MOST_SKIPPED = 500
"""Pictures that could not be used are named up to so many."""
OF_THE_RUN = ("name", "arch", "by_class", "skipped", "problems")
"""What ``data`` tells: it stays in the run folder, for it names the user's files."""
PRIVATE = ("output", "base", "data", "exclude", "relabel", "control", "classes", "follows")
"""Of a job: where things are on the user's disk, and what is said elsewhere."""


def data(
    folder: Path, arch: str, found: Scan, parts: Mapping[str, Sequence[Sample]], lost: Sequence[Sample]
) -> dict[str, Any]:
    """What the results tell beside the card of the bundle, for it names the user's files.

    Args:
        folder: of the run.
        arch: what the network is called.
        found: the data.
        parts: the pictures that could be read, by what they were for.
        lost: the pictures set apart that could not be read at the end.
    """
    counts = {role: Counter(sample.label for sample in samples) for role, samples in parts.items()}
    rows = [{"label": label, **{role: counts[role][i] for role in parts}} for i, label in enumerate(found.labels)]
    return {
        "name": folder.name,
        "arch": arch,
        "by_class": rows,
        "skipped": [*skipped(folder), *map(_lost, lost)][:MOST_SKIPPED],
        "problems": list(found.problems),
    }


def skipped(folder: Path) -> list[dict[str, str]]:
    """The pictures that the run could not read, with the reasons that it gave when it began."""
    last: Mapping[str, Any] = {}
    try:
        with (folder / "events.jsonl").open(encoding="utf-8", errors="surrogateescape") as lines:
            for line in lines:
                record = events.decode(line) if '"scanned"' in line else None
                last = record if record is not None and record["event"] == "scanned" else last
    except OSError:  # nobody can say it any more
        return []
    rows = last.get("skipped", ())
    return [{key: str(row.get(key, "")) for key in ("path", "code", "message")} for row in rows]


def _lost(sample: Sample) -> dict[str, str]:
    return {"path": sample.name, "code": "unreadable", "message": "It cannot be read."}


def name_of(source: DataSource) -> str:
    """The source without its place: a path is nobody's business."""
    return Path(source.path).name
