"""Single keys of a terminal, heard while something else goes on."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

POLL_SECONDS = 0.1


@contextmanager
def heard_keys(on_key: Callable[[str], None]) -> Iterator[bool]:
    """Call ``on_key`` on another thread for each key that is pressed, without waiting for Enter.

    Gives whether there is a terminal that keys can be heard from; its own settings are back at the end.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        yield False
        return
    ended = threading.Event()
    listen = _windows if sys.platform == "win32" else _posix
    with _single_keys():
        thread = threading.Thread(target=listen, args=(on_key, ended), name="keys", daemon=True)
        thread.start()
        try:
            yield True
        finally:
            ended.set()
            thread.join()


@contextmanager
def _single_keys() -> Iterator[None]:
    """A terminal that gives each key at once and does not show it; Ctrl+C stays a signal."""
    if sys.platform == "win32":
        yield
        return
    import termios
    import tty

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _posix(on_key: Callable[[str], None], ended: threading.Event) -> None:
    import select

    terminal = sys.stdin.fileno()
    while not ended.is_set():
        ready, _, _ = select.select([terminal], [], [], POLL_SECONDS)
        if not ready:
            continue
        data = os.read(terminal, 64)
        if not data:  # the terminal has gone
            return
        for key in data.decode("utf-8", "replace"):
            on_key(key)


def _windows(on_key: Callable[[str], None], ended: threading.Event) -> None:
    if sys.platform == "win32":
        import msvcrt

        while not ended.wait(POLL_SECONDS):
            while msvcrt.kbhit():
                on_key(msvcrt.getwch())
