"""Pictures and their classes from a table: a CSV file for this app, or what another program has written.

A table for this app has the columns ``path`` and ``label``, and ``role`` where wanted, in any order and also by other
usual names; others are passed over (``column_names``). Without such a row there are two columns, path and label, and
the first path must be that of a file. Paths are relative to the CSV file's folder; a path may lead into a zip file
(``photos.zip/ants/1.jpg``); one that leads nowhere, as those of another computer, stands for the file of its name there
or in a folder below. Tables of Label Studio, Roboflow, Timelapse, Camtrap DP, Wildlife Insights and AutoML, tables with
one column a class, and lists of paths and labels are told by what they hold (``data.sources``); of any other table the
columns can be chosen.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from resnet_desktop.data.sources.columns import Columns, read_rows
from resnet_desktop.data.sources.file_tree import Found, Place, label_text, source_path
from resnet_desktop.data.sources.folder_roles import said_role
from resnet_desktop.data.sources.photo_index import AmbiguousPhotoError, PhotoIndex
from resnet_desktop.data.sources.rows import Reading, Row
from resnet_desktop.data.sources.skipped_files import Problem
from resnet_desktop.data.sources.table import bad
from resnet_desktop.imaging.files import printable

_ARCHIVE = re.compile(r"\.zip[/\\]", re.IGNORECASE | re.ASCII)
_NAMED = 3
"""Photos that a problem names."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The pictures that a table names, and what could not be used of it."""

    found: list[Found]
    problems: list[Problem]


@dataclass(slots=True)
class _Tally:
    """What is noted of a table's rows on the way."""

    unlabelled: list[int] = field(default_factory=list)
    missing: list[tuple[str, int]] = field(default_factory=list)
    ambiguous: list[tuple[str, int]] = field(default_factory=list)
    several: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)


def read_csv(path: Path, role: str | None) -> list[Found]:
    """The pictures that a table names: those of ``read_list``."""
    return read_list(path, role).found


def read_list(path: Path, role: str | None, columns: Columns | None = None) -> Listing:
    """The pictures that a table names; ``role`` goes before what the table says.

    Those of a table for this app need not exist, and each row of it must have a path and a label. Of other tables it is
    told which rows have no label, and which photos are not there; a photo with several labels is found once for each.

    Raises:
        DataError: the file cannot be read, it cannot be told what its columns are, or a row (named by its line) is
            wrong: without a path, with an unknown role, or with more fields than there are columns.
    """
    tally, index = _Tally(), PhotoIndex(path)
    reading = read_rows(path, columns or Columns(), lambda name: _is_there(_place(path, name)), index)
    found: list[tuple[Found, Row]] = []
    guessed: dict[tuple[str, str | None], set[str]] = {}
    for row in reading.rows:
        _check(row, path, strict=reading.strict)
        place = _looked_up(row, path, reading, index, tally, guessed)
        if not row.labels:
            tally.unlabelled.append(row.line)
        elif place is not None:
            own = role or said_role(row.role)
            found += ((Found(own, label_text(label), place, stated=True), row) for label in row.labels)
            if len(row.labels) > 1:
                tally.several.append((place.name, row.labels))
    # One file for two names was a guess that went wrong: neither is used.
    doubtful = {identity for identity, names in guessed.items() if len(names) > 1}
    for picture, row in found:
        if picture.place.identity in doubtful:
            tally.ambiguous.append((row.paths[0], row.line))
    kept = [picture for picture, _ in found if picture.place.identity not in doubtful]
    remarks = [Problem("few_images", message) for message in reading.remarks]
    return Listing(kept, [*_problems(reading.listed_in or path, tally), *remarks])


def _check(row: Row, path: Path, *, strict: bool) -> None:
    if not row.paths or not row.paths[0]:
        raise bad(path, f"has no path on line {row.line}")
    if strict and not row.labels:
        raise bad(path, f"has no label on line {row.line}")
    if row.role and said_role(row.role) is None:
        raise bad(
            path, f"has an unknown role on line {row.line}: {printable(row.role)}", "training, validation or test"
        )


def _looked_up(
    row: Row,
    path: Path,
    reading: Reading,
    index: PhotoIndex,
    tally: _Tally,
    guessed: dict[tuple[str, str | None], set[str]],
) -> Place | None:
    """Where a row's photo is; None where that is told instead."""
    direct = [_place(path, name) for name in row.paths]
    there = next((place for place in direct if _is_there(place)), None)
    if there is not None or not row.labels:
        return there
    try:
        for name in row.paths:
            file = index.find(name, anywhere=reading.anywhere)
            if file is not None:
                place = _place(path, str(file))
                guessed.setdefault(place.identity, set()).add(row.paths[0])
                return place
    except AmbiguousPhotoError:
        tally.ambiguous.append((row.paths[0], row.line))
        return None
    if reading.missing == "keep":
        return direct[0]
    tally.missing.append((row.paths[0], row.line))
    return None


def _problems(path: Path, tally: _Tally) -> list[Problem]:
    """What could not be used, in sentences."""
    name, problems = printable(path.name), []
    if tally.unlabelled:
        rows = _lines(tally.unlabelled)
        verb = "has no label and is" if len(tally.unlabelled) == 1 else "have no label and are"
        problems.append(Problem("few_images", f"{rows} of {name} {verb} not used."))
    if tally.missing:
        photos = _photos(len(tally.missing))
        verb = "does not exist and is" if len(tally.missing) == 1 else "do not exist and are"
        problems.append(Problem("unreadable", f"{photos} listed in {name} {verb} not used: {_such(tally.missing)}."))
    if tally.ambiguous:
        photos = _photos(len(tally.ambiguous))
        verb = "is" if len(tally.ambiguous) == 1 else "are"
        message = f"{photos} listed in {name} could be any of several files and {verb} not used"
        problems.append(Problem("unreadable", f"{message}: {_such(tally.ambiguous)}."))
    if tally.several:
        photo, labels = tally.several[0]
        carry = "1 photo has" if len(tally.several) == 1 else f"{_photos(len(tally.several))} have"
        such = f"{printable(Path(photo).name)} ({', '.join(map(printable, labels[:_NAMED]))})"
        way_on = "Each photo needs exactly one class: choose one, or leave the photo out"
        problems.append(Problem("few_images", f"{carry} several labels in {name}, such as {such}. {way_on}."))
    return problems


def _lines(lines: Sequence[int]) -> str:
    if len(lines) == 1:
        return f"1 row (line {lines[0]})"
    more = f" and {len(lines) - _NAMED:,} more" if len(lines) > _NAMED else ""
    return f"{len(lines):,} rows (lines {', '.join(map(str, lines[:_NAMED]))}{more})"


def _such(named: Sequence[tuple[str, int]]) -> str:
    some = ", ".join(f"{printable(name)} (line {line})" for name, line in named[:_NAMED])
    return f"{some} and {len(named) - _NAMED:,} more" if len(named) > _NAMED else some


def _photos(count: int) -> str:
    return "1 photo" if count == 1 else f"{count:,} photos"


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
