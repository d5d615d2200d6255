"""A table of text: rows with their lines, and the row that names the columns.

UTF-8, with or without byte order mark, or UTF-16 with one; parted by commas, semicolons or tabs, as spreadsheet
programs write it, also below blank lines and a ``sep=;``.
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

from resnet_desktop.core.errors import GONE, DataError
from resnet_desktop.core.text.csv_text import original
from resnet_desktop.core.text.error_text import error_text
from resnet_desktop.imaging.files import printable

SUFFIXES = (".csv", ".tsv", ".txt")
"""Of files that are taken for tables of photos."""
_LARGEST = 256 * 2**20
_SEPARATED = re.compile(r'"?sep=([,;\t])"?[,;\t]*\s*', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose first row names the columns, or does not.

    Attributes:
        path: the file.
        head: the fields of its first row.
        text: the lines below that row.
        before: how many lines there are above ``text``.
        delimiter: between the fields.
        whole: the lines with the first row.
    """

    path: Path
    head: tuple[str, ...]
    text: str
    before: int
    delimiter: str
    whole: str
    above: int

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self.head)

    def rows(self, *, with_head: bool = False) -> Iterator[tuple[int, list[str]]]:
        """The rows that hold anything, with the number of the line that each ends in.

        Raises:
            DataError: a row has more fields than there are columns, or the file is no table.
        """
        text, before = (self.whole, self.above) if with_head else (self.text, self.before)
        try:
            for line, row in _rows(text, self.delimiter, before):
                if not any(field.strip() for field in row):
                    continue
                if any(field.strip() for field in row[self.width :]):
                    hint = "Put a path or class that contains a comma in quotation marks."
                    raise bad(
                        self.path, f"has {len(row)} fields on line {line}, but there are {self.width} columns", hint
                    )
                cells = [original(field) for field in row[: self.width]]
                yield line, [*cells, *[""] * (self.width - len(row))]
        except csv.Error as error:
            raise unreadable(self.path, error) from error


def is_table(path: Path) -> bool:
    """Whether a path is taken for a table of photos, and not for a folder or zip file of them."""
    return path.suffix.lower() in SUFFIXES and not os.path.isdir(path)  # noqa: PTH112 - it raises for no name


def read_table(path: Path) -> Table:
    """Open a table. Raises DataError ``missing_data``, ``bad_data``."""
    text = read_text(path)
    lines = io.StringIO(text, newline="").readlines()
    before, delimiter = _blank(lines), ""
    declared = _SEPARATED.fullmatch(lines[before].strip("\r\n")) if before < len(lines) else None
    if declared is not None:
        delimiter = declared[1]
        before += 1 + _blank(lines[before + 1 :])
    text = "".join(lines[before:])
    delimiter = delimiter or max(",;\t", key="".join(lines[before : before + 1]).count)
    try:
        used, head = next(_rows(text, delimiter, 0), (0, []))
    except csv.Error as error:
        raise unreadable(path, error) from error
    return Table(path, tuple(head), "".join(lines[before + used :]), before + used, delimiter, text, before)


def read_text(path: Path) -> str:
    """The text of a file. Raises DataError ``missing_data``, ``bad_data``."""
    try:
        if not path.is_file():
            raise DataError("missing_data", f"The CSV file {printable(path)} does not exist.", GONE)
        if path.stat().st_size > _LARGEST:
            raise bad(path, "is too large for a list of photos")
        data = path.read_bytes()
        wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        hint = "In your spreadsheet program, save it as “CSV UTF-8”."
        raise DataError("bad_data", f"{printable(path)} is not UTF-8 text.", hint) from error
    except OSError as error:
        raise bad(path, f"cannot be read: {error_text(error)}") from error
    except ValueError as error:
        raise DataError("missing_data", f"The CSV file {printable(path)} does not exist.", GONE) from error


def bad(path: Path, what: str, hint: str | None = None) -> DataError:
    """The error of a table, in words that follow its name."""
    return DataError("bad_data", f"{printable(path)} {what}.", hint)


def unreadable(path: Path, error: csv.Error) -> DataError:
    """The error of a file that is no table."""
    return bad(path, f"is not a readable CSV file: {error_text(error)}")


def _blank(lines: Iterable[str]) -> int:
    """How many lines there are before the first that holds anything."""
    return sum(1 for _ in itertools.takewhile(lambda line: not line.strip(" \t\r\n,;"), lines))


def _rows(text: str, delimiter: str, before: int) -> Iterator[tuple[int, list[str]]]:
    """Rows with the number of the line that each ends in. Raises csv.Error."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    for row in rows:
        yield before + rows.line_num, row
