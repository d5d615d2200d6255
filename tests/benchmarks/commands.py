"""``python -m tests.benchmarks.commands DATA``: how soon a real trainer does what it is told, in each of its phases.

A trainer is started anew for every round, over DATA (class folders, or ``train`` and ``val`` folders of them) and with
nothing remembered. When a phase has begun and a random moment has passed, it is told to pause, to go on, and then to
cancel or to stop; in every second round through standard input, in the others through the file in its run folder. The
seconds are those from sending to the event that says it is so. A step's seconds stand beside them: a command may wait
for one.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from resnet_desktop.jobs import events
from resnet_desktop.jobs.launching.process import TrainerProcess, tell

LIMIT = 300.0
Event = dict[str, Any]
PHASES: dict[str, tuple[dict[str, Any], Callable[[Event], bool]]] = {
    "scanning": ({"train": "head"}, lambda event: event.get("part") == "scanning"),
    "features": ({"train": "head", "recipe": {"views": 16}}, lambda event: event.get("part") == "features"),
    "reading": ({"train": "last-stage"}, lambda event: event.get("part") == "reading"),
    "head": ({"train": "head", "epochs": 10_000, "recipe": {"views": 1, "patience": 0}}, lambda e: _epoch(e, 2)),
    "last stage": ({"train": "last-stage", "epochs": 50, "recipe": {"patience": 0}}, lambda event: _epoch(event, 1)),
    "everything": ({"train": "all", "epochs": 50, "recipe": {"patience": 0}}, lambda event: _epoch(event, 1)),
    "exporting": ({"train": "head", "epochs": 1, "recipe": {"views": 1}}, lambda e: e.get("part") == "exporting"),
}
STOPPED: dict[str, Callable[[Event], bool]] = {
    "head": lambda event: event.get("part") == "exporting",  # its epochs end every few milliseconds anyway
    "last stage": lambda event: event["event"] == "epoch_finished" or event.get("part") == "exporting",
    "everything": lambda event: event["event"] == "epoch_finished" or event.get("part") == "exporting",
}
"""What follows on ``stop``: the network is judged as it is, or, between two epochs, as it was judged last."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.commands", description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--rounds", type=int, default=4, help="for each phase, half of them end with stop (default 4)")
    parser.add_argument("--phases", nargs="*", default=list(PHASES), choices=list(PHASES))
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    chance = random.Random(given.seed)
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores; seconds: median (worst)")
    print(f"{'':12}" + "".join(f"{name:>16}" for name in ("pause", "resume", "cancel", "stop", "a step")), flush=True)
    for phase in given.phases:
        seconds: dict[str, list[float]] = {}
        for number in range(given.rounds):
            _round(given.data, phase, number, chance, seconds)
        cells = (_cell(seconds.get(name, [])) for name in ("pause", "resume", "cancel", "stop", "step"))
        print(f"{phase:12}" + "".join(f"{cell:>16}" for cell in cells), flush=True)


def _cell(seconds: list[float]) -> str:
    if not seconds:
        return "–"
    return f"{sorted(seconds)[len(seconds) // 2]:.2f} ({max(seconds):.2f})"


def _cancelled(event: Event) -> bool:
    return bool(event["event"] == "cancelled")


def _epoch(event: Event, number: int) -> bool:
    return event["event"] == "progress" and event.get("epoch", 0) >= number and not event.get("part")


def _round(data: Path, phase: str, number: int, chance: random.Random, seconds: dict[str, list[float]]) -> None:
    """One trainer: told three times."""
    changes, begun = PHASES[phase]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, _home(Path(name)) as folder:
        trainer = _Trainer(folder, {"data": [{"folder": str(data)}], **changes}, by_file=bool(number % 2))
        trainer.until(begun)
        trainer.let(chance.uniform(0.0, 0.6))
        if not trainer.ended:
            seconds.setdefault("pause", []).append(trainer.told("pause", lambda e: e.get("paused") is True))
        if not trainer.ended:
            seconds.setdefault("resume", []).append(trainer.told("resume", lambda e: e.get("paused") is False))
        last = "stop" if phase in STOPPED and number % 4 >= 2 else "cancel"
        trainer.let(chance.uniform(0.1, 0.6))
        if not trainer.ended:
            done = STOPPED[phase] if last == "stop" else _cancelled
            seconds.setdefault(last, []).append(trainer.told(last, done))
        if phase in STOPPED:
            seconds.setdefault("step", []).extend(trainer.steps)
        trainer.end()


@contextmanager
def _home(folder: Path) -> Iterator[Path]:
    """Nothing remembered: neither the scan nor features."""
    before = os.environ.get("RESNET_DESKTOP_HOME")
    os.environ["RESNET_DESKTOP_HOME"] = str(folder / "home")
    try:
        yield folder
    finally:
        if before is None:
            del os.environ["RESNET_DESKTOP_HOME"]
        else:
            os.environ["RESNET_DESKTOP_HOME"] = before


class _Trainer:
    """A trainer and what it has said; times are of arrival."""

    def __init__(self, folder: Path, job: dict[str, Any], *, by_file: bool) -> None:
        self._run, self._by_file = folder / "run", by_file
        self.ended = False
        self.steps: list[float] = []
        self._lines: queue.Queue[tuple[float, Event | None]] = queue.Queue()
        self._latest: tuple[float, Event] | None = None
        path = folder / "job.json"
        path.write_text(json.dumps({**job, "output": str(self._run), "device": "cpu"}), "utf-8")
        self._process = TrainerProcess([str(path)], on_line=self._hear, on_exit=lambda _code: self._put(None))

    def _hear(self, line: str) -> None:
        event = events.decode(line)
        if event is not None:
            self._put(event)

    def _put(self, event: Event | None) -> None:
        self._lines.put((time.monotonic(), event))

    def until(self, wanted: Callable[[Event], bool], timeout: float = LIMIT) -> float | None:
        """When such an event came; None if there is none in time, or the trainer has ended."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                when, event = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                return None
            if event is None:
                self.ended = True
                return None
            self._keep_step(when, event)
            if wanted(event):
                return when
            if event["event"] in events.LAST_EVENTS:
                self.ended = True
                return None

    def let(self, seconds: float) -> None:
        """Let it go on for so long."""
        self.until(lambda _event: False, seconds)

    def told(self, command: str, done: Callable[[Event], bool]) -> float:
        """Seconds from the command to the event that says it is done."""
        started = time.monotonic()
        sent = tell(self._run, command) if self._by_file else self._process.send(command)
        when = self.until(done)
        if not sent or when is None:
            raise SystemExit(f"the trainer did not {command}: {self._process.log[-3:]}")
        self._latest = None  # what lay between two steps was a pause
        return when - started

    def end(self) -> None:
        """End it, if it has not ended."""
        self._process.send("cancel")
        if not self._process.wait(60):
            self._process.kill()
            self._process.wait()

    def _keep_step(self, when: float, event: Event) -> None:
        if not _epoch(event, 1) or "paused" in event:
            self._latest = None
            return
        if self._latest is not None and event["epoch"] == self._latest[1]["epoch"]:
            steps = event["step"] - self._latest[1]["step"]
            if steps > 0:
                self.steps.append((when - self._latest[0]) / steps)
        self._latest = when, event


if __name__ == "__main__":
    main()
