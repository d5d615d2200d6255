"""Writing a file whole or not at all.

A temporary file in the same folder is written, flushed, synced to the disk and renamed over the old one, so that a
reader, a crash or a full disk never meets half a file. A link stays one: what it leads to is replaced. A file that is
replaced keeps its mode; a new one has that of the umask.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from resnet_desktop.core.errors import StorageError

_FLAGS = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_NEW = 0o666
_NAMED = 40


@contextlib.contextmanager
def replacing(path: Path, *, make_folders: bool = True) -> Iterator[Path]:
    """Give a temporary path beside ``path``; when the block ends well, rename it over ``path``.

    Args:
        path: what is to be written; of a link, what it leads to.
        make_folders: make the folders above it that are missing.

    Raises:
        StorageError: the folder or the disk refuses; ``path`` is left as it was.
    """
    try:
        target = Path(os.path.realpath(path)) if path.is_symlink() else path
        mode = _mode(target)
        if make_folders:
            target.parent.mkdir(parents=True, exist_ok=True)
        # Only the beginning of its name: with more letters than its own, the longest names would be too long.
        temporary = target.parent / f".{target.name[:_NAMED]}.{secrets.token_hex(6)}.part"
        os.close(os.open(temporary, _FLAGS, _NEW if mode is None else mode | stat.S_IRUSR | stat.S_IWUSR))
    except OSError as error:
        raise storage_error(path, error) from error
    try:
        yield temporary
        _sync(temporary)
        if mode is not None:
            temporary.chmod(mode)
        temporary.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise storage_error(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` atomically. Raises StorageError."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` atomically, as UTF-8 with lone surrogates kept. Raises StorageError."""
    write_bytes(path, text.encode("utf-8", "surrogateescape"))


def storage_error(path: Path, error: OSError) -> StorageError:
    """A StorageError that says in words what the operating system said of ``path``."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError(
            "disk_full", f"The disk is full: {path} could not be written.", "Free some space and try again."
        )
    if error.errno == errno.EFBIG:
        return StorageError(
            "disk_full", f"{path} has reached the largest size that a file may have here.", "Choose another location."
        )
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return StorageError(
            "read_only", f"{path} is read-only, or you do not have permission to write it.", "Choose another folder."
        )
    return StorageError("write_failed", f"{path} could not be written: {error.strerror or error}.")


def _mode(path: Path) -> int | None:
    """The permissions of the file that is to be replaced; None if there is none yet."""
    try:
        return stat.S_IMODE(path.stat().st_mode) & 0o777
    except FileNotFoundError:
        return None


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # a folder cannot be opened for syncing there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
