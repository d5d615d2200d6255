"""Frozen features on disk, by content: what was computed once for a picture is not computed again.

One SQLite file in the app's cache folder, bounded in size; what was used longest ago goes first. It is only ever a
shortcut: a file that is damaged, locked or on a full disk is done without.
"""

from __future__ import annotations

import sqlite3
import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from resnet_desktop.core import paths

LIMIT = 2 * 2**30
"""Bytes of features that are kept."""
COMMIT_SECONDS = 2.0
"""What a process that is killed loses at the most."""
_ASKED_AT_ONCE = 500
_CHECKSUM = 4


class FeatureCache:
    """Values by key (bytes, a sha256). Every method does nothing, or finds nothing, when the file cannot be used.

    Args:
        path: the file; None for the usual place.
        limit: bytes of values that are kept.

    ``problem`` says why the cache is not used, or is None.
    """

    def __init__(self, path: Path | None = None, limit: int = LIMIT) -> None:
        self._path = path or paths.cache_folder() / "features.sqlite"
        self._limit = limit
        self.problem: str | None = None
        self._base: sqlite3.Connection | None = None
        self._committed = time.monotonic()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._base = self._opened()
            except sqlite3.OperationalError:  # in use, or the disk is full: what it holds is good
                raise
            except sqlite3.DatabaseError:  # damaged: begin anew
                self._path.unlink(missing_ok=True)
                self._base = self._opened()
        except (OSError, sqlite3.Error) as error:
            self._give_up(error)

    def get(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """The values that are there."""
        found: dict[bytes, bytes] = {}
        for start in range(0, len(keys), _ASKED_AT_ONCE):
            some = keys[start : start + _ASKED_AT_ONCE]
            marks = ",".join("?" * len(some))
            rows = self._ask(f"SELECT key, value FROM features WHERE key IN ({marks})", some)
            found.update((key, value[:-_CHECKSUM]) for key, value in rows if _is_whole(value))
            self._ask(f"UPDATE features SET used = ? WHERE key IN ({marks})", (time.time(), *some))
        return found

    def put(self, values: Mapping[bytes, bytes]) -> None:
        """Keep some more values."""
        if self._base is None:
            return
        now = time.time()
        rows = [(key, now, value + zlib.crc32(value).to_bytes(_CHECKSUM, "big")) for key, value in values.items()]
        try:
            self._base.executemany("INSERT OR REPLACE INTO features (key, used, value) VALUES (?, ?, ?)", rows)
            if time.monotonic() - self._committed > COMMIT_SECONDS:
                self._base.commit()
                self._committed = time.monotonic()
        except sqlite3.Error as error:
            self._give_up(error)

    def close(self) -> None:
        """Write what is not written yet, and drop what is too much."""
        if self._base is None:
            return
        try:
            size = int(self._base.execute("SELECT coalesce(sum(length(value)), 0) FROM features").fetchone()[0])
            oldest = self._base.execute("SELECT key, length(value) FROM features ORDER BY used")
            dropped = []
            while size > self._limit:
                key, length = oldest.fetchone()
                dropped.append((key,))
                size -= length
            oldest.close()
            self._base.executemany("DELETE FROM features WHERE key = ?", dropped)
            self._base.commit()
        except sqlite3.Error as error:
            self._give_up(error)
        if self._base is not None:
            self._base.close()
            self._base = None

    def _opened(self) -> sqlite3.Connection:
        base = sqlite3.connect(self._path, timeout=5.0)
        try:
            base.execute("PRAGMA journal_mode=WAL")
            base.execute("PRAGMA synchronous=NORMAL")
            base.execute("CREATE TABLE IF NOT EXISTS features (key BLOB PRIMARY KEY, used REAL, value BLOB)")
            base.commit()
        except sqlite3.Error:
            base.close()
            raise
        return base

    def _ask(self, question: str, values: Iterable[object]) -> list[tuple[bytes, bytes]]:
        if self._base is None:
            return []
        try:
            return self._base.execute(question, tuple(values)).fetchall()
        except sqlite3.Error as error:
            self._give_up(error)
            return []

    def _give_up(self, error: Exception) -> None:
        said = error.strerror if isinstance(error, OSError) else error
        self.problem = f"{self._path} cannot be used: {said or error}."
        if self._base is not None:
            self._base.close()
            self._base = None


def _is_whole(value: bytes) -> bool:
    return zlib.crc32(value[:-_CHECKSUM]) == int.from_bytes(value[-_CHECKSUM:], "big")
