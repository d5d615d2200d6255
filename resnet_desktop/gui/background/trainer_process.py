"""A training run for the window: its events as one state, told on the GUI thread, ten times a second at most."""

from __future__ import annotations

import threading
from collections import deque
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.jobs.launching.process import TrainerProcess, beginning, follow, is_training, said_so_far, tell
from resnet_desktop.jobs.log_messages import news
from resnet_desktop.jobs.run_state import RunState, fold, fold_all, process_ended

INTERVAL_MS = 100
CLOSING_SECONDS = 20.0
"""How long a trainer that was cancelled may take to save its checkpoint before it is ended."""
LOG_LINES = 1000


class TrainingRun(QObject):
    """One run: started, resumed, or followed because it goes on by itself.

    A run that was started here is this process's child, which hears commands through a pipe and is cancelled with it. A
    run that is only followed (it was detached, or somebody else has started it) hears them through a file, and goes on
    whatever becomes of this process.

    Signals: ``state_changed`` (RunState), also when a command was sent; ``ended`` (RunState), once, after the process
    has gone.
    """

    state_changed = Signal(object)
    ended = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state = RunState()
        self.asked = ""
        """The command that was sent and has not been obeyed yet, or empty."""
        self._process: TrainerProcess | None = None
        self._folder: Path | None = None  # of a run that is only followed
        self._follower: threading.Thread | None = None
        self._heard = _Heard()
        self._left = threading.Event()
        self._timer = QTimer(self)
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self._on_time)
        self._overdue = QTimer(self)
        self._overdue.setSingleShot(True)
        self._overdue.setInterval(round(CLOSING_SECONDS * 1000))
        self._overdue.timeout.connect(self._on_overdue)

    @property
    def running(self) -> bool:
        """Whether the run has not ended, as far as is known here."""
        return self._timer.isActive()

    @property
    def owned(self) -> bool:
        """Whether the run ends with this process unless it is detached."""
        return self._process is not None and self.running

    @property
    def can_be_told(self) -> bool:
        """Whether there is a trainer that listens to commands."""
        return self.running and (self._process is not None or self._heard.alive)

    @property
    def log(self) -> tuple[str, ...]:
        """The run in sentences, and what the trainer said beside its events; the last of it."""
        return self._heard.log

    @property
    def log_count(self) -> int:
        """How many lines the log has had so far, those included that it holds no more."""
        return self._heard.count

    def start(self, job: Path, python: Path | None) -> None:
        """Start the trainer with a job file. Raises TrainingError, StorageError."""
        self._start([str(job)], python)

    def resume(self, folder: Path, python: Path | None) -> None:
        """Go on with the run of a folder that nobody trains in. Raises TrainingError, StorageError."""
        self._start(["--resume", str(folder)], python, folder)

    def _start(self, arguments: list[str], python: Path | None, before: Path | None = None) -> None:
        self._begin(before)
        heard = self._heard
        try:
            self._process = TrainerProcess(
                arguments, python=python, on_line=heard.line, on_exit=heard.exit, on_log=heard.say, polite=True
            )
        except ResNetDesktopError:
            self._leave()
            raise

    def attach(self, folder: Path) -> None:
        """Follow a run that goes on by itself, or look at one that has ended."""
        self._begin()
        self._folder = folder
        self._follower = threading.Thread(
            target=_follow, args=(folder, self._heard, self._left), name="follow", daemon=True
        )
        self._follower.start()

    def send(self, command: str) -> None:
        """``pause``, ``resume``, ``stop`` or ``cancel``."""
        if self._process is not None:
            sent = self._process.send(command)
        else:
            sent = self._folder is not None and self.running and tell(self._folder, command)
        if sent:
            self.asked = command
            self.state_changed.emit(self.state)

    def detach(self) -> None:
        """Leave the run to itself."""
        if self._process is not None:
            self._process.detach()
            self._process = None  # it is no longer ours to end
        self._leave()

    def end(self) -> None:
        """Ask for the end with a checkpoint; ``ended`` comes when it is there, soon in any case."""
        self.send("cancel")
        self._overdue.start()

    def close(self) -> None:
        """End a run of our own with a checkpoint and wait for that; for the end of the app. Others go on."""
        process = self._process
        if process is not None and process.running:
            process.send("cancel")
            if not process.wait(CLOSING_SECONDS):
                process.kill()
                process.wait(CLOSING_SECONDS)
        self._leave()

    def _begin(self, before: Path | None = None) -> None:
        self._leave()
        self.state, self.asked = RunState(), ""
        self._process = self._follower = self._folder = None
        self._heard = _Heard(before)
        self._left = threading.Event()
        self._timer.start()

    def _leave(self) -> None:
        self._timer.stop()
        self._overdue.stop()
        self._left.set()
        if self._follower is not None:
            self._follower.join()
            self._follower = None

    def _on_overdue(self) -> None:
        if self._process is not None:
            self._process.kill()

    def _on_time(self) -> None:
        over = self._heard.over  # before the state: what comes between the two is in it
        state = self._heard.state
        obeyed = (self.asked == "pause" and state.paused) or (self.asked == "resume" and not state.paused)
        if over or obeyed:
            self.asked = ""
        if state is not self.state:
            self.state = state
            self.state_changed.emit(state)
        if over:
            self._timer.stop()
            self._overdue.stop()
            self.ended.emit(state)


class _Heard:
    """What a run has said so far, folded on the thread that reads it; the window only ever looks at the outcome.

    ``before``: the folder of a run that is taken up again: what it has said until now comes first.
    """

    def __init__(self, before: Path | None = None) -> None:
        self._before, self._known = before, 0 if before is None else said_so_far(before)
        self.state = RunState()
        self.over = False
        self.alive = False
        self.count = 0
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._lock = threading.Lock()

    @property
    def log(self) -> tuple[str, ...]:
        """The last lines."""
        with self._lock:
            return tuple(self._log)

    def line(self, line: str) -> None:
        """A line of the trainer's output."""
        if self._before is not None:  # read here: this is not the window's thread
            said = beginning(self._before, self._known)
            self.state = fold_all(said.decode("utf-8", "surrogateescape").split("\n"))
            self._before = None
        before = self.state
        self.state = fold(before, line)
        for sentence in news(before, self.state):
            self.say(sentence)

    def say(self, sentence: str) -> None:
        """A line for the log."""
        with self._lock:
            self._log.append(sentence)
            self.count += 1

    def exit(self, code: int | None) -> None:
        """The process has gone."""
        self.state = process_ended(self.state, code)
        self.over = True


def _follow(folder: Path, heard: _Heard, left: threading.Event) -> None:
    heard.alive = is_training(folder)
    for line in follow(folder, cancelled=left.is_set, wait=left.wait):
        if left.is_set():
            return
        heard.line(line)
    heard.exit(None)
