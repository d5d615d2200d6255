"""The labels on disk: remembered from session to session, and as tables for training."""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from resnet_desktop.core import atomic, output, paths
from resnet_desktop.core.errors import DataError
from resnet_desktop.core.text.csv_text import line, original
from resnet_desktop.imaging.region import Region
from resnet_desktop.session.results import Source, whole_of

HEADER = ("path", "label")


def labels_folder() -> Path:
    """Where all of it lies."""
    return paths.data_folder() / "labels"


def remembered() -> dict[str, str]:
    """Label by path, of every file that was ever given one; empty where there are none.

    Raises:
        DataError: they are there and cannot be read; they must not be written over.
    """
    path = labels_folder() / "remembered.csv"
    try:
        text = path.read_text("utf-8", "surrogateescape")
        rows = csv.reader(io.StringIO(text, newline=""))
        cells = [tuple(map(original, row)) for row in rows if len(row) == len(HEADER)]
    except FileNotFoundError:
        return {}
    except (OSError, csv.Error) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else "it is damaged"
        raise DataError(
            "bad_data",
            f"The labels of earlier sessions cannot be read: {said}.",
            f"They are left as they are, and new ones are kept for this session alone: {path}.",
        ) from error
    return {row[0]: row[1] for row in cells if row != HEADER}


def remember(labels: Mapping[str, str]) -> None:
    """Write them down. Raises StorageError."""
    atomic.write_text(labels_folder() / "remembered.csv", _table(labels.items()))


def write_table(path: Path, photos: Iterable[tuple[Source, str]]) -> int:
    """A CSV file that the trainer reads (``path``, ``label``); how many photos are in it.

    Parts of photos, photos that are no files, and those whose path is not UTF-8 are written as files into a folder
    beside the labels.

    Raises:
        StorageError: of the table or such a photo.
        ImageError: such a photo cannot be decoded.
    """
    listed = list(photos)
    output.refuse_inputs(path, [source for source, _ in listed])
    rows = [(_named(source), label) for source, label in listed]
    write = atomic.write_text if path.parent == labels_folder() else output.write_text  # the folder of ours is made
    write(path, _table(rows))
    return len(rows)


def new_table() -> Path:
    """A path for a table that does not exist yet, named by the time."""
    stem, number = f"{datetime.now():%Y-%m-%d %H.%M}", 2
    path = labels_folder() / f"{stem}.csv"
    while path.exists():
        path = labels_folder() / f"{stem} ({number}).csv"
        number += 1
    return path


@dataclass(frozen=True, slots=True)
class OpenedTable:
    """Files in the order of a table, the label of each that has just one, and what is to be said of the rest."""

    files: tuple[Path, ...]
    labels: Mapping[Path, str]
    remarks: tuple[str, ...]


def read_table(path: Path) -> OpenedTable:
    """Files and labels that a table names. Raises DataError."""
    from resnet_desktop.data.sources.csv_source import read_list  # not needed before

    listing = read_list(path, None)
    said: dict[Path, set[str]] = {}
    for found in listing.found:
        if found.place.member is None:
            said.setdefault(Path(found.place.source), set()).add(found.label)
    labels = {file: next(iter(names)) for file, names in said.items() if len(names) == 1}
    return OpenedTable(tuple(said), labels, tuple(problem.message for problem in listing.problems))


def teachable(counts: Sequence[int]) -> bool:
    """Whether there are two classes with two photos each: one to learn from and one to check with."""
    return sum(count >= 2 for count in counts) >= 2


def _table(rows: Iterable[tuple[str, str]]) -> str:
    return "".join(map(line, (HEADER, *rows)))


def _named(source: Source) -> str:
    if isinstance(source, Path) and _is_utf8(str(source)):
        return str(source.absolute())
    return str(_as_file(source))


def _is_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _as_file(source: Source) -> Path:
    whole = whole_of(source)
    key = whole if isinstance(whole, bytes) else os.fsencode(whole)
    if isinstance(source, Region):
        key += b"\0" + source.fragment.encode()
    path = labels_folder() / "pasted" / f"{hashlib.sha256(key).hexdigest()[:24]}.png"
    if not path.exists():
        from resnet_desktop.imaging.decode import decode, encode_png  # not needed before

        atomic.write_bytes(path, encode_png(decode(source).pixels))
    return path
