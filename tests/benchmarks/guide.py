"""``python -m tests.benchmarks.guide``: how long the guide takes to open, and whether its results page stands still.

The guide is opened several times beside the real main window, from the call to the moment when it is painted; the first
time is told by itself, since its modules are imported then. After that it is given a run with ten thousand photos that
were set apart (real photos under many names, with invented answers), and every tab of its results is looked at. A timer
of 5 ms measures the time between two turns of the event loop.

The window is on Qt's offscreen platform unless ``QT_QPA_PLATFORM`` names another one.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

from resnet_desktop.core import paths
from resnet_desktop.core.settings import Settings
from resnet_desktop.gui.shell import app as gui_app
from resnet_desktop.gui.shell.main_window import MainWindow
from resnet_desktop.gui.shell.welcome import sample_photos
from tests.benchmarks.event_loop import Condition, Guided, Watch, after, print_slowest, print_turns
from tests.benchmarks.measure import Spread
from tests.benchmarks.ten_thousand import linked

MODEL = "resnet50-everyday40.onnx"
WRONG = 0.3
"""Share of the photos that are named wrongly."""
CLASSES = (40, 200)
"""Of the runs: with a matrix, and with a list in its place."""
ROUNDS = 7


def written_run(folder: Path, photos: list[Path], classes: int) -> Path:
    """The folder of a run that has ended: so many classes, and an answer about each photo."""
    chance = random.Random(0)
    labels = [f"class {number}" for number in range(classes)]
    table = [[0] * classes for _ in labels]
    pictures = []
    for number, photo in enumerate(photos):
        true = number % classes
        said = true if chance.random() > WRONG else chance.choice((true // 2, chance.randrange(classes)))
        table[true][said] += 1
        answer = {"label": labels[true], "predicted": labels[said], "probability": chance.random()}
        pictures.append({"path": str(photo), **answer, "loss": 5 * chance.random(), "suspect": False})
    shares = {"precision": 0.7, "recall": 0.7, "f1": 0.7, "support": len(photos) // classes}
    row = {"low": 0.6, "high": 0.8, "confidence": 0.7, "accuracy": 0.7, "count": len(photos)}
    results: Mapping[str, Any] = {
        "labels": labels,
        "metrics": {"acc1": 1 - WRONG, "images": len(photos), "on": "validation", "ece": 0.1, "ece_uncalibrated": 0.2},
        "per_class": [{"label": label, **shares} for label in labels],
        "confusion": table,
        "pictures": pictures,
        "suspects": pictures[:400],
        "reliability": {"before": [row], "after": [row]},
        "temperature": 1.2,
        "novelty": None,
        "history": [{"epoch": 1}],
    }
    folder.mkdir(parents=True)
    (folder / "results.json").write_text(json.dumps(results), "utf-8")
    job = {"v": 1, "data": [{"folder": str(photos[0].parent)}], "output": str(folder), "base": "", "train": "all"}
    (folder / "job.json").write_text(json.dumps(job), "utf-8")
    events = (
        {"v": 1, "event": "started", "time": 1, "job": job, "device": "cpu"},
        {"v": 1, "event": "finished", "time": 2, "model": str(folder / "model.onnx"), "metrics": results["metrics"]},
    )
    (folder / "events.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in events), "utf-8")
    shutil.copy(paths.bundled_models_folder() / MODEL, folder / "model.onnx")
    return folder


def opened(window: MainWindow, app: QApplication) -> float:
    """Seconds from asking for the guide until it is painted; it is closed again."""
    start = time.perf_counter()
    window.open_wizard()
    app.processEvents()
    seconds = time.perf_counter() - start
    assert window.wizard is not None
    window.wizard.close()
    app.processEvents()
    return seconds


def script(
    window: MainWindow, app: QApplication, watch: Watch, times: list[float], runs: list[Path]
) -> Iterator[Condition]:
    """What a person does, and what they wait for."""
    watch.phase = "main window"
    window.start(sample_photos(), None, "cpu")
    yield lambda: window.inspect.presenter.evidence is not None and window.inspect.view.has_photo
    yield after(1.0)
    watch.phase = "opening and closing"
    for _ in range(ROUNDS):
        times.append(opened(window, app))
        yield after(0.5)
    for run in runs:
        watch.phase = f"{run.name}: opened"
        window.open_wizard()
        wizard = window.wizard
        assert wizard is not None
        wizard.resume(run)
        yield lambda w=wizard: w.page is w.pages.result and w.pages.result.headline  # type: ignore[misc]
        yield after(2.0)
        tabs = wizard.pages.result.tabs
        for tab in range(1, tabs.count()):
            watch.phase = f"{run.name}: {tabs.tabText(tab)}"
            tabs.setCurrentIndex(tab)
            yield after(2.0)
        watch.phase = f"{run.name}: closed"
        wizard.close()
        yield lambda: window.wizard is None


def print_openings(times: list[float]) -> None:
    """The first opening by itself: it imports the guide's modules."""
    first, *later = (1e3 * seconds for seconds in times)
    print(f"the guide opens in {min(later):.0f} ms at best, {Spread.of(later).text(0)} (reach 100 ms)")
    print(f"the first time in {first:.0f} ms")


def main() -> None:
    """Lead the window through it and print what was measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.guide", description=__doc__)
    parser.add_argument("--photos", type=int, default=10_000, help="that were set apart (default 10,000)")
    parser.add_argument("--slowest", type=int, default=8, help="moments that are printed (default 8)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        os.environ["RESNET_DESKTOP_HOME"] = str(Path(name) / "home")
        copies = [shutil.copy(photo, name) for photo in sample_photos()]  # links do not go over file systems
        photos = sorted(linked(Path(name) / "photos", [Path(copy) for copy in copies], given.photos).iterdir())
        folders = {classes: paths.data_folder() / "runs" / f"{classes} classes" for classes in CLASSES}
        runs = [written_run(folder, photos, classes) for classes, folder in folders.items()]
        app = gui_app.create_application()
        watch = Watch()
        window = gui_app.create_window(Settings())
        times: list[float] = []
        guided: list[Guided] = []
        steps = script(window, app, watch, times, runs)
        window.first_painted.connect(lambda: guided.append(Guided(steps, app.quit)))
        window.show()
        app.exec()
        watch.end()
        window.close()
        print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, Qt on {app.platformName()}")
        print_openings(times)
        print_turns(watch)
        print_slowest(watch, given.slowest)


if __name__ == "__main__":
    main()
