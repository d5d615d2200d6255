"""What a run tells about itself: the card that rides in the bundle, and what its data were."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from resnet_desktop.finetune import earlier, events
from resnet_desktop.finetune.dataset import Sample, Scan
from resnet_desktop.finetune.job import DataSource
from resnet_desktop.trainer.engine import Engine
from resnet_desktop.trainer.machine import versions

MOST_SKIPPED = 500
"""Pictures that could not be used are named up to so many."""
OF_THE_RUN = ("name", "arch", "by_class", "skipped", "problems")
"""What ``data`` tells: it stays in the run folder, for it names the user's files."""
_PRIVATE = ("output", "base", "data", "exclude", "relabel", "control", "classes", "follows")
"""Of a job: where things are on the user's disk, and what is said elsewhere."""


def provenance(engine: Engine, found: Scan, tested: Sequence[Sample], lost: Sequence[Sample]) -> dict[str, Any]:
    """What the bundle tells about its making; sources by name, not by place: a path is nobody's business.

    Args:
        engine: at the end of the run.
        found: the data.
        tested: the test pictures that could be read.
        lost: the pictures set apart that could not be read at the end.
    """
    recipe = {key: value for key, value in engine.job.as_dict().items() if key not in _PRIVATE}
    read = len(engine.training) + len(engine.validation)
    return {
        "data": [_name(source) for source in engine.job.data if source.role != "test"],
        "test_data": [_name(source) for source in engine.job.data if source.role == "test"],
        "pictures": {"training": len(engine.training), "validation": len(engine.validation), "test": len(tested)},
        "left_out": len(engine.job.exclude),
        "relabelled": len(engine.job.relabel),
        "judged_changed": earlier.judged_changed(engine.job),
        "unreadable": len(found.training) + len(found.validation) - read + len(lost),
        "recipe": recipe | _used(engine, recipe["recipe"]),
        "base": None if engine.job.train == "scratch" else Path(engine.job.base).name,
        "base_sha256": engine.base or None,
        "seed": engine.job.seed,
        "best_by": engine.best_by if len(engine.validation) else None,
        "exact_epochs": engine.device.type == "cpu" or engine.head is not None or engine.recipe.precision == "float32",
        "device": str(engine.device),
        "minutes": round((engine.preparing + sum(row["seconds"] for row in engine.history)) / 60, 3),
        "versions": versions(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def _used(engine: Engine, recipe: Mapping[str, Any]) -> dict[str, Any]:
    """What a job leaves to the preset and the machine, as it was chosen in the end."""
    schedule = engine.recipe.schedule
    chosen = {"balance": engine.recipe.balance, "accumulate": engine.stepper.accumulate}
    if recipe["compile"] == "auto":  # the run was not asked, as where there is nothing to compile
        chosen["compile"] = "off"
    return {
        "epochs": sum(phase.epochs for phase in schedule),
        "batch_size": max(phase.batch_size for phase in schedule),
        "input_size": schedule[-1].size,
        "recipe": {**recipe, **chosen},
    }


def data(engine: Engine, found: Scan, tested: Sequence[Sample], lost: Sequence[Sample]) -> dict[str, Any]:
    """What the results tell beyond that: names, pictures of each class by what they were for, and what was skipped."""
    parts = {"training": engine.training.samples, "validation": engine.validation.samples, "test": tuple(tested)}
    counts = {role: Counter(sample.label for sample in samples) for role, samples in parts.items()}
    rows = [{"label": label, **{role: counts[role][i] for role in parts}} for i, label in enumerate(found.labels)]
    skipped = [*_skipped(engine.folder), *map(_lost, lost)]
    return {
        "name": engine.folder.name,
        "arch": engine.network.architecture.name,
        "by_class": rows,
        "skipped": skipped[:MOST_SKIPPED],
        "problems": list(found.problems),
    }


def _skipped(folder: Path) -> list[dict[str, str]]:
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


def _name(source: DataSource) -> str:
    return Path(source.path).name
