"""Finding pictures: files, folders and patterns as a person names them, whatever bytes their names are made of."""

from __future__ import annotations

import contextlib
import functools
import glob
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from resnet_desktop.core.text.printable import printable
from resnet_desktop.imaging.container import IMAGE_SUFFIXES, LONE_SUFFIXES

__all__ = ["find_images", "natural_key", "printable"]

_DIGITS = re.compile(r"(\d+)")


def find_images(paths: Iterable[str | os.PathLike[str]], *, recursive: bool) -> Iterator[Path]:
    """The picture files that ``paths`` stand for, in the order given, lazily.

    A folder gives the picture files in it, told by their suffix and sorted as people count (``2.jpg`` before
    ``10.jpg``); with ``recursive`` also those of all folders below, each real folder once, so that a circle of links
    ends. Raw photos and icons count where no other picture in the folder has the same name. Hidden files and folders in
    a folder are passed over, and the system's tables (``/proc``). A file is given as it is, whatever its suffix. A path
    that does not exist is expanded if it is a pattern (``*``, ``?``, ``[…]``, ``**``), else given as it is, so that
    decoding it says ``missing_file``; a folder that may not be listed is given too.
    """
    seen: set[tuple[int, int]] = set()
    for path in paths:
        yield from _expand(os.fspath(path), recursive, seen)


def natural_key(name: str) -> tuple[list[str | int], str]:
    """A sort key under which numbers inside names count as numbers and case matters last."""
    parts: list[str | int] = [
        int(part) if place % 2 else part for place, part in enumerate(_DIGITS.split(name.casefold()))
    ]
    return parts, name


def _expand(text: str, recursive: bool, seen: set[tuple[int, int]]) -> Iterator[Path]:
    path = Path(text)
    if not text:
        return
    if os.path.isdir(path):  # noqa: PTH112 - Path's raises for names that are too long
        yield from _walk(path, recursive, seen)
        return
    matches = [] if os.path.lexists(path) or not glob.has_magic(text) else _matches(path)
    if not matches:
        yield path
    for match in matches:
        if match.is_dir():
            yield from _walk(match, recursive, seen)
        else:
            yield match


def _matches(pattern: Path) -> list[Path]:
    root = Path(pattern.anchor)
    try:
        found = list(root.glob(str(pattern.relative_to(root))))
    except (ValueError, OSError, NotImplementedError):  # not a pattern after all, such as "a**"
        return []
    return sorted(found, key=lambda match: natural_key(str(match)))


def _walk(folder: Path, recursive: bool, seen: set[tuple[int, int]]) -> Iterator[Path]:
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        try:
            status = current.stat()
            here = (status.st_dev, status.st_ino)
            if (recursive and here in seen) or is_made_up(status):
                continue
            files, folders = _listing(current)
        except OSError:
            yield current
            continue
        seen.add(here)
        yield from files
        if recursive:
            waiting.extend(reversed(folders))


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry of a folder is one; a link in a circle is none, and keeps nothing else from being seen."""
    try:
        return entry.is_dir()
    except OSError:
        return False


@functools.cache
def _made_up() -> frozenset[int]:
    """The devices of what is no disk: the system's tables of processes and devices (Linux), which never end."""
    found = set()
    for name in ("/proc", "/sys"):
        with contextlib.suppress(OSError):
            found.add(os.stat(name).st_dev)  # noqa: PTH116 - as below
    with contextlib.suppress(OSError):
        found.discard(os.stat("/").st_dev)  # noqa: PTH116 - where they are mere folders
    return frozenset(found)


def is_made_up(status: os.stat_result) -> bool:
    """Whether a folder lies in ``/proc`` or ``/sys``: no photos are there, and their links lead everywhere."""
    return status.st_dev in _made_up()


def _listing(folder: Path) -> tuple[list[Path], list[Path]]:
    files: list[str] = []
    folders: list[str] = []
    alone: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            suffix = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122 - a Path each is slow
            if is_folder(entry):
                folders.append(entry.name)
            elif suffix in IMAGE_SUFFIXES:
                files.append(entry.name)
            elif suffix in LONE_SUFFIXES:
                alone.append(entry.name)
    if alone:  # a camera's raw photo beside its JPEG is the same picture
        known = {os.path.splitext(name)[0] for name in files}  # noqa: PTH122
        files += [name for name in alone if os.path.splitext(name)[0] not in known]  # noqa: PTH122
    return [folder / name for name in sorted(files, key=natural_key)], [
        folder / name for name in sorted(folders, key=natural_key)
    ]
