"""The trainer's process, as its parents see it: started, told commands, listened to.

Lines arrive on a thread of their own, complete ones only. ``events.jsonl`` of the run folder holds the same lines, so
that a run that was detached, or one that somebody else has started, can be followed; it is told commands through
another file there (``tell``).
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from resnet_desktop.core import paths
from resnet_desktop.core.errors import TrainingError
from resnet_desktop.core.processes import own_process
from resnet_desktop.core.progress import Cancelled, never
from resnet_desktop.core.redact import redacted
from resnet_desktop.jobs import events
from resnet_desktop.jobs.launching import dispatch, program

_logger = logging.getLogger(__name__)
LOG_LINES = 500
"""Lines of standard error that are kept."""
POLL_SECONDS = 0.2
NICENESS = 5
"""Of a polite trainer: alone it is as fast as any; beside a busy program it gets a third of a core's time."""
EVENTS_FILE = "events.jsonl"


class TrainerProcess:
    """A trainer that runs. Its methods may be called from any thread.

    Args:
        arguments: of the trainer, such as a job file or ``--resume`` and a run folder.
        python: the interpreter that has PyTorch; None is the one that runs the app.
        on_line: called with every line of standard output, without its line end.
        on_exit: called once with the exit code (negative: the signal that ended it), after the last line.
        on_log: called with every line of standard error, on another thread.
        polite: leave the processor to the programs that a person works with, this one among them, when they want it.

    Raises:
        TrainingError: ``no_torch``: the interpreter cannot be started, or none was named to a packaged program;
            ``no_sources``.
        StorageError: the package cannot be copied for it.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        python: Path | None = None,
        on_line: Callable[[str], None],
        on_exit: Callable[[int], None],
        on_log: Callable[[str], None] = lambda _line: None,
        polite: bool = False,
    ) -> None:
        self._on_line, self._on_exit, self._on_log = on_line, on_exit, on_log
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._lock = threading.Lock()
        module = dispatch.module_for(arguments)
        if module == dispatch.HEAD:
            python = None  # what the app runs on is enough
        elif python is None and own_process.packaged():
            raise TrainingError("no_torch", "PyTorch is not installed.")
        # Whatever the job says, this process holds the other end of standard input.
        command = own_process.command(module, *arguments, "--control", "stdin", python=python)
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment(python),
                **_apart(polite=polite),
            )
        except OSError as error:
            message = f"The trainer could not be started with {command[0]}: {error.strerror or error}."
            raise TrainingError("no_torch", message) from error
        if polite and sys.platform != "win32":
            with contextlib.suppress(OSError):  # it has ended already
                os.setpriority(os.PRIO_PROCESS, self._process.pid, NICENESS)
        self._threads = [
            threading.Thread(target=self._read_log, name="trainer log", daemon=True),
            threading.Thread(target=self._read_lines, name="trainer lines", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process.poll() is None

    @property
    def log(self) -> tuple[str, ...]:
        """The last lines of standard error."""
        return tuple(self._log)

    def send(self, command: str) -> bool:
        """Send ``pause``, ``resume``, ``stop``, ``cancel`` or ``detach``; False if nobody listens any more."""
        line = json.dumps({"command": command}) + "\n"
        with self._lock:
            stream = self._process.stdin
            if stream is None or stream.closed:
                return False
            try:
                stream.write(line.encode())
                stream.flush()
            except OSError:  # the process has ended
                return False
        return True

    def detach(self) -> None:
        """Let the run go on by itself, also after the end of this process."""
        if self.send("detach"):
            with self._lock, contextlib.suppress(OSError):
                assert self._process.stdin is not None
                self._process.stdin.close()

    def kill(self) -> None:
        """End the process at once; the run can be resumed from its last checkpoint."""
        self._process.kill()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end, at most ``timeout`` seconds; True once ``on_exit`` was called."""
        self._threads[1].join(timeout)
        return not self._threads[1].is_alive()

    def _read_lines(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            for line in _lines(stream):
                self._on_line(line)
        code = self._process.wait()
        self._threads[0].join(1.0)
        with self._lock, contextlib.suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.close()
        if code:
            last = redacted(" | ".join(self.log[-5:]), names=True)
            _logger.error("The trainer exited with code %d. Its last output: %s", code, last)
        self._on_exit(code)

    def _read_log(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            for line in _lines(stream):
                self._log.append(line)
                self._on_log(line)


def environment(python: Path | None) -> dict[str, str]:
    """The environment of a trainer, in which it finds this program's own package, whatever interpreter it is.

    One that is not the app's own gets a copy of the package and nothing else of the app's: libraries of one interpreter
    break another. Raises TrainingError ``no_sources``, StorageError.
    """
    values = plain_environment()
    values[paths.SHIPPED] = str(paths.assets_folder().parent)
    before = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if python is None or Path(python) == Path(sys.executable):
        found = [str(paths.PACKAGE.parent), *before]
    else:
        found = [str(program.folder_of_copy()), *(place for place in before if place and not _is_ours(Path(place)))]
    values["PYTHONPATH"] = os.pathsep.join(filter(None, found))
    return values


def plain_environment() -> dict[str, str]:
    """The app's environment without what leads a Python to the app's libraries, or into the folder it is started in."""
    values = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    values["PYTHONUTF8"] = values["PYTHONSAFEPATH"] = "1"
    own_process.give_back_library_paths(values)
    return values


def follow(
    folder: Path, *, cancelled: Cancelled = never, wait: Callable[[float], object] | None = None
) -> Iterator[str]:
    """The lines of a run's ``events.jsonl`` from the first on, then each new one, until the run has ended.

    A run has ended once its last event is there, or nobody trains in the folder any more.

    Args:
        folder: the run folder.
        cancelled: asked between looks; once True, the iteration ends.
        wait: waits so many seconds; the default blocks.
    """
    pause = wait or threading.Event().wait
    path = folder / EVENTS_FILE
    rest, offset, ended = b"", 0, False
    while not cancelled():
        alive = is_training(folder)  # asked before reading: what was written before the end is read
        block = _after(path, offset)
        offset += len(block)
        *lines, rest = (rest + block).split(b"\n")
        for raw in lines:
            line = raw.decode("utf-8", "surrogateescape")
            record = events.decode(line)
            if record is not None:
                ended = record["event"] in events.LAST_EVENTS
            yield line
        if not alive:
            return
        if not block:
            if ended:
                return
            pause(POLL_SECONDS)


def said_so_far(folder: Path) -> int:
    """How many bytes a run's ``events.jsonl`` has now; 0 where there is none."""
    try:
        return (folder / EVENTS_FILE).stat().st_size
    except OSError:
        return 0


def beginning(folder: Path, size: int) -> bytes:
    """The first ``size`` bytes of a run's ``events.jsonl``; what there is of them where there are fewer."""
    return _after(folder / EVENTS_FILE, 0)[:size]


def tell(folder: Path, command: str) -> bool:
    """Tell the run in a folder, which may be nobody's child here, ``pause``, ``resume``, ``stop`` or ``cancel``.

    It hears within a fraction of a second and obeys between two steps.

    Returns:
        Whether somebody trains there and the command could be written.
    """
    if command not in events.COMMANDS:
        raise ValueError(f"no such command: {command}")
    if not is_training(folder):
        return False
    line = json.dumps({"command": command}) + "\n"
    try:
        # One write: lines of several writers do not run into each other. The first line end closes what one of them
        # may have left unfinished; an empty line says nothing.
        with (folder / events.COMMANDS_FILE).open("ab", buffering=0) as file:
            file.write(f"\n{line}".encode())
    except OSError:
        return False
    return True


def is_training(folder: Path) -> bool:
    """Whether a process trains in a run folder now. Its lock is the system's, which drops it with the process."""
    from filelock import FileLock, Timeout

    if not (folder / ".lock").exists():
        return False
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except (Timeout, OSError):
        return True
    lock.release()
    return False


def _is_ours(place: Path) -> bool:
    """Whether a folder of PYTHONPATH is where the app runs from, or one of its own interpreter's."""
    whole = place.resolve()
    return whole == paths.PACKAGE.parent or whole.is_relative_to(Path(sys.prefix).resolve())


def _after(path: Path, offset: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read()
    except FileNotFoundError:
        return b""


def _lines(stream: IO[bytes]) -> Iterator[str]:
    for raw in stream:
        yield raw.decode("utf-8", "surrogateescape").rstrip("\r\n")


def _apart(*, polite: bool) -> dict[str, Any]:
    """So that Ctrl+C in the terminal reaches the parent alone, which then tells the trainer to end in order."""
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        return {"creationflags": flags | subprocess.BELOW_NORMAL_PRIORITY_CLASS if polite else flags}
    return {"start_new_session": True}
