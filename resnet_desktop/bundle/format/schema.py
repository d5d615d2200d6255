"""The schema of what a model file tells beside labels and preprocessing: of its making, and of its warning.

Model files come from anywhere, and all of this is only shown. So a value of another type than the schema's is left out
as if it were not there, rather than making a network unusable; text is made printable; what no schema knows is kept,
for a later version may know it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from resnet_desktop.core.text.printable import printable

MAX_TEXT = 2_000
"""Characters of one text that is shown."""
MAX_NAMES = 1_000
MAX_DEPTH = 32

_Check = Callable[[Any], Any]
"""From a JSON value to what is kept of it; None: nothing."""


def provenance(told: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of where a model comes from."""
    return _checked(_plain(told, 0), _PROVENANCE)


def novelty(told: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of the rule for unfamiliar images; the rule itself is checked where it is used."""
    return _checked(dict(told), _NOVELTY)


def _text(value: object) -> str | None:
    return printable(value[:MAX_TEXT]) if isinstance(value, str) else None


def _names(value: object) -> list[str] | None:
    if not isinstance(value, list):
        return None
    return [text for text in map(_text, value[:MAX_NAMES]) if text is not None]


def _number(value: object) -> float | int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) < 1e15 and math.isfinite(value) else None


def _count(value: object) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number >= 0 and number == int(number) else None


def _share(value: object) -> float | int | None:
    number = _number(value)
    return number if number is not None and 0 <= number <= 1 else None


def _interval(value: object) -> list[float | int] | None:
    ends = [_share(end) for end in value] if isinstance(value, list) and len(value) == 2 else []
    found = [end for end in ends if end is not None]
    return found if len(found) == 2 and found[0] <= found[1] else None


def _object(schema: Mapping[str, _Check]) -> _Check:
    return lambda value: _checked(value, schema) if isinstance(value, dict) else None


_PROVENANCE: Mapping[str, _Check] = {
    **dict.fromkeys(
        ("base", "base_sha256", "date", "device", "licence", "notice", "publisher", "source", "source_sha256"), _text
    ),
    **dict.fromkeys(("teacher", "teacher_sha256"), _text),
    "data": _names,
    "test_data": _names,
    "seed": _number,
    "minutes": _number,
    "recipe": _object({"train": _text, "preset": _text}),
    "metrics": _object(
        {
            "acc1": _share,
            "acc1_interval": _interval,
            "acc5": _share,
            "images": _count,
            "folds": _count,
            "on": _text,
            "ece": _number,
            "ece_uncalibrated": _number,
            "images_per_second": _number,
        }
    ),
    "variant": _object({"kind": _text, "recipe": _text, "images": _count, "of_sha256": _text}),
    "published": _object({"acc1": _share, "acc5": _share, "on": _text}),
}
_NOVELTY: Mapping[str, _Check] = {
    "false_alarm_rate": _share,
    "false_alarm_interval": _interval,
    "images": _count,
}


def _checked(told: Mapping[str, Any], schema: Mapping[str, _Check]) -> dict[str, Any]:
    kept = {key: schema[key](value) if key in schema else value for key, value in told.items()}
    return {key: value for key, value in kept.items() if value is not None or told[key] is None}


def _plain(value: Any, depth: int) -> Any:  # noqa: ANN401 - JSON
    """The same, its text printable and nothing nested too deeply."""
    if depth > MAX_DEPTH:
        return None
    if isinstance(value, str):
        return printable(value, lines=True)
    if isinstance(value, list):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {printable(key): _plain(item, depth + 1) for key, item in value.items()}
    return value
