"""Photos that lie elsewhere: addresses such as ``s3://bucket/folder``, by pyarrow's file systems and fsspec's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from resnet_desktop.batch_inference import arrow
from resnet_desktop.core.errors import ClusterError, ImageError
from resnet_desktop.core.text.printable import printable
from resnet_desktop.imaging.container import IMAGE_SUFFIXES
from resnet_desktop.imaging.files import natural_key

LARGEST = 1 << 31
"""Bytes of a photo that is fetched."""
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_PASSWORD = re.compile(r"//[^/@]*:[^/@]*@")
_BLOCK = 1 << 20


def is_address(path: str) -> bool:
    """Whether this names something that lies elsewhere; a letter and a colon are a disk of Windows."""
    return _ADDRESS.match(path) is not None


def find_photos(address: str, *, recursive: bool) -> Iterator[str]:
    """The addresses of the photos in a folder that lies elsewhere, or of the one file, as ``find_images`` does.

    Raises:
        ClusterError: ``no_storage``: it cannot be opened or listed, or has a password in it, which would then be in the
            results.
    """
    if _PASSWORD.search(address):
        message = f"{_shown(address)} was given with a password, which would be written into the results."
        raise ClusterError(
            "no_storage", message, "Set it as the storage's own programs want it, and leave it out here."
        )
    fs, place = _opened(address)
    pa_fs = _module()
    try:
        found = fs.get_file_info(place)
        if found.type != pa_fs.FileType.Directory:
            yield address
            return
        listed = fs.get_file_info(pa_fs.FileSelector(place, recursive=recursive))
    except (OSError, ValueError, arrow.library().ArrowException) as error:
        raise _unreachable(address, error) from error
    root, _, query = address.partition("?")
    names = [_below(one.path, place) for one in listed if one.type == pa_fs.FileType.File]
    photos = [name for name in names if PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES and not _is_hidden(name)]
    for name in sorted(photos, key=natural_key):
        yield f"{root.rstrip('/')}/{name}" + (f"?{query}" if query else "")


def fetch(address: str, folder: Path) -> Path:
    """Copy a photo into a folder of this computer. Raises ImageError: ``missing_file``, ``read_failed``."""
    name = printable(PurePosixPath(address.partition("?")[0]).name) or "photo"
    target = folder / name[-200:].replace("/", "_").replace("\\", "_")
    try:
        fs, place = _opened(address)
        with fs.open_input_stream(place) as stream, target.open("wb") as file:
            left = LARGEST
            while block := stream.read(_BLOCK):
                file.write(block)
                left -= len(block)
                if left < 0:
                    raise ImageError("read_failed", f"{name} could not be read: it is too large.")
    except FileNotFoundError as error:
        hint = "It may have been moved, renamed or deleted."
        raise ImageError("missing_file", f"{name} does not exist.", hint) from error
    except (OSError, ValueError, ClusterError, arrow.library().ArrowException) as error:
        raise ImageError("read_failed", f"{name} could not be read: {_said(error)}.") from error
    return target


def _below(path: str, place: str) -> str:
    return path[len(place) :].lstrip("/") if path.startswith(place) else PurePosixPath(path).name


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))


def _opened(address: str) -> tuple[Any, str]:
    """The file system and the path in it. Raises ClusterError (``no_storage``)."""
    base, rest = _split(address)
    fs, root = _file_system(base)
    return fs, f"{root.rstrip('/')}/{rest.rstrip('/')}" if rest else root


def _split(address: str) -> tuple[str, str]:
    """Everything by which a file system is opened, and the rest: so it is opened once for all photos of a bucket."""
    head, _, query = address.partition("?")
    scheme, _, rest = head.partition("://")
    host, _, path = rest.partition("/")
    return f"{scheme}://{host}" + (f"/?{query}" if query else "/"), path


@cache
def _file_system(base: str) -> tuple[Any, str]:
    """A pyarrow file system, and the path in it that the address means. Raises ClusterError (``no_storage``)."""
    fs = _module()
    try:
        found, root = fs.FileSystem.from_uri(base)
    except (OSError, ValueError, arrow.library().ArrowException) as error:
        return _by_fsspec(base, error)
    return found, root


def _by_fsspec(base: str, first: Exception) -> tuple[Any, str]:
    try:
        import fsspec
    except ImportError:
        raise _unreachable(base, first) from first
    try:
        found, place = fsspec.core.url_to_fs(base)
    except (OSError, ValueError, ImportError) as error:
        raise _unreachable(base, error) from error
    fs = _module()
    return fs.PyFileSystem(fs.FSSpecHandler(found)), place


def _module() -> Any:  # noqa: ANN401 - pyarrow.fs
    arrow.library()
    from pyarrow import fs

    return fs


def _unreachable(address: str, error: Exception) -> ClusterError:
    return ClusterError("no_storage", f"{_shown(address)} cannot be reached: {_said(error)}.")


def _shown(address: str) -> str:
    """Without keys and options, which are nobody's business."""
    return printable(re.sub(r"//[^/@]*@", "//", address.partition("?")[0]))


def _said(error: Exception) -> str:
    return printable(" ".join(str(error).split())[:300]).rstrip(".") or type(error).__name__
