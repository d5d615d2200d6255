"""A web server on this machine that gives files as well or as badly as a test wants."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    """Gives ``files`` by name.

    Attributes:
        ranges: whether parts of files can be had.
        breaks_after: bytes after which an answer breaks off; None: never.
        drips: seconds between two bytes, or 0.
        onward: where the server sends those who ask for a name.
        words: what it says of a file that it does not have.
        asked: each request's path and range.
    """

    daemon_threads = True

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.files = files
        self.ranges = True
        self.breaks_after: int | None = None
        self.drips = 0.0
        self.onward: dict[str, str] = {}
        self.words = "Not Found"
        self.asked: list[tuple[str, str | None]] = []

    @property
    def address(self) -> str:
        """Of the folder with the files."""
        return f"http://127.0.0.1:{self.server_address[1]}/models/"


class _Answer(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.asked.append((self.path, wanted))
        name = self.path.removeprefix("/models/")
        if name in self.server.onward:
            self.send_response(302)
            self.send_header("Location", self.server.onward[name])
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        data = self.server.files.get(name)
        if data is None:
            self.send_error(404, self.server.words)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.server.ranges else 0
        if start >= len(data) > 0 and start:
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        end = len(data) if self.server.breaks_after is None else start + self.server.breaks_after
        if self.server.drips:
            self._drip(data[start:end])
            return
        self.wfile.write(data[start:end])

    def _drip(self, data: bytes) -> None:
        with contextlib.suppress(OSError):  # whoever asked has gone
            for number in data:
                self.wfile.write(bytes([number]))
                self.wfile.flush()
                time.sleep(self.server.drips)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the library calls it
        """Nothing."""


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[Server]:
    """The server, while it runs."""
    server = Server(files)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
