"""What a finished run found out: ``results.json`` of its folder, for the window and whoever else wants it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resnet_desktop.core.errors import DataError
from resnet_desktop.core.text.error_text import error_text

FILE = "results.json"


@dataclass(frozen=True, slots=True)
class ClassResult:
    """One class: fractions of 1, and ``support``, how many pictures of it there were.

    Without any, nothing is known of it; ``precision`` is None, too, where no picture was named so.
    """

    label: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int

    def __post_init__(self) -> None:
        """An older program wrote zeros where nothing was measured."""
        if not self.support:
            for name in ("precision", "recall", "f1"):
                object.__setattr__(self, name, None)


@dataclass(frozen=True, slots=True)
class PictureResult:
    """One picture and what the model makes of it.

    Attributes:
        path: the picture's name, as ``exclude`` and ``relabel`` of a job take it.
        label: what it is said to be.
        predicted: the model's answer, and its ``probability``.
        loss: in nats; None for training pictures.
        suspect: the label is likely wrong.
        role: ``training``, ``validation`` or ``test``.
    """

    path: str
    label: str
    predicted: str
    probability: float
    loss: float | None
    suspect: bool
    role: str

    @property
    def right(self) -> bool:
        """Whether the answer is the label."""
        return self.label == self.predicted


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Answers of a confidence from ``low`` to ``high``: how sure they are on average, and how many are right."""

    low: float
    high: float
    confidence: float | None
    accuracy: float | None
    count: int


@dataclass(frozen=True, slots=True)
class Confusion:
    """So many (``count``) pictures of one class (``label``) were taken for another (``predicted``)."""

    label: str
    predicted: str
    count: int


@dataclass(frozen=True, slots=True)
class Results:
    """All of a run's results.

    Attributes:
        labels: of the classes, in their order.
        metrics: as in the ``finished`` event.
        per_class: a row for each class.
        confusion: pictures of each class (row) that were taken for each class (column); None for very many classes.
        pictures: the pictures that were set apart, worst first.
        suspects: pictures whose label is likely wrong, also among those that were learnt from.
        doubts: where wrong labels were looked for: ``training`` with ``pictures``, ``wrong`` (the share that the models
            which were asked name otherwise than the labels do) and ``why`` not, and ``apart``, how many of the
            pictures set apart; empty for a run of an older program.
        before: reliability before the temperature.
        after: and after it.
        temperature: that was fitted.
        novelty: the rule about unfamiliar pictures with its ``false_alarm_rate``; None if it was not fitted.
        history: a row for each epoch.
        about: what the run tells about itself: data, recipe, versions, parity; empty for a run of an older program.
    """

    labels: tuple[str, ...]
    metrics: Mapping[str, Any]
    per_class: tuple[ClassResult, ...]
    confusion: tuple[tuple[int, ...], ...] | None
    pictures: tuple[PictureResult, ...]
    suspects: tuple[PictureResult, ...]
    doubts: Mapping[str, Any]
    before: tuple[ReliabilityBin, ...]
    after: tuple[ReliabilityBin, ...]
    temperature: float
    novelty: Mapping[str, Any] | None
    history: tuple[Mapping[str, Any], ...]
    about: Mapping[str, Any]

    @property
    def measured(self) -> bool:
        """Whether any pictures were set apart, so that there are figures at all."""
        return bool(self.metrics.get("images"))

    @property
    def untested(self) -> tuple[str, ...]:
        """The classes of which no picture was set apart, so that no figure says anything of them."""
        return tuple(row.label for row in self.per_class if not row.support) if self.measured else ()

    @property
    def judged(self) -> tuple[PictureResult, ...]:
        """The pictures that all figures are of: those of the test, or of validation where there is none."""
        role = self.metrics.get("on")
        return tuple(picture for picture in self.pictures if picture.role == role)

    @property
    def confusions(self) -> tuple[Confusion, ...]:
        """Which class is taken for which, the most frequent first; of as many classes as there may be."""
        pairs = Counter((p.label, p.predicted) for p in self.judged if not p.right)
        order = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))
        return tuple(Confusion(label, predicted, count) for (label, predicted), count in order)

    @property
    def mistakes(self) -> tuple[PictureResult, ...]:
        """The pictures that are named wrongly, the largest loss first."""
        wrong = [picture for picture in self.pictures if not picture.right]
        return tuple(sorted(wrong, key=lambda picture: -(picture.loss or 0.0)))

    def cell(self, label: str, predicted: str) -> tuple[PictureResult, ...]:
        """The pictures behind one cell of the confusion table."""
        return tuple(p for p in self.judged if (p.label, p.predicted) == (label, predicted))

    def of_class(self, label: str) -> tuple[PictureResult, ...]:
        """The pictures of one class, and those that are taken for it."""
        return tuple(p for p in self.judged if label in (p.label, p.predicted))


def read_results(folder: Path) -> Results:
    """The results of a run folder. Raises DataError: ``missing_data``, ``bad_data``."""
    path = folder / FILE
    try:
        values = json.loads(path.read_text("utf-8", "surrogateescape"))
    except OSError as error:
        message = f"The results {path} cannot be read: {error.strerror or error}."
        raise DataError("missing_data", message) from error
    except (ValueError, RecursionError) as error:
        raise DataError("bad_data", f"The results {path} are not JSON: {error_text(error)}.") from error
    try:
        return _parsed(values)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError("bad_data", f"The results {path} are not from a training run: {error!r}.") from error


def _parsed(values: Mapping[str, Any]) -> Results:
    table = values["confusion"]
    return Results(
        labels=tuple(str(label) for label in values["labels"]),
        metrics=dict(values["metrics"]),
        per_class=tuple(ClassResult(**row) for row in values["per_class"]),
        confusion=None if table is None else tuple(tuple(int(n) for n in row) for row in table),
        pictures=tuple(_picture(row) for row in values["pictures"]),
        suspects=tuple(_picture({"suspect": True, **row}) for row in values["suspects"]),
        doubts=dict(values.get("doubts") or {}),
        before=tuple(ReliabilityBin(**row) for row in values["reliability"]["before"]),
        after=tuple(ReliabilityBin(**row) for row in values["reliability"]["after"]),
        temperature=float(values["temperature"]),
        novelty=None if values["novelty"] is None else dict(values["novelty"]),
        history=tuple(dict(row) for row in values["history"]),
        about=dict(values.get("about") or {}),
    )


def _picture(row: Mapping[str, Any]) -> PictureResult:
    loss = row.get("loss")
    return PictureResult(
        path=str(row["path"]),
        label=str(row["label"]),
        predicted=str(row["predicted"]),
        probability=float(row["probability"]),
        loss=None if loss is None else float(loss),
        suspect=bool(row["suspect"]),
        role=str(row.get("role", "validation")),
    )
