"""What may be asked of a running trainer: pause, resume, stop, cancel, detach.

Commands are JSON lines and come by two roads. The parent writes them to standard input; its end means that the parent
has gone, and the run is cancelled with a checkpoint, unless the parent has detached. Whoever else looks on (a window
that took a detached run up again, or one beside a run that was started in a terminal) adds them to ``commands.jsonl``
in the run folder, as ``jobs.launching.process.tell`` does; what stood there before the run began is not heard again.
SIGTERM and SIGINT cancel.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from resnet_desktop.jobs import events

POLL_SECONDS = 0.2
"""Between two looks at the file of commands."""


class CancelledRunError(Exception):
    """The run was asked to end; the engine saves a checkpoint."""


class Control:
    """Asked by the engine between two steps.

    Args:
        mode: the job's ``control``: ``stdin``, or ``none`` where standard input is not read; ``trial`` hears nothing
            at all, and signals end the process.
        folder: the run folder, whose file of commands is read; None reads none.
        paused: called on the asking thread with True when a pause begins and with False when the run goes on.

    ``seconds_paused`` is how long the run has stood still so far; ``signalled``: a signal has asked for the end.
    """

    def __init__(
        self, mode: str, folder: Path | None = None, paused: Callable[[bool], object] = lambda _yes: None
    ) -> None:
        self._running = threading.Event()
        self._running.set()
        self._cancelled = threading.Event()
        self._stopped = threading.Event()
        self._detached = False
        self._tell_paused = paused
        self.seconds_paused = 0.0
        self.signalled = False
        if mode == "stdin":
            threading.Thread(target=self._listen, name="control", daemon=True).start()
        if mode != "trial" and folder is not None:
            file = _Tail(folder / events.COMMANDS_FILE)
            threading.Thread(target=self._watch, args=(file,), name="commands", daemon=True).start()
        for number in () if mode == "trial" else (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    @property
    def stop_requested(self) -> bool:
        """Whether the run shall finish early with the best network so far."""
        return self._stopped.is_set()

    def check(self) -> None:
        """Wait while paused. Raises CancelledRunError if the run shall end."""
        if not self._running.is_set():
            self._wait()
        if self._cancelled.is_set():
            raise CancelledRunError

    def handle(self, command: str) -> None:
        """Carry out one command."""
        if command == "pause":
            if not self._cancelled.is_set():
                self._running.clear()
        elif command == "detach":
            self._detached = True
        else:
            if command == "stop":
                self._stopped.set()
            elif command == "cancel":
                self._cancelled.set()
            self._running.set()

    def _wait(self) -> None:
        started = time.monotonic()
        self._tell_paused(True)
        self._running.wait()
        self.seconds_paused += time.monotonic() - started
        if not self._cancelled.is_set():
            self._tell_paused(False)

    def _listen(self) -> None:
        # os.read, not sys.stdin: a daemon thread must hold no lock of the interpreter's buffers when the process ends.
        rest = b""
        while True:
            try:
                block = os.read(0, 4096)
            except OSError:
                block = b""
            if not block:
                break
            *lines, rest = (rest + block).split(b"\n")
            self._handle_lines(lines)
        if not self._detached:
            self.handle("cancel")

    def _watch(self, file: _Tail) -> None:
        while True:
            time.sleep(POLL_SECONDS)
            self._handle_lines(file.lines())

    def _handle_lines(self, lines: list[bytes]) -> None:
        for line in lines:
            command = events.decode_command(line.decode("utf-8", "replace"))
            if command is not None:
                self.handle(command)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.signalled = True
        self.handle("cancel")


class _Tail:
    """The lines that are added to a file from now on, complete ones only."""

    def __init__(self, path: Path) -> None:
        self._path, self._rest = path, b""
        try:
            self._offset = path.stat().st_size
        except OSError:
            self._offset = 0

    def lines(self) -> list[bytes]:
        """Those that have come since the last call; none where the file cannot be read."""
        try:
            size = self._path.stat().st_size
            if size <= self._offset:
                # What a file holds that somebody has cut is not known to be new, and an old command must not come back.
                self._offset = size
                return []
            with self._path.open("rb") as file:
                file.seek(self._offset)
                block = file.read()
        except OSError:
            return []
        self._offset += len(block)
        *lines, self._rest = (self._rest + block).split(b"\n")
        return lines
