"""Putting photos into folders: each is written down, then copied or moved, never over another file, never twice."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from resnet_desktop.core import renaming
from resnet_desktop.core.atomic import storage_error
from resnet_desktop.core.errors import ImageError, ResNetDesktopError, StorageError
from resnet_desktop.core.progress import Cancelled, Progress, never, unheard
from resnet_desktop.sorting import files, record
from resnet_desktop.sorting.choosing import Choice
from resnet_desktop.sorting.names import LONGEST_FILE, FolderNames, compared, numbered
from resnet_desktop.sorting.record import Entry, Record
from resnet_desktop.sorting.recovery import recover

Action = Literal["copy", "move", "keep"]
"""``keep``: it lies there already."""


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of one photo.

    Attributes:
        choice: the photo, and what it is sorted by.
        action: what was done with it, or would be.
        folder: the name of its folder.
        to: where it lies now; None where nothing was done yet, or it failed.
        error: why it could not be put there.
    """

    choice: Choice
    action: Action
    folder: str
    to: Path | None = None
    error: ResNetDesktopError | None = None


class Kept:
    """Which photos need nothing to be done, by the record of a folder.

    Args:
        known: the record.
    """

    def __init__(self, known: Record) -> None:
        self._record = known
        self._own = {str(place(known.path(entry))) for entry in known.live}
        self._by_source: dict[str, list[Entry]] = {}
        for entry in known.live:
            self._by_source.setdefault(str(place(entry.source)), []).append(entry)

    def is_own(self, path: Path) -> bool:
        """Whether a file was put there by an earlier run."""
        return str(place(path)) in self._own

    def entry(self, path: Path) -> Entry | None:
        """How a photo was sorted by an earlier run, if it still lies there and has not changed since."""
        for entry in self._by_source.get(str(place(path)), ()):
            if not os.path.lexists(self._record.path(entry)):
                continue
            try:
                same = entry.is_of(path.stat()) or files.digest(path) == entry.sha256
            except OSError:
                return None
            if same:
                return entry
        return None

    def add(self, entry: Entry) -> None:
        """An entry of this run."""
        self._by_source.setdefault(str(place(entry.source)), []).append(entry)


def plan(folder: Path, choices: Sequence[Choice], *, move: bool) -> list[Placed]:
    """What ``sort`` would do, without doing it; names of folders are those that it would give. Raises DataError."""
    known = record.read(folder)
    kept, names = Kept(known), names_in(known)
    placed = []
    for choice in choices:
        name = names.of(choice.label)
        there = _is_there(choice, folder / name) or kept.entry(choice.path) is not None
        placed.append(Placed(choice, "keep" if there else _action(move), name))
    return placed


def sort(
    folder: Path,
    choices: Sequence[Choice],
    *,
    move: bool,
    run: str = "",
    cancelled: Cancelled = never,
    progress: Progress = unheard,
) -> list[Placed]:
    """Put photos into the folders of their classes in ``folder``; what became of each, as far as it came.

    Args:
        folder: made where it is missing.
        choices: photos and what they are sorted by.
        move: take them from where they are; else they are copied.
        run: a name for this run, by which it can be taken back alone.
        cancelled: asked before each photo.
        progress: told after each.

    Raises:
        StorageError: the folder cannot be written, or the disk is full; what was done until then is in the record.
        DataError: the record there is not one of ours.
    """
    with record.opened(folder, make=True) as known:
        recover(known)
        sorter = _Sorter(known, move=move, run=run or new_run())
        placed: list[Placed] = []
        for choice in choices:
            if cancelled():
                break
            placed.append(sorter.put(choice))
            progress(len(placed), len(choices))
        return placed


def new_run() -> str:
    """A name for a run."""
    return secrets.token_hex(6)


def names_in(known: Record) -> FolderNames:
    """The folders of classes in a sorted folder; what else lies there keeps its name."""
    taken: list[str] = []
    if known.folder.is_dir():
        with os.scandir(known.folder) as entries:
            taken = [entry.name for entry in entries if not entry.is_dir(follow_symlinks=False)]
    return FolderNames(known.folders(), taken)


def place(path: Path) -> Path:
    """One spelling for all ways to name a file; a link is not what it leads to."""
    return Path(os.path.realpath(path.parent)) / path.name


