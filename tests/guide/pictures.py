"""``python -m tests.guide.pictures [FOLDER]``: the pictures of the guide, from the real window on the sample photos.

They are committed, since the guide is read in three places: on the site, in the repository, and in the window by F1,
where nobody could make them first. ``test_pictures`` fails where the window has no such states any more.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # before Qt is imported by anyone

from PIL import Image
from PySide6.QtCore import QBuffer, QIODevice
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from resnet_desktop.core import paths
from resnet_desktop.gui.inspect.compare.compare_presets import DEPTHS, METHODS
from resnet_desktop.gui.inspect.photo.caption_bar import BLOCKS, COMPARE, PHOTO
from resnet_desktop.gui.shell import app as gui_app
from resnet_desktop.gui.shell.main_window import MainWindow
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.session.results import Result
from tests.conftest import REPO

FOLDER = REPO / "docs" / "guide" / "pictures"
USUAL, WIDE, LOW, HIGH = (1000, 680), (1320, 720), (1320, 605), (1000, 830)
COLOURS = 128
OPACITY = 75
SECONDS = 120.0
BY_NAME = {path.stem: path for path in sample_photos()}
PHOTOS = ("cat", "coffee", "raccoon", "cameraman", "officer", "rocket")
CLASSES = {"animal": ("cat", "raccoon"), "person": ("cameraman", "officer"), "thing": ("coffee", "rocket")}


def wait_for(happened: Callable[[], bool]) -> None:
    """Let the window work until something has happened. Raises TimeoutError."""
    end = time.monotonic() + SECONDS
    while not happened():
        if time.monotonic() > end:
            raise TimeoutError("the window did not come to the state of a picture")
        QTest.qWait(20)
    QTest.qWait(200)  # thumbnails and the last frame


def save(widget: QWidget, path: Path) -> None:
    """Save what a widget shows: with photos as JPEG, without as a PNG of few colours, so that the files are small."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    assert widget.grab().save(buffer, "PNG")
    image = Image.open(io.BytesIO(bytes(buffer.data().data()))).convert("RGB")
    if path.suffix == ".jpg":
        image.save(path, quality=86, subsampling=0, optimize=True)
    else:
        image.quantize(COLOURS).save(path, optimize=True)


@contextmanager
def window_of(*photos: str, model: str) -> Iterator[MainWindow]:
    """The real window with sample photos in it, all of them classified and the first one explained."""
    window = gui_app.create_window()
    window.companions.first_steps.leave()
    window.apply_theme("light")
    window.resize(*USUAL)
    window.first_painted.connect(lambda: window.start([BY_NAME[name] for name in photos], model, "cpu"))
    window.show()
    wait_for(lambda: settled(window))
    yield window
    window.close()
    window.deleteLater()
    QTest.qWait(50)


def settled(window: MainWindow) -> bool:
    """Whether every photo has its answer and the one that is looked at its evidence."""
    items, current, presenter = window.gallery.items, window.inspect.gallery.current, window.inspect.presenter
    answered = bool(items) and all(isinstance(item.outcome, Result) for item in items)
    shown = presenter.evidence is not None and current is not None and presenter.evidence.item == current.number
    return answered and shown and not presenter.waiting and window.inspect.view.has_photo


def look_at(window: MainWindow, row: int) -> None:
    """Choose a photo and wait for its evidence."""
    window.inspect.gallery.select_row(row)
    wait_for(lambda: settled(window))


def answers(window: MainWindow, folder: Path) -> None:
    """The window; an answer that is one of a group; what the network does not know."""
    window.resize(*USUAL)
    save(window, folder / "window.jpg")
    window.resize(*HIGH)
    QTest.qWait(200)
    save(window.inspect.predictions, folder / "group.png")
    look_at(window, PHOTOS.index("raccoon"))
    save(window.inspect.predictions, folder / "unknown.png")


def comparisons(window: MainWindow, folder: Path) -> None:
    """One class at four depths; four methods at a layer where two of them mislead."""
    window.resize(*WIDE)
    look_at(window, PHOTOS.index("coffee"))
    page = window.inspect
    opacity = page.heatmap.opacity_slider.value()
    page.heatmap.opacity_slider.setValue(OPACITY)
    page.views.show_view(COMPARE)
    page.compare.fill(DEPTHS)
    wait_for(lambda: not page.compare.waiting)
    save(page.views, folder / "depths.jpg")
    page.presenter.choose_layer("blocks.10")
    page.compare.fill(METHODS)
    wait_for(lambda: not page.compare.waiting and not page.presenter.waiting)
    save(page.views, folder / "methods.jpg")
    page.presenter.choose_layer("head")
    page.heatmap.opacity_slider.setValue(opacity)
    page.views.show_view(PHOTO)


def labels(window: MainWindow, folder: Path) -> None:
    """Photos that are being sorted into classes."""
    window.resize(*USUAL)
    look_at(window, 0)
    window.actions_.label.trigger()
    labelling = window.labels.labelling
    numbers = {BY_NAME[name]: item.number for name, item in zip(PHOTOS, window.gallery.items, strict=True)}
    for label, names in CLASSES.items():
        labelling.add(label, [numbers[BY_NAME[name]] for name in names])
    QTest.qWait(200)
    save(window, folder / "labels.jpg")


def doubts(window: MainWindow, folder: Path) -> None:
    """A confident mistake, and the verdict on a map that asks for no class."""
    window.resize(*HIGH)
    QTest.qWait(200)
    save(window.inspect.predictions, folder / "mistake.png")
    window.inspect.presenter.choose_method("eigencam")
    wait_for(lambda: settled(window))
    window.inspect.open_check()
    check = window.inspect.check
    wait_for(lambda: check.panel.verdict.isVisible())
    save(check, folder / "check.jpg")
    check.close()


def blocks(window: MainWindow, folder: Path) -> None:
    """What the residual blocks add, how the gradient passes, and what is said without each."""
    window.resize(*LOW)
    look_at(window, 1)
    page = window.inspect.blocks
    window.inspect.views.show_view(BLOCKS)
    wait_for(lambda: page.opened is not None)
    for measure, name in (("size", "adds"), ("gradient", "gradient"), ("lesion", "lesion")):
        page.choose_measure(measure)
        QTest.qWait(100)
        save(window.inspect.views, folder / f"{name}.png")


def claim(folder: Path) -> None:
    """The two halves of the residual claim's plot."""
    with Image.open(paths.assets_folder() / "screenshots" / "residual.png") as plot:
        middle = 488
        plot.crop((0, 100, plot.width, middle)).save(folder / "claim-error.png", optimize=True)
        plot.crop((0, middle, plot.width, plot.height)).save(folder / "claim-gradient.png", optimize=True)


def make(folder: Path) -> None:
    """Write all pictures into a folder."""
    with window_of(*PHOTOS, model="efficientnet-lite0-imagenet") as window:
        for part in (answers, comparisons, labels):
            part(window, folder)
    with window_of("cat", "coffee", model="resnet50-everyday40") as window:
        for part in (doubts, blocks):
            part(window, folder)
    claim(folder)


def main() -> None:
    """Make them anew, in a home of their own."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        os.environ["RESNET_DESKTOP_HOME"] = home
        gui_app.create_application()
        make(folder)


if __name__ == "__main__":
    main()
