"""Work off the GUI thread: results *and* errors come back on it, and nothing is left running at the end.

An error that nobody foresaw comes back as one of the app's own: what waits for the work ends with a sentence, not with
a raised slot and a state that never changes.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from types import CellType
from typing import Any, TypeVar

from PySide6.QtCore import QCoreApplication, QObject, Qt, Signal
from shiboken6 import isValid

from resnet_desktop.core.errors import InternalError, ResNetDesktopError
from resnet_desktop.core.processes.running import stop_all, stoppable
from resnet_desktop.core.progress import CancelledError

CLOSE_SECONDS = 2.0
"""A window closes within these, whatever runs."""
_POLL_SECONDS = 0.05
NICER = 5
T = TypeVar("T")
_logger = logging.getLogger(__name__)


_deadline: float | None = None
_left: list[Future[Any]] = []


@contextmanager
def closing() -> Iterator[None]:
    """All that is drained within the block shares ``CLOSE_SECONDS``."""
    global _deadline
    _deadline = time.monotonic() + CLOSE_SECONDS
    try:
        yield
    finally:
        _deadline = None


def left_behind() -> bool:
    """Whether something runs on that was told to end and did not: the process cannot end by itself."""
    return any(not future.done() for future in _left)


class Tasks(QObject):
    """A pool of worker threads for one concern; lives on the GUI thread.

    Args:
        workers: how many threads.
        name: what they are called in a debugger.

    Signal: ``failed`` (a sentence): work ended with an error that whoever asked for it does not handle.
    """

    failed = Signal(str)
    _ended = Signal(object, object)

    def __init__(self, workers: int, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=name, initializer=_let_the_window_go_first)
        self._closed = False
        self._under_way: set[Future[Any]] = set()
        self._ended.connect(self._on_ended, Qt.ConnectionType.QueuedConnection)

    def run_task(self, func: Callable[[], T], done: Callable[[Future[T]], None]) -> Future[T]:
        """Run ``func`` on a worker; then ``done`` on the GUI thread with the finished future.

        ``done`` asks the future: ``result()`` gives the value or raises what ``func`` raised, or InternalError where
        that is none of ours. What ``done`` lets pass of our errors is told by ``failed``. The returned future's
        ``cancel()`` takes the task out of the queue; ``done`` is then not called, nor is it where the window that it
        belongs to was closed and deleted meanwhile.
        """
        future = self._pool.submit(self._do, func)
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        future.add_done_callback(lambda ended: self._send(done, ended))
        return future

    def drain(self) -> None:
        """Drop what has not begun, wait for what runs, though not for ever; nothing is delivered any more.

        What runs on after ``CLOSE_SECONDS`` is left behind: see ``left_behind``.
        """
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        deadline = _deadline if _deadline is not None else time.monotonic() + CLOSE_SECONDS
        while wait(list(self._under_way), timeout=_POLL_SECONDS).not_done:
            if time.monotonic() > deadline:
                _left.extend(self._under_way)
                return
            if _deadline is not None:
                stop_all()  # the app ends: also what does not hear that it is given up
        self._pool.shutdown(wait=True)  # the threads themselves, which have nothing left to do

    def leave(self) -> None:
        """Drop what has not begun, and do not wait for what runs; nothing is delivered any more.

        For work that has been told to give up and may take seconds for it.
        """
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        _left.extend(self._under_way)

    def finish(self) -> None:
        """Wait for all that was given to the pool, also what has not begun; nothing is delivered any more."""
        self._closed = True
        self._pool.shutdown(wait=True)

    def _do(self, func: Callable[[], T]) -> T:
        """On a worker: a run of a model ends when nobody wants its result any more."""
        with stoppable(lambda: self._closed):
            return func()

    def _send(self, done: Callable[[Future[T]], None], future: Future[T]) -> None:
        if not self._closed and not future.cancelled():
            self._ended.emit(done, future)

    def _on_ended(self, done: Callable[[Future[Any]], None], future: Future[Any]) -> None:
        if self._closed or not _is_there(done):
            return
        try:
            done(_foreseen(future))
        except ResNetDesktopError as error:
            self.failed.emit(str(error))


def _is_there(done: Callable[..., Any]) -> bool:
    """Whether the Qt objects exist that a method, a partial or a lambda would work on."""
    parts: list[Any] = [getattr(done, "__self__", None), *(cell.cell_contents for cell in _cells(done))]
    if isinstance(done, partial):
        parts += [*done.args, *done.keywords.values()]
        if not _is_there(done.func):
            return False
    return all(isValid(part) for part in parts if isinstance(part, QObject))


def _cells(done: Callable[..., Any]) -> tuple[CellType, ...]:
    return getattr(done, "__closure__", None) or ()


def _foreseen(future: Future[Any]) -> Future[Any]:
    """The same, or one with an error of ours in place of one that is not; that one is in the log."""
    error = future.exception()
    if error is None or isinstance(error, (ResNetDesktopError, CancelledError)):
        return future
    _logger.error("Work off the GUI thread failed", exc_info=error)
    told: Future[Any] = Future()
    told.set_exception(_in_words(error))
    return told


def _in_words(error: BaseException) -> InternalError:
    if isinstance(error, OSError) and error.strerror:
        named = f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror}."
        return InternalError("internal", named)
    words = QCoreApplication.translate("tasks", "Something went wrong inside the app.")
    return InternalError("internal", words, QCoreApplication.translate("tasks", "Help, Report a problem has more."))


def _let_the_window_go_first() -> None:
    """Give this thread, and those that it starts, a lower priority; only Linux has one for each thread."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICER)
