"""Asking a web server for a file: http and https only, at every step of the way, and never for ever.

A server may send the app on to another address. Python would follow to FTP too, and its handlers read files where they
are asked to; this opener has neither. What is asked over https is not gone on with over http.
"""

from __future__ import annotations

import http.client
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO, Any
from urllib.parse import urljoin, urlsplit

from resnet_desktop.core.errors import DownloadError
from resnet_desktop.core.progress import Cancelled
from resnet_desktop.core.text.printable import printable

SCHEMES = ("http", "https")
POLL_SECONDS = 0.1
MOST_WORDS = 200
"""Characters of what a server says that are passed on."""


def checked_address(url: str) -> str:
    """The address, if a file can be asked for there. Raises DownloadError ``download_refused``."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme in SCHEMES and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        (parts.hostname or "").encode("idna")
    except ValueError:  # brackets that are not closed, a port that is none, a name that no server can have
        sound = False
    if not sound or not url.isascii() or not url.isprintable() or " " in url:
        shown = printable(url[:MOST_WORDS])
        raise DownloadError(
            "download_refused", f"{shown!r} is not a web address.", "It must begin with https:// and name a host."
        )
    return url


def host(url: str) -> str:
    """The name of the server, for people."""
    return printable(urlsplit(checked_address(url)).hostname or url)


class Watch:
    """Ends a connection that is no longer wanted, or that takes too long in all, whatever it waits for.

    Args:
        cancelled: asked ten times a second.
        seconds: for all of it.
    """

    def __init__(self, cancelled: Cancelled, seconds: float) -> None:
        self._cancelled, self._deadline = cancelled, time.monotonic() + seconds
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._sockets: list[socket.socket] = []

    @property
    def late(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() > self._deadline

    def add(self, connection: socket.socket) -> None:
        """Watch this one too."""
        with self._lock:
            self._sockets.append(connection)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """While the block runs."""
        thread = threading.Thread(target=self._watch, name="download-watch", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(POLL_SECONDS):
            if self._cancelled() or self.late:
                with self._lock:
                    for connection in self._sockets:
                        try:
                            connection.shutdown(socket.SHUT_RDWR)
                        except OSError:  # it has gone by itself
                            continue


class _Plain(http.client.HTTPConnection):
    def __init__(self, *args: Any, watch: Watch, **options: Any) -> None:  # noqa: ANN401 - as the base class
        super().__init__(*args, **options)
        self._watch = watch

    def connect(self) -> None:
        super().connect()
        self._watch.add(self.sock)


class _Secure(http.client.HTTPSConnection):
    def __init__(self, *args: Any, watch: Watch, **options: Any) -> None:  # noqa: ANN401 - as the base class
        super().__init__(*args, **options)
        self._watch = watch

    def connect(self) -> None:
        super().connect()
        self._watch.add(self.sock)


class _OverHttp(urllib.request.HTTPHandler):
    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_Plain, watch=self._watch), request)


class _OverHttps(urllib.request.HTTPSHandler):
    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_Secure, watch=self._watch), request)


class _Onward(urllib.request.HTTPRedirectHandler):
    """Follows to web addresses alone, and never from https to http."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """The next request. Raises DownloadError."""
        self._check(req.full_url, newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)

    def http_error_302(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
    ) -> Any:  # noqa: ANN401 - as the base class
        """As the base class; an address that it would stumble over is refused before."""
        onward = headers.get("Location") or headers.get("URI")
        try:
            if onward is not None:
                self._check(req.full_url, urljoin(req.full_url, onward))
            return super().http_error_302(req, fp, code, msg, headers)
        except ValueError as error:  # it cannot even be joined
            fp.close()
            raise self._refusal(req.full_url, onward or "") from error
        except DownloadError:
            fp.close()
            raise

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302

    def _check(self, before: str, url: str) -> None:
        try:
            checked_address(url)
        except DownloadError as error:
            raise self._refusal(before, url) from error
        if urlsplit(before).scheme == "https" and urlsplit(url).scheme != "https":
            raise self._refusal(before, url)

    @staticmethod
    def _refusal(before: str, url: str) -> DownloadError:
        message = f"{host(before)} redirects to {printable(url[:MOST_WORDS])!r}, which is not allowed."
        return DownloadError("download_refused", message, "Use another server.")


def open_address(url: str, headers: dict[str, str], timeout: float, watch: Watch) -> http.client.HTTPResponse:
    """Ask for ``url``.

    Args:
        url: of the scheme http or https.
        headers: of the request.
        timeout: seconds without a byte after which the server counts as gone.
        watch: ends the connection early.

    Raises:
        DownloadError: ``download_refused``: it is no web address, or leads elsewhere than to one.
        OSError, http.client.HTTPException: as ``urllib.request.urlopen``.
    """
    request = urllib.request.Request(checked_address(url), headers=headers)
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        _OverHttp(watch),
        _OverHttps(watch),
        urllib.request.HTTPDefaultErrorHandler(),
        _Onward(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    try:
        response = opener.open(request, timeout=timeout)
    except ValueError as error:  # a proxy's address that is none
        if isinstance(error, http.client.HTTPException | OSError):
            raise
        raise urllib.error.URLError(str(error)) from error
    assert isinstance(response, http.client.HTTPResponse), "of the schemes http and https"
    return response
