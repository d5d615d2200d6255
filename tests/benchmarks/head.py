"""``python -m tests.benchmarks.head DATA``: what teaching the last layer alone costs, and how good it is.

* Whole processes, from their start to the finished model, by turns with another version of the project and its own
  base (``--against DIR``): seconds and accuracy.
* Peak memory of a run on many photos (``--photos``), hard links to those of DATA.
* Five folds on the same features, judged by our learner and by scikit-learn's logistic regression as it comes, where
  that is installed.

DATA has class folders, or ``train`` and ``val`` folders of them.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from resnet_desktop.data.dataset import survey
from resnet_desktop.head import choices
from resnet_desktop.jobs import events
from resnet_desktop.jobs.job import parse_job
from resnet_desktop.runs.linear.features import Extractor
from resnet_desktop.runs.linear.folds import folds
from resnet_desktop.runs.linear.learner import learn
from tests.benchmarks.material import REPOSITORY

ROUNDS = 3
PHOTOS = 10_000


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.head", description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--against", type=Path, metavar="DIR", help="another version of the project")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--photos", type=int, default=PHOTOS, help="for the memory; 0 leaves that out")
    given = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores", flush=True)
    against_folds(given.data)
    whole_runs(given.data, given.against, given.rounds)
    if given.photos:
        many_photos(given.data, given.photos)


def whole_runs(data: Path, against: Path | None, rounds: int) -> None:
    """Seconds from the start of the process to the finished model, medians of runs by turns."""
    ours, theirs = [], []
    for number in range(rounds):
        if against is not None:
            theirs.append(run(data, against, "resnet_desktop.trainer", f"{number}"))
            _print("the other version", theirs[-1])
        ours.append(run(data, REPOSITORY, "resnet_desktop.head", f"{number}"))
        _print("the last layer", ours[-1])
    mine = statistics.median(row["seconds"] for row in ours)
    print(f"median {mine:.1f} s; accuracy {ours[0]['acc1']:.1%} (reach 91 %)")
    if theirs:
        other = statistics.median(row["seconds"] for row in theirs)
        print(f"{mine / other:.2f} of the other version's {other:.1f} s (reach 0.4)", flush=True)


def many_photos(data: Path, count: int) -> None:
    """Peak memory of a run on so many photos."""
    with tempfile.TemporaryDirectory(dir=data.parent) as name:
        folder = Path(name) / "photos"
        _linked(data, folder, count)
        row = run(folder, REPOSITORY, "resnet_desktop.head", "many")
    print(f"{count:,} photos: {row['seconds']:.0f} s, {row['megabytes']:.0f} MB at the most (reach 600)", flush=True)


def against_folds(data: Path) -> None:
    """Accuracy in five folds, by our learner and by scikit-learn's, on the same features of one view."""
    job, base = choices.fill(parse_job({"data": [{"folder": str(data)}], "output": "run"}))
    assert job.recipe is not None, "filled in"
    found = survey(job)
    extract = Extractor(
        base.bundle,
        base.head,
        dataclasses.replace(job.recipe),
        checksum=base.checksum,
        seed=0,
        workers=2,
        told=lambda _done, _all: None,
    )
    features, _ = extract((*found.training, *found.validation), 1, None)
    fold, labels = folds(features.samples, [], 0), features.labels
    ours = learn(features.values, labels, fold, len(found.labels), "none").logits.argmax(1) == labels
    print(f"five folds, {len(labels)} photos: ours {ours.mean():.1%}", end="", flush=True)
    try:
        model = importlib.import_module("sklearn.linear_model").LogisticRegression
    except ModuleNotFoundError:
        print("; scikit-learn is not installed")
        return
    right = np.zeros(len(labels), bool)
    for part in range(5):
        seen = fold != part
        fitted = model(max_iter=5000).fit(features.plain[seen], labels[seen])
        right[~seen] = fitted.predict(features.plain[~seen]) == labels[~seen]
    print(f", scikit-learn {right.mean():.1%}: {ours.mean() - right.mean():+.1%} (reach -1 %)", flush=True)


def run(data: Path, project: Path, module: str, name: str) -> dict[str, Any]:
    """Run a job in a process of its own with a home of its own, so that nothing is remembered."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        path = folder / "job.json"
        job = {"data": [{"folder": str(data.absolute())}], "output": str(folder / name), "train": "head"}
        path.write_text(json.dumps({**job, "control": "none", "device": "cpu"}), "utf-8")
        environment = {**os.environ, "RESNET_DESKTOP_HOME": str(folder / "home"), "PYTHONPATH": str(project)}
        with (folder / "said").open("wb") as said:
            started = time.monotonic()
            process = subprocess.Popen(
                [sys.executable, "-u", "-m", module, str(path)], stdout=said, env=environment, cwd=project
            )
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        lines = [line for line in map(events.decode, (folder / "said").read_text("utf-8").splitlines()) if line]
    if process.returncode:
        raise RuntimeError(f"it ended with {process.returncode}: {lines[-1] if lines else 'no word'}")
    metrics = lines[-1]["metrics"]
    return {"seconds": seconds, "megabytes": usage.ru_maxrss / 1024, **metrics}


def _linked(data: Path, folder: Path, count: int) -> None:
    photos = [path for path in sorted(data.rglob("*")) if path.is_file()]
    for i in range(count):
        source = photos[i % len(photos)]
        target = folder / source.parent.name / f"{i}{source.suffix}"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.hardlink_to(source)


def _print(title: str, row: dict[str, Any]) -> None:
    low, high = row["acc1_interval"]
    figures = f"{row['acc1']:.1%} of {row['images']} ({low:.1%} to {high:.1%})"
    print(f"{title:20}{row['seconds']:8.1f} s  {row['megabytes']:6.0f} MB  {figures}", flush=True)


if __name__ == "__main__":
    main()
