"""Names of classes a line each, as programs write them: plain, after an index or a synset's number, or in columns.

A line is only cut where every line can be, and where what is cut off is an index that runs through all of them: “3D
printer”, “7-Eleven” and “1 euro” stay whole.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Sequence

from resnet_desktop.bundle.format.metadata import MAX_LABEL_LENGTH
from resnet_desktop.bundle.labels.label_code import refuse_code
from resnet_desktop.bundle.labels.label_columns import TABLES, labels_in_columns, refuse_table, unquoted
from resnet_desktop.bundle.labels.label_nodes import NoLabelsError
from resnet_desktop.bundle.labels.label_values import (
    MID,
    UUID,
    WNID,
    check_count,
    checked,
    first_synonym,
    in_order,
)
from resnet_desktop.core.text.printable import printable
from resnet_desktop.imaging.container import IMAGE_SUFFIXES

_WITH_WNID = re.compile(rf"({WNID.pattern})(?:\s*[,;:\t]\s*|\s+)((?:(\d{{1,6}})\s+)?(.+))")
_WITH_MID = re.compile(rf"({MID.pattern})\s*[,;\t]\s*(.+)")
_SPACED = re.compile(r"(\d{1,9})\s+(.+)")
"""Teachable Machine's ``0 Cat``."""
_PADDED = re.compile(r"(\d{1,9})(?:\s{2,}|\s(?=0*\1[._]))(?:0*\1[._])?(.+)")
"""IP102's ``1     rice leaf roller``, and the ``1 001.Laysan_Albatross`` of CUB-200: no “1 euro” is written so."""
_MARKED = re.compile(r"(\d{1,9})\s*(?:[-=]>\s*|→\s*|[:=;\t)]\s*|,\s*|\.\s+|-\s+)(.+)")
_BEHIND = re.compile(r"(.*?\S)\s*(?:[-=]>|→|[,;\t:=])\s*(\d{1,9})")
_SPACED_BEHIND = re.compile(r"(.*?\S)\s+(\d{1,9})")
"""Places365's ``/a/airfield 0``."""
_BY_LETTER = re.compile(r"/([a-z])/(\1.*)")
_COMMENT = re.compile(r"(?:#|//)\s.*")
_SPECIES_FIELDS = 7
_LONGEST = 4 * MAX_LABEL_LENGTH

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
    first, lines = _without_comment(lines, first)
    columns = labels_in_columns(lines, suffix, first)
    if columns is not None:
        return columns
    lines = [line.strip() for line in lines]
    for number, line in enumerate(lines, first):
        if not line:
            raise NoLabelsError(f"must have a name on each line, but line {number} is empty")
    if (by_code := _by_code(lines, first)) is not None:
        return by_code
    for pattern, index in ((_MARKED, 1), (_BEHIND, 2), (_PADDED, 1), (_SPACED, 1), (_SPACED_BEHIND, 2)):
        numbered = _numbered(lines, pattern, index, first)
        if numbered is not None:
            _refuse_photos([name for _, name, _ in numbered], first)
            return in_order([(number, _without_letter(name, numbered), line) for number, name, line in numbered])
    return _plain(lines, suffix, first)


def _without_comment(lines: list[str], first: int) -> tuple[int, list[str]]:
    """The lines below those that begin with a comment's sign, unless others do so as well."""
    below = list(itertools.dropwhile(_COMMENT.match, lines))
    if not below or any(map(_COMMENT.match, below)):
        return first, lines
    return first + len(lines) - len(below), below


def _without_letter(name: str, numbered: _Numbered) -> str:
    """A name of Places365 without the folder of its first letter, which stands before each."""
    if not all(_BY_LETTER.fullmatch(other) for _, other, _ in numbered):
        return name
    return name[3:]


def _refuse_photos(names: Sequence[str], first: int) -> None:
    if all(name.lower().endswith(tuple(IMAGE_SUFFIXES)) for name in names):
        shown = printable(names[0][:60])
        raise NoLabelsError(f"lists photos, such as “{shown}” on line {first}, and no names of classes")


def _plain(lines: Sequence[str], suffix: str, first: int) -> tuple[str, ...]:
    """A name on each line; a single line with several names, parted as in a table, is as good."""
    refuse_code(lines, first)
    _refuse_photos(lines, first)
    if len(lines) == 1:
        separator = next((one for one in "\t;|," if one in lines[0]), None)
        lines = next(csv.reader(lines, delimiter=separator, skipinitialspace=True)) if separator else lines
        return tuple(checked(name, first) for name in lines)
    refuse_table(lines, suffix, first)
    check_count(len(lines))
    if suffix in TABLES or all(unquoted(line) != line for line in lines):
        lines = [unquoted(line) for line in lines]
    return tuple(checked(line, number) for number, line in enumerate(lines, first))


def _by_code(lines: Sequence[str], first: int) -> tuple[str, ...] | None:
    """Names behind the number that each has in somebody's list; None where not each line has one."""
    for delimiter in ",;\t":
        try:
            rows = list(csv.reader(lines, delimiter=delimiter))
        except csv.Error:
            continue
        if len(rows) == len(lines) and all(len(row) == 2 and WNID.fullmatch(row[0].strip()) for row in rows):
            return tuple(checked(first_synonym(row[1]), line) for line, row in enumerate(rows, first))
        if len(rows) == len(lines) and all(len(row) == 2 and MID.fullmatch(row[0].strip()) for row in rows):
            return tuple(checked(row[1], line) for line, row in enumerate(rows, first))
    species = [line.split(";") for line in lines]
    if all(len(row) == _SPECIES_FIELDS and UUID.fullmatch(row[0].strip()) for row in species):
        return tuple(checked(_species(row), line) for line, row in enumerate(species, first))
    found = [_WITH_MID.fullmatch(line) for line in lines]
    if all(found):
        return tuple(checked(match[2], line) for line, match in enumerate(found, first) if match is not None)
    return _synsets(lines, first)


def _species(row: Sequence[str]) -> str:
    """SpeciesNet's common name, else genus and species, else the lowest rank that there is."""
    *ranks, genus, species, common = (field.strip() for field in row[1:])
    lowest = next((rank for rank in reversed([*ranks, genus]) if rank), "")
    return common or (f"{genus} {species}" if genus and species else lowest)


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
        rows.append((int(match[index]), checked(unquoted(match[3 - index]), number), number))
    numbers = [row[0] for row in rows]
    names = {row[1] for row in rows}
    starts = (0,) if pattern in (_SPACED, _SPACED_BEHIND) else (0, 1)
    if pattern in (_PADDED, _SPACED_BEHIND) and (len(names) < len(rows) or not _in_turn(numbers, starts)):
        return None
    if pattern is _SPACED and len({name.rstrip("s") for name in names}) < len(rows):  # “0 stars”, “1 star”
        return None
    if 2 * len(names) <= len(rows):  # “1 euro”, “2 euro”: the number tells the classes apart
        return rows if len(rows) == 1 and numbers[0] == 0 else None
    if any(sorted(numbers) == list(range(start, start + len(rows))) for start in starts):
        return rows
    # A gap or a repeated index is a fault of an index; other numbers belong to the names.
    fitting = sum(a + 1 == b for a, b in itertools.pairwise(numbers))
    return rows if numbers[0] in starts and 2 * fitting >= len(numbers) - 1 > 0 else None


def _in_turn(numbers: Sequence[int], starts: Sequence[int]) -> bool:
    """Whether numbers count from the first one on."""
    return numbers[0] in starts and list(numbers) == list(range(numbers[0], numbers[0] + len(numbers)))
