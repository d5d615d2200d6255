"""``python -m tests.benchmarks.estimates DATA``: how near the guide's estimate of time comes to a real run.

Each job is asked about and then carried out by a trainer of its own, from its start to the model; without early
stopping, which no estimate can know. Nothing is remembered from one to the next.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from resnet_desktop.jobs import events
from resnet_desktop.jobs.launching.estimate import estimate
from resnet_desktop.jobs.launching.process import TrainerProcess

CASES = (("head", "quick"), ("head", "balanced"), ("last-stage", "quick"), ("all", "quick"))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.estimates", description=__doc__)
    parser.add_argument("data", type=Path, help="class folders, or train and val folders of them")
    given = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    print(f"{'':24}{'estimate':>10}{'real':>10}{'ratio':>8}")
    for train, preset in CASES:
        with tempfile.TemporaryDirectory() as name:
            os.environ["RESNET_DESKTOP_HOME"] = str(Path(name) / "home")
            job = _job(given.data, Path(name), train, preset)
            said = estimate(job, None).seconds
            real = _carried_out(job, Path(name))
        print(f"{train + ', ' + preset:24}{said:8.1f} s{real:8.1f} s{said / real:8.2f}", flush=True)


def _job(data: Path, folder: Path, train: str, preset: str) -> dict[str, Any]:
    values = {"v": 1, "data": [{"folder": str(data)}], "output": str(folder / "run"), "train": train, "preset": preset}
    return values | {"recipe": {"patience": 0}}


def _carried_out(job: dict[str, Any], folder: Path) -> float:
    """Seconds from the start of the trainer's process to its end."""
    path, codes = folder / "job.json", list[int]()
    path.write_text(json.dumps(job), "utf-8")
    started = time.monotonic()
    process = TrainerProcess([str(path)], on_line=lambda _line: None, on_exit=codes.append)
    process.wait()
    if codes != [events.EXIT_FINISHED]:
        raise SystemExit("\n".join(process.log))
    return time.monotonic() - started


if __name__ == "__main__":
    main()
