"""A file is written whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path

import pytest

from resnet_desktop.core import atomic
from resnet_desktop.core.errors import StorageError


def test_writing_makes_folders_and_leaves_one_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "settings.json"
    atomic.write_text(path, "first")
    atomic.write_text(path, "zweite Fassung: ä")
    assert path.read_text("utf-8") == "zweite Fassung: ä"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_others_may_read_the_file(tmp_path: Path) -> None:
    atomic.write_bytes(tmp_path / "model.onnx", b"x")
    assert stat.S_IMODE((tmp_path / "model.onnx").stat().st_mode) == 0o644


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    atomic.write_bytes(path, b"old")

    def interrupted() -> None:
        with atomic.replacing(path) as temporary:
            temporary.write_bytes(b"half of the ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_surrogates_survive(tmp_path: Path) -> None:
    atomic.write_text(tmp_path / "paths.txt", "caf\udce9.jpg")
    assert (tmp_path / "paths.txt").read_bytes() == b"caf\xe9.jpg"


def test_a_file_in_place_of_the_folder_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError) as caught:
        atomic.write_bytes(tmp_path / "file" / "below.json", b"")
    assert caught.value.code == "write_failed"


def test_a_folder_in_place_of_the_file_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(StorageError):
        atomic.write_bytes(tmp_path / "taken", b"")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "disk_full"),
        (errno.EDQUOT, "disk_full"),
        (errno.EROFS, "read_only"),
        (errno.EACCES, "read_only"),
        (errno.EIO, "write_failed"),
    ],
)
def test_what_the_system_says_becomes_a_sentence(number: int, code: str) -> None:
    error = atomic.storage_error(Path("folder") / "file", OSError(number, os.strerror(number)))
    assert error.code == code
    assert error.message.endswith(".")
    assert "file" in error.message
