"""Names of classes a line each, as programs write them: plain, after an index or a synset's number, or in columns.

A line is only cut where every line can be, and where what is cut off is an index that runs through all of them: “3D
printer”, “7-Eleven” and “1 euro” stay whole.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Sequence

from resnet_desktop.bundle.format.metadata import MAX_LABEL_LENGTH
from resnet_desktop.bundle.labels.label_nodes import NoLabelsError
from resnet_desktop.bundle.labels.label_values import (
    INDEX_COLUMNS,
    NAME_COLUMNS,
    WNID,
    check_count,
    checked,
    first_synonym,
    in_order,
    usual,
)
from resnet_desktop.core.text.error_text import error_text
from resnet_desktop.core.text.printable import printable

_WITH_WNID = re.compile(rf"({WNID.pattern})(?:\s*[,;:\t]\s*|\s+)((?:(\d{{1,6}})\s+)?(.+))")
_SPACED = re.compile(r"(\d{1,9})\s+(.+)")
"""Teachable Machine's ``0 Cat``."""
_MARKED = re.compile(r"(\d{1,9})\s*(?:[:=;\t)]\s*|,\s*|\.\s+|-\s+)(.+)")
_BEHIND = re.compile(r"(.+?)\s*[,;\t:=]\s*(\d{1,9})")
_STRUCTURE = re.compile(r"""[\[\]{}(),;]+|<[^>]*>.*|\w+\s*[:=]?\s*[\[{(]|["'][^"']*["']\s*:.*""")
_QUOTED = re.compile(r"""(["'])(.*)\1,?""")
_LONGEST = 4 * MAX_LABEL_LENGTH
_EMPTY_HEADS = ("", "unnamed:_0")

_Numbered = list[tuple[int, str, int]]


def labels_in_lines(text: str, suffix: str) -> tuple[str, ...]:
    """The names in a text of lines.

    Args:
        text: of the file.
        suffix: of its name, in small letters: in ``.csv`` and ``.tsv`` files the first line may head a single column.

    Raises:
        NoLabelsError: a line is empty or is no name, an index is missing or there twice, or there is nothing.
    """
    lines = text.rstrip().splitlines()
    blank = sum(1 for _ in itertools.takewhile(lambda line: not line.strip(), lines))
    first, lines = 1 + blank, lines[blank:]
    if not lines:
        raise NoLabelsError("is empty")
    for number, line in enumerate(lines, first):
        if len(line) > _LONGEST:
            raise NoLabelsError(f"has more than {_LONGEST:,} characters on line {number}")
    columns = _columns(lines, suffix, first)
    if columns is not None:
        return columns
    lines = [line.strip() for line in lines]
    for number, line in enumerate(lines, first):
        if not line:
            raise NoLabelsError(f"must have a name on each line, but line {number} is empty")
    if (by_synset := _synsets(lines, first)) is not None:
        return by_synset
    for pattern, index in ((_MARKED, 1), (_BEHIND, 2), (_SPACED, 1)):
        numbered = _numbered(lines, pattern, index, first)
        if numbered is not None:
            return in_order(numbered)
    return _plain(lines, first)


def _plain(lines: Sequence[str], first: int) -> tuple[str, ...]:
    """A name on each line; a single line with several names, parted as in a table, is as good."""
    for number, line in enumerate(lines, first):
        if _STRUCTURE.fullmatch(line):
            raise NoLabelsError(f"is not a list of names: line {number} is “{printable(line[:40])}”")
    if len(lines) == 1:
        separator = next((one for one in "\t;|," if one in lines[0]), None)
        lines = next(csv.reader(lines, delimiter=separator, skipinitialspace=True)) if separator else lines
        return tuple(checked(name, first) for name in lines)
    check_count(len(lines))
    return tuple(checked(line, number) for number, line in enumerate(lines, first))


def _synsets(lines: Sequence[str], first: int) -> tuple[str, ...] | None:
    """``n01440764 tench, Tinca tinca``, as in ImageNet's lists; an index between the two counts."""
    found = [_WITH_WNID.fullmatch(line) for line in lines]
    rows = [match for match in found if match is not None]
    if len(rows) < len(lines):
        return None
    if all(row[3] for row in rows):
        by_index = ((int(row[3]), checked(first_synonym(row[4]), line), line) for line, row in enumerate(rows, first))
        return in_order(sorted(by_index))
    return tuple(checked(first_synonym(row[2]), line) for line, row in enumerate(rows, first))


