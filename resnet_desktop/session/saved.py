"""A list of photos on disk, with what came of each: JSON, one line for the list and one for each photo.

This is the one door for such files: what is read here is checked, and whatever is in one, a value or a SessionError
comes out. A result is kept with the size and the time of its file, and the list with what its answers depend on, so
that what has changed is classified again. ``docs/formats/session.md`` describes the lines.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resnet_desktop.core import atomic
from resnet_desktop.core.errors import SessionError
from resnet_desktop.core.progress import Cancelled, CancelledError, never
from resnet_desktop.core.text.printable import printable
from resnet_desktop.imaging.region import Region
from resnet_desktop.session import kept_pictures, saved_result
from resnet_desktop.session.results import FileState, Result, Source, file_of, whole_of
from resnet_desktop.session.saved_result import are_wholes, is_whole

FORMAT, VERSION, PLAIN = "resnet-desktop-session", 2, 1
"""A list of whole photo files is a ``PLAIN`` one, which earlier versions read, too."""
SUFFIX = ".session"
"""Of a file that the user saves."""
MOST_PHOTOS = 1_000_000
LONGEST_LINE = 1_000_000
"""Letters of one photo's line."""


@dataclass(frozen=True, slots=True)
class SavedPhoto:
    """A photo of a list.

    Attributes:
        source: its file, its bytes, or a part of either.
        selected: whether it is selected.
        result: what came of it; None: it is classified again.
        name: what it is called; empty: as its file.
    """

    source: Source
    selected: bool = False
    result: Result | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Saved:
    """A list of photos, in the order in which they were added.

    Attributes:
        answers: what the results depend on: model, limits (``ModelInfo.answers``).
        fit: which part of each photo the network saw.
        current: which one is looked at, from 0; None for none.
        photos: all of them.
        left_out: how many pictures without a file are not among them any more.
    """

    answers: str
    fit: str
    current: int | None
    photos: tuple[SavedPhoto, ...]
    left_out: int = 0


