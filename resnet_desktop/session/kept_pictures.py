"""Pictures that are no files, such as pasted ones, in a folder beside the session that they belong to.

Each is named by its SHA-256, so that what is there already is not written again, and what was changed is noticed.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Collection
from pathlib import Path

from resnet_desktop.core import atomic
from resnet_desktop.imaging import container

MOST_BYTES = 256 << 20
"""Of all the pictures of one session; what is more is not kept."""
_NAME = re.compile(r"[0-9a-f]{64}\.[a-z0-9]{2,8}")


def folder_of(session: Path) -> Path:
    """The folder beside a session's file: ``holiday.session-pictures``."""
    return session.with_name(f"{session.name}-pictures")


def ending(data: bytes) -> str:
    """What the name of a file with these bytes ends with: ``.png``; ``.picture`` where they are of no kind."""
    kind = container.identify(data[: container.HEAD_BYTES])
    return f".{'picture' if kind is None else kind.name.lower()}"


def name_of(data: bytes) -> str:
    """The file name of a picture, from the bytes of its file."""
    return f"{hashlib.sha256(data).hexdigest()}{ending(data)}"


def is_name(text: str) -> bool:
    """Whether a picture can be called so; no path leads out of the folder then."""
    return _NAME.fullmatch(text) is not None


class KeptPictures:
    """Writes the pictures of one session.

    Args:
        session: the path of its file.
    """

    def __init__(self, session: Path) -> None:
        self._folder = folder_of(session)
        self._names: dict[int, str | None] = {}  # by the identity of the bytes, which the session holds
        self._bytes: dict[str, int] = {}

    def keep(self, data: bytes) -> str | None:
        """Write a picture, unless it is there; its name, or None where there is no room for it. Raises StorageError."""
        if id(data) not in self._names:
            self._names[id(data)] = self._kept(data)
        return self._names[id(data)]

    def drop_others(self) -> None:
        """Delete the pictures of an earlier state of the session; files of other names stay."""
        drop(self._folder, self._bytes)

    def _kept(self, data: bytes) -> str | None:
        name = name_of(data)
        if name in self._bytes:
            return name
        if sum(self._bytes.values()) + len(data) > MOST_BYTES:
            return None
        path = self._folder / name
        if not path.is_file() or path.stat().st_size != len(data):
            atomic.write_bytes(path, data)
        self._bytes[name] = len(data)
        return name


def read(session: Path, name: str) -> bytes | None:
    """A picture of a session by its name; None where it is gone, or is another by now."""
    path = folder_of(session) / name
    try:
        if path.stat().st_size > MOST_BYTES:
            return None
        data = path.read_bytes()
    except OSError:
        return None
    return data if name.startswith(hashlib.sha256(data).hexdigest()) else None


def drop(folder: Path, but: Collection[str] = ()) -> None:
    """Delete the pictures in a folder ``but`` some, and the folder where nothing is left in it."""
    with contextlib.suppress(OSError):
        for path in list(folder.iterdir()):
            if is_name(path.name) and path.name not in but:
                path.unlink()
        if not but:
            folder.rmdir()
