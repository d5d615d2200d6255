"""Values that cost time to compute, on disk by key, so that nothing is computed twice.

One SQLite file for each kind of value, bounded in size; what was used longest ago goes first. It is only ever a
shortcut: a file that is damaged, locked or on a full disk is done without.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

COMMIT_SECONDS = 2.0
"""What a process that is killed loses at the most."""
WAIT_SECONDS = 5.0
"""How long another process that writes is waited for: longer than it writes between two commits."""
_VERSION = 2
"""Of the table; a file of another one begins anew."""
_ASKED_AT_ONCE = 500
_MARK_USED = "UPDATE kept SET used = ? WHERE key IN ({marks})"
_FIND = "SELECT key, crc, value FROM kept WHERE key IN ({marks})"

_logger = logging.getLogger(__name__)


class ValueCache:
    """Values by key, both bytes. For one thread at a time; close it at the end.

    Every method does nothing, or finds nothing, when the file cannot be used; ``problem`` then says why, else it is
    None.

    Args:
        path: the file; its folder is made.
        limit: bytes of values that are kept.
    """

    def __init__(self, path: Path, limit: int) -> None:
        self._path, self._limit = path, limit
        self.problem: str | None = None
        self._base: sqlite3.Connection | None = None
        self._committed = time.monotonic()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._base = self._opened()
            except sqlite3.OperationalError:  # in use, or the disk is full: what it holds is good
                raise
            except sqlite3.DatabaseError:
                self._remove()
                self._base = self._opened()
        except (OSError, sqlite3.Error) as error:
            self._give_up(error)

    def get(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """The values that are there and whole."""
        found: dict[bytes, bytes] = {}
        for start in range(0, len(keys), _ASKED_AT_ONCE):
            some = keys[start : start + _ASKED_AT_ONCE]
            marks = ",".join("?" * len(some))
            rows = self._ask(_FIND.format(marks=marks), some)
            found.update((key, value) for key, crc, value in rows if crc == zlib.crc32(value))
            if rows:
                self._ask(_MARK_USED.format(marks=marks), (time.time(), *some))
        self.commit()  # a transaction left open would keep other processes from writing
        return found

    def put(self, values: Mapping[bytes, bytes]) -> None:
        """Keep some more values."""
        if self._base is None:
            return
        now = time.time()
        rows = [(key, now, zlib.crc32(value), value) for key, value in values.items()]
        try:
            self._base.executemany("INSERT OR REPLACE INTO kept (key, used, crc, value) VALUES (?, ?, ?, ?)", rows)
        except sqlite3.Error as error:
            self._give_up(error)
        if time.monotonic() - self._committed > COMMIT_SECONDS:
            self.commit()

    def close(self) -> None:
        """Write what is not written yet, and drop what is too much."""
        if self._base is None:
            return
        try:
            self._drop_surplus(self._base)
            self._base.commit()
        except sqlite3.Error as error:
            self._give_up(error)
        self._disconnect()

    def commit(self) -> None:
        """Write what was put, and let other processes write."""
        if self._base is None:
            return
        try:
            self._base.commit()
            self._committed = time.monotonic()
        except sqlite3.Error as error:
            self._give_up(error)

    def _drop_surplus(self, base: sqlite3.Connection) -> None:
        size = int(base.execute("SELECT coalesce(sum(length(value)), 0) FROM kept").fetchone()[0])
        oldest = base.execute("SELECT key, length(value) FROM kept ORDER BY used")
        dropped = []
        while size > self._limit:
            key, length = oldest.fetchone()
            dropped.append((key,))
            size -= length
        oldest.close()
        base.executemany("DELETE FROM kept WHERE key = ?", dropped)

    def _opened(self) -> sqlite3.Connection:
        base = sqlite3.connect(self._path, timeout=WAIT_SECONDS, check_same_thread=False)
        try:
            base.execute("PRAGMA journal_mode=WAL")
            base.execute("PRAGMA synchronous=NORMAL")
            if base.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                    base.execute(f'DROP TABLE "{name}"')
                base.execute(f"PRAGMA user_version={_VERSION}")
            columns = "key BLOB PRIMARY KEY, used REAL, crc INTEGER, value BLOB"
            base.execute(f"CREATE TABLE IF NOT EXISTS kept ({columns})")
            base.commit()
        except sqlite3.Error:
            base.close()
            raise
        return base

    def _ask(self, question: str, values: Iterable[object]) -> list[tuple[Any, ...]]:
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
        _logger.warning("The cache is off: %s", self.problem)
        self._disconnect()
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            with contextlib.suppress(OSError):  # whoever comes next begins anew
                self._remove()

    def _disconnect(self) -> None:
        if self._base is not None:
            self._base.close()
            self._base = None

    def _remove(self) -> None:
        for ending in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + ending).unlink(missing_ok=True)
