"""Reading JSON objects strictly: every key is checked, and one that nobody asked for is refused by name."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from resnet_desktop.core.errors import JobError

LONGEST_SHOWN = 60
"""Characters of a value that an error repeats."""


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
    """Takes checked values out of one JSON object by key; what is left over at the end is refused."""

    def __init__(self, values: object, where: str) -> None:
        if not isinstance(values, Mapping):
            raise bad(f"{_capital(where)} must be a JSON object.")
        self._left: dict[str, Any] = {str(k): v for k, v in values.items()}
        self._where = where

    def text(self, key: str, default: str, choices: tuple[str, ...] = ()) -> str:
        """A string, one of ``choices`` where given."""
        value = self._left.pop(key, default)
        if not isinstance(value, str) or (choices and value not in choices):
            expected = f"one of {', '.join(choices)}" if choices else "a text"
            raise bad(f"{self._name(key)} must be {expected}, not {shown(value)}.")
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
            raise bad(f"{self._name(key)} is empty.")
        return place

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self._left.pop(key, default)
        if not isinstance(value, bool):
            raise bad(f"{self._name(key)} must be true or false, not {shown(value)}.")
        return value

    def number(self, key: str, default: float, low: float, high: float) -> float:
        """A finite number between ``low`` and ``high``."""
        value = self._left.pop(key, default)
        good = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not good or not low <= value <= high:  # what is no number (NaN) lies nowhere
            raise bad(f"{self._name(key)} must be a number from {low:g} to {high:g}, not {shown(value)}.")
        return float(value)

    def integer(self, key: str, default: int, low: int, high: int) -> int:
        """A whole number between ``low`` and ``high``."""
        value = self._left.pop(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise bad(f"{self._name(key)} must be a whole number from {low} to {high}, not {shown(value)}.")
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
            raise bad(f"{self._name(key)} must be a list, not {shown(value)}.")
        return value

    def texts(self, key: str) -> dict[str, str]:
        """An object of texts (empty when left out or null)."""
        value = self._left.pop(key, None) or {}
        if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
            raise bad(f"{self._name(key)} must be a JSON object of texts.")
        return value

    def anything(self, key: str) -> Any:  # noqa: ANN401 - checked by whoever asks
        """The value as it stands, None when left out."""
        return self._left.pop(key, None)

    def finish(self) -> None:
        """Refuse the keys that nobody asked for."""
        if self._left:
            names = ", ".join(repr(k) for k in sorted(self._left))
            raise bad(f"{_capital(self._where)} has keys that are not known: {names}.")

    def _name(self, key: str) -> str:
        return f"'{key}' of {self._where}"


def _capital(where: str) -> str:
    return f"T{where[1:]}" if where.startswith("the ") else where
