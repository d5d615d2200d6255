"""What a crash has left open is brought to an end, so that each file is in one place and the record says where."""

from __future__ import annotations

from resnet_desktop.core.errors import StorageError
from resnet_desktop.sorting import files
from resnet_desktop.sorting.record import Entry, Record
from resnet_desktop.sorting.returning import give_back


def recover(known: Record) -> None:
    """End every entry that was begun and not ended. Raises StorageError, OSError."""
    for entry in list(known.entries.values()):
        if entry.state == "begun":
            known.end(entry, "done" if _is_done(known, entry) else "failed")
        elif entry.state == "undoing":
            known.end(entry, "undone" if _is_undone(known, entry) else "done")


def _is_undone(known: Record, entry: Entry) -> bool:
    try:
        source = entry.source
        if entry.action == "move" and entry.size and files.holds(source, 0, files.EMPTY):
            source.unlink()  # as above
        give_back(known, entry)
    except (StorageError, OSError):
        return False
    return True


def _is_done(known: Record, entry: Entry) -> bool:
    target, part = known.path(entry), known.part(entry)
    part.unlink(missing_ok=True)
    if not files.holds(target, entry.size, entry.sha256):
        if entry.size and files.holds(target, 0, files.EMPTY):  # a name that was taken for it, and not filled
            target.unlink()
        return False
    if entry.action == "move" and files.holds(entry.source, entry.size, entry.sha256):
        target.unlink()  # it has not left yet, and stays
        return False
    return True
