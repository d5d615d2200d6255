"""Which file a table means: by its path, by the end of a path from elsewhere, or by its name."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit

from resnet_desktop.imaging.container import IMAGE_SUFFIXES

MOST_FILES = 1_000_000
"""Files below a table's folder that are looked through for names."""
_PREFIX = re.compile(r"[0-9a-f]{8}-(?=.)", re.IGNORECASE)
"""What Label Studio puts before the name of an uploaded file."""
_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_SERVER = re.compile(r"(?!file:)[A-Za-z][A-Za-z0-9+.-]+://")
_DRIVE = re.compile(r"[A-Za-z]:(?=/)")


class AmbiguousPhotoError(LookupError):
    """Several files could be meant."""


class PhotoIndex:
    """Finds the files of a table below its folder; hidden folders are passed over.

    Args:
        table: whose folder it is.
    """

    def __init__(self, table: Path) -> None:
        self._folder = table.parent
        self._stem = table.stem.lower()
        self._own_name = self._folder.absolute().name.lower()

    def find(self, name: str, *, anywhere: bool) -> Path | None:
        """The file that a name stands for, if it is not where it says; None if there is none.

        A name without a folder may lie in any. With a folder, the last folder must be right, unless it is one of a
        server (``anywhere``, and any address): camera traps call their photos alike in every folder.

        Raises:
            AmbiguousPhotoError: there are several.
        """
        parts = _parts(name)
        if not parts:
            return None
        anywhere = anywhere or _SERVER.match(name.strip()) is not None
        loose = anywhere or len(parts) == 1
        ends = [parts[start:] for start in range(len(parts) if loose else len(parts) - 1)]
        # A path from elsewhere that leads through a folder called as the table's own.
        ends += [parts[i + 1 :] for i, part in enumerate(parts[:-1]) if part.lower() == self._own_name]
        for end in ends:
            path = self._folder.joinpath(*end)
            if _is_file(path):
                return path
        found = self._called(parts[-1]) if loose else [p for p in self._called(parts[-1]) if _ends(p, parts[-2:])]
        if not found and anywhere and (prefix := _PREFIX.match(parts[-1])) is not None:
            found = self._called(parts[-1][prefix.end() :])
        if len(found) > 1:
            near = [path for path in found if _ends(path, parts[-2:])]
            own = [path for path in found if self._is_own(path)]
            found = next((some for some in (near, own) if len(some) == 1), found)
        if len(found) > 1:
            raise AmbiguousPhotoError(name)
        return self._folder / found[0] if found else None

    def knows(self, name: str) -> bool:
        """Whether a name stands for a file that is there, or for one of several."""
        try:
            return _is_file(self._folder / name) or self.find(name, anywhere=False) is not None
        except AmbiguousPhotoError:
            return True

    def _called(self, name: str) -> list[str]:
        """Files of this name, or of this name and the suffix of a picture."""
        lower = name.lower()
        return self._by_name.get(lower) or self._by_stem.get(lower, [])

    def _is_own(self, path: str) -> bool:
        """Whether a file lies in a folder that is called as the table: ``train.csv`` and ``train_images``."""
        return any(part.lower().startswith(self._stem) for part in PurePosixPath(path).parts[:-1])

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in self._files:
            found.setdefault(path.rpartition("/")[2].lower(), []).append(path)
        return found

    @cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in self._files:
            found.setdefault(PurePosixPath(path).stem.lower(), []).append(path)
        return found

    @cached_property
    def _files(self) -> list[str]:
        return list(itertools.islice(_pictures(self._folder), MOST_FILES))


def _pictures(folder: Path) -> Iterator[str]:
    """Pictures below a folder, by their paths from there."""
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inside = os.path.relpath(root, folder).replace(os.sep, "/")
        for name in sorted(files):
            if os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES and not name.startswith("."):  # noqa: PTH122
                yield name if inside == "." else f"{inside}/{name}"


def _parts(name: str) -> tuple[str, ...]:
    """The folders and the name in a path, a Windows path, the address of a server or a place in a cloud."""
    text = name.strip()
    if _REMOTE.match(text) or text.startswith("/data/"):
        try:
            address = urlsplit(text)
        except ValueError:
            return ()
        query = parse_qs(address.query).get("d", [""])[0]
        text = query or unquote(address.path)
    text = _DRIVE.sub("", text.replace("\\", "/"))
    return tuple(part for part in text.split("/") if part not in ("", ".", "..") and "\0" not in part)


def _ends(path: str, parts: tuple[str, ...]) -> bool:
    ours = PurePosixPath(path.lower())
    theirs = tuple(part.lower() for part in parts)
    ours_parts = ours.parts[-len(theirs) :]
    return len(ours_parts) == len(theirs) and ours_parts[:-1] == theirs[:-1]


def _is_file(path: Path) -> bool:
    try:
        return os.path.isfile(path)  # noqa: PTH113 - Path's raises for names that are too long
    except ValueError:
        return False
