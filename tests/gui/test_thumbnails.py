"""Thumbnails on disk: found again, made anew when the file or the store has changed, never more than the bound."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from resnet_desktop.core import paths
from resnet_desktop.core.errors import ImageError
from resnet_desktop.gui.background.thumbnail_store import SMALL_SIDE, STORED_SIDE, ThumbnailStore
from resnet_desktop.gui.background.thumbnails import Thumbnails

MOST = 10_000_000


def photo(path: Path, colour: str = "#c04020", size: tuple[int, int] = (600, 400)) -> Path:
    image = QImage(*size, QImage.Format.Format_RGB32)
    image.fill(QColor(colour))
    assert image.save(str(path))
    return path


def middle(image: QImage) -> QColor:
    return image.pixelColor(image.width() // 2, image.height() // 2)


def is_near(found: QColor, wanted: str) -> bool:
    other = QColor(wanted)
    pairs = ((found.red(), other.red()), (found.green(), other.green()), (found.blue(), other.blue()))
    return all(abs(a - b) < 8 for a, b in pairs)


@pytest.fixture
def store(tmp_path: Path) -> ThumbnailStore:
    return ThumbnailStore(MOST, "tags", tmp_path / "store" / "thumbnails.sqlite")


def rows(store: ThumbnailStore) -> list[tuple[bytes, bytes]]:
    store.close()
    base = sqlite3.connect(store._path)
    found = base.execute("SELECT key, value FROM kept").fetchall()
    base.close()
    return found


def test_what_was_made_is_read_the_next_time(store: ThumbnailStore, tmp_path: Path) -> None:
    path = photo(tmp_path / "red.png")
    made = store.load(path, STORED_SIDE)
    assert (made.width(), made.height()) == (STORED_SIDE, 171)
    ((_, value),) = rows(store)
    # What lies in the store is what comes out, without a look at the photo.
    state = path.stat()
    path.write_bytes(b"\0" * state.st_size)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    again = store.load(path, SMALL_SIDE)
    assert max(again.width(), again.height()) == SMALL_SIDE
    assert is_near(middle(again), "#c04020")
    assert rows(store)[0][1] == value


def test_a_file_that_has_changed_is_looked_at_anew(store: ThumbnailStore, tmp_path: Path) -> None:
    path = photo(tmp_path / "one.png")
    store.load(path, STORED_SIDE)
    photo(path, "#2040c0")
    os.utime(path, ns=(1, 1))
    assert is_near(middle(store.load(path, STORED_SIDE)), "#2040c0")


def test_a_damaged_thumbnail_is_made_again(store: ThumbnailStore, tmp_path: Path) -> None:
    path = photo(tmp_path / "red.png")
    store.load(path, STORED_SIDE)
    ((key, value),) = rows(store)
    base = sqlite3.connect(store._path)
    base.execute("UPDATE kept SET value = ? WHERE key = ?", (value[:40] + b"nonsense" + value[48:], key))
    base.commit()
    base.close()
    assert is_near(middle(store.load(path, STORED_SIDE)), "#c04020")
    assert rows(store) == [(key, value)]


def test_a_damaged_store_is_begun_anew(store: ThumbnailStore, tmp_path: Path) -> None:
    path = photo(tmp_path / "red.png")
    store._path.parent.mkdir()
    store._path.write_bytes(b"this is no database" * 400)
    assert is_near(middle(store.load(path, STORED_SIDE)), "#c04020")
    assert len(rows(store)) == 1


def test_it_is_bounded(tmp_path: Path) -> None:
    store = ThumbnailStore(MOST, "tags", tmp_path / "small.sqlite", limit=6000)
    for number in range(20):
        store.load(photo(tmp_path / f"{number}.png"), STORED_SIDE)
    kept = rows(store)
    assert 0 < len(kept) < 20
    assert sum(len(value) for _, value in kept) <= 6000


def test_pasted_pictures_and_missing_files_are_not_stored(store: ThumbnailStore, tmp_path: Path) -> None:
    data = photo(tmp_path / "red.png").read_bytes()
    assert is_near(middle(store.load(data, SMALL_SIDE)), "#c04020")
    with pytest.raises(ImageError):
        store.load(tmp_path / "gone.png", SMALL_SIDE)
    assert not store._path.exists()


def test_the_list_has_them_in_the_size_that_is_shown(qtbot: QtBot, tmp_path: Path, home: Path) -> None:
    path = photo(tmp_path / "red.png")
    thumbnails = Thumbnails(MOST)
    for pixels, side in ((96, SMALL_SIDE), (256, STORED_SIDE), (120, SMALL_SIDE)):
        thumbnails.set_side(pixels)
        with qtbot.waitSignal(thumbnails.thumbnail_ready, timeout=10_000):
            assert thumbnails.get(7, path) is None
        found = thumbnails.get(7, path)
        assert found is not None
        assert found.width() == side
    thumbnails.close()
    assert (paths.cache_folder() / "thumbnails.sqlite").is_file()
    assert paths.cache_folder().is_relative_to(home)
