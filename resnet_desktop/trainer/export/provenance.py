"""What a run tells about itself: the card that rides in the bundle, and what its data were."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from resnet_desktop.data.dataset import Sample, Scan
from resnet_desktop.jobs import previous_split
from resnet_desktop.runs import about
from resnet_desktop.runs.about import OF_THE_RUN as OF_THE_RUN
from resnet_desktop.trainer.loop.engine import Engine
from resnet_desktop.trainer.machine import versions


def provenance(engine: Engine, found: Scan, tested: Sequence[Sample], lost: Sequence[Sample]) -> dict[str, Any]:
    """What the bundle tells about its making; sources by name, not by place: a path is nobody's business.

    Args:
        engine: at the end of the run.
        found: the data.
        tested: the test pictures that could be read.
        lost: the pictures set apart that could not be read at the end.
    """
    recipe = {key: value for key, value in engine.job.as_dict().items() if key not in about.PRIVATE}
    read = len(engine.training) + len(engine.validation)
    return {
        "data": [about.name_of(source) for source in engine.job.data if source.role != "test"],
        "test_data": [about.name_of(source) for source in engine.job.data if source.role == "test"],
        "pictures": {"training": len(engine.training), "validation": len(engine.validation), "test": len(tested)},
        "left_out": len(engine.job.exclude),
        "relabelled": len(engine.job.relabel),
        "judged_changed": previous_split.judged_changed(engine.job),
        "unreadable": len(found.training) + len(found.validation) - read + len(lost),
        "recipe": recipe | _used(engine, recipe["recipe"]),
        "base": None if engine.job.train == "scratch" else Path(engine.job.base).name,
        "base_sha256": engine.base or None,
        **_teacher(engine),
        "head_start": None if engine.head_start is None else engine.head_start.as_dict(),
        "seed": engine.job.seed,
        "best_by": engine.best_by if len(engine.validation) else None,
        "exact_epochs": engine.device.type == "cpu" or engine.head is not None or engine.recipe.precision == "float32",
        "device": str(engine.device),
        "minutes": round(_minutes(engine), 3),
        "versions": versions(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def _minutes(engine: Engine) -> float:
    """What the run took, as far as it is known: for features and epochs, or in all where its time was limited."""
    if engine.budget is not None:
        return engine.budget.minutes
    return (engine.preparing + sum(float(row["seconds"]) for row in engine.history)) / 60


def _teacher(engine: Engine) -> dict[str, Any]:
    """Who was learnt from, by name: a path is nobody's business."""
    if engine.teacher is None:
        return {}
    return {"teacher": Path(engine.teacher.name).name, "teacher_sha256": engine.teacher.checksum}


def _used(engine: Engine, recipe: Mapping[str, Any]) -> dict[str, Any]:
    """What a job leaves to the preset and the machine, as it was chosen in the end."""
    schedule, chosen = engine.course.made(), {"balance": engine.recipe.balance, "accumulate": engine.stepper.accumulate}
    chosen["schedule"] = [dataclasses.asdict(phase) for phase in schedule]
    if engine.teacher is not None:
        chosen["teacher"] = recipe["teacher"] | {"model": Path(engine.teacher.name).name}
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
    return about.data(engine.folder, engine.network.arch or "graph", found, parts, lost)
