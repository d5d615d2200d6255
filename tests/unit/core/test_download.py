"""Fetching over HTTP, from a server on this machine."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from resnet_desktop.core.errors import DownloadError, StorageError
from resnet_desktop.core.net.download import CHUNK, download
from resnet_desktop.core.progress import CancelledError
from tests.serving import Server, serving

DATA = np.random.default_rng(0).bytes(3 * CHUNK + 1000)
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving({"weights.bin": DATA}) as found:
        yield found


def fetch(server: Server, target: Path, **changes: object) -> str:
    values = {"sha256": SHA256, "size": len(DATA)} | changes
    return download(server.address + "weights.bin", target, **values)  # type: ignore[arg-type]


def test_a_file_comes_whole(server: Server, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    target = tmp_path / "new" / "weights.bin"
    found = fetch(server, target, sha256=SHA256[:8], progress=lambda done, total: told.append((done, total)))
    assert found == SHA256
    assert target.read_bytes() == DATA
    assert told[0] == (0, len(DATA))
    assert told[-1] == (len(DATA), len(DATA))
    assert [path.name for path in target.parent.iterdir()] == ["weights.bin"]


def test_what_broke_off_goes_on(server: Server, tmp_path: Path) -> None:
    server.breaks_after = CHUNK + 7
    for _ in range(2):
        with pytest.raises(DownloadError) as caught:
            fetch(server, tmp_path / "w")
        assert caught.value.code == "download_broken"
        assert not (tmp_path / "w").exists()
    server.breaks_after = None
    fetch(server, tmp_path / "w")
    assert (tmp_path / "w").read_bytes() == DATA
    assert [wanted for _, wanted in server.asked] == [None, f"bytes={CHUNK + 7}-", f"bytes={2 * (CHUNK + 7)}-"]


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("rest", [DATA[:5000], b"of another file" * 100, DATA + b"and more"])
def test_whatever_lay_there_the_file_is_right(server: Server, tmp_path: Path, ranges: bool, rest: bytes) -> None:
    server.ranges = ranges
    (tmp_path / "w.part").write_bytes(rest)
    fetch(server, tmp_path / "w")
    assert (tmp_path / "w").read_bytes() == DATA


def test_cancelled_and_gone_on_with(server: Server, tmp_path: Path) -> None:
    chunks: list[int] = []
    with pytest.raises(CancelledError):
        fetch(
            server,
            tmp_path / "w",
            progress=lambda done, _: chunks.append(done),
            cancelled=lambda: bool(chunks) and chunks[-1] > CHUNK // 2,
        )
    assert 0 < (tmp_path / "w.part").stat().st_size < len(DATA)
    fetch(server, tmp_path / "w")
    assert (tmp_path / "w").read_bytes() == DATA


def test_another_file_is_not_taken(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DownloadError) as caught:
        fetch(server, tmp_path / "w", sha256="0" * 64)
    assert caught.value.code == "wrong_checksum"
    assert not list(tmp_path.iterdir()), "nor kept"
    with pytest.raises(DownloadError) as caught:
        fetch(server, tmp_path / "w", size=1000)
    assert caught.value.code == "wrong_checksum"
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 0, "not even fetched"


def test_a_server_that_does_not_answer_is_said(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DownloadError) as caught:
        download(server.address + "nothing.bin", tmp_path / "w", sha256=SHA256, size=10)
    assert caught.value.code == "download_refused"
    assert "404" in caught.value.message
    with socket.socket() as taken:  # bound, but not listening
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(DownloadError) as caught:
            download(f"http://127.0.0.1:{port}/w", tmp_path / "w", sha256=SHA256, size=10)
    assert caught.value.code == "no_connection"
    for address in ("file:///etc/hostname", "ftp://127.0.0.1/w", "w"):
        with pytest.raises(DownloadError) as caught:
            download(address, tmp_path / "w", sha256=SHA256, size=10)
        assert caught.value.code == "download_refused"


def test_a_folder_that_refuses_is_said(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StorageError):
        fetch(server, tmp_path / "file" / "w")
