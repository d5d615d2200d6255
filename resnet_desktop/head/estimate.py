"""What a job would cost on this machine, from features that are really computed of some of its photos."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from resnet_desktop.core.errors import DataError
from resnet_desktop.data.dataset import Sample, survey
from resnet_desktop.head import choices
from resnet_desktop.head.run import REPORT_SECONDS
from resnet_desktop.jobs.job import Job
from resnet_desktop.runs.evaluation.parity import PROOF_PHOTOS
from resnet_desktop.runs.linear.features import BATCH, Extractor

PHOTOS = 16
STARTING = 2.0
"""Seconds in which the process starts and the base is read and checked."""
LEARNING = 1.5e-9
"""Seconds for each version of a photo, feature and class: all folds and strengths."""


def estimate(job: Job) -> dict[str, Any]:
    """What a run of the job would take: seconds, parameters, device. Raises as a run does."""
    chosen = job.recipe is not None
    filled, base = choices.fill(job)
    recipe = filled.recipe
    assert recipe is not None, "filled in just now"
    found = survey(filled)
    extract = Extractor(
        base.bundle,
        base.head,
        recipe,
        checksum=base.checksum,
        seed=job.seed,
        workers=max(1, filled.workers or 1),
        device=filled.device,
        told=lambda _done, _all: None,
    )
    extract.run_blank()
    started = time.monotonic()
    some, _ = extract(spread(found.training, PHOTOS), 1, None)
    if not len(some):
        raise DataError("no_images", "None of the training photos can be read.")
    each = (time.monotonic() - started) / len(some)
    photos = len(found.training) + len(found.validation)
    views = choices.views(recipe, photos, chosen=chosen)
    rows = views * photos + 2 * min(PROOF_PHOTOS, photos) + len(found.test)
    learning = LEARNING * views * photos * base.head.width * len(found.labels) * 500
    trainable = (base.head.width + 1) * len(found.labels)
    return {
        "seconds_per_step": 0.0,
        "batch_size": BATCH,
        "seconds": round(STARTING + rows * each + learning + REPORT_SECONDS, 1),
        "images": len(found.training),
        "classes": len(found.labels),
        "device": extract.device,
        "trainable": trainable,
        "total": trainable + base.frozen,
        "parts": [
            *({"name": name, "total": total, "trainable": 0, "rate": 0.0} for name, total in base.parts.items()),
            {"name": "head", "total": trainable, "trainable": trainable, "rate": 1.0},
        ],
        "chosen": {
            "device": extract.device,
            "workers": filled.workers,
            "input_size": extract.transforms.crop,
            "recipe.precision": "float32",
            "recipe.views": views,
        },
    }


def spread(samples: Sequence[Sample], count: int) -> list[Sample]:
    """At most ``count`` of the samples, evenly over their order, which is that of the classes."""
    count = min(count, len(samples))
    return [samples[(2 * i + 1) * len(samples) // (2 * count)] for i in range(count)]
