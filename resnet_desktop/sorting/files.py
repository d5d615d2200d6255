"""Files copied, moved and compared, never over another one."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
from pathlib import Path

_BLOCK = 1 << 20
_NO_LINKS = frozenset(
    {errno.EXDEV, errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EMLINK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}
)
"""What a file system says that cannot give a file a second name there. Else it means what shows when it is copied."""


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


def name_anew(path: Path, target: Path) -> None:
    """Give a file another name in the same file system, where nothing has that name. Raises OSError.

    FileExistsError: something has.
    """
    if try_link(path, target):
        path.unlink()
    elif os.name == "nt":
        path.rename(target)  # refuses to write over a file there
    else:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))  # now the name is ours
        path.replace(target)


def try_link(path: Path, target: Path) -> bool:
    """Give a file a second name; False where the file system cannot. Raises OSError as ``name_anew``."""
    try:
        os.link(path, target, follow_symlinks=False)
    except FileExistsError:
        raise
    except (NotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LINKS:
            raise
        return False
    return True


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
