"""Pictures and their classes from a CSV file: columns ``path`` and ``label``, and ``role`` where wanted.

The first row names the columns, in any order and also by other usual names; others are passed over. Without such a row
there are two columns, path and label, and the first path must be that of a file. Paths are relative to the CSV file's
folder; a path may lead into a zip file (``photos.zip/ants/1.jpg``). UTF-8, with or without byte order mark, or UTF-16
with one; parted by commas, semicolons or tabs, as spreadsheet programs write it.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from resnet_desktop.core.csv_text import original
from resnet_desktop.core.errors import DataError
from resnet_desktop.finetune.places import Found, Place, label_text, source_path
from resnet_desktop.finetune.roles import said_role
from resnet_desktop.finetune.samples import GONE
from resnet_desktop.imaging.files import printable

NAMES = {
    "path": (
        "path",
        "filename",
        "file_name",
        "file",
        "filepath",
        "file_path",
        "image",
        "image_path",
        "img",
        "img_path",
    ),
    "label": ("label", "class", "category", "target", "class_name", "labels", "name"),
    "role": ("role", "split", "set", "subset"),
}
"""What columns are called, the usual names first."""
_LARGEST = 256 * 2**20
_SEPARATED = re.compile(r'"?sep=([,;\t])"?[,;\t]*\s*', re.IGNORECASE)
_ARCHIVE = re.compile(r"\.zip[/\\]", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class _Table:
    """Where the rows of pictures begin: text, lines before it, columns by name, how many columns there are."""

    text: str
    before: int
    delimiter: str
    columns: dict[str, int]
    width: int


def read_csv(path: Path, role: str | None) -> list[Found]:
    """The pictures that a CSV file names; ``role`` goes before what the file says. They need not exist.

    Raises:
        DataError: the file cannot be read, lacks a column, or has a row (named by its line) without path or label, or
            with more fields than there are columns.
    """
    try:
        table = _table(path, _text(path))
        return [
            _found(row, table, path, line, role)
            for line, row in _rows(table.text, table.delimiter, table.before)
            if any(field.strip() for field in row)
        ]
    except csv.Error as error:
        raise _bad(path, f"is not a CSV file that can be read: {error}") from error


def _table(path: Path, text: str) -> _Table:
    """Find the row that names the columns, below blank lines and the ``sep=;`` of a spreadsheet program."""
    lines = io.StringIO(text, newline="").readlines()
    before, delimiter = _blank(lines), ""
    said = _SEPARATED.fullmatch(lines[before].strip("\r\n")) if before < len(lines) else None
    if said is not None:
        delimiter = said[1]
        before += 1 + _blank(lines[before + 1 :])
    text = "".join(lines[before:])
    delimiter = delimiter or max(",;\t", key="".join(lines[before : before + 1]).count)
    used, first = next(_rows(text, delimiter, 0), (0, []))
    columns = _columns(first)
    if columns.keys() >= {"path", "label"}:
        return _Table("".join(lines[before + used :]), before + used, delimiter, columns, len(first))
    if len(first) == 2 and first[0].strip() and _is_there(_place(path, first[0].strip())):
        return _Table(text, before, delimiter, {"path": 0, "label": 1}, 2)
    raise _without_columns(path, first, columns)


def _blank(lines: Iterable[str]) -> int:
    """How many lines there are before the first that holds anything."""
    return sum(1 for _ in itertools.takewhile(lambda line: not line.strip(" \t\r\n,;"), lines))


def _rows(text: str, delimiter: str, before: int) -> Iterator[tuple[int, list[str]]]:
    """Rows with the number of the line that each ends in. Raises csv.Error."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    for row in rows:
        yield before + rows.line_num, row


def _text(path: Path) -> str:
    try:
        if not path.is_file():
            raise DataError("missing_data", f"There is no CSV file {printable(path)}.", GONE)
        if path.stat().st_size > _LARGEST:
            raise _bad(path, "is too large for a list of pictures")
        data = path.read_bytes()
        wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        hint = "In a spreadsheet program, save it as “CSV UTF-8”."
        raise DataError("bad_data", f"{printable(path)} is not text in UTF-8.", hint) from error
    except OSError as error:
        raise _bad(path, f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise DataError("missing_data", f"There is no CSV file {printable(path)}.", GONE) from error


def _columns(header: Iterable[str]) -> dict[str, int]:
    """The place of each column that is named, by the most usual name it has; none for a name that is there twice."""
    names = [re.sub(r"[\s_-]+", "_", name.strip().lower()) for name in header]
    found: dict[str, int] = {}
    for column, usual in NAMES.items():
        name = next((name for name in usual if name in names), None)
        if name is not None and names.count(name) == 1:
            found[column] = names.index(name)
    if "path" not in found and "label" in found and names.count("name") == 1 and names[found["label"]] != "name":
        found["path"] = names.index("name")
    return found


def _without_columns(path: Path, header: list[str], columns: dict[str, int]) -> DataError:
    missing = next(name for name in ("path", "label") if name not in columns)
    twice = [name.strip().lower() for name in header].count(missing) > 1
    has = ", ".join(printable(name) for name in header[:10]) or "nothing"
    what = f"has {'two columns' if twice else 'no column'} “{missing}”; its first line has: {has}"
    return _bad(path, what, "The first line must be: path,label")


def _found(row: list[str], table: _Table, path: Path, line: int, role: str | None) -> Found:
    if any(field.strip() for field in row[table.width :]):
        hint = "A path or class that holds a comma must stand in quotation marks."
        raise _bad(path, f"has {len(row)} fields in line {line}, but {table.width} columns", hint)
    fields = {name: original(row[i].strip()) if i < len(row) else "" for name, i in table.columns.items()}
    for name in ("path", "label"):
        if not fields[name]:
            raise _bad(path, f"has no {name} in line {line}")
    said = fields.get("role", "")
    if said and said_role(said) is None:
        raise _bad(path, f"has an unknown role in line {line}: {printable(said)}", "training, validation or test")
    return Found(role or said_role(said), label_text(fields["label"]), _place(path, fields["path"]), stated=True)


def _place(path: Path, name: str) -> Place:
    full = os.path.normpath(path.parent / source_path(name))
    if "\\" in name and os.sep == "/" and not os.path.lexists(full):  # written on Windows
        full = os.path.normpath(path.parent / name.replace("\\", "/"))
    for cut in _ARCHIVE.finditer(full):
        archive, member = full[: cut.end() - 1], full[cut.end() :].replace(os.sep, "/")
        if os.path.isfile(archive):  # noqa: PTH113 - Path's raises for names that are too long
            return Place(archive, member, (os.path.realpath(archive), member))
    try:
        real = os.path.realpath(full)
    except ValueError:  # a NUL in the name; opening it will say so
        real = full
    return Place(full, None, (real, None))


def _is_there(place: Place) -> bool:
    """Whether there is such a file; of what lies in a zip file, whether there is the zip file."""
    return os.path.isfile(place.source)  # noqa: PTH113


def _bad(path: Path, what: str, hint: str | None = None) -> DataError:
    return DataError("bad_data", f"{printable(path)} {what}.", hint)
