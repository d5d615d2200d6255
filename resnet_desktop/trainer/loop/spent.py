"""How long a run has gone on, all its processes together: what a limit on its time is held against."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path

from resnet_desktop.core import atomic
from resnet_desktop.runs.control import Control

NAME = "time.json"
"""In the run folder."""
STARTING = 4.0
"""Seconds in which a process starts and the base is read and checked."""
KEPT_SECONDS = 10.0
"""What a process that is killed forgets of its time at the most."""


class Spent:
    """The seconds of a run, without those in which it stood still or no process was there.

    Args:
        folder: the run folder.
        control: of this process; knows how long it stood still.
        clock: seconds that never go back.
    """

    def __init__(self, folder: Path, control: Control, clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._control, self._clock = folder / NAME, control, clock
        self._started = self._kept = clock()
        self._before = _stored(self._path) + STARTING

    @property
    def seconds(self) -> float:
        """So far."""
        return self._before + self._clock() - self._started - self._control.seconds_paused

    def keep(self) -> None:
        """Write it down for the next process, now and then. Raises StorageError."""
        if self._clock() - self._kept >= KEPT_SECONDS:
            self.write()

    def write(self) -> None:
        """Write it down. Raises StorageError."""
        self._kept = self._clock()
        atomic.write_text(self._path, json.dumps({"v": 1, "seconds": round(self.seconds, 1)}) + "\n")


def _stored(path: Path) -> float:
    """What earlier processes of the run took; 0 where there is nothing that can be read."""
    try:
        seconds = float(json.loads(path.read_text("utf-8"))["seconds"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return 0.0
    return seconds if math.isfinite(seconds) and seconds > 0 else 0.0
