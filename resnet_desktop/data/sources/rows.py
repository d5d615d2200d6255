"""What a table says of photos, whatever program has written it: one row a photo, with the labels that it gives it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Missing = Literal["keep", "tell"]


@dataclass(frozen=True, slots=True)
class Row:
    """A photo of a table.

    Attributes:
        line: where it stands.
        paths: names that its file may have, the likeliest first.
        labels: none, where the table gives it none; several, where it gives it several.
        role: what it is said to be for; empty, where nothing is said.
    """

    line: int
    paths: tuple[str, ...]
    labels: tuple[str, ...]
    role: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """The rows of a table, read.

    Attributes:
        rows: a photo each.
        strict: whether every row must have path and label, as in a table that was made for this app.
        anywhere: whether a name alone says which file is meant, though a folder stands before it: paths of a server.
        missing: what becomes of a photo that is not there: it is told, or kept for whoever opens it to tell.
        remarks: sentences on what the table holds beside photos with labels.
        listed_in: the table that the lines are of, where it is another one.
    """

    rows: Iterable[Row]
    strict: bool = False
    anywhere: bool = False
    missing: Missing = "tell"
    remarks: tuple[str, ...] = ()
    listed_in: Path | None = None


def squeezed(name: str) -> str:
    """The name of a column as it is compared: small letters and digits alone."""
    return re.sub(r"[\W_]+", "", name.lower())


def columns_by_name(head: Iterable[str]) -> Mapping[str, int]:
    """The place of each column by its squeezed name; the first of those that are called alike."""
    found: dict[str, int] = {}
    for place, name in enumerate(head):
        found.setdefault(squeezed(name), place)
    return found


def first_of(names: Iterable[str], columns: Mapping[str, int]) -> int | None:
    """The place of the first of these names that there is."""
    return next((columns[name] for name in names if name in columns), None)
