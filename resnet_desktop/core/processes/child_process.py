"""Other programs that are run for an answer or for what they do, and may be given up.

Each is the head of a group of its own, which ends as a whole: a program that starts another and waits for it leaves
that one behind when it alone is ended.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from resnet_desktop.core.progress import Cancelled, CancelledError, never

POLL_SECONDS = 0.1
PATIENCE_SECONDS = 2.0
"""How long a group that was asked to end may take before it is killed."""
MOST_BYTES = 1 << 20
"""Of what a program says in answer; one that says more is ended."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program said.

    Attributes:
        code: its exit code, negative for a signal; None: it was ended, because it took too long or said too much.
        output: its standard output, as text; bytes that are none are replaced.
        complaints: its standard error.
    """

    code: int | None
    output: str
    complaints: str

    @property
    def last_line(self) -> str:
        """The last line of its output that is not empty."""
        return _last(self.output)

    @property
    def last_complaint(self) -> str:
        """The last line of standard error that is not empty."""
        return _last(self.complaints)


def ask(
    command: Sequence[str], seconds: float, *, env: Mapping[str, str] | None = None, cancelled: Cancelled = never
) -> Answer:
    """Run a program for its answer, at most so many seconds.

    Raises:
        OSError: it cannot be started.
        CancelledError: as asked; the program is ended.
    """
    process = _start(command, env, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    said = [bytearray(), bytearray()]
    readers = [_reader(_keep, process.stdout, said[0]), _reader(_keep, process.stderr, said[1])]
    limit = time.monotonic() + seconds
    code: int | None = None
    try:
        while (code := process.poll()) is None and time.monotonic() < limit and max(map(len, said)) < MOST_BYTES:
            if cancelled():
                raise CancelledError
            readers[0].join(POLL_SECONDS)
            if not readers[0].is_alive():
                time.sleep(0.01)  # it says no more, and ends now or never
    finally:
        if code is None:
            end(process)
        for reader in readers:
            reader.join(1.0)  # a child that it has left behind may keep the pipe open
    return Answer(code, *(bytes(part).decode("utf-8", "replace") for part in said))


def listen(
    command: Sequence[str],
    on_line: Callable[[str], None],
    *,
    env: Mapping[str, str] | None = None,
    cancelled: Cancelled = never,
    meanwhile: Callable[[], None] = lambda: None,
) -> int:
    """Run a program to its end, passing on every line that it says; its exit code.

    Args:
        command: the program and its arguments.
        on_line: called on another thread with each line of both its outputs that is not empty.
        env: its environment; None is that of the app.
        cancelled: asked ten times a second; the program is then ended, with all that it has started.
        meanwhile: called ten times a second.

    Raises:
        OSError: it cannot be started.
        CancelledError: as asked, within PATIENCE_SECONDS and a little.
    """
    process = _start(command, env, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    reader = _reader(_pass_on, process.stdout, on_line)
    code: int | None = None
    try:
        while (code := process.poll()) is None:
            if cancelled():
                raise CancelledError
            meanwhile()
            time.sleep(POLL_SECONDS)
    finally:
        if code is None:
            end(process)
        reader.join(PATIENCE_SECONDS)
    return code


def end(process: subprocess.Popen[bytes]) -> None:
    """End a group whose head ``process`` is: asked first, then killed. Blocks for PATIENCE_SECONDS at most."""
    if sys.platform == "win32":
        kill = ["taskkill", "/F", "/T", "/PID", str(process.pid)]
        with contextlib.suppress(OSError):
            subprocess.run(kill, capture_output=True, check=False, creationflags=subprocess.CREATE_NO_WINDOW)
        process.kill()
        process.wait()
        return
    limit = time.monotonic() + PATIENCE_SECONDS
    alive = _signal(process, signal.SIGTERM)
    while alive and time.monotonic() < limit:
        time.sleep(0.02)
        process.poll()  # one that has ended counts until somebody asks
        alive = _signal(process, 0)
    if alive:
        _signal(process, signal.SIGKILL)
    process.wait()


if sys.platform != "win32":

    def _signal(process: subprocess.Popen[bytes], number: int) -> bool:
        """Send a signal to a group; whether anybody is in it."""
        try:
            os.killpg(process.pid, number)
        except OSError:
            return False
        return True


def _start(command: Sequence[str], env: Mapping[str, str] | None, *, stderr: int) -> subprocess.Popen[bytes]:
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    values = None if env is None else dict(env)
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, env=values, **apart
    )


def _reader(target: Callable[..., None], stream: IO[bytes], what: object) -> threading.Thread:
    thread = threading.Thread(target=target, args=(stream, what), name="child's output", daemon=True)
    thread.start()
    return thread


def _keep(stream: IO[bytes], said: bytearray) -> None:
    with stream:
        while len(said) < MOST_BYTES and (block := os.read(stream.fileno(), 1 << 16)):
            said += block


def _pass_on(stream: IO[bytes], on_line: Callable[[str], None]) -> None:
    with stream:
        for raw in stream:
            line = raw.decode("utf-8", "replace").rstrip()
            if line:
                on_line(line)


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
