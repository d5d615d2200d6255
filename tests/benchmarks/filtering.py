"""``python -m tests.benchmarks.filtering``: how long the list takes to filter, group and count many photos.

The photos have answers and labels but no files: what is measured is the list, with its view on Qt's offscreen platform,
from the condition to the moment when the rows that are seen are painted. It is the time that the GUI thread works,
so that it can be compared on a machine that has other things to do.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

from resnet_desktop.gui.background.thumbnails import Thumbnails
from resnet_desktop.gui.gallery.gallery_model import GalleryModel
from resnet_desktop.gui.gallery.gallery_view import GalleryView
from resnet_desktop.gui.gallery.photo_classes import PhotoClass
from resnet_desktop.gui.gallery.photo_filter import UNSURE, PhotoFilter
from resnet_desktop.gui.gallery.photo_list import PhotoList
from resnet_desktop.gui.shell import app as gui_app
from resnet_desktop.inference.classifier import ClassScore
from resnet_desktop.session.results import Result
from tests.benchmarks.measure import Spread

CLASSES = 200
LABELLED = 0.2


def filled(thumbnails: Thumbnails, photos: int) -> GalleryModel:
    """A list of so many photos with answers, a fifth of them with labels."""
    chance, gallery = random.Random(0), GalleryModel(thumbnails)
    gallery.add((Path(f"/photos/{place % 50}/IMG {place}.jpg"), f"IMG {place}.jpg") for place in range(photos))
    mine = [PhotoClass(number, f"mine {number}") for number in range(5)]
    for number in range(photos):
        probability = chance.random()
        score = ClassScore(0, f"class {chance.randrange(CLASSES)}", probability)
        sure, unfamiliar = probability > 0.6, chance.random() < 0.05
        gallery.set_outcomes({number: Result((score,), unfamiliar, "CPU", 0.01, (640, 480), None, sure)})
    gallery.set_labels({number: chance.choice(mine) for number in range(photos) if chance.random() < LABELLED})
    return gallery


def cases(view: GalleryView) -> dict[str, Callable[[], object]]:
    """What a person does, by name."""
    shown = view.shown
    return {
        "a letter is typed": lambda: shown.set_filter(PhotoFilter("class 1")),
        "a second word": lambda: shown.set_filter(PhotoFilter("class 17 img")),
        "a class is clicked": lambda: shown.set_filter(PhotoFilter(classes=frozenset({"class 17"}))),
        "confidence": lambda: shown.set_filter(PhotoFilter(low=0.3, high=0.7)),
        "unsure": lambda: shown.set_filter(PhotoFilter(states=frozenset({UNSURE}))),
        "all again": lambda: shown.set_filter(PhotoFilter()),
    }


def measured(photos: PhotoList, view: GalleryView, rounds: int) -> dict[str, list[float]]:
    """Seconds of each case in each round; all photos are selected before, as after Ctrl+A."""
    seconds: dict[str, list[float]] = {}
    for place in range(rounds):
        for grouped in (False, True):
            view.shown.set_grouped(grouped)
            for name, does in cases(view).items():
                view.selectAll()
                QApplication.processEvents()
                start = time.thread_time()
                does()
                photos.repaint()  # with all that lies in it
                if place:  # the first one warms up
                    words = f"{name}, by class" if grouped else name
                    seconds.setdefault(words, []).append(time.thread_time() - start)
    return seconds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.filtering", description=__doc__)
    parser.add_argument("--photos", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=11)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.environ["RESNET_DESKTOP_HOME"] = name
        app = gui_app.create_application()
        thumbnails = Thumbnails(10_000_000)
        view = GalleryView(filled(thumbnails, given.photos))
        photos = PhotoList(view.shown.source, view, "added")
        photos.resize(460, 800)
        photos.show()
        photos.finding.more.setChecked(True)
        seconds = measured(photos, view, given.rounds + 1)
        print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, Qt on {app.platformName()}")
        print(f"{given.photos} photos, counts shown: milliseconds, median [quartiles], largest")
        for case, values in seconds.items():
            spread = Spread.of([1e3 * value for value in values])
            print(f"{case:32}{spread.text(1):>24}{1e3 * max(values):8.1f}")
        photos.close()
        thumbnails.close()


if __name__ == "__main__":
    main()
