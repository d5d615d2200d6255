"""Pictures and their classes from a CSV file: columns ``path`` and ``label``, and ``role`` where wanted.

The first row names the columns, in any order; others are passed over. Paths are relative to the CSV file's folder; a
path may lead into a zip file (``photos.zip/ants/1.jpg``). UTF-8, with or without byte order mark; parted by commas,
semicolons or tabs, as spreadsheet programs write it.
"""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

from resnet_desktop.core.errors import DataError
from resnet_desktop.finetune.places import Found, Place, label_text
from resnet_desktop.finetune.roles import said_role
from resnet_desktop.finetune.samples import GONE
from resnet_desktop.imaging.files import printable

_LARGEST = 256 * 2**20


def read_csv(path: Path, role: str | None) -> list[Found]:
    """The pictures that a CSV file names; ``role`` goes before what the file says. They need not exist.

    Raises:
        DataError: the file cannot be read, lacks a column, or has a row (named by its line) without path or label.
    """
    text = _text(path)
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        columns = _columns(next(rows, []), path)
        return [_found(row, columns, path, rows.line_num, role) for row in rows if any(f.strip() for f in row)]
    except csv.Error as error:
        raise _bad(path, f"is not a CSV file that can be read: {error}") from error


def _text(path: Path) -> str:
    try:
        if not path.is_file():
            raise DataError("missing_data", f"There is no CSV file {printable(path)}.", GONE)
        if path.stat().st_size > _LARGEST:
            raise _bad(path, "is too large for a list of pictures")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        hint = "In a spreadsheet program, save it as “CSV UTF-8”."
        raise DataError("bad_data", f"{printable(path)} is not text in UTF-8.", hint) from error
    except OSError as error:
        raise _bad(path, f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise DataError("missing_data", f"There is no CSV file {printable(path)}.", GONE) from error


def _columns(header: list[str], path: Path) -> dict[str, int]:
    names = [name.strip().lower() for name in header]
    for wanted in ("path", "label"):
        if names.count(wanted) != 1:
            has = ", ".join(printable(name) for name in header[:10]) or "nothing"
            few = "no column" if wanted not in names else "two columns"
            raise _bad(path, f"has {few} “{wanted}”; its first line has: {has}", "The first line must be: path,label")
    return {name: names.index(name) for name in ("path", "label", "role") if name in names}


def _found(row: list[str], columns: dict[str, int], path: Path, line: int, role: str | None) -> Found:
    fields = {name: row[i].strip() if i < len(row) else "" for name, i in columns.items()}
    for name in ("path", "label"):
        if not fields[name]:
            raise _bad(path, f"has no {name} in line {line}")
    said = fields.get("role", "")
    if said and said_role(said) is None:
        raise _bad(
            path, f"has an unknown role in line {line}: {printable(fields['role'])}", "training, validation or test"
        )
    return Found(role or said_role(said), label_text(fields["label"]), _place(path, fields["path"]), stated=True)


def _place(path: Path, name: str) -> Place:
    full = os.path.normpath(path.parent / Path(name).expanduser())
    if "\\" in name and os.sep == "/" and not os.path.lexists(full):  # written on Windows
        full = os.path.normpath(path.parent / name.replace("\\", "/"))
    low = full.lower()
    cut = low.find(".zip" + os.sep)
    if cut >= 0 and Path(full[: cut + 4]).is_file():
        archive, member = full[: cut + 4], full[cut + 5 :].replace(os.sep, "/")
        return Place(archive, member, (os.path.realpath(archive), member))
    try:
        real = os.path.realpath(full)
    except ValueError:  # a NUL in the name; opening it will say so
        real = full
    return Place(full, None, (real, None))


def _bad(path: Path, what: str, hint: str | None = None) -> DataError:
    return DataError("bad_data", f"{printable(path)} {what}.", hint)
