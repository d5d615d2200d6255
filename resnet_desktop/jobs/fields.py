"""Reading JSON objects strictly: every key is checked, and each that is wrong or that nobody asked for is named."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from resnet_desktop.core.errors import JobError

LONGEST_SHOWN = 60
"""Characters of a value that an error repeats."""
_MOST_NAMED = 20


def bad(message: str) -> JobError:
    """The error of a job file: one sentence that names the key."""
    return JobError("bad_job", message)


def shown(value: object) -> str:
    """A value as it stands in a job file, cut short where it is long."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except RecursionError:  # nested as deeply as could just be read
        text = "…"
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]} …"


class Fields:
    """Takes checked values out of one JSON object by key.

    What is wrong is noted and its default goes on in its place, so that ``raise_faults`` names everything at once.

    Args:
        values: the object.
        where: what it is called in a sentence.
        faults: where sentences on what is wrong are noted; its own list, if None.
    """

    def __init__(self, values: object, where: str, faults: list[str] | None = None) -> None:
        self.faults: list[str] = [] if faults is None else faults
        if not isinstance(values, Mapping):
            self.refuse(f"{_capital(where)} must be a JSON object.")
            values = {}
        self._left: dict[str, Any] = {str(k): v for k, v in values.items()}
        self._where = where

    def refuse(self, message: str) -> None:
        """Note what is wrong: a sentence that names the key."""
        self.faults.append(message)

    def below(self, value: object, where: str) -> Fields:
        """The fields of an object in this one, which has none when left out; their faults are noted here."""
        return Fields({} if value is None else value, where, self.faults)

    def raise_faults(self) -> None:
        """Raise a JobError that names everything that was wrong; nothing, if all is well."""
        if self.faults:
            more = len(self.faults) - _MOST_NAMED
            raise bad(" ".join(self.faults[:_MOST_NAMED]) + (f" And {more:,} more." if more > 0 else ""))

    def text(self, key: str, default: str, choices: tuple[str, ...] = ()) -> str:
        """A string, one of ``choices`` where given."""
        value = self._left.pop(key, default)
        if not isinstance(value, str) or (choices and value not in choices):
            expected = f"one of {', '.join(choices)}" if choices else "text"
            self.refuse(f"{self._name(key)} must be {expected}, not {shown(value)}.")
            return default
        return value

    def place(self, key: str, default: str) -> str:
        """The name of a file or folder; a leading ``~`` is the home folder, as shells have it."""
        return os.path.expanduser(self.text(key, default))  # noqa: PTH111 - Path's raises where there is no such user

    def maybe_place(self, key: str) -> str | None:
        """The same, or None for null; it is not empty."""
        if self._left.get(key) is None:
            self._left.pop(key, None)
            return None
        place = self.place(key, "")
        if not place:
            self.refuse(f"{self._name(key)} is empty.")
        return place

    def maybe_text(self, key: str) -> str | None:
        """A string that is not empty, or None for null."""
        if self._left.get(key) is None:
            self._left.pop(key, None)
            return None
        text = self.text(key, "")
        if not text.strip():
            self.refuse(f"{self._name(key)} is empty.")
        return text

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self._left.pop(key, default)
        if not isinstance(value, bool):
            self.refuse(f"{self._name(key)} must be true or false, not {shown(value)}.")
            return default
        return value

    def number(self, key: str, default: float, low: float, high: float) -> float:
        """A finite number between ``low`` and ``high``."""
        value = self._left.pop(key, default)
        good = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not good or not low <= value <= high:  # what is no number (NaN) lies nowhere
            self.refuse(f"{self._name(key)} must be a number from {low:g} to {high:g}, not {shown(value)}.")
            return default
        return float(value)

    def integer(self, key: str, default: int, low: int, high: int) -> int:
        """A whole number between ``low`` and ``high``."""
        value = self._left.pop(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            self.refuse(f"{self._name(key)} must be a whole number from {low} to {high}, not {shown(value)}.")
            return default
        return value

    def maybe_integer(self, key: str, low: int, high: int) -> int | None:
        """A whole number, or None for null."""
        if self._left.get(key) is None:
            self._left.pop(key, None)
            return None
        return self.integer(key, low, low, high)

    def maybe_number(self, key: str, low: float, high: float) -> float | None:
        """A number, or None for null."""
        if self._left.get(key) is None:
            self._left.pop(key, None)
            return None
        return self.number(key, low, low, high)

    def items(self, key: str) -> list[Any]:
        """A list (empty when left out)."""
        value = self._left.pop(key, [])
        if not isinstance(value, list):
            self.refuse(f"{self._name(key)} must be a list, not {shown(value)}.")
            return []
        return value

    def texts(self, key: str) -> dict[str, str]:
        """An object of texts (empty when left out or null)."""
        value = self._left.pop(key, None) or {}
        if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
            self.refuse(f"{self._name(key)} must be a JSON object of strings.")
            return {}
        return value

    def anything(self, key: str) -> Any:  # noqa: ANN401 - checked by whoever asks
        """The value as it stands, None when left out."""
        return self._left.pop(key, None)

    def finish(self) -> None:
        """Refuse the keys that nobody asked for."""
        if self._left:
            names = ", ".join(repr(k) for k in sorted(self._left))
            self.refuse(f"{_capital(self._where)} has unknown keys: {names}.")

    def _name(self, key: str) -> str:
        return f"'{key}' of {self._where}"


def _capital(where: str) -> str:
    return f"T{where[1:]}" if where.startswith("the ") else where
