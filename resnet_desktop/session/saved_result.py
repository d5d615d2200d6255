"""A result as JSON, in the lines of a session: written and read again, whatever is in the file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from resnet_desktop.core.text.printable import printable
from resnet_desktop.session.results import FileState, Result

if TYPE_CHECKING:
    from resnet_desktop.inference.classifier import ClassScore

LONGEST_TEXT = 2_000
MOST_SCORES = 10_000


def as_dict(result: Result) -> dict[str, Any]:
    """A result as it stands in a line."""
    group = result.group
    found: dict[str, Any] = {
        "scores": [[score.index, score.label, score.probability] for score in result.scores],
        "unfamiliar": result.unfamiliar,
        "provider": result.provider,
        "full_provider": result.full_provider,
        "seconds": result.seconds,
        "full_size": list(result.full_size),
        "group": None
        if group is None
        else {"id": group.id, "label": group.label, "probability": group.probability, "classes": group.classes},
        "sure": result.sure,
        "notes": list(result.notes),
        "note_codes": list(result.note_codes),
    }
    if result.present is not None:
        found["present"] = [[score.index, score.label, score.probability] for score in result.present]
    return found


def from_dict(found: Mapping[str, Any], state: FileState | None) -> Result:
    """A result out of a line. Raises TypeError, ValueError, KeyError, AttributeError: it is none."""
    from resnet_desktop.inference.groups import GroupScore  # the window is up before this is loaded

    scores, present = _scores(found["scores"]), found.get("present")
    group, size = found.get("group"), found["full_size"]
    if not scores or not are_wholes(size, 2):
        raise ValueError
    answer = None
    if group is not None:
        classes = tuple(_index(index) for index in group["classes"])
        name = None if group["id"] is None else text(group["id"])
        answer = GroupScore(name, text(group["label"]), _share(group["probability"]), classes)
    notes, codes = (tuple(text(note) for note in found.get(key, ())) for key in ("notes", "note_codes"))
    return Result(
        scores=scores,
        unfamiliar=_flag(found["unfamiliar"]),
        provider=text(found["provider"]),
        seconds=abs(number(found["seconds"])),
        full_size=(size[0], size[1]),
        group=answer,
        sure=_flag(found["sure"]),
        notes=notes,
        file=state,
        note_codes=codes if len(codes) == len(notes) else (),
        full_provider=text(found.get("full_provider", "")),
        present=None if present is None else _scores(present),
    )


def _scores(found: Any) -> tuple[ClassScore, ...]:  # noqa: ANN401 - JSON
    from resnet_desktop.inference.classifier import ClassScore

    return tuple(ClassScore(_index(i), text(label), _share(p)) for i, label, p in found[:MOST_SCORES])


def is_whole(value: object) -> bool:
    """Whether JSON has an integer here."""
    return isinstance(value, int) and not isinstance(value, bool)


def are_wholes(value: object, count: int) -> bool:
    """Whether JSON has ``count`` integers from 0 on here."""
    return isinstance(value, list) and len(value) == count and all(is_whole(item) and item >= 0 for item in value)


def _index(value: Any) -> int:  # noqa: ANN401 - JSON
    if not is_whole(value) or value < 0:
        raise ValueError
    return int(value)


def number(value: Any) -> float:  # noqa: ANN401 - JSON
    """A finite number. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError
    return float(value)


def _share(value: Any) -> float:  # noqa: ANN401 - JSON
    share = number(value)
    if not 0.0 <= share <= 1.0 + 1e-6:
        raise ValueError
    return min(share, 1.0)


def text(value: Any) -> str:  # noqa: ANN401 - JSON
    """A text of moderate length, fit to be shown. Raises ValueError."""
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise ValueError
    return printable(value)


def _flag(value: Any) -> bool:  # noqa: ANN401 - JSON
    if not isinstance(value, bool):
        raise ValueError
    return value
