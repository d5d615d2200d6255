"""Work off the GUI thread: results *and* errors come back on it, and nothing is left running at the end."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt, Signal

T = TypeVar("T")
_logger = logging.getLogger(__name__)


class Tasks(QObject):
    """A pool of worker threads for one concern; lives on the GUI thread.

    Args:
        workers: how many threads.
        name: what they are called in a debugger.
    """

    _ended = Signal(object, object)

    def __init__(self, workers: int, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=name)
        self._closed = False
        self._ended.connect(self._on_ended, Qt.ConnectionType.QueuedConnection)

    def run_task(self, func: Callable[[], T], done: Callable[[Future[T]], None]) -> Future[T]:
        """Run ``func`` on a worker; then ``done`` on the GUI thread with the finished future.

        ``done`` asks the future: ``result()`` gives the value or raises what ``func`` raised. The returned future's
        ``cancel()`` takes the task out of the queue; ``done`` is then not called.
        """
        future = self._pool.submit(func)
        future.add_done_callback(lambda ended: self._send(done, ended))
        return future

    def drain(self) -> None:
        """Drop what has not begun, wait for what runs; nothing is delivered any more."""
        self._closed = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    def leave(self) -> None:
        """Drop what has not begun, and do not wait for what runs; nothing is delivered any more.

        For work that has been told to give up and may take seconds for it. The app ends once it has.
        """
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    def finish(self) -> None:
        """Wait for all that was given to the pool, also what has not begun; nothing is delivered any more."""
        self._closed = True
        self._pool.shutdown(wait=True)

    def _send(self, done: Callable[[Future[T]], None], future: Future[T]) -> None:
        if not self._closed and not future.cancelled():
            self._ended.emit(done, future)

    def _on_ended(self, done: Callable[[Future[Any]], None], future: Future[Any]) -> None:
        if not self._closed:
            done(future)


def log_unexpected(future: Future[Any]) -> None:
    """A ``done`` for tasks whose value nobody needs: an error is a fault of ours and goes to the log."""
    error = future.exception()
    if error is not None:
        _logger.error("A task failed", exc_info=error)
