"""How fast two workers of one core are on a local cluster, against two plain processes over halves.

``python -m tests.cluster.speed FOLDER [PHOTOS] [ROUNDS]``: photos of a folder, linked until there are so many. Both are
run in turn, for other programs may want the cores; starts are counted in.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from resnet_desktop.imaging.files import find_images

PROGRAM = [sys.executable, "-m", "resnet_desktop", "classify"]
REACH = 0.85
"""Of the photos a second of two plain processes."""


def linked(source: Path, folder: Path, count: int) -> list[Path]:
    """So many links to the photos of a folder, in two folders."""
    photos = list(find_images([source], recursive=True))
    made = []
    for number in range(count):
        half = folder / str(2 * number // count)
        half.mkdir(exist_ok=True)
        made.append(half / f"{number:06}{photos[number % len(photos)].suffix}")
        made[-1].hardlink_to(photos[number % len(photos)])
    return made


def plain(folder: Path, results: Path) -> None:
    """Two processes, each on a core of its own and over one half."""
    running = []
    for core, half in zip(sorted(os.sched_getaffinity(0)), ("0", "1"), strict=False):
        words = [*PROGRAM, str(folder / half), "--format", "jsonl", "--output", str(results / f"{half}.jsonl")]
        running.append(subprocess.Popen(["taskset", "-c", str(core), *words]))
    if [process.wait() for process in running] != [0, 0]:
        raise SystemExit("a plain process failed")


def cluster(folder: Path, results: Path) -> None:
    """The same photos on a local cluster."""
    words = [str(folder), "--recursive", "--ray", "auto", "--workers", "2", "--output", str(results / "cluster")]
    subprocess.run([*PROGRAM, *words], check=True)


def seconds(run: Callable[[Path, Path], None], folder: Path) -> float:
    """What a run takes, from its start to its end."""
    with tempfile.TemporaryDirectory() as results:
        begun = time.perf_counter()
        run(folder, Path(results))
        return time.perf_counter() - begun


def main(words: Sequence[str]) -> None:
    """Measure, and say whether the reach is reached."""
    source, count, rounds = (
        Path(words[0]),
        int(words[1] if len(words) > 1 else 4000),
        int(words[2] if len(words) > 2 else 1),
    )
    with tempfile.TemporaryDirectory(dir=source.parent) as folder:
        linked(source, Path(folder), count)
        taken = [(seconds(plain, Path(folder)), seconds(cluster, Path(folder))) for _ in range(rounds)]
    rates = [count / statistics.median(column) for column in zip(*taken, strict=True)]
    print(f"{count:,} photos, {rounds} rounds: two processes {rates[0]:.1f} a second, the cluster {rates[1]:.1f}")
    print(f"the cluster reaches {rates[1] / rates[0]:.2f} of it (wanted: {REACH})")


if __name__ == "__main__":
    main(sys.argv[1:])
