"""What an epoch got wrong: a file for each, for whoever looks on."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from resnet_desktop.core import atomic
from resnet_desktop.core.errors import StorageError
from resnet_desktop.data.dataset import Sample
from resnet_desktop.runs.reporter import Reporter
from resnet_desktop.trainer.evaluation.evaluate import Evaluation
from resnet_desktop.trainer.inputs.feeds import Feed

WORST = 24
"""Pictures that are named."""
LARGEST_TABLE = 200
"""Classes up to which the confusion table is written out."""


def write(folder: Path, epoch: int, result: Evaluation, feed: Feed, labels: Sequence[str]) -> Path:
    """Write ``epoch-NNNN.json``: labels, the confusion table (row: right class, column: answer), the worst pictures.

    ``jobs.epoch_details`` reads it.

    Above ``LARGEST_TABLE`` classes the table is null. The file is written in one piece beside its place and renamed;
    it is not synced to the disk, for it can be missed. Raises StorageError.
    """
    path = folder / f"epoch-{epoch:04d}.json"
    probabilities = result.logits.softmax(1)
    losses = functional.cross_entropy(result.logits, result.labels, reduction="none")
    predicted = result.logits.argmax(1)
    classes = max(len(labels), result.logits.shape[1])
    values = {
        "epoch": epoch,
        "labels": list(labels),
        "confusion": confusion(result.labels, predicted, classes) if classes <= LARGEST_TABLE else None,
        "worst": [
            picture(feed.samples[i], labels, int(predicted[i]), float(probabilities[i].max()), float(losses[i]))
            for i in losses.argsort(descending=True)[:WORST].tolist()
        ],
    }
    temporary = path.with_suffix(".part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(values, ensure_ascii=False), "utf-8", "surrogateescape")
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise atomic.storage_error(path, error) from error
    return path


def kept(
    folder: Path, epoch: int, result: Evaluation, feed: Feed, labels: Sequence[str], reporter: Reporter
) -> str | None:
    """Write them to ``epochs`` of the run folder, and where; None if that cannot be, which is said.

    A run does not end for want of them.
    """
    try:
        return str(write(folder / "epochs", epoch, result, feed, labels))
    except StorageError as error:
        message = f"This epoch's mistakes could not be saved: {error}"
        reporter.say("warning", code="no_details", message=message)
    return None


def confusion(labels: Tensor, predicted: Tensor, classes: int) -> list[list[int]]:
    """How often pictures of each class (row) were taken for each class (column)."""
    counts = torch.bincount(labels * classes + predicted, minlength=classes * classes)
    table: list[list[int]] = counts.view(classes, classes).tolist()
    return table


def picture(sample: Sample, labels: Sequence[str], predicted: int, probability: float, loss: float) -> dict[str, Any]:
    """A picture and what was made of it, as JSON values."""
    return {
        "path": sample.name,
        "label": labels[sample.label],
        "predicted": labels[predicted],
        "probability": round(probability, 5),
        "loss": round(loss, 5),
    }