def _numbered(lines: Sequence[str], pattern: re.Pattern[str], index: int, first: int) -> _Numbered | None:
    """Index, name and line where each line has an index that belongs to its place, or nearly each; else None."""
    rows: _Numbered = []
    for number, line in enumerate(lines, first):
        match = pattern.fullmatch(line)
        if match is None:
            return None
        rows.append((int(match[index]), checked(_unquoted(match[3 - index]), number), number))
    numbers = [row[0] for row in rows]
    names = {row[1] for row in rows}
    starts = (0,) if pattern is _SPACED else (0, 1)
    if 2 * len(names) <= len(rows):  # “1 euro”, “2 euro”: the number tells the classes apart
        return rows if len(rows) == 1 and numbers[0] == 0 else None
    if any(sorted(numbers) == list(range(start, start + len(rows))) for start in starts):
        return rows
    # A gap or a repeated index is a fault of an index; other numbers belong to the names.
    fitting = sum(a + 1 == b for a, b in itertools.pairwise(numbers))
    return rows if numbers[0] in starts and 2 * fitting >= len(numbers) else None


def _unquoted(name: str) -> str:
    """A name without its quotation marks, and the comma behind it, where it stood in a list of a program."""
    found = _QUOTED.fullmatch(name)
    return name if found is None else found[2].replace('""', '"')


def _columns(lines: Sequence[str], suffix: str, first: int) -> tuple[str, ...] | None:
    """The names of a table whose first line says what its columns are; None if it says no such thing."""
    is_table = suffix in (".csv", ".tsv")
    delimiter = max("\t,;", key=lines[0].count)
    heads = [usual(head) for head in next(csv.reader([lines[0]], delimiter=delimiter), [])]
    known = {head: i for i, head in reversed(list(enumerate(heads)))}
    if len(heads) == 1:
        if not is_table or heads[0] not in NAME_COLUMNS or len(lines) < 2:
            return None
        return tuple(checked(_unquoted(line.strip()), number) for number, line in enumerate(lines[1:], first + 1))
    if not any(head in known for head in NAME_COLUMNS):
        return None
    rows = _rows(lines, delimiter, len(heads), first)
    numeric = [all(_is_index(row[i]) for row, _ in rows) for i in range(len(heads))]
    texts = [known[head] for head in NAME_COLUMNS if head in known and not numeric[known[head]]]
    heads_of_indices = (*INDEX_COLUMNS, *_EMPTY_HEADS, *NAME_COLUMNS)
    numbers = [known[head] for head in heads_of_indices if head in known and numeric[known[head]]]
    if not rows or not texts or not (numbers or is_table):
        return None
    name = texts[0]
    wnids = any(all(WNID.fullmatch(row[i].strip()) for row, _ in rows) for i in range(len(heads)) if i != name)
    named = [
        (checked(first_synonym(row[name]) if wnids else row[name], line), row[numbers[0]] if numbers else "", line)
        for row, line in rows
    ]
    if not numbers:
        return tuple(label for label, _, _ in named)
    return in_order((int(index), label, line) for label, index, line in named)


def _rows(lines: Sequence[str], delimiter: str, width: int, first: int) -> list[tuple[list[str], int]]:
    reader = csv.reader(io.StringIO("\n".join(lines), newline=""), delimiter=delimiter)
    rows = []
    try:
        for row in reader:
            if reader.line_num == 1 or not any(field.strip() for field in row):
                continue
            if len(row) < width or any(field.strip() for field in row[width:]):
                line = reader.line_num + first - 1
                raise NoLabelsError(f"has {len(row)} fields on line {line}, but there are {width} columns")
            rows.append((row, reader.line_num + first - 1))
    except csv.Error as error:
        raise NoLabelsError(f"is an unreadable table: {error_text(error)}") from error
    return rows


def _is_index(text: str) -> bool:
    text = text.strip()
    return text.isascii() and text.isdigit() and len(text) <= 9
