"""Results as rows for other programs: one set of keys and columns, whoever writes them.

A row is what JSON holds of one photo. A table is ``wide`` (a line for each photo, its classes side by side) or ``long``
(a line for each class of a photo).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from resnet_desktop.core.text.printable import printable
from resnet_desktop.imaging.region import Region

if TYPE_CHECKING:
    from resnet_desktop.inference.batch import Outcome
    from resnet_desktop.inference.classifier import ClassScore, Prediction
    from resnet_desktop.inference.groups import GroupScore
    from resnet_desktop.session.results import Result

Layout = Literal["wide", "long"]
Row = dict[str, Any]
SHARED = ("unfamiliar", "error", "message", "group", "group_probability", "sure", "notes", "present")
"""The columns behind the classes, in both layouts."""
CLASS = ("rank", "index", "label", "probability")
"""The columns of a class in a long table."""
PART = ("left", "top", "width", "height")
"""The columns at the end where some rows are of parts of photos: fractions of the photo's width and height."""


def answered(
    path: str,
    answer: Prediction | Result,
    *,
    provider: str,
    model: str,
    variant: str | None = None,
    notes: Sequence[Mapping[str, str]],
    scores: Sequence[ClassScore] | None = None,
    about: Mapping[str, object] | None = None,
) -> Row:
    """The row of a photo with an answer.

    Args:
        path: of the photo.
        answer: what the model says.
        provider: ONNX Runtime's name of what ran it.
        model: its name.
        variant: which faster form of it answered, such as ``int8``; None: the model as installed.
        notes: each with ``code`` and ``message``.
        scores: the classes, where others are wanted than those of the answer.
        about: what else is known of the photo.
    """
    listed = answer.scores if scores is None else scores
    return {
        "path": path,
        "ok": True,
        **(about or {}),
        "predictions": [_score(score) for score in listed],
        "group": None if answer.group is None else group_as_dict(answer.group),
        "sure": answer.sure,
        "present": None if answer.present is None else [_score(score) for score in answer.present],
        "unfamiliar": answer.unfamiliar,
        "notes": list(notes),
        "model": model,
        "variant": variant,
        "provider": provider,
        "seconds": round(answer.seconds, 4),
    }


def of_outcome(
    path: str, outcome: Outcome, model: str, about: Mapping[str, object] | None = None, *, variant: str | None = None
) -> Row:
    """The row of a photo that was classified among many; arguments as of ``answered``."""
    prediction = outcome.prediction
    if prediction is None:
        assert outcome.error is not None
        return failed(path, outcome.error.as_dict(), about)
    notes = [note.as_dict() for note in prediction.notes]
    return answered(
        path, prediction, provider=prediction.provider, model=model, variant=variant, notes=notes, about=about
    )


def _score(score: ClassScore) -> Row:
    return {"index": score.index, "label": score.label, "probability": round(score.probability, 6)}


def failed(path: str, error: Mapping[str, str], about: Mapping[str, object] | None = None) -> Row:
    """The row of a photo without one; ``error`` has ``code`` and ``message``."""
    return {"path": path, "ok": False, **(about or {}), "error": dict(error)}


def group_as_dict(group: GroupScore) -> Row:
    """A group as it stands in JSON."""
    return {
        "wnid": group.id,
        "label": group.label,
        "probability": round(group.probability, 6),
        "classes": list(group.classes),
    }


def part_as_dict(source: object) -> Row:
    """What a row says of a photo of which only a part was looked at; nothing of a whole one."""
    return {"bbox": list(source.bbox)} if isinstance(source, Region) else {}


def part_cells(row: Row) -> list[Any]:
    """The cells of ``PART``, which are empty for a whole photo."""
    return list(row.get("bbox") or [""] * len(PART))


def header(layout: Layout, top: int) -> list[str]:
    """The names of the columns; ``top``: classes of each photo, in a wide table."""
    if layout == "long":
        return ["path", "ok", *CLASS, *SHARED]
    return ["path", "ok", *(f"{name}_{i + 1}" for i in range(top) for name in ("label", "probability")), *SHARED]


def cells(row: Row, layout: Layout, top: int) -> Iterator[list[Any]]:
    """The lines of one photo, each with as many cells as the header. Bytes of a path that are not UTF-8 are escaped."""
    error, group = row.get("error", {}), row.get("group") or {}
    path = row["path"].encode("utf-8", "backslashreplace").decode("utf-8")
    groups = [group.get("label", ""), group.get("probability", ""), row.get("sure", "")]
    notes = " ".join(note["code"] for note in row.get("notes", ()) if note["code"])
    present = "; ".join(score["label"] for score in row.get("present") or ())
    message = printable(error.get("message", ""))
    shared = [row.get("unfamiliar", ""), error.get("code", ""), message, *groups, notes, present]
    scores = row.get("predictions", [])
    if layout == "wide":
        ranked = [value for score in scores[:top] for value in (score["label"], score["probability"])]
        yield [path, row["ok"], *ranked, *[""] * (2 * top - len(ranked)), *shared]
        return
    for rank, score in enumerate(scores, start=1):
        yield [path, row["ok"], rank, score["index"], score["label"], score["probability"], *shared]
    if not scores:
        yield [path, row["ok"], "", "", "", "", *shared]
