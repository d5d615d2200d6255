"""The door for picture files: opens a path or bytes for reading, or says in words why not. Never waits."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from resnet_desktop.core.errors import ImageError
from resnet_desktop.imaging.files import printable
from resnet_desktop.imaging.region import Region

Source = str | os.PathLike[str] | bytes
"""Where a picture comes from: a path, or the bytes of a file (the clipboard, a drop from a browser)."""

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
MAX_READS = 1_000_000
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)
_DENIED = (errno.EACCES, errno.EPERM)


@dataclass(frozen=True, slots=True)
class OpenSource:
    """An opened picture: the stream at its beginning, its length in bytes, its name for messages."""

    stream: BinaryIO
    size: int
    name: str


class PatientReader(io.BufferedReader):
    """A reader that gives up after ``MAX_READS`` calls of ``read``.

    Pillow searches a header for its next marker a byte at a time, and steps over empty chunks one by one: a file of a
    gigabyte that holds nothing else would keep it busy for minutes.
    """

    _reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """As io.BufferedReader; OSError when it was called too often."""
        self._reads += 1
        if self._reads > MAX_READS:
            raise OSError("the file consists of too many small parts")
        return super().read(size)


@contextlib.contextmanager
def opened(source: Source) -> Iterator[OpenSource]:
    """Open ``source`` for reading and close it afterwards; of a region, the whole picture.

    Raises:
        ImageError: missing_file, no_permission, is_a_folder, not_a_regular_file, empty_file, read_failed.
    """
    if isinstance(source, Region):
        source = source.whole
    if isinstance(source, bytes | bytearray | memoryview):
        name, size = "The pasted picture", len(source)
        stream = PatientReader(cast("io.RawIOBase", io.BytesIO(source)))
    else:
        name = display_name(source)
        stream, size = _open_file(os.fspath(source), name)
    with stream:
        if size == 0:
            raise ImageError("empty_file", f"{name} is empty: the file has no content.", "Copy or download it again.")
        yield OpenSource(stream, size, name)


def display_name(source: Source) -> str:
    """The last part of a path as it can be shown in a sentence."""
    if isinstance(source, bytes | bytearray | memoryview) or (isinstance(source, Region) and source.data is not None):
        return "The pasted picture"
    return printable(Path(source).name) or printable(source) or "The unnamed file"


def read_error(name: str, error: OSError) -> ImageError:
    """The ImageError that says what the operating system said of the file called ``name``."""
    if error.errno in _ABSENT:
        return ImageError("missing_file", f"{name} does not exist.", "It may have been moved, renamed or deleted.")
    if error.errno in _DENIED:
        return ImageError("no_permission", f"You do not have permission to read {name}.")
    return ImageError("read_failed", f"{name} could not be read: {error.strerror or error}.")


def _open_file(path: str, name: str) -> tuple[PatientReader, int]:
    try:
        # A look before opening: to open a device can already do something to it, and a socket cannot be opened.
        _check_regular(os.stat(path).st_mode, path, name)  # noqa: PTH116 - Path() would turn "" into "."
        handle = os.open(path, _FLAGS)
    except OSError as error:
        raise read_error(name, error) from error
    except ValueError as error:  # a NUL in the name, or letters that no file name can hold
        raise ImageError("missing_file", f"{name} does not exist: this is not a valid file name.") from error
    try:
        status = os.fstat(handle)  # again: another file may have taken the name
        _check_regular(status.st_mode, path, name)
        return PatientReader(io.FileIO(handle)), status.st_size
    except ImageError:
        os.close(handle)
        raise


def _check_regular(mode: int, path: str, name: str) -> None:
    if stat.S_ISDIR(mode):
        if not os.access(path, os.R_OK | os.X_OK):
            raise ImageError("no_permission", f"You do not have permission to open the folder {name}.")
        raise ImageError("is_a_folder", f"{name} is a folder, not a picture.", "Open the pictures inside it instead.")
    if not stat.S_ISREG(mode):
        raise ImageError("not_a_regular_file", f"{name} is a pipe, socket or device, not an image file.")
