"""The trainer's voice: events on standard output and the same lines in ``events.jsonl`` of the run folder."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from resnet_desktop.finetune import events

PROGRESS_INTERVAL = 0.1
"""Seconds between two progress events, at the least."""


class Reporter:
    """Speaks the protocol. A parent that has closed its end is no reason to stop: the file has every event."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / "events.jsonl").open("a", encoding="utf-8", errors="surrogateescape")
        self._last_progress = 0.0
        self._heard = True

    def say(self, event: str, **values: object) -> None:
        """Send one event."""
        line = events.encode(event, values) + "\n"
        self._file.write(line)
        self._file.flush()
        if self._heard:
            self._heard = say_line(line)

    def progress(self, **values: object) -> None:
        """Send a progress event, unless one was sent less than a tenth of a second ago."""
        now = time.monotonic()
        if now - self._last_progress >= PROGRESS_INTERVAL:
            self._last_progress = now
            self.say("progress", **values)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def say_line(line: str) -> bool:
    """Write one line to standard output; False if nobody reads there any more."""
    try:
        sys.stdout.buffer.write(line.encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()
    except (BrokenPipeError, ValueError):
        return False
    return True
