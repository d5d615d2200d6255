"""What *Quick*, *Balanced* and *Best* stand for: values for everything that a job leaves open.

They were chosen on small sets of photos (some dozens to some thousands) and the networks of the app. Training from
scratch keeps the recipe's own defaults, whatever the preset; it only takes the number of epochs from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EPOCHS: Mapping[str, Mapping[str, int]] = {
    "head": {"quick": 20, "balanced": 60, "best": 100},
    "last-stage": {"quick": 3, "balanced": 10, "best": 30},
    "last-two-stages": {"quick": 3, "balanced": 10, "best": 30},
    "all": {"quick": 3, "balanced": 12, "best": 40},
    "scratch": {"quick": 5, "balanced": 20, "best": 60},
}
"""Epochs at the most; early stopping may end sooner."""

HEAD_RATE: Mapping[str, float] = {"head": 5e-4, "last-stage": 1e-3, "last-two-stages": 1e-3, "all": 1e-3}
"""The highest learning rate of the head in fine-tuning; earlier stages learn slower (``stage_rate``)."""

_SCRATCH: dict[str, Any] = {
    "crop_scale": (0.35, 1.0),
    "jitter": 0.0,
    "label_smoothing": 0.1,
    "optimizer": "sgd",
    "weight_decay": 5e-4,
    "mixup": 0.0,
    "cutmix": 0.0,
    "ema": 0.0,
    "views": 1,
    "patience": 0,
    "balance": "none",
    "stage_rate": 1.0,
    "freeze_norms": False,
}
_FINE_TUNING: dict[str, Any] = {
    "crop_scale": (0.5, 1.0),
    "jitter": 0.2,
    "label_smoothing": 0.05,
    "optimizer": "adamw",
    "weight_decay": 0.01,
    "mixup": 0.0,
    "cutmix": 0.0,
    "ema": 0.0,
    "views": 4,
    "patience": 10,
    "balance": "auto",
    "stage_rate": 0.3,
    "freeze_norms": True,
}
_CHANGES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    # The head sees features that were computed once: more views are the augmentation that it gets.
    "head": {"quick": {"views": 1, "patience": 6}, "best": {"views": 8, "patience": 20}},
    "stages": {
        "quick": {"patience": 2, "crop_scale": (0.6, 1.0)},
        "balanced": {"patience": 4},
        "best": {"patience": 8, "crop_scale": (0.35, 1.0), "mixup": 0.2, "cutmix": 1.0, "ema": 0.99},
    },
}


def recipe_values(train: str, preset: str) -> dict[str, Any]:
    """The recipe's values by key for a choice of ``train`` and ``preset`` of the job; the rest are its defaults."""
    if train == "scratch":
        return dict(_SCRATCH)
    changes = _CHANGES["head" if train == "head" else "stages"]
    return {**_FINE_TUNING, **changes.get(preset, {})}
