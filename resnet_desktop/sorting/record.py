"""The record of a sorted folder: what was put where, written before it is done.

A file of JSON lines to which lines are only added. The first names the format; then each file has a line ``begin``
before anything is done to it, and ``done`` or ``failed`` after; as ``undoing`` and ``undone`` if it is taken back. A
line that a crash has torn is passed over: a torn ``begin`` was never acted on, and what a missing ``done`` leaves open
is seen from the files (see ``recovery``).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from filelock import FileLock, Timeout

from resnet_desktop.core.atomic import storage_error
from resnet_desktop.core.errors import DataError, StorageError

NAME = "resnet-desktop-sort.jsonl"
LOCK = ".resnet-desktop-sort.lock"
FORMAT = "resnet-desktop-sort"
VERSION = 1
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)

State = Literal["begun", "done", "failed", "undoing", "undone"]


@dataclass(slots=True, eq=False)
class Entry:
    """One file that was put somewhere.

    Attributes:
        id: never used again.
        run: which run of the sorting did it.
        action: ``copy`` or ``move``.
        source: where it came from.
        to: where it was put, below the folder of the record, with ``/``.
        size: in bytes.
        mtime_ns: when the source was last changed.
        sha256: of the contents.
        label: what it was sorted by; None where that was not sure.
        state: how far it came.
    """

    id: str
    run: str
    action: Literal["copy", "move"]
    source: Path
    to: str
    size: int
    mtime_ns: int
    sha256: str
    label: str | None
    state: State = "begun"

    def is_of(self, status: os.stat_result) -> bool:
        """Whether a file is the source as it was then, by size and time."""
        return (status.st_size, status.st_mtime_ns) == (self.size, self.mtime_ns)


class Record:
    """What is known of a folder. Made by ``read`` or ``opened``."""

    def __init__(self, folder: Path, lines: list[dict[str, Any]]) -> None:
        self.folder = folder
        self.entries: dict[str, Entry] = {}
        self.made: list[str] = []
        """Folders in it that the app has made, in that order."""
        self.made_itself = False
        """Whether the app has made the folder itself."""
        self._headed = False
        self._number: int | None = None
        for line in lines:
            self._take(line)

    @property
    def live(self) -> list[Entry]:
        """What has been put here and not been taken back."""
        return [entry for entry in self.entries.values() if entry.state == "done"]

    def path(self, entry: Entry) -> Path:
        """Where a file was put."""
        return self.folder.joinpath(*PurePosixPath(entry.to).parts)

    def part(self, entry: Entry) -> Path:
        """Where a file lies while it is being written."""
        return self.path(entry).with_name(f".{entry.id}.part")

    def folders(self) -> dict[str | None, str]:
        """The folder of each class so far."""
        return {entry.label: PurePosixPath(entry.to).parts[0] for entry in self.entries.values()}

    def begin(self, entry: Entry) -> None:
        """A file is about to be put somewhere. On the disk when this returns. Raises StorageError."""
        values = {name: getattr(entry, name) for name in ("id", "run", "action", "to", "size", "mtime_ns", "sha256")}
        self._write({"event": "begin", **values, "from": os.fspath(entry.source), "label": entry.label}, safe=True)
        self.entries[entry.id] = entry

    def end(self, entry: Entry, state: State) -> None:
        """It came so far. Raises StorageError."""
        self._write({"event": state, "id": entry.id}, safe=state == "undoing")
        entry.state = state

    def make_folder(self, name: str) -> None:
        """Make a folder in it, unless it is there. Raises StorageError."""
        path = self.folder / name
        if path.is_dir():
            return
        self._write({"event": "folder", "name": name}, safe=True)
        self.made.append(name)
        try:
            path.mkdir(exist_ok=True)
        except OSError as error:
            raise storage_error(path, error) from error

    def start(self, number: int, *, made_itself: bool) -> None:
        """Lines are written to this open file from now on. Raises StorageError."""
        self._number = number
        if os.fstat(number).st_size and not _ends_well(self.folder / NAME):
            self._add(b"\n")  # behind what a crash has torn
        if not self._headed:
            self._headed, self.made_itself = True, made_itself
            self._write({"format": FORMAT, "version": VERSION, "made_folder": made_itself}, safe=True)

    def _write(self, line: dict[str, Any], *, safe: bool = False) -> None:
        self._add((json.dumps(line, ensure_ascii=True) + "\n").encode("ascii"))
        if safe:
            assert self._number is not None
            os.fsync(self._number)

    def _add(self, data: bytes) -> None:
        assert self._number is not None, "opened"
        try:
            while data:
                data = data[os.write(self._number, data) :]
        except OSError as error:
            raise storage_error(self.folder / NAME, error) from error

    def _take(self, line: dict[str, Any]) -> None:
        match line:
            case {"format": _, **rest}:
                self._headed, self.made_itself = True, rest.get("made_folder") is True
            case {"event": "folder", "name": str(name)}:
                self.made.append(name)
            case {"event": "begin"}:
                entry = _entry(line)
                if entry is not None:
                    self.entries[entry.id] = entry
            case {"event": "done" | "failed" | "undoing" | "undone" as state, "id": str(key)} if key in self.entries:
                self.entries[key].state = state


def read(folder: Path) -> Record:
    """What is known of a folder; an empty record where there is none.

    Raises:
        DataError: ``bad_data``: the file is of another program, newer, or cannot be read.
    """
    path = folder / NAME
    try:
        text = path.read_text("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError):
        return Record(folder, [])
    except OSError as error:
        raise _bad(path, f"cannot be read: {error.strerror or error}") from error
    lines = list(_parsed(text))
    if not lines and (not text.strip() or f'{{"format": "{FORMAT}", "version'.startswith(text.strip()[:28])):
        return Record(folder, [])  # a crash has torn the first line
    head = lines[0] if lines else {}
    if head.get("format") != FORMAT:
        raise _bad(path, "is not a record of sorted photos")
    if head.get("version") != VERSION:
        raise _bad(path, "was written by a newer version of the app")
    return Record(folder, lines)


@contextmanager
def opened(folder: Path, *, make: bool) -> Iterator[Record]:
    """The record of a folder to be added to; nobody else can at the same time.

    Args:
        folder: what is sorted into; made where it is missing, if ``make``.
        make: begin a record where there is none.

    Raises:
        DataError: ``missing_data``: there is no record; else as ``read``.
        StorageError: the folder cannot be made or written, or another sorting is under way in it (``in_use``).
    """
    if not make and not (folder / NAME).is_file():
        raise DataError("missing_data", f"{folder} has no record of sorted photos.", "Name the folder of --output.")
    made_itself = make and not folder.exists()
    try:
        if make:
            if folder.exists() and not folder.is_dir():
                raise StorageError("write_failed", f"{folder} is a file, not a folder.", "Choose another name.")
            folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / LOCK, timeout=0):
            record = read(folder)
            number = os.open(folder / NAME, _FLAGS, 0o666)
            try:
                record.start(number, made_itself=made_itself)
                yield record
            finally:
                os.close(number)
    except Timeout as error:
        raise StorageError("in_use", f"Photos are being sorted into {folder} already.", "Wait for its end.") from error
    except OSError as error:
        raise storage_error(folder, error) from error


def _entry(line: dict[str, Any]) -> Entry | None:
    """None for a line that the app has not written: a record may come from anywhere."""
    match line:
        case {
            "id": str(key),
            "run": str(run),
            "action": "copy" | "move" as action,
            "from": str(source),
            "to": str(to),
            "size": int(size),
            "mtime_ns": int(mtime),
            "sha256": str(digest),
            "label": str() | None as label,
        } if _is_inside(to) and _is_plain(key) and Path(source).is_absolute() and "\0" not in source:
            return Entry(key, run, action, Path(source), to, size, mtime, digest, label)
    return None


def _is_inside(to: str) -> bool:
    """Whether it names one file in one folder, on any system."""
    parts = to.split("/")
    strange = "\0\\:" if os.name == "nt" else "\0"
    return len(parts) == 2 and not any(part in ("", ".", "..") or set(part) & set(strange) for part in parts)


def _is_plain(key: str) -> bool:
    return key.replace("-", "").isalnum() and len(key) < 100


def _parsed(text: str) -> Iterator[dict[str, Any]]:
    for line in text.split("\n"):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value


def _ends_well(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _bad(path: Path, what: str) -> DataError:
    return DataError("bad_data", f"{path} {what}.", "Choose another folder.")
