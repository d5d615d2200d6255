"""A display of its own, a window manager on it, and the hand that moves the pointer."""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from ctypes.util import find_library
from pathlib import Path
from typing import Any

NEEDED = ("Xvfb", "openbox", "xdotool")
LIBRARIES = ("xcb-cursor", "xcb-icccm", "xcb-image", "xcb-keysyms", "xcb-render-util", "xkbcommon-x11")
"""What Qt needs to open a window under X11."""
SIZE = (1600, 900)
PATIENCE = 120.0
"""Seconds to wait for anything."""
STEPS = 12
"""A drag goes in so many steps: a program hears of a pointer that passes, not of one that jumps."""

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
Place = tuple[int, int]


def missing() -> list[str]:
    """The programs and libraries that are not here."""
    programs = [name for name in NEEDED if shutil.which(name) is None]
    return [*programs, *(name for name in LIBRARIES if find_library(name) is None)]


class Program:
    """A program of this folder, which prints its state as JSON lines; the last of them is what counts."""

    def __init__(self, module: str, environment: Mapping[str, str], *arguments: object) -> None:
        command = [sys.executable, "-u", "-m", f"tests.desktop.{module}", *map(str, arguments)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(environment))
        self.state: dict[str, Any] = {}
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def until(self, true: Callable[[dict[str, Any]], object], what: str) -> dict[str, Any]:
        """Wait for a state; ``what`` says what it is, should it not come."""
        deadline = time.monotonic() + PATIENCE
        while not (self.state and true(self.state)):
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{what} did not come: {self.state}") from None
            if line is None:
                raise AssertionError(f"the program ended before {what}: {self.state}")
            self.state = json.loads(line)
        return self.state

    def ended(self) -> int:
        """Wait for its end; the exit status."""
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        """End it, if it has not ended."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()


class Desktop:
    """The display. Programs on it are ended with it."""

    def __init__(self, environment: Mapping[str, str], stack: ExitStack) -> None:
        self._environment, self._stack = environment, stack

    def start(self, module: str, *arguments: object) -> Program:
        """Start a program of this folder."""
        program = Program(module, self._environment, *arguments)
        self._stack.callback(program.close)
        return program

    def hand(self, *words: object) -> None:
        """What ``xdotool`` calls a command."""
        self._run("xdotool", *words)

    def move(self, place: Place) -> None:
        """Put the pointer somewhere."""
        self.hand("mousemove", *place)

    def drag(self, start: Place, end: Place, *, hold: float = 0.0) -> None:
        """Take hold of what is at one place and let go of it at another.

        ``hold``: seconds between pressing and moving.
        """
        self.move(start)
        self.hand("mousedown", 1)
        time.sleep(hold)
        for step in range(1, STEPS + 1):
            along = [round(a + (b - a) * step / STEPS) for a, b in zip(start, end, strict=True)]
            self.hand("mousemove", *along)
            time.sleep(0.05)
        time.sleep(0.3)  # what is below is asked whether it takes it, by messages from program to program
        self.hand("mouseup", 1)

    def type(self, title: str, keys: str) -> None:
        """Press keys in the window that has this title."""
        self.hand("search", "--onlyvisible", "--name", title, "windowfocus", "--sync")
        self.hand("key", keys)

    def picture(self, name: str) -> None:
        """Keep what is on the screen, where ImageMagick is here."""
        if shutil.which("import") is not None:
            SCREENSHOTS.mkdir(parents=True, exist_ok=True)
            self._run("import", "-window", "root", SCREENSHOTS / f"{name}.png")

    def _run(self, *words: object) -> None:
        subprocess.run(list(map(str, words)), check=True, env=dict(self._environment), timeout=PATIENCE)


@contextmanager
def desktop(folder: Path) -> Iterator[Desktop]:
    """A display with a window manager; ``folder`` is for what the server says."""
    with ExitStack() as stack:
        number = _display(stack, folder)
        kept = {key: value for key, value in os.environ.items() if key != "WAYLAND_DISPLAY"}
        environment = {**kept, "DISPLAY": f":{number}", "QT_QPA_PLATFORM": "xcb"}
        manager = subprocess.Popen(["openbox", "--sm-disable"], env=environment, stderr=subprocess.DEVNULL)
        stack.callback(_end, manager)
        yield Desktop(environment, stack)


def _display(stack: ExitStack, folder: Path) -> int:
    """Start the X server; the number of a display that was free."""
    reading, writing = os.pipe()
    stack.callback(os.close, reading)
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{SIZE[0]}x{SIZE[1]}x24", "-nolisten", "tcp"]
    with (folder / "xvfb.txt").open("wb") as log:
        server = subprocess.Popen(command, pass_fds=[writing], stderr=log)
    stack.callback(_end, server)
    os.close(writing)
    return int(os.read(reading, 16))


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(PATIENCE)
