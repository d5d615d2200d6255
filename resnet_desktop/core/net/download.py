"""Fetching a file over HTTP: only when the user asks, whole or not at all, and gone on with where it broke off.

What has come lies beside the target under ``.part`` until its checksum is right.
"""

from __future__ import annotations

import hashlib
import http.client
import re
import urllib.error
from pathlib import Path

from resnet_desktop import __version__
from resnet_desktop.core import atomic
from resnet_desktop.core.errors import DownloadError
from resnet_desktop.core.net.web import MOST_WORDS, Watch, checked_address, host, open_address
from resnet_desktop.core.progress import Cancelled, CancelledError, Progress, never, stop_if, unheard
from resnet_desktop.core.text.printable import printable

TIMEOUT = 20.0
"""Seconds without a byte after which the server counts as gone."""
FIRST_SECONDS = 60.0
SLOWEST = 10_000
"""Bytes a second: with ``FIRST_SECONDS`` to begin with, a file that comes more slowly in all is given up."""
CHUNK = 1 << 18
SLACK = 1.05
"""A file may be so many times as large as it was said to be where that is known to a tenth of a MiB only."""


def download(
    url: str,
    target: Path,
    *,
    sha256: str,
    size: int,
    progress: Progress = unheard,
    cancelled: Cancelled = never,
) -> str:
    """Fetch ``url`` to ``target``.

    Args:
        url: of the scheme http or https.
        target: the file; its folder is made.
        sha256: the checksum in hexadecimal digits, or its first digits, eight at least.
        size: in bytes, about.
        progress: told how many bytes are there, and of how many.
        cancelled: asked between chunks; what has come stays for the next time.

    Returns:
        The whole checksum.

    Raises:
        DownloadError: ``no_connection``, ``download_refused``, ``download_broken``, ``wrong_checksum``.
        StorageError: the disk refuses.
        CancelledError: ``cancelled`` said so.
    """
    checked_address(url)
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        resumed = part.exists() and part.stat().st_size > 0
        _fetch(url, part, size, progress, cancelled)
        found = _sha256(part)
        if resumed and not found.startswith(sha256):  # what was there may be of another file
            part.unlink()
            _fetch(url, part, size, progress, cancelled)
            found = _sha256(part)
        if not found.startswith(sha256):
            part.unlink()
            raise DownloadError(
                "wrong_checksum",
                f"The file from {host(url)} is not the expected one: its checksum differs.",
                "Nothing was installed. Try again later, or use another server.",
            )
        part.replace(target)
    except OSError as error:
        raise atomic.storage_error(target, error) from error
    return found


def whole_checksum(text: str, digits: str = "") -> str:
    """A sha256 as somebody gives it, in 64 small hexadecimal digits, which begin with ``digits``.

    Raises:
        DownloadError: ``wrong_checksum``.
    """
    found = text.strip().lower()
    if not re.fullmatch(r"[0-9a-f]{64}", found):
        raise DownloadError(
            "wrong_checksum", "A SHA-256 checksum has 64 hexadecimal digits.", "Copy the whole checksum."
        )
    if not found.startswith(digits):
        message = f"This checksum begins with {found[: len(digits)]}; the publisher's begins with {digits}."
        raise DownloadError("wrong_checksum", message, "It belongs to another file.")
    return found


def _fetch(url: str, part: Path, size: int, progress: Progress, cancelled: Cancelled) -> None:
    """Append to ``part`` what it lacks."""
    have = part.stat().st_size if part.exists() else 0
    watch = Watch(cancelled, FIRST_SECONDS + max(0, size - have) / SLOWEST)
    try:
        with watch.watching():
            _fetch_rest(url, part, (have, size), progress, cancelled, watch)
    except DownloadError as error:
        if cancelled():  # the watch has ended the connection
            raise CancelledError from error
        if watch.late:
            message = f"{host(url)} is too slow: it sends less than {SLOWEST // 1000} kB per second."
            raise DownloadError("download_broken", message, "Try again to resume the download.") from error
        raise


def _fetch_rest(
    url: str, part: Path, counts: tuple[int, int], progress: Progress, cancelled: Cancelled, watch: Watch
) -> None:
    have, size = counts
    try:
        response = _open(url, have, watch)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            return  # all of it has come, or it is another file: the checksum tells
        raise DownloadError(
            "download_refused",
            f"{host(url)} refused the download: {error.code} {_words(error.reason)}.",
            "Try again later, or use another server.",
        ) from error
    except (OSError, http.client.HTTPException) as error:  # URLError is an OSError
        reason = getattr(error, "reason", None) or error
        raise DownloadError(
            "no_connection",
            f"{host(url)} cannot be reached: {_words(reason)}.",
            "Check your internet connection.",
        ) from error
    with response:
        if have and response.status != http.client.PARTIAL_CONTENT:
            have = 0  # the server sends it from the start
        length = response.headers.get("Content-Length", "")
        total = have + int(length) if re.fullmatch(r"[0-9]{1,18}", length) else size
        if total > size * SLACK:
            raise DownloadError("wrong_checksum", f"{host(url)} offers a larger file than expected.")
        _copy(url, response, part, (have, total), progress, cancelled)


def _copy(
    url: str,
    response: http.client.HTTPResponse,
    part: Path,
    counts: tuple[int, int],
    progress: Progress,
    cancelled: Cancelled,
) -> None:
    have, total = counts
    with part.open("ab" if have else "wb") as file:
        while True:
            stop_if(cancelled)
            progress(have, total)
            try:
                chunk = response.read1(CHUNK)
            except (OSError, http.client.HTTPException) as error:
                raise _broken(url, have, total) from error
            if not chunk:
                break
            file.write(chunk)
            have += len(chunk)
            if have > total * SLACK:
                raise DownloadError("wrong_checksum", f"{host(url)} is sending a larger file than expected.")
    if response.length:  # what the server had promised and did not send
        raise _broken(url, have, total)


def _open(url: str, have: int, watch: Watch) -> http.client.HTTPResponse:
    headers = {"User-Agent": f"resnet-desktop/{__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    return open_address(url, headers, TIMEOUT, watch)


def _words(said: object) -> str:
    """What a server or the system says, short and printable."""
    return printable(str(said)[:MOST_WORDS])


def _broken(url: str, have: int, total: int) -> DownloadError:
    return DownloadError(
        "download_broken",
        f"The connection to {host(url)} was lost after {have / 1e6:.1f} of {total / 1e6:.1f} MB.",
        "Try again to resume the download.",
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
