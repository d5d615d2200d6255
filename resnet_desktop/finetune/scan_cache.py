"""What was read of pictures before, by path, size and time of change, so that no scan decodes a file twice.

One SQLite file in the app's cache folder. It is only ever a shortcut: one that is damaged, locked or on a full disk is
done without.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from resnet_desktop.core import paths

VERSION = 1
"""Of what is measured; another one begins anew."""
LIMIT = 500_000
"""Pictures that are remembered, about 150 bytes each."""
COMMIT_SECONDS = 2.0
"""What a process that is killed loses at the most."""
_ASKED_AT_ONCE = 500

_logger = logging.getLogger(__name__)


class ScanCache:
    """Values by key; each with a stamp, under which alone it is valid. For one thread; close it at the end.

    Every method does nothing, or finds nothing, when the file cannot be used; ``problem`` then says why.

    Args:
        path: the file; None for the usual place.
        limit: pictures that are kept; what was used longest ago goes first.
    """

    def __init__(self, path: Path | None = None, limit: int = LIMIT) -> None:
        self._path = path or paths.cache_folder() / "pictures.sqlite"
        self._limit = limit
        self.problem: str | None = None
        self._base: sqlite3.Connection | None = None
        self._committed = time.monotonic()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._base = self._opened()
            except sqlite3.OperationalError:  # locked or on a full disk: not damaged
                raise
            except sqlite3.DatabaseError:
                self._remove()
                self._base = self._opened()
        except (OSError, sqlite3.Error) as error:
            self._give_up(error)

    def get(self, stamps: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
        """The values of the keys whose stamps are still the same."""
        found: dict[bytes, bytes] = {}
        keys = list(stamps)
        for start in range(0, len(keys), _ASKED_AT_ONCE):
            for key, stamp, check, value in self._ask(keys[start : start + _ASKED_AT_ONCE]):
                if stamps[key] == stamp and check == zlib.crc32(value):
                    found[key] = value
        return found

    def put(self, key: bytes, stamp: bytes, value: bytes) -> None:
        """Remember one more."""
        if self._base is None:
            return
        row = (key, stamp, zlib.crc32(value), time.time(), value)
        try:
            self._base.execute("INSERT OR REPLACE INTO pictures VALUES (?, ?, ?, ?, ?)", row)
            if time.monotonic() - self._committed > COMMIT_SECONDS:
                self._base.commit()
                self._committed = time.monotonic()
        except sqlite3.Error as error:
            self._give_up(error)

    def close(self) -> None:
        """Write what is not written yet, and forget what is too much."""
        if self._base is None:
            return
        try:
            surplus = int(self._base.execute("SELECT count(*) FROM pictures").fetchone()[0]) - self._limit
            if surplus > 0:
                oldest = "SELECT key FROM pictures ORDER BY used LIMIT ?"
                self._base.execute(f"DELETE FROM pictures WHERE key IN ({oldest})", (surplus,))
            self._base.commit()
        except sqlite3.Error as error:
            self._give_up(error)
        if self._base is not None:
            self._base.close()
            self._base = None

    def _opened(self) -> sqlite3.Connection:
        base = sqlite3.connect(self._path, timeout=2.0)
        try:
            base.execute("PRAGMA journal_mode=WAL")
            base.execute("PRAGMA synchronous=NORMAL")
            if base.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                base.execute("DROP TABLE IF EXISTS pictures")
                base.execute(f"PRAGMA user_version={VERSION}")
            columns = "key BLOB PRIMARY KEY, stamp BLOB, crc INTEGER, used REAL, value BLOB"
            base.execute(f"CREATE TABLE IF NOT EXISTS pictures ({columns})")
            base.commit()
        except sqlite3.Error:
            base.close()
            raise
        return base

    def _ask(self, keys: Sequence[bytes]) -> list[tuple[bytes, bytes, int, bytes]]:
        if self._base is None:
            return []
        marks = ",".join("?" * len(keys))
        try:
            rows = self._base.execute(f"SELECT key, stamp, crc, value FROM pictures WHERE key IN ({marks})", keys)
            return rows.fetchall()
        except sqlite3.Error as error:
            self._give_up(error)
            return []

    def _give_up(self, error: Exception) -> None:
        said = error.strerror if isinstance(error, OSError) else error
        self.problem = f"{self._path} cannot be used: {said or error}."
        _logger.warning("What was read of pictures is not remembered: %s", self.problem)
        if self._base is not None:
            self._base.close()
            self._base = None
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            with contextlib.suppress(OSError):  # the next scan begins anew
                self._remove()

    def _remove(self) -> None:
        for ending in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + ending).unlink(missing_ok=True)
