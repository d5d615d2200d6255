"""What a run of the last layer tells about itself: the card that rides in the bundle, and what its data were."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from resnet_desktop.data.dataset import Sample
from resnet_desktop.head.taught import Taught
from resnet_desktop.head.versions import versions
from resnet_desktop.jobs import previous_split
from resnet_desktop.runs import about

REGRESSION = "regression"
"""How it was learnt, where others say nothing: softmax regression on fixed features."""


def provenance(taught: Taught, tested: Sequence[Sample], lost: Sequence[Sample]) -> dict[str, Any]:
    """What the bundle tells about its making.

    Args:
        taught: at the end of the run.
        tested: the test photos that could be read.
        lost: the photos set apart that could not be read at the end.
    """
    job, found = taught.job, taught.found
    recipe = {key: value for key, value in job.as_dict().items() if key not in about.PRIVATE}
    read = len(taught.training) + len(taught.validation)
    return {
        "data": [about.name_of(source) for source in job.data if source.role != "test"],
        "test_data": [about.name_of(source) for source in job.data if source.role == "test"],
        "pictures": {"training": len(taught.training), "validation": len(taught.validation), "test": len(tested)},
        "left_out": len(job.exclude),
        "relabelled": len(job.relabel),
        "judged_changed": previous_split.judged_changed(job),
        "unreadable": len(found.training) + len(found.validation) - read + len(lost),
        "recipe": recipe,
        "learner": {
            "kind": REGRESSION,
            "strength": taught.learnt.strength,
            "folds": taught.folds,
            "path": list(taught.learnt.path),
        },
        "base": Path(job.base).name,
        "base_sha256": taught.base.checksum,
        "seed": job.seed,
        "best_by": None,
        "exact_epochs": True,
        "device": taught.extract.device,
        "minutes": round(taught.seconds / 60, 3),
        "versions": versions(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def data(taught: Taught, folder: Path, tested: Sequence[Sample], lost: Sequence[Sample]) -> dict[str, Any]:
    """What the results tell beyond that."""
    parts = {"training": taught.training.samples, "validation": taught.validation, "test": tuple(tested)}
    return about.data(folder, taught.base.bundle.metadata.arch or "graph", taught.found, parts, lost)
