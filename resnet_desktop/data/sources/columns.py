"""Which columns of a table hold the photos and their labels: told by their names, or chosen by a person."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from resnet_desktop.core.errors import DataError
from resnet_desktop.data.sources.camera_traps.camtrap_dp import camtrap_dp
from resnet_desktop.data.sources.camera_traps.tables import timelapse, timelapse_path, wildlife_insights
from resnet_desktop.data.sources.column_names import is_doubtful, is_picture, named_columns
from resnet_desktop.data.sources.labelling import (
    automl,
    choices,
    column_a_class,
    is_label_studio,
    label_studio,
    role_text,
)
from resnet_desktop.data.sources.lists import named, path_and_label
from resnet_desktop.data.sources.photo_index import PhotoIndex
from resnet_desktop.data.sources.rows import Reading, Row, columns_by_name
from resnet_desktop.data.sources.table import Table, bad, read_table
from resnet_desktop.imaging.files import printable

_SEVERAL = ("labels", "tags")
"""Columns that can hold several labels of a photo."""
_PREVIEWED = 8
_Format = Callable[[Table], Reading | None]
_BY_TOOL: tuple[_Format, ...] = (camtrap_dp, wildlife_insights, timelapse, label_studio, automl)


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that a person has chosen, by name or by number from 1; None: told by their names."""

    path: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """A table, looked at.

    Attributes:
        head: the names of its columns; numbers from 1 where its first row seems to be one of photos.
        rows: the first few.
        path: the place of the column that holds the photos, as far as it can be told.
        label: that of the labels.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    path: int | None
    label: int | None


class UnknownColumnsError(DataError):
    """It cannot be told which columns of a table hold what: somebody has to choose them. Code: ``bad_data``."""

    def __init__(self, table: Path, message: str, hint: str) -> None:
        super().__init__("bad_data", message, hint)
        self.table = table


def read_rows(path: Path, columns: Columns, is_photo: Callable[[str], bool], index: PhotoIndex) -> Reading:
    """The rows of a table of photos.

    Args:
        path: the table.
        columns: those that were chosen.
        is_photo: whether a name is that of a file that is there; asked of the first row, which may name no columns.
        index: finds the table's photos by their names.

    Raises:
        DataError: it cannot be read, or (UnknownColumnsError) it cannot be told which columns hold what. Going through
            the rows raises, too.
    """
    table = read_table(path)
    if columns.path is not None or columns.label is not None:
        return _chosen(table, columns, index)
    for of_tool in _BY_TOOL:
        if (reading := of_tool(table)) is not None:
            return reading
    found = named_columns(table, index)
    if found.keys() >= {"path", "label"}:
        return _plain(table, found)
    if (reading := column_a_class(table)) is not None:
        return reading
    first = table.head[0].strip() if table.width == 2 else ""
    if first and (is_photo(first) or (is_picture(first) and index.knows(first))):
        return Reading(_plain_rows(table, {"path": 0, "label": 1}, head=True), strict=True, missing="keep")
    if (reading := path_and_label(table)) is not None:
        return reading
    raise _unknown(table, found)


def preview(path: Path) -> Preview:
    """The head and the first rows of a table. Raises DataError."""
    table = read_table(path)
    headless = not _is_head(table.head)
    rows = itertools.islice(table.rows(with_head=headless), _PREVIEWED)
    head = tuple(str(i + 1) for i in range(table.width)) if headless else table.head
    found = {} if headless else named_columns(table, PhotoIndex(path))
    if headless:
        place = next((i for i, field in enumerate(table.head) if is_picture(field)), None)
        return Preview(head, tuple(tuple(row) for _, row in rows), place, None)
    return Preview(head, tuple(tuple(row) for _, row in rows), found.get("path"), found.get("label"))


def _plain(table: Table, found: dict[str, int]) -> Reading:
    """Columns with usual names. A table for this app, with ``path`` and ``label``, is read strictly."""
    names = [table.head[found[name]].strip().lower() for name in ("path", "label")]
    rows: Iterable[Row] = _plain_rows(table, found)
    if names[1] in _SEVERAL:
        rows = _with_several(list(rows))
    return Reading(named(table.path, rows), strict=names == ["path", "label"], missing="keep")


def _plain_rows(table: Table, found: dict[str, int], *, head: bool = False) -> Iterator[Row]:
    for line, row in table.rows(with_head=head):
        path, label = row[found["path"]].strip(), row[found["label"]].strip()
        role = role_text(table.head[found["role"]], row, found["role"]) if "role" in found else ""
        yield Row(line, (path,) if path else (), (label,) if label else (), role)


def _with_several(rows: Sequence[Row]) -> list[Row]:
    """The rows with several labels parted: at ``,``, ``;`` or ``|``, or at spaces where that leaves fewer of them."""
    said = {label for row in rows for label in row.labels}
    part = re.compile(r"\s*[,;|]\s*")
    if not any(part.search(label) for label in said):
        words = {word for label in said for word in label.split()}
        if len(words) >= len(said):
            return list(rows)
        part = re.compile(r"\s+")
    return [
        Row(row.line, row.paths, tuple(dict.fromkeys(p for x in row.labels for p in part.split(x) if p)), row.role)
        for row in rows
    ]


def _chosen(table: Table, columns: Columns, index: PhotoIndex) -> Reading:
    """The columns that were chosen; what was not is told by its name, also the two of Timelapse."""
    told, by_name = named_columns(table, index), columns_by_name(table.head)
    label = _place(table, columns.label) if columns.label is not None else told.get("label")
    if label is None:
        raise _unknown(table, {"path": 0})
    joined = columns.path is None and by_name.keys() >= {"relativepath", "file"}
    path = _place(table, columns.path) if columns.path is not None else told.get("path", by_name.get("file"))
    if path is None:
        raise _unknown(table, {})
    role = told.get("role")

    def rows() -> Iterator[Row]:
        for line, row in table.rows(with_head=is_picture(table.head[path])):
            name = timelapse_path(row, by_name) if joined else row[path].strip()
            said = "" if role in (None, path, label) else role_text(table.head[role or 0], row, role or 0)
            yield Row(line, (name,) if name else (), choices(row[label]), said)

    return Reading(named(table.path, rows()), anywhere=is_label_studio(table))


def _place(table: Table, wanted: str) -> int:
    """The column of a name, or of a number from 1 where none is called so. Raises DataError."""
    text = wanted.strip()
    heads = [head.strip() for head in table.head]
    for names, name in ((heads, text), ([head.casefold() for head in heads], text.casefold())):
        if names.count(name) == 1:
            return names.index(name)
    if text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= table.width:
        return int(text) - 1
    has = "two columns" if text in heads else "no column"
    raise bad(table.path, f"has {has} “{printable(text[:80])}”; its header has: {_shown(heads)}")


def _is_head(head: Sequence[str]) -> bool:
    """Whether a first row names columns: a row of photos has a file in it."""
    return not any(is_picture(field) for field in head)


def _unknown(table: Table, columns: Mapping[str, int]) -> UnknownColumnsError:
    missing = next(name for name in ("path", "label") if name not in columns)
    twice = [name.strip().lower() for name in table.head].count(missing) > 1
    what = f"has {'two columns' if twice else 'no column'} “{missing}”; its header has: {_shown(table.head)}"
    passed_over = [name for name in table.head if is_doubtful(name)] if missing == "path" else []
    if passed_over:
        what += f"; its column “{printable(passed_over[0])}” names no photos in this folder"
    hint = "Choose the photo and label columns (in a terminal: --path-column and --label-column)"
    message = f"{printable(table.path)} {what}."
    return UnknownColumnsError(table.path, message, f"{hint}, or make the first line: path,label")


def _shown(head: Sequence[str]) -> str:
    return ", ".join(printable(name) for name in head[:10]) or "nothing"
