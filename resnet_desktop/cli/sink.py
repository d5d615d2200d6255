"""Where the rows of a command go: pieces of text, each of which is there whole or not at all.

What is left when a disk is full or somebody presses Ctrl+C is what was done until then, and a program can read it.
"""

from __future__ import annotations

import os
import signal
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import BinaryIO

from resnet_desktop.core import output
from resnet_desktop.core.atomic import storage_error
from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.core.progress import CancelledError


class Sink:
    """Takes pieces of text for a file, a pipe or standard output.

    Raises (in ``write``):
        StorageError: the piece could not be written; nothing is left of it where the output is a file.
    """

    def __init__(self, stream: BinaryIO | None, path: Path | None) -> None:
        self._path = path or Path("Standard output")
        self._number = _number(stream)
        self._cut = self._number is not None and stat.S_ISREG(os.fstat(self._number).st_mode)
        text = sys.stdout if path is None else None
        self._encoding = (getattr(text, "encoding", None) or "utf-8") if text is not None else "utf-8"
        self._last: list[int] = []
        self.terminal = path is None and sys.stdout.isatty()

    @property
    def empty(self) -> bool:
        """Whether nothing was written."""
        return not self._last

    def write(self, text: str) -> None:
        """Write one piece. Ctrl+C waits for its end, but not twice."""
        if self._number is None:  # no stream of the system's own, such as in a notebook
            stream = sys.stdout
            stream.write(text)
            stream.flush()
            self._last.append(len(text))
            return
        data = text.encode(self._encoding, "backslashreplace")
        with _held_interrupt():  # heard at the end, when the piece is counted here
            self._last.append(self._written(data))

    def drop_last(self) -> bool:
        """Take the last piece back, so that there is room; whether there was one, and the output can be cut."""
        if not self._cut or not self._last:
            return False
        self._take_back(self._last.pop())
        return True

    def _written(self, data: bytes) -> int:
        assert self._number is not None
        done = 0
        try:
            while done < len(data):
                done += os.write(self._number, data[done:])
        except BrokenPipeError:  # who read it has gone
            raise
        except OSError as error:
            if self._cut:
                self._take_back(done)
            raise storage_error(self._path, error) from error
        return done

    def _take_back(self, count: int) -> None:
        assert self._number is not None
        if count:
            end = os.lseek(self._number, 0, os.SEEK_CUR) - count
            os.ftruncate(self._number, end)
            os.lseek(self._number, end, os.SEEK_SET)


@contextmanager
def opened_sink(path: Path | None) -> Iterator[Sink]:
    """Standard output, or a file that appears at the end: whole, or with what was done until then.

    A file that is there already stays as it was where nothing was done. Raises StorageError.
    """
    if path is None:
        sys.stdout.flush()
        yield Sink(None, None)
        return
    broke: BaseException | None = None
    with output.opened(path) as stream:
        sink = Sink(stream, path)
        try:
            yield sink
        except (KeyboardInterrupt, CancelledError, ResNetDesktopError) as error:
            if sink.empty:
                raise
            broke = error
    if broke is not None:
        raise broke


def _number(stream: BinaryIO | None) -> int | None:
    """The system's number of a stream; of standard output, if it has none, None."""
    try:
        return sys.stdout.fileno() if stream is None else stream.fileno()
    except (OSError, ValueError, AttributeError):
        return None


@contextmanager
def _held_interrupt() -> Iterator[None]:
    """Ctrl+C in here is heard at the end; a second one at once, for a pipe that nobody reads waits for ever."""
    pressed: list[int] = []

    def hold(number: int, frame: FrameType | None) -> None:
        if pressed:
            signal.default_int_handler(number, frame)
        pressed.append(number)

    try:
        before = signal.signal(signal.SIGINT, hold)
    except ValueError:  # not the main thread: no signal is handled here
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed and callable(before):
        before(pressed[0], None)
