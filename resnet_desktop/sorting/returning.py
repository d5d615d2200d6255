"""One file taken back: a copy that nobody has changed goes, what was moved returns, nothing is written over."""

from __future__ import annotations

import errno
from pathlib import Path

from resnet_desktop.core import renaming
from resnet_desktop.core.errors import StorageError
from resnet_desktop.imaging.container import HEAD_BYTES, identify
from resnet_desktop.sorting import files
from resnet_desktop.sorting.record import Entry, Record


def give_back(known: Record, entry: Entry) -> None:
    """Take back what an entry says; may be done again where a crash came in between.

    Raises:
        StorageError: the file stays, and why.
        OSError: so does the system say.
    """
    to = known.path(entry)
    if to.parent.is_symlink():
        raise StorageError("write_failed", f"{to} lies behind a link and stays.")
    (_remove_copy if entry.action == "copy" else _move_back)(known, entry)


def _remove_copy(known: Record, entry: Entry) -> None:
    to = known.path(entry)
    if not to.exists() and not to.is_symlink():
        return  # somebody has removed it
    if not files.holds(to, entry.size, entry.sha256):
        raise StorageError("changed_since", f"{to} was changed after it was copied, and stays.")
    if not files.holds(entry.source, entry.size, entry.sha256) and not _leads_to_same(entry):
        message = f"The original of {to} is gone or has changed, so the copy stays."
        raise StorageError("original_gone", message)
    to.unlink()


def _leads_to_same(entry: Entry) -> bool:
    """Whether the original is a link, to a photo with these contents."""
    try:
        return entry.source.is_symlink() and files.digest(entry.source) == entry.sha256
    except OSError:
        return False


def _move_back(known: Record, entry: Entry) -> None:
    to, source = known.path(entry), entry.source
    part = source.with_name(f".{entry.id}.part")
    if part.parent.is_dir():
        part.unlink(missing_ok=True)
    if not to.exists() or to.is_symlink():
        if files.holds(source, entry.size, entry.sha256):
            return  # it is back already
        raise StorageError("moved_on", f"{to} is not there any more.")
    if files.holds(source, entry.size, entry.sha256) and files.holds(to, entry.size, entry.sha256):
        to.unlink()  # a crash came between its two names
        return
    if source.exists() or source.is_symlink():
        message = f"{source} exists: {to} stays where it is."
        raise StorageError("name_taken", message, "Rename one of them, then try again.")
    if not _is_photo(to) or source.name.startswith("."):  # the record may be anybody's
        raise StorageError("write_failed", f"{to} is not a photo and stays.")
    source.parent.mkdir(parents=True, exist_ok=True)
    if renaming.try_link(to, source):
        files.sync_folder(source.parent)
        to.unlink()
        return
    _carry_back(to, part, source)


def _carry_back(to: Path, part: Path, source: Path) -> None:
    """To another disk, or on one where files have one name."""
    try:
        files.write_copy(to, part, files.digest(to))
        renaming.name_anew(part, source)
    except files.ChangedError as error:
        raise OSError(errno.EBUSY, "it is being changed") from error
    finally:
        part.unlink(missing_ok=True)
    files.sync_folder(source.parent)
    to.unlink()


def _is_photo(path: Path) -> bool:
    with path.open("rb") as file:
        return identify(file.read(HEAD_BYTES)) is not None
