"""What the parent may ask of a running trainer: pause, resume, stop, cancel, detach.

Commands come as JSON lines on standard input; its end means that the parent has gone, and the run is cancelled with a
checkpoint, unless the parent has detached. Without standard input, SIGTERM and SIGINT cancel.
"""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

from resnet_desktop.finetune import events


class CancelledRunError(Exception):
    """The run was asked to end; the engine saves a checkpoint."""


class Control:
    """Asked by the engine between two steps.

    ``mode`` is the job's ``control``; ``trial`` hears nothing at all, and signals end the process.
    """

    def __init__(self, mode: str) -> None:
        self._running = threading.Event()
        self._running.set()
        self._cancelled = threading.Event()
        self._stopped = threading.Event()
        self._detached = False
        if mode == "stdin":
            threading.Thread(target=self._listen, name="control", daemon=True).start()
        for number in () if mode == "trial" else (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    @property
    def stop_requested(self) -> bool:
        """Whether the run shall finish early with the best network so far."""
        return self._stopped.is_set()

    def check(self) -> None:
        """Wait while paused. Raises CancelledRunError if the run shall end."""
        self._running.wait()
        if self._cancelled.is_set():
            raise CancelledRunError

    def handle(self, command: str) -> None:
        """Carry out one command."""
        if command == "pause":
            self._running.clear()
        elif command == "detach":
            self._detached = True
        else:
            if command == "stop":
                self._stopped.set()
            elif command == "cancel":
                self._cancelled.set()
            self._running.set()

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
            for line in lines:
                command = events.decode_command(line.decode("utf-8", "replace"))
                if command is not None:
                    self.handle(command)
        if not self._detached:
            self.handle("cancel")

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.handle("cancel")
