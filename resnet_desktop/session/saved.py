"""A list of photos on disk, with what came of each: JSON, one line for the list and one for each photo.

This is the one door for such files: what is read here is checked, and whatever is in one, a value or a SessionError
comes out. A result is kept with the size and the time of its file, and the list with what its answers depend on, so
that what has changed is classified again. ``docs/formats/session.md`` describes the lines.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resnet_desktop.core import atomic
from resnet_desktop.core.errors import SessionError
from resnet_desktop.core.printable import printable
from resnet_desktop.core.progress import Cancelled, CancelledError, never
from resnet_desktop.session.results import FileState, Result

FORMAT, VERSION = "resnet-desktop-session", 1
SUFFIX = ".session"
"""Of a file that the user saves."""
MOST_PHOTOS = 1_000_000
LONGEST_LINE = 1_000_000
"""Letters of one photo's line."""
LONGEST_TEXT = 2_000
MOST_SCORES = 10_000


@dataclass(frozen=True, slots=True)
class SavedPhoto:
    """A photo of a list: its file, whether it is selected, and what came of it; None: it is classified again."""

    path: Path
    selected: bool = False
    result: Result | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """A list of photos, in the order in which they were added.

    Attributes:
        answers: what the results depend on: model, limits (``ModelInfo.answers``).
        fit: which part of each photo the network saw.
        current: which one is looked at, from 0; None for none.
        photos: all of them.
    """

    answers: str
    fit: str
    current: int | None
    photos: tuple[SavedPhoto, ...]


def file_state(path: Path) -> FileState | None:
    """Size in bytes and time of the last change in nanoseconds of a file; None if it cannot be looked at."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_size, status.st_mtime_ns


def write(path: Path, saved: Saved) -> None:
    """Write a list, atomically. Raises StorageError."""
    head = {"format": FORMAT, "v": VERSION, "answers": saved.answers, "fit": saved.fit, "current": saved.current}
    lines = [json.dumps(head), *(json.dumps(_photo(photo)) for photo in saved.photos)]
    atomic.write_text(path, "\n".join(lines) + "\n")


def read(path: Path, cancelled: Cancelled = never) -> Saved:
    """Read a list; results whose files have changed since are left out.

    Raises:
        SessionError: ``missing_session``, ``bad_session``, ``newer_session``.
        CancelledError.
    """
    name = printable(path.name)
    try:
        with path.open("rb") as file:
            head = _head(_object(file.readline(LONGEST_LINE), name, 1), name)
            photos = tuple(_read_photos(file, name, cancelled))
    except OSError as error:
        raise SessionError("missing_session", f"{name} cannot be opened: {error.strerror or error}.") from error
    current = head["current"]
    if current is not None and not 0 <= current < len(photos):
        current = None
    return Saved(head["answers"], head["fit"], current, photos)


def _read_photos(file: Iterable[bytes], name: str, cancelled: Cancelled) -> Iterable[SavedPhoto]:
    for number, line in enumerate(file, 2):
        if cancelled():
            raise CancelledError
        if number > MOST_PHOTOS or len(line) > LONGEST_LINE:
            raise _bad(name, number, "is too long")
        yield _read_photo(_object(line, name, number), name, number)


def _head(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    if found.get("format") != FORMAT or not _is_whole(found.get("v")):
        raise SessionError("bad_session", f"{name} is not a session of this app.")
    if found["v"] > VERSION:
        raise SessionError("newer_session", f"{name} was saved by a newer version of the app.", "Update the app.")
    texts = all(isinstance(found.get(key), str) for key in ("answers", "fit"))
    if not texts or not (found.get("current") is None or _is_whole(found["current"])):
        raise _bad(name, 1, "has a wrong value")
    return found


def _read_photo(found: Mapping[str, Any], name: str, line: int) -> SavedPhoto:
    path, selected, state = found.get("path"), found.get("selected", False), found.get("file")
    if not isinstance(path, str) or not path or "\0" in path or not isinstance(selected, bool):
        raise _bad(name, line, "names no file")
    if "result" not in found:
        return SavedPhoto(Path(path), selected)
    if not isinstance(state, list) or not _are_wholes(state, 2):
        raise _bad(name, line, "has a result without its file's size and time")
    known = (state[0], state[1])
    try:
        result = _read_result(found["result"], known)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise _bad(name, line, "has a result that cannot be read") from error
    return SavedPhoto(Path(path), selected, result if file_state(Path(path)) == known else None)


def _read_result(found: Mapping[str, Any], state: FileState) -> Result:
    """Raises TypeError, ValueError, KeyError, AttributeError: it is none."""
    from resnet_desktop.inference.classifier import ClassScore  # the window is up before these are loaded
    from resnet_desktop.inference.groups import GroupScore

    scores = tuple(ClassScore(_index(i), _text(label), _share(p)) for i, label, p in found["scores"][:MOST_SCORES])
    group, size = found.get("group"), found["full_size"]
    if not scores or not _are_wholes(size, 2):
        raise ValueError
    answer = None
    if group is not None:
        classes = tuple(_index(index) for index in group["classes"])
        name = None if group["id"] is None else _text(group["id"])
        answer = GroupScore(name, _text(group["label"]), _share(group["probability"]), classes)
    return Result(
        scores=scores,
        unfamiliar=_flag(found["unfamiliar"]),
        provider=_text(found["provider"]),
        seconds=abs(_number(found["seconds"])),
        full_size=(size[0], size[1]),
        group=answer,
        sure=_flag(found["sure"]),
        notes=tuple(_text(note) for note in found["notes"]),
        file=state,
    )


def _photo(photo: SavedPhoto) -> dict[str, Any]:
    line: dict[str, Any] = {"path": os.fspath(photo.path)}
    if photo.selected:
        line["selected"] = True
    result = photo.result
    if result is not None and result.file is not None:
        group = result.group
        line["file"] = list(result.file)
        line["result"] = {
            "scores": [[score.index, score.label, score.probability] for score in result.scores],
            "unfamiliar": result.unfamiliar,
            "provider": result.provider,
            "seconds": result.seconds,
            "full_size": list(result.full_size),
            "group": None
            if group is None
            else {"id": group.id, "label": group.label, "probability": group.probability, "classes": group.classes},
            "sure": result.sure,
            "notes": list(result.notes),
        }
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


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _are_wholes(value: object, count: int) -> bool:
    return isinstance(value, list) and len(value) == count and all(_is_whole(item) and item >= 0 for item in value)


def _index(value: Any) -> int:  # noqa: ANN401 - JSON
    if not _is_whole(value) or value < 0:
        raise ValueError
    return int(value)


def _number(value: Any) -> float:  # noqa: ANN401 - JSON
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError
    return float(value)


def _share(value: Any) -> float:  # noqa: ANN401 - JSON
    number = _number(value)
    if not 0.0 <= number <= 1.0 + 1e-6:
        raise ValueError
    return min(number, 1.0)


def _text(value: Any) -> str:  # noqa: ANN401 - JSON
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise ValueError
    return printable(value)


def _flag(value: Any) -> bool:  # noqa: ANN401 - JSON
    if not isinstance(value, bool):
        raise ValueError
    return value
