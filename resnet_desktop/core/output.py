"""Files that a person names to be written: results, heatmaps, tables, reports.

They may be anything that can be written to: a device and a pipe are written to directly, a link leads on. What they
must not be is one of the files that the results come from.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from resnet_desktop.core.atomic import replacing, storage_error
from resnet_desktop.core.errors import StorageError

Identity = tuple[int, int]
"""Device and number of a file: the same for all its names, of whatever case, and for links to it."""


def identity(path: str | os.PathLike[str] | int) -> Identity | None:
    """What tells a file from all others, by whatever name it is called; None where there is no regular file.

    ``path`` may be the number of an open file.
    """
    try:
        status = os.stat(path)  # noqa: PTH116 - it takes the number of a file, too
    except (OSError, ValueError):
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) else None


def is_one_of(path: Path, inputs: Iterable[object]) -> bool:
    """Whether ``path`` is one of ``inputs``, by any name; those that are no paths (bytes of a picture) are none."""
    own = identity(path)
    return own is not None and any(identity(i) == own for i in inputs if isinstance(i, str | os.PathLike | int))


def refuse_inputs(path: Path, inputs: Iterable[object]) -> None:
    """Raises StorageError ``is_input`` if ``path`` is one of ``inputs``."""
    if is_one_of(path, inputs):
        message = f"{path} is one of the input files and would be overwritten."
        raise StorageError("is_input", message, "Choose another name.")


@contextlib.contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A stream to ``path``: of a file, whole or not at all; of a device or a pipe, as it is written.

    Raises:
        StorageError: ``missing_folder``; it is a folder, or may not be written; the disk refuses.
    """
    direct = _direct(path)
    if direct is None:
        with _replaced(path) as temporary, temporary.open("wb") as file:
            yield file
        return
    try:
        with direct as stream:
            yield stream
    except BrokenPipeError:
        raise
    except OSError as error:
        raise storage_error(path, error) from error


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to what a person named. Raises StorageError."""
    with opened(path) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to what a person named, as UTF-8 with lone surrogates kept. Raises StorageError."""
    write_bytes(path, text.encode("utf-8", "surrogateescape"))


def make_folder(folder: Path) -> bool:
    """Make a folder that a person named, in one that is there; whether it is new. Raises StorageError."""
    try:
        folder.mkdir()
    except FileExistsError:
        if not folder.is_dir():
            raise StorageError("write_failed", f"{folder} is a file, not a folder.", "Choose another name.") from None
        return False
    except FileNotFoundError as error:
        raise _no_folder(folder.parent) from error
    except OSError as error:
        raise storage_error(folder, error) from error
    return True


def refuse_nowhere(path: Path) -> None:
    """Raises StorageError ``missing_folder`` if ``path`` lies in a folder that is not there."""
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir() and not path.exists():  # what /dev/stdout leads to has no folder
        raise _no_folder(path.parent if not path.is_symlink() else target.parent)


def is_standard_output(path: Path) -> bool:
    """Whether ``path`` leads to where this process prints (``/dev/stdout``)."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return False
    return _own_stream((status.st_dev, status.st_ino), (1,)) is not None


def _direct(path: Path) -> contextlib.AbstractContextManager[BinaryIO] | None:
    """An open device or pipe; None for a file, be it there or not. Raises StorageError."""
    try:
        status = path.stat()
        mode = status.st_mode
        if stat.S_ISDIR(mode):
            raise StorageError(
                "write_failed", f"{path} could not be written: it is a folder.", "Choose a file name inside it."
            )
        own = _own_stream((status.st_dev, status.st_ino), (1, 2))
        if own is not None:  # at the place up to which it is written, which another stream would not share
            return os.fdopen(os.dup(own), "wb")
        return None if stat.S_ISREG(mode) else path.open("wb")
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise StorageError("write_failed", f"{str(path)!r} is not a valid file name.") from error
    except OSError as error:
        raise storage_error(path, error) from error


def _own_stream(wanted: Identity, numbers: tuple[int, ...]) -> int | None:
    for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
        if number not in numbers or stream is None:
            continue
        with contextlib.suppress(OSError):
            status = os.fstat(number)
            if (status.st_dev, status.st_ino) == wanted:
                return number
    return None


@contextlib.contextmanager
def _replaced(path: Path) -> Iterator[Path]:
    refuse_nowhere(path)
    if path.exists() and not os.access(path, os.W_OK):
        raise StorageError("read_only", f"You do not have permission to write {path}.", "Choose another name.")
    with replacing(path, make_folders=False) as temporary:
        yield temporary


def _no_folder(folder: Path) -> StorageError:
    return StorageError(
        "missing_folder", f"The folder {folder} does not exist.", "Create it first, or choose another folder."
    )
