"""The trainer's voice: events on standard output and the same lines in ``events.jsonl`` of the run folder."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from pathlib import Path
from typing import BinaryIO

from resnet_desktop.core import atomic
from resnet_desktop.core.errors import DataError, JobError, ResNetDesktopError
from resnet_desktop.jobs import events

PROGRESS_INTERVAL = 0.1
"""Seconds between two progress events, at the least."""


class Reporter:
    """Speaks the protocol. A parent that has closed its end is no reason to stop: the file has every event."""

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / "events.jsonl"
            cut_short = _is_cut_short(path)
            self._file = path.open("a", encoding="utf-8", errors="surrogateescape")
            if cut_short:  # a process that was killed, or a full disk
                self._file.write("\n")
        except OSError as error:
            raise atomic.storage_error(folder, error) from error
        self.folder, self._path = folder, path
        self._last_progress = 0.0
        self._heard = True
        self._progress: dict[str, object] = {"epoch": 0, "step": 0, "steps": 0, "loss": None}

    def say(self, event: str, **values: object) -> None:
        """Send one event. The last one is sent whatever the disk says. Raises StorageError."""
        line = events.encode(event, values) + "\n"
        if event == "epoch_started":
            self._progress = {"epoch": values["epoch"], "step": 0, "steps": 0, "loss": None}
        if self._heard:
            self._heard = say_line(line)
        try:
            self._file.write(line)
            self._file.flush()
        except OSError as error:
            if event not in events.LAST_EVENTS:
                raise atomic.storage_error(self._path, error) from error

    @property
    def due(self) -> bool:
        """Whether a tenth of a second has passed since the last progress event."""
        return time.monotonic() - self._last_progress >= PROGRESS_INTERVAL

    def progress(self, **values: object) -> None:
        """Send a progress event, if it is due."""
        if self.due:
            self._last_progress = time.monotonic()
            self._progress = values
            self.say("progress", **values)

    def paused(self, yes: bool) -> None:
        """Say that the run stands still, or goes on: where it is, again, with ``paused``. Raises StorageError."""
        self.say("progress", **{**self._progress, "paused": yes})

    def close(self) -> None:
        """Close the file."""
        with contextlib.suppress(OSError):  # what it could not hold was said
            self._file.close()


class Silent(Reporter):
    """Says nothing: for all processes but the first, and for trials."""

    def __init__(self) -> None:
        self._last_progress = 0.0
        self._progress = {}

    def say(self, event: str, **values: object) -> None:
        """Nothing."""

    @property
    def due(self) -> bool:
        """Never."""
        return False

    def close(self) -> None:
        """Nothing to close."""


def _is_cut_short(path: Path) -> bool:
    """Whether the last line of a file has no end. Raises OSError."""
    if not path.exists() or not path.stat().st_size:
        return False
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


class _Voice:
    """Where the protocol is spoken: standard output, or a copy of it that nobody else knows."""

    def __init__(self) -> None:
        self._own: BinaryIO | None = None

    def keep_for_itself(self) -> None:
        """From now on whatever else writes to standard output, be it a library in C, reaches standard error."""
        try:
            own = os.dup(1)
            os.dup2(2, 1)
        except OSError:  # one of them is closed
            return
        self._own = os.fdopen(own, "wb")

    def write(self, data: bytes) -> None:
        """Write and flush. Raises OSError, ValueError."""
        stream = self.stream
        stream.write(data)
        stream.flush()

    @property
    def stream(self) -> BinaryIO:
        """What is written to."""
        return self._own if self._own is not None else sys.stdout.buffer


_voice = _Voice()


def keep_standard_output() -> None:
    """Keep standard output for the protocol alone, as long as the process lives."""
    _voice.keep_for_itself()


def say_line(line: str) -> bool:
    """Write one line to standard output; False if nobody reads there any more, or it goes to a full disk."""
    try:
        _voice.write(line.encode("utf-8", "surrogateescape"))
    except ValueError:
        return False
    except OSError:
        with contextlib.suppress(OSError):  # what is left in the buffer must not fail again at the very end
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, _voice.stream.fileno())
            os.close(nowhere)
        return False
    return True


def newest_checkpoint(folder: Path) -> str | None:
    """The last checkpoint of a run folder, as the event ``cancelled`` names it."""
    last = sorted((folder / "checkpoints").glob("epoch-*.pt"))
    return str(last[-1]) if last else None


def exit_code(error: ResNetDesktopError) -> int:
    """The exit code of the protocol for an error."""
    if isinstance(error, JobError):
        return events.EXIT_BAD_JOB
    return events.EXIT_BAD_DATA if isinstance(error, DataError) else events.EXIT_OTHER


def refuse(error: ResNetDesktopError) -> int:
    """Say ``failed`` before there is a run folder to write it to; returns the exit code."""
    say_line(events.encode("failed", {"code": error.code, "message": error.message, "hint": error.hint}) + "\n")
    complain(error)
    return exit_code(error)


def complain(error: ResNetDesktopError) -> None:
    """Write an error to standard error, as one JSON object; nobody may read there any more."""
    with contextlib.suppress(OSError):
        sys.stderr.write(json.dumps(error.as_dict(), ensure_ascii=True) + "\n")
        sys.stderr.flush()
