"""A training run for the window: its events as one state, told on the GUI thread, ten times a second at most."""

from __future__ import annotations

import threading
from collections import deque
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from resnet_desktop.finetune.process import TrainerProcess, follow
from resnet_desktop.finetune.run_state import RunState, fold, process_ended

INTERVAL_MS = 100
CLOSING_SECONDS = 20.0
"""How long a trainer that was cancelled may take to save its checkpoint before it is ended."""


class TrainingRun(QObject):
    """One run: started, resumed, or followed again after it was detached.

    Signals: ``state_changed`` (RunState); ``ended`` (RunState), once, after the process has gone.
    """

    state_changed = Signal(object)
    ended = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state = RunState()
        self.paused = False
        self._process: TrainerProcess | None = None
        self._follower: threading.Thread | None = None
        self._lines: deque[str | int] = deque()  # filled by the reading thread, emptied by the timer
        self._left = threading.Event()
        self._timer = QTimer(self)
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self._on_time)

    @property
    def running(self) -> bool:
        """Whether the run has not ended, as far as is known here."""
        return self._timer.isActive()

    @property
    def log(self) -> tuple[str, ...]:
        """What the trainer said beside its events."""
        return () if self._process is None else self._process.log

    @property
    def can_be_told(self) -> bool:
        """Whether the trainer listens to commands: one that is only followed does not."""
        return self._process is not None and self.running

    def start(self, arguments: list[str], python: Path | None) -> None:
        """Start the trainer with a job file, or with ``--resume`` and a run folder. Raises TrainingError."""
        self._begin()
        self._process = TrainerProcess(arguments, python=python, on_line=self._lines.append, on_exit=self._lines.append)

    def attach(self, folder: Path) -> None:
        """Follow a run that goes on by itself, or look at one that has ended."""
        self._begin()
        self._follower = threading.Thread(target=self._follow, args=(folder,), name="follow", daemon=True)
        self._follower.start()

    def send(self, command: str) -> None:
        """``pause``, ``resume``, ``stop`` or ``cancel``."""
        if self._process is not None and self._process.send(command):
            self.paused = command == "pause"
            self.state_changed.emit(self.state)

    def detach(self) -> None:
        """Leave the run to itself."""
        if self._process is not None:
            self._process.detach()
        self._leave()

    def close(self) -> None:
        """End the run with a checkpoint and wait for that; for the end of the app."""
        process = self._process
        if process is not None and process.running:
            process.send("resume")
            process.send("cancel")
            if not process.wait(CLOSING_SECONDS):
                process.kill()
                process.wait(CLOSING_SECONDS)
        self._leave()

    def _begin(self) -> None:
        self._leave()
        self.state, self.paused = RunState(), False
        self._process = self._follower = None
        self._lines = deque()
        self._left = threading.Event()
        self._timer.start()

    def _leave(self) -> None:
        self._timer.stop()
        self._left.set()
        if self._follower is not None:
            self._follower.join()
            self._follower = None

    def _follow(self, folder: Path) -> None:
        lines, left = self._lines, self._left
        for line in follow(folder, cancelled=left.is_set, wait=left.wait):
            lines.append(line)
        lines.append(0)

    def _on_time(self) -> None:
        state, exit_code = self.state, None
        while self._lines:
            line = self._lines.popleft()
            if isinstance(line, int):
                exit_code = line
            else:
                state = fold(state, line)
        if exit_code is not None:
            state = process_ended(state, exit_code)
        if state is not self.state:
            self.state = state
            self.state_changed.emit(state)
        if exit_code is not None:
            self._timer.stop()
            self.ended.emit(state)
