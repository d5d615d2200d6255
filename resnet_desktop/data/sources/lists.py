"""Lists without a head: a path and a label on each line, as Caffe and many scripts for PyTorch read them.

Labels that are numbers get the names of a ``classes.txt`` beside the list; so they do in tables with a head.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from resnet_desktop.data.sources.rows import Reading, Row
from resnet_desktop.data.sources.table import Table, bad, read_text
from resnet_desktop.imaging.container import IMAGE_SUFFIXES
from resnet_desktop.imaging.files import printable

NAMES = ("classes.txt", "class_names.txt", "classnames.txt", "labels.txt", "names.txt", "categories.txt")
"""Files beside a list that name its classes, one a line; also with a number before each."""
_SUFFIX = "|".join(sorted(suffix[1:] for suffix in IMAGE_SUFFIXES))
_LINE = re.compile(rf'"?(.{{1,4096}}?\.(?:{_SUFFIX}))"?[ \t]+"?(\S.*?)"?\s*', re.IGNORECASE)
_NUMBERED = re.compile(r"(\d{1,9})(?:[:,;\t. ]\s*)(\S.*)")
_WHOLE = re.compile(r"(\d{1,9})(?:\.0+)?")
_LONGEST = 1 << 13


def path_and_label(table: Table) -> Reading | None:
    """``folder/photo.jpg 0`` on each line; the path ends with the suffix of a picture, the label is the rest."""
    rows: list[Row] = []
    for number, line in enumerate(table.whole.splitlines(), table.above + 1):
        text = line.strip()
        if not text:
            continue
        found = _LINE.fullmatch(text) if len(text) < _LONGEST else None
        if found is None:
            if not rows:
                return None
            raise bad(table.path, f"has no path and label on line {number}")
        rows.append(Row(number, (found[1],), (found[2],)))
    return Reading(named(table.path, rows)) if rows else None


def named(path: Path, rows: Iterable[Row]) -> list[Row]:
    """The rows of a table with names in place of numbers, where a file beside it has them.

    Raises:
        DataError: ``bad_data``: that file has no name for a number.
    """
    listed = list(rows)
    there = (path.parent / name for name in NAMES if name != path.name.lower())
    file = next((other for other in there if os.path.isfile(other)), None)  # noqa: PTH113
    found = {label: _WHOLE.fullmatch(label) for row in listed for label in row.labels}
    numbers = {label: int(match[1]) for label, match in found.items() if match is not None}
    if file is None or not numbers or len(numbers) < len(found):
        return listed
    names, numbered = _names(file)
    values = numbers.values()
    # Numbers from 1 on show themselves: the last of them is as large as there are names.
    shift = 1 if not numbered and min(values) >= 1 and max(values) == len(names) else 0
    for row in listed:
        for label in row.labels:
            if numbers[label] - shift not in names:
                what = f"has the class {label} on line {row.line}, which is not listed in {printable(file.name)}"
                raise bad(path, what, "Correct one of the two files; the first line there names class 0.")
    return [replace(row, labels=tuple(names[numbers[label] - shift] for label in row.labels)) for row in listed]


def _names(file: Path) -> tuple[dict[int, str], bool]:
    """Names by number, and whether the file says the numbers itself."""
    lines = [line.strip() for line in read_text(file).splitlines() if line.strip()]
    numbered = [_NUMBERED.fullmatch(line) for line in lines]
    by_number = {int(found[1]): found[2] for found in numbered if found is not None}
    if len(by_number) == len(lines) and min(by_number) <= 1 and max(by_number) - min(by_number) == len(lines) - 1:
        return by_number, True
    return dict(enumerate(lines)), False
