"""Remembered values: bounded, least recently used first out, and never more than a shortcut."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from resnet_desktop.core.value_cache import ValueCache

LIMIT = 10_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "values.sqlite"


def filled(path: Path, keys: range, limit: int = LIMIT) -> None:
    cache = ValueCache(path, limit)
    for i in keys:
        cache.put({bytes([i]): bytes(100)})
    cache.close()


def kept(path: Path) -> list[int]:
    cache = ValueCache(path, LIMIT)
    found = sorted(key[0] for key in cache.get([bytes([i]) for i in range(20)]))
    cache.close()
    return found


def test_values_outlive_the_process_that_put_them(path: Path) -> None:
    cache = ValueCache(path, LIMIT)
    cache.put({b"k": b"value", b"empty": b""})
    cache.close()
    again = ValueCache(path, LIMIT)
    assert again.get([b"k", b"empty", b"other"]) == {b"k": b"value", b"empty": b""}
    again.close()


def test_what_was_used_longest_ago_goes_first(path: Path) -> None:
    filled(path, range(6))
    cache = ValueCache(path, LIMIT)
    cache.get([bytes([1]), bytes([2])])
    cache.close()
    filled(path, range(10, 12), limit=500)
    assert kept(path) == [1, 2, 5, 10, 11]


def test_a_reader_does_not_keep_others_from_writing(path: Path) -> None:
    filled(path, range(3))
    reader = ValueCache(path, LIMIT)
    reader.get([bytes([1])])
    writer = ValueCache(path, LIMIT)
    writer.put({bytes([7]): b"value"})
    writer.close()
    assert writer.problem is None
    assert reader.get([bytes([7])]) == {bytes([7]): b"value"}
    reader.close()


def test_more_keys_than_one_question_takes(path: Path) -> None:
    cache = ValueCache(path, LIMIT)
    values = {i.to_bytes(2, "big"): b"v" for i in range(1200)}
    cache.put(values)
    assert cache.get(list(values)) == values
    cache.close()


@pytest.mark.parametrize("content", [b"no database at all, and long enough to look like one" * 40, b""])
def test_a_damaged_file_is_made_anew(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    cache = ValueCache(path, LIMIT)
    assert cache.problem is None
    cache.put({b"k": b"value"})
    assert cache.get([b"k"]) == {b"k": b"value"}
    cache.close()


def test_a_file_of_another_version_is_made_anew(path: Path) -> None:
    path.parent.mkdir()
    base = sqlite3.connect(path)
    base.execute("CREATE TABLE kept (name TEXT)")
    base.execute("CREATE TABLE features (key BLOB, value BLOB)")
    base.commit()
    base.close()
    filled(path, range(3))
    assert kept(path) == [0, 1, 2]


def test_damage_that_shows_later_is_done_without_and_then_made_anew(path: Path) -> None:
    filled(path, range(20))
    data = path.read_bytes()
    path.write_bytes(data[:4096] + bytes(byte ^ 0x55 for byte in data[4096:]))
    cache = ValueCache(path, LIMIT)
    cache.get([bytes([i]) for i in range(20)])
    cache.put({b"k": b"value"})
    assert cache.problem
    cache.close()
    filled(path, range(3))
    assert kept(path) == [0, 1, 2]


def test_a_place_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache = ValueCache(tmp_path / "file" / "values.sqlite", LIMIT)
    cache.put({b"k": b"value"})
    assert cache.get([b"k"]) == {}
    assert cache.problem
    cache.close()


def test_a_value_that_was_damaged_is_not_believed(path: Path) -> None:
    filled(path, range(2))
    base = sqlite3.connect(path)
    base.execute("UPDATE kept SET value = ? WHERE key = ?", (b"other", bytes([0])))
    base.commit()
    base.close()
    assert kept(path) == [1]
