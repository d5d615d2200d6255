"""What one epoch got wrong, as the trainer writes it beside the events: ``epochs/epoch-NNNN.json`` of a run folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resnet_desktop.jobs.results import PictureResult


@dataclass(frozen=True, slots=True)
class EpochDetails:
    """One epoch's answers on the validation pictures.

    Attributes:
        epoch: its number, from 1.
        labels: of the classes, in their order.
        confusion: pictures of each class (row) that were taken for each class (column); None for very many classes.
        worst: the pictures with the largest loss, the largest first.
    """

    epoch: int
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...] | None
    worst: tuple[PictureResult, ...]

    def mixed_up(self, most: int) -> list[tuple[str, str, int]]:
        """The pairs of classes that are confused most: what it is, what it is taken for, how often."""
        pairs = [
            (count, -row, -column)
            for row, counts in enumerate(self.confusion or ())
            for column, count in enumerate(counts)
            if count and row != column
        ]
        found = sorted(pairs, reverse=True)[:most]
        return [(self.labels[-row], self.labels[-column], count) for count, row, column in found]


def read_details(folder: Path, epoch: int, labels: Sequence[str]) -> EpochDetails | None:
    """The details of an epoch, or None where there are none that can be read: they are of use, but can be missed.

    Args:
        folder: the run folder.
        epoch: its number, from 1.
        labels: of the classes, for a file that does not name them.
    """
    try:
        text = (folder / "epochs" / f"epoch-{epoch:04d}.json").read_text("utf-8", "surrogateescape")
        return _parsed(json.loads(text), epoch, labels)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _parsed(values: Mapping[str, Any], epoch: int, labels: Sequence[str]) -> EpochDetails:
    names = tuple(str(label) for label in values.get("labels") or labels)
    table = values["confusion"]
    confusion = None if table is None else tuple(tuple(int(count) for count in row) for row in table)
    if confusion is not None and {len(names)} != {len(confusion), *map(len, confusion)}:
        raise ValueError("the table has another size than there are classes")
    return EpochDetails(epoch, names, confusion, tuple(_picture(row) for row in values["worst"]))


def _picture(row: Mapping[str, Any]) -> PictureResult:
    return PictureResult(
        path=str(row["path"]),
        label=str(row["label"]),
        predicted=str(row["predicted"]),
        probability=float(row["probability"]),
        loss=float(row["loss"]),
        suspect=False,
        role="validation",
    )
