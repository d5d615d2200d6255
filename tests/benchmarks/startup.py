"""From starting the program to its window, and to the first prediction in it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from tests.benchmarks.measure import Spread
from tests.benchmarks.report import Row, Section

LIMIT = 60.0
EVENTS = {"window_shown": "<= 1.0", "first_prediction": "<= 2.5"}
TITLES = {"window_shown": "start to visible window", "first_prediction": "start to first prediction"}


def startup(model: Path, photo: Path, rounds: int) -> Section:
    """Start the real app on Qt's offscreen platform ``rounds`` times, after one start that warms the disk.

    The app writes ``{"trace": NAME, "time": EPOCH_SECONDS}`` to standard error where RESNET_DESKTOP_TRACE is set.
    """
    runs = [_start(model, photo) for _ in range(rounds + 1)][1:]
    rows = []
    for event, goal in EVENTS.items():
        seconds = [run[event] for run in runs if event in run]
        if seconds:
            rows.append(Row(TITLES[event], Spread.of(seconds), "s", 2, goal=goal))
    platform = os.environ.get("QT_QPA_PLATFORM", "offscreen")
    note = f"{rounds} starts with the same ResNet-50 (224 x 224) on the {platform} platform"
    if len(rows) < len(EVENTS):
        note = "the app did not report " + " and ".join(sorted(EVENTS.keys() - set().union(*runs)))
    return Section("Start (the real app as a child process)", rows=rows, note=note)


def _start(model: Path, photo: Path) -> dict[str, float]:
    """Seconds from the start to each event."""
    seen: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {"RESNET_DESKTOP_TRACE": "1", "RESNET_DESKTOP_HOME": home}
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
        start = time.time()
        child = subprocess.Popen(
            [sys.executable, "-m", "resnet_desktop", "gui", "--model", str(model), str(photo)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        alarm = threading.Timer(LIMIT, child.kill)
        alarm.start()
        try:
            assert child.stderr is not None
            for line in child.stderr:
                with contextlib.suppress(ValueError, KeyError, TypeError):
                    event = json.loads(line)
                    seen[event["trace"]] = event["time"] - start
                if seen.keys() >= EVENTS.keys():
                    break
        finally:
            alarm.cancel()
            child.kill()
            child.communicate()
    return seen