class _Sorter:
    def __init__(self, known: Record, *, move: bool, run: str) -> None:
        self._record, self._move, self._run = known, move, run
        self._kept, self._names = Kept(known), names_in(known)
        self._used: dict[str, set[str]] = {}  # names in each folder, as they are compared
        self._next = 0

    def put(self, choice: Choice) -> Placed:
        """Copy or move one photo. Raises StorageError where no other could be either."""
        name, action = self._names.of(choice.label), _action(self._move)
        earlier = self._kept.entry(choice.path)
        if earlier is not None:
            to = self._record.path(earlier)
            return Placed(choice, "keep", to.parent.name, to)
        if _is_there(choice, self._record.folder / name):
            return Placed(choice, "keep", name, choice.path)
        try:
            return Placed(choice, action, name, self._put(choice, name))
        except files.ChangedError:
            message = f"{choice.path} changed while it was copied."
            return Placed(choice, action, name, error=ImageError("read_failed", message, "Try again."))
        except (ImageError, StorageError) as error:
            if error.code == "disk_full":
                raise
            return Placed(choice, action, name, error=error)

    def _put(self, choice: Choice, name: str) -> Path:
        source = Path(os.path.abspath(choice.path))  # noqa: PTH100 - not what a link leads to
        if self._move and source.is_symlink():
            message = f"{source} is a link: its photo would stay where it is."
            raise StorageError("is_a_link", message, "Copy it, or move the file that it leads to.")
        try:
            status, sha256 = source.stat(), files.digest(source)
        except OSError as error:
            raise _unreadable(source, error) from error
        self._record.make_folder(name)
        while True:
            self._next += 1
            key, to = f"{self._run}-{self._next}", f"{name}/{self._free(name, source.name)}"
            size, when = status.st_size, status.st_mtime_ns
            entry = Entry(key, self._run, _action(self._move), source, to, size, when, sha256, choice.label)
            if self._try(entry):
                self._kept.add(entry)
                return self._record.path(entry)

    def _try(self, entry: Entry) -> bool:
        """False where somebody else has taken the name in the meantime."""
        known = self._record
        known.begin(entry)
        try:
            carry_out(known, entry)
        except FileExistsError:
            known.end(entry, "failed")
            return False
        except files.ChangedError:
            known.end(entry, "failed")
            raise
        except OSError as error:
            known.end(entry, "failed")
            raise storage_error(known.path(entry), error) from error
        known.end(entry, "done")
        return True

    def _free(self, folder: str, name: str) -> str:
        used = self._used.get(folder)
        if used is None:
            used = self._used[folder] = {compared(one) for one in os.listdir(self._record.folder / folder)}  # noqa: PTH208
        number = 1
        while compared(found := numbered(name, number, LONGEST_FILE)) in used:
            number += 1
        used.add(compared(found))
        return found


def carry_out(known: Record, entry: Entry) -> None:
    """Do what an entry says. Nothing is left of it where it fails.

    Raises:
        OSError: FileExistsError if the name is taken.
        ChangedError: the photo is being written to.
    """
    source, part, target = entry.source, known.part(entry), known.path(entry)
    if entry.action == "copy" or not renaming.try_link(source, target):
        try:
            files.write_copy(source, part, entry.sha256)
            renaming.name_anew(part, target)
        finally:
            part.unlink(missing_ok=True)
    files.sync_folder(target.parent)
    if entry.action == "move":
        try:
            source.unlink()
        except OSError:
            target.unlink(missing_ok=True)
            raise


def _is_there(choice: Choice, folder: Path) -> bool:
    """Whether a photo lies in its folder already."""
    return place(choice.path).parent == Path(os.path.realpath(folder))


def _action(move: bool) -> Literal["copy", "move"]:
    return "move" if move else "copy"


def _unreadable(path: Path, error: OSError) -> ImageError:
    if isinstance(error, FileNotFoundError):
        return ImageError("missing_file", f"{path} does not exist.")
    if isinstance(error, PermissionError):
        return ImageError("no_permission", f"You do not have permission to read {path}.")
    return ImageError("read_failed", f"{path} could not be read: {error.strerror or error}.")
