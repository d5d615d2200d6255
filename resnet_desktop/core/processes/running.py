"""Runs of native code that may take for ever, and how they are told to end.

A run says that it has begun (``running``); whoever may give it up says so beforehand (``stoppable``, for the thread
that will run it), or ends all that runs (``stop_all``). What a run is told by is its attribute ``terminate``, as ONNX
Runtime's ``RunOptions`` have it: the run then fails at its next operator.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from resnet_desktop.core.progress import Cancelled, never

POLL_SECONDS = 0.05


class Run(Protocol):
    """Something under way that can be told to end."""

    terminate: bool


class _Own(threading.local):
    cancelled: Cancelled = staticmethod(never)


_own = _Own()
_changed = threading.Condition()
_active: dict[int, tuple[Run, Cancelled]] = {}
_watcher: threading.Thread | None = None


@contextmanager
def stoppable(cancelled: Cancelled) -> Iterator[None]:
    """Runs of this thread within the block end soon after ``cancelled``, asked from another thread, says so."""
    before, _own.cancelled = _own.cancelled, cancelled
    try:
        yield
    finally:
        _own.cancelled = before


@contextmanager
def running(run: Run) -> Iterator[None]:
    """``run`` is under way within the block."""
    with _changed:
        _active[id(run)] = (run, _own.cancelled)
        if _own.cancelled is not never:
            _watch()
    try:
        yield
    finally:
        with _changed:
            del _active[id(run)]


def stop_all() -> bool:
    """Tell all that runs to end, on any thread; whether anything did."""
    with _changed:
        for run, _ in _active.values():
            run.terminate = True
        return bool(_active)


def _watch() -> None:
    """Have the watcher look; made when it is first needed. Called with the lock held."""
    global _watcher
    if _watcher is None or not _watcher.is_alive():
        _watcher = threading.Thread(target=_look, name="runs", daemon=True)
        _watcher.start()
    _changed.notify()


def _look() -> None:
    ticks = threading.Event()
    while True:
        with _changed:
            while not _active:
                _changed.wait()
            watched = list(_active.values())
        for run, cancelled in watched:
            if cancelled is not never and cancelled():
                run.terminate = True
        ticks.wait(POLL_SECONDS)
