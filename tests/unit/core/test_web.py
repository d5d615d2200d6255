"""Web addresses alone, on every step of the way, and an end to what takes too long."""

from __future__ import annotations

import hashlib
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from resnet_desktop.core.errors import DownloadError
from resnet_desktop.core.net import download as downloads
from resnet_desktop.core.net.download import download, whole_checksum
from resnet_desktop.core.net.web import Watch, _Onward, checked_address
from resnet_desktop.core.progress import CancelledError, never
from tests.serving import Server, serving

DATA = b"weights" * 100
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving({"w": DATA}) as found:
        yield found


@pytest.mark.parametrize(
    "address",
    [
        *("", "w", "file:///etc/hostname", "ftp://127.0.0.1/w", "data:,x", "http:", "http://", "https:///w"),
        *(
            "http://[::1",
            "http://host:port/",
            "http://host:99999/",
            "http://a b/",
            "http://host/a\nb",
            "http://host/\x1b",
        ),
        *("http://" + "a" * 70 + ".example/", "http://a..example/", "javascript:alert(1)", "HTTPX://h/", "http://h/é"),
    ],
)
def test_what_is_no_web_address_is_said(address: str, tmp_path: Path) -> None:
    with pytest.raises(DownloadError) as caught:
        download(address, tmp_path / "w", sha256=SHA256, size=10)
    assert caught.value.code == "download_refused"
    assert caught.value.message.isprintable()
    assert not list(tmp_path.iterdir())


def test_web_addresses_pass() -> None:
    for address in (
        "https://example.org/a/b?c=d",
        "http://127.0.0.1:8080/",
        "HTTPS://EXAMPLE.org",
        "http://[::1]:80/x",
    ):
        assert checked_address(address) == address


@pytest.mark.parametrize(
    "onward",
    ["ftp://127.0.0.1/w", "file:///etc/hostname", "data:,x", "http://[", "http://h:port/", "//", "http://\x1b/"],
)
def test_a_server_cannot_send_the_app_elsewhere(server: Server, tmp_path: Path, onward: str) -> None:
    server.onward = {"w": "again", "again": onward}
    with pytest.raises(DownloadError) as caught:
        download(server.address + "w", tmp_path / "w", sha256=SHA256, size=len(DATA))
    assert caught.value.code == "download_refused"
    assert caught.value.message.isprintable()


def test_it_may_send_on_to_web_addresses(server: Server, tmp_path: Path) -> None:
    server.onward = {"first": "second", "second": server.address + "w"}
    assert download(server.address + "first", tmp_path / "w", sha256=SHA256, size=len(DATA)) == SHA256
    server.onward = {"w": "w"}
    with pytest.raises(DownloadError) as caught:
        download(server.address + "w", tmp_path / "again", sha256=SHA256, size=len(DATA))
    assert caught.value.code == "download_refused"


def test_never_from_https_to_http() -> None:
    request = urllib.request.Request("https://example.org/a")
    with pytest.raises(DownloadError) as caught:
        _Onward().redirect_request(request, None, 302, "", None, "http://example.org/a")  # type: ignore[arg-type]
    assert caught.value.code == "download_refused"


def test_a_servers_words_are_printable_and_short(server: Server, tmp_path: Path) -> None:
    server.words = "gone\x1b[2J" + "x" * 5000
    with pytest.raises(DownloadError) as caught:
        download(server.address + "nothing", tmp_path / "w", sha256=SHA256, size=10)
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 400


def test_what_comes_too_slowly_is_given_up_and_goes_on(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.drips = 0.05
    monkeypatch.setattr(downloads, "FIRST_SECONDS", 1.0)
    monkeypatch.setattr(downloads, "SLOWEST", 10_000_000)
    with pytest.raises(DownloadError, match="too slow") as caught:
        download(server.address + "w", tmp_path / "w", sha256=SHA256, size=len(DATA))
    assert caught.value.code == "download_broken"
    server.drips = 0.0
    download(server.address + "w", tmp_path / "w", sha256=SHA256, size=len(DATA))
    assert server.asked[-1][1] is not None, "from where it was"


def test_cancelling_does_not_wait_for_the_server(server: Server, tmp_path: Path) -> None:
    server.drips = 15.0
    stop = threading.Event()
    timer = threading.Timer(0.5, stop.set)
    timer.start()
    began = time.monotonic()
    with pytest.raises(CancelledError):
        download(server.address + "w", tmp_path / "w", sha256=SHA256, size=len(DATA), cancelled=stop.is_set)
    timer.join()
    assert time.monotonic() - began < downloads.TIMEOUT / 2, "the next byte would have come after 15 s"


def test_the_time_grows_with_the_size() -> None:
    assert Watch(never, 0.0).late
    assert not Watch(never, 60.0).late


def test_a_whole_checksum_is_one() -> None:
    assert whole_checksum(f" {SHA256.upper()}\n", SHA256[:8]) == SHA256
    for text, digits in ((SHA256[:8], ""), ("g" * 64, ""), (SHA256, "0" if SHA256[0] != "0" else "1")):
        with pytest.raises(DownloadError) as caught:
            whole_checksum(text, digits)
        assert caught.value.code == "wrong_checksum"
