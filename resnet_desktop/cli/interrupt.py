"""Ctrl+C, heard also while native code runs.

Python tells of a signal only between two of its own instructions, so a network that never ends would keep the command
line from ever hearing it. The system's own handler writes a byte to a socket at once; a thread reads it and has ONNX
Runtime end its run, after which Python raises KeyboardInterrupt where it was. Where that does not help, pressing again
ends the process.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from resnet_desktop.cli.shared import say
from resnet_desktop.core.processes.exit_status import EXIT_INTERRUPTED
from resnet_desktop.core.processes.running import stop_all

_POLL_SECONDS = 0.1
_HEARD_SECONDS = 0.5
"""The thread that hears is at most so late."""
_pressed = threading.Event()
_HINT_SECONDS = 2.0


@contextmanager
def heard() -> Iterator[None]:
    """Within the block, Ctrl+C ends runs of the model."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reader, writer = socket.socketpair()
    reader.setblocking(True)
    writer.setblocking(False)
    before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    thread = threading.Thread(target=_listen, args=(reader,), name="interrupts", daemon=True)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        writer.close()  # the thread reads that nothing more comes
        thread.join()
        reader.close()


def was_pressed() -> bool:
    """Whether Ctrl+C was pressed in this process."""
    return _pressed.wait(_HEARD_SECONDS)


def _listen(reader: socket.socket) -> None:
    pressed = 0
    reader.settimeout(None)
    since = 0.0
    hinted = False
    while True:
        try:
            data = reader.recv(16)
        except TimeoutError:
            hinted = _remind(since, hinted)
            continue
        if not data:
            return
        if signal.SIGINT not in data or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            continue  # somebody else sees to it
        pressed += 1
        _pressed.set()
        if pressed > 1:
            _end()
        since = time.monotonic()
        stop_all()
        reader.settimeout(_POLL_SECONDS)  # a command may begin its next run before it hears


def _remind(since: float, hinted: bool) -> bool:
    """Whatever runs still is told again; after a while the person is."""
    if stop_all() and not hinted and time.monotonic() - since > _HINT_SECONDS:
        say("It is not stopping on its own. Press Ctrl+C again to quit immediately.")
        return True
    return hinted


def _end() -> None:
    """End here and now."""
    os._exit(EXIT_INTERRUPTED)
