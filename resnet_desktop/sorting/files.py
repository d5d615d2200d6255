"""Files copied and compared, never over another one; how they get another name is in ``core.renaming``."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from pathlib import Path

_BLOCK = 1 << 20
EMPTY = hashlib.sha256().hexdigest()


class ChangedError(Exception):
    """A file has other contents than a moment ago."""


def digest(path: Path) -> str:
    """SHA-256 of a file's contents, in hexadecimal. Raises OSError."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()


def holds(path: Path, size: int, sha256: str) -> bool:
    """Whether a regular file is there with these contents; a link is none."""
    try:
        return path.lstat().st_size == size and not path.is_symlink() and path.is_file() and digest(path) == sha256
    except OSError:
        return False


def write_copy(source: Path, part: Path, sha256: str) -> None:
    """Copy contents, times and permissions to a new file, and onto the disk. Raises OSError, ChangedError."""
    found = hashlib.sha256()
    with source.open("rb") as file, part.open("xb") as copy:
        while block := file.read(_BLOCK):
            found.update(block)
            copy.write(block)
        copy.flush()
        os.fsync(copy.fileno())
    if found.hexdigest() != sha256:
        raise ChangedError(source)
    with contextlib.suppress(OSError):  # a file system without permissions
        shutil.copystat(source, part)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder onto the disk, where the system can."""
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