def file_state(path: Path) -> FileState | None:
    """Size in bytes and time of the last change in nanoseconds of a file; None if it cannot be looked at."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_size, status.st_mtime_ns


def write(path: Path, saved: Saved) -> int:
    """Write a list, atomically, and beside it the pictures that are no files.

    Returns:
        How many of these there was no room for; they are not in the list.

    Raises:
        StorageError.
    """
    pictures = kept_pictures.KeptPictures(path)
    lines: list[str] = []
    current, version, left_out = None, PLAIN, 0
    for place, photo in enumerate(saved.photos):
        line = _line(photo, pictures)
        if line is None:
            left_out += 1
            continue
        if place == saved.current:
            current = len(lines)
        if "bbox" in line or "picture" in line:
            version = VERSION
        lines.append(json.dumps(line))
        time.sleep(0)  # thousands of lines: the window, which is another thread, may go first
    head: dict[str, Any] = {"format": FORMAT, "v": version, "answers": saved.answers, "fit": saved.fit}
    head |= {"current": current, "left_out": left_out} if left_out else {"current": current}
    atomic.write_text(path, "\n".join([json.dumps(head), *lines]) + "\n")
    pictures.drop_others()
    return left_out


def read(path: Path, cancelled: Cancelled = never) -> Saved:
    """Read a list; results whose files have changed since are left out, and so are pictures that are gone.

    Raises:
        SessionError: ``missing_session``, ``bad_session``, ``newer_session``.
        CancelledError.
    """
    name = printable(path.name)
    try:
        with path.open("rb") as file:
            head = _head(_object(file.readline(LONGEST_LINE), name, 1), name)
            found = tuple(_Lines(path, name).read(file, cancelled))
    except OSError as error:
        raise SessionError("missing_session", f"{name} cannot be opened: {error.strerror or error}.") from error
    photos = tuple(photo for photo in found if photo is not None)
    current = head["current"]
    if current is not None:
        looked_at = found[current] if 0 <= current < len(found) else None
        current = None if looked_at is None else sum(photo is not None for photo in found[:current])
    left_out = head.get("left_out", 0) + len(found) - len(photos)
    return Saved(head["answers"], head["fit"], current, photos, left_out)


class _Lines:
    """Reads the lines of the photos of one file; ``name``: of the file, for messages."""

    def __init__(self, path: Path, name: str) -> None:
        self._path, self._name = path, name
        self._pictures: dict[str, bytes | None] = {}

    def read(self, file: Iterable[bytes], cancelled: Cancelled) -> Iterator[SavedPhoto | None]:
        """Each photo; None for a picture that is gone. Raises SessionError, CancelledError."""
        for number, line in enumerate(file, 2):
            if cancelled():
                raise CancelledError
            if number > MOST_PHOTOS or len(line) > LONGEST_LINE:
                raise _bad(self._name, number, "is too long")
            yield self._photo(_object(line, self._name, number), number)

    def _photo(self, found: Mapping[str, Any], line: int) -> SavedPhoto | None:
        selected, state = found.get("selected", False), found.get("file")
        if not isinstance(selected, bool):
            raise _bad(self._name, line, "has a wrong value")
        source = self._source(found, line)
        if source is None:
            return None
        file = file_of(source)
        try:
            name = saved_result.text(found.get("name", ""))
        except ValueError as error:
            raise _bad(self._name, line, "has a wrong value") from error
        if "result" not in found:
            return SavedPhoto(source, selected, name=name)
        if file is not None and (not isinstance(state, list) or not are_wholes(state, 2)):
            raise _bad(self._name, line, "has a result without its file's size and time")
        known = None if file is None or state is None else (state[0], state[1])
        try:
            result = saved_result.from_dict(found["result"], known)
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise _bad(self._name, line, "has a result that cannot be read") from error
        same = file is None or file_state(file) == known
        return SavedPhoto(source, selected, result if same else None, name)

    def _source(self, found: Mapping[str, Any], line: int) -> Source | None:
        path, picture, box = found.get("path"), found.get("picture"), found.get("bbox")
        whole: Path | bytes
        if picture is not None:
            if not isinstance(picture, str) or not kept_pictures.is_name(picture):
                raise _bad(self._name, line, "names no picture")
            if picture not in self._pictures:
                self._pictures[picture] = kept_pictures.read(self._path, picture)
            data = self._pictures[picture]
            if data is None:
                return None
            whole = data
        elif isinstance(path, str) and path and "\0" not in path:
            whole = Path(path)
        else:
            raise _bad(self._name, line, "names no file")
        if box is None:
            return whole
        try:
            bbox = _box(box)
        except ValueError as error:
            raise _bad(self._name, line, "has a wrong value") from error
        return Region("", bbox, data=whole) if isinstance(whole, bytes) else Region(str(whole), bbox)


def _box(found: object) -> tuple[float, float, float, float]:
    """Raises ValueError: it is not a part of a picture."""
    if not isinstance(found, list) or len(found) != 4:
        raise ValueError
    left, top, width, height = (saved_result.number(value) for value in found)
    slack = 1e-5  # that rounding may leave
    if min(left, top) < 0 or min(width, height) <= 0 or max(left + width, top + height) > 1 + slack:
        raise ValueError
    return left, top, width, height


def _head(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    if found.get("format") != FORMAT or not is_whole(found.get("v")):
        raise SessionError("bad_session", f"{name} is not a session of this app.")
    if found["v"] > VERSION:
        raise SessionError("newer_session", f"{name} was saved by a newer version of the app.", "Update the app.")
    texts = all(isinstance(found.get(key), str) for key in ("answers", "fit"))
    left_out = found.get("left_out", 0)
    if not texts or not (found.get("current") is None or is_whole(found["current"])) or not is_whole(left_out):
        raise _bad(name, 1, "has a wrong value")
    return found


def _line(photo: SavedPhoto, pictures: kept_pictures.KeptPictures) -> dict[str, Any] | None:
    """A photo as it stands in the file; None for a picture without a file for which there is no room."""
    whole, line = whole_of(photo.source), dict[str, Any]()
    if isinstance(whole, bytes):
        name = pictures.keep(whole)
        if name is None:
            return None
        line["picture"] = name
    else:
        line["path"] = os.fspath(whole)
    if isinstance(photo.source, Region):
        line["bbox"] = list(photo.source.bbox)
    if photo.name:
        line["name"] = photo.name
    if photo.selected:
        line["selected"] = True
    result = photo.result
    if result is not None and (isinstance(whole, bytes) or result.file is not None):
        if result.file is not None:
            line["file"] = list(result.file)
        line["result"] = saved_result.as_dict(result)
    return line


def _object(line: bytes, name: str, number: int) -> Mapping[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        if number == 1:
            raise SessionError("bad_session", f"{name} is not a session of this app.") from error
        raise _bad(name, number, "is damaged") from error
    if not isinstance(found, dict):
        raise _bad(name, number, "is damaged")
    return found


def _bad(name: str, line: int, what: str) -> SessionError:
    return SessionError("bad_session", f"{name} cannot be used: its line {line} {what}.")
