"""Taking a sorting back: copies that nobody has changed go, what was moved returns, nothing is written over."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from resnet_desktop.core.atomic import storage_error
from resnet_desktop.core.errors import StorageError
from resnet_desktop.core.progress import Cancelled, Progress, never, unheard
from resnet_desktop.sorting import record
from resnet_desktop.sorting.record import LOCK, NAME, Entry, Record
from resnet_desktop.sorting.recovery import recover
from resnet_desktop.sorting.returning import give_back


@dataclass(frozen=True, slots=True)
class Returned:
    """What became of one file: ``source`` where it came from, ``to`` where it was put, ``error`` why it stays there."""

    entry: Entry
    source: Path
    to: Path
    error: StorageError | None = None


def take_back(
    folder: Path, *, run: str = "", cancelled: Cancelled = never, progress: Progress = unheard
) -> list[Returned]:
    """Undo what the record of ``folder`` says, the last first; of one ``run`` alone where that is named.

    Where all is taken back the record goes too, and folders that were made for it if they are empty.

    Raises:
        DataError: there is no record, or it is not one of ours.
        StorageError: the record cannot be written.
    """
    with record.opened(folder, make=False) as known:
        recover(known)
        entries = [entry for entry in reversed(known.live) if run in ("", entry.run)]
        returned: list[Returned] = []
        for entry in entries:
            if cancelled():
                break
            returned.append(_one(known, entry))
            progress(len(returned), len(entries))
        _remove_empty(known, reversed(known.made))
        clean = not known.live
        if clean:
            (folder / NAME).unlink(missing_ok=True)
    if clean:
        (folder / LOCK).unlink(missing_ok=True)
        if known.made_itself:
            with contextlib.suppress(OSError):
                folder.rmdir()
    return returned


def _one(known: Record, entry: Entry) -> Returned:
    to = known.path(entry)
    try:
        known.end(entry, "undoing")
        give_back(known, entry)
    except (StorageError, OSError) as error:
        known.end(entry, "done")
        told = error if isinstance(error, StorageError) else storage_error(to, error)
        return Returned(entry, entry.source, to, told)
    known.end(entry, "undone")
    return Returned(entry, entry.source, to)


def _remove_empty(known: Record, names: Iterable[str]) -> None:
    for name in names:
        path = known.folder / name
        if path.parent == known.folder and not path.is_symlink():
            with contextlib.suppress(OSError):
                path.rmdir()
