"""Writing a file whole or not at all.

A temporary file in the same folder is written, flushed, synced to the disk and renamed over the old one, so that a
reader, a crash or a full disk never meets half a file.
"""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from resnet_desktop.core.errors import StorageError


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; when the block ends well, rename it over ``path``.

    Raises:
        StorageError: the folder or the disk refuses; ``path`` is left as it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise storage_error(path, error) from error
    temporary = Path(name)
    try:
        yield temporary
        _sync(temporary)
        temporary.chmod(0o644)
        temporary.replace(path)
        _sync_folder(path.parent)
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
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return StorageError("read_only", f"{path} may not be written here.", "Choose another folder.")
    return StorageError("write_failed", f"{path} could not be written: {error.strerror or error}.")


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
