"""``python -m tests.benchmarks.ten_thousand PHOTOS``: the window with ten thousand photos.

The real photos of a folder are linked under as many names as are asked for and dropped on the real main window. While
they are classified, somebody types into the filter, changes to the grid, groups, scrolls and looks at photos; then the
same without anything under way. A timer of 5 ms measures the time between two turns of the event loop, and a second
thread looks at what the first one does whenever a turn takes more than 50 ms. Also measured: memory, how long giving up
takes, and a photo's time in the long list against its time in one of a hundred photos.

The window is on Qt's offscreen platform unless ``QT_QPA_PLATFORM`` names another one.
"""

from __future__ import annotations

import argparse
import itertools
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QMimeData, QUrl

from resnet_desktop.core.settings import HINT_SEEN, Settings
from resnet_desktop.gui.gallery.photo_filter import PhotoFilter
from resnet_desktop.gui.shell import app as gui_app
from resnet_desktop.gui.shell.main_window import MainWindow
from resnet_desktop.imaging.container import IMAGE_SUFFIXES
from tests.benchmarks.event_loop import Condition, Guided, Watch, after, print_slowest, print_turns

FEW = 100
TYPED = ("c", "ca", "cat", "cat img", "")


class Measured:
    """What is measured beside the turns of the loop, and when photos came to their end."""

    def __init__(self, window: MainWindow) -> None:
        self.finished: list[float] = []
        self.cancelled = 0.0  # seconds until the session thread has nothing to do
        self.few = self.many = 0.0  # seconds for each photo
        window.controller.item_finished.connect(lambda _number, _outcome: self.finished.append(time.perf_counter()))

    def each(self, photos: int) -> float:
        """Seconds for each of the last photos."""
        times = self.finished[-photos:]
        return (times[-1] - times[0]) / (len(times) - 1)


def linked(folder: Path, photos: list[Path], count: int) -> Path:
    """A folder of ``count`` names for some photos."""
    folder.mkdir()
    for number, photo in zip(range(count), itertools.cycle(photos), strict=False):
        os.link(photo, folder / f"img {number:05}{photo.suffix}")
    return folder


def script(window: MainWindow, watch: Watch, measured: Measured, few: Path, many: Path) -> Iterator[Condition]:
    """What a person does, and what they wait for."""
    gallery, page = window.gallery, window.inspect
    watch.phase = "a hundred photos"
    window.start((), None, "cpu")
    yield lambda: not window.controller.loading
    drop(window, few)
    yield lambda: len(measured.finished) >= FEW
    measured.few = measured.each(FEW - 10)
    window.clear()
    yield after(1.0)
    watch.phase = "many are dropped"
    count, start = len(list(many.iterdir())), len(measured.finished)
    drop(window, many)
    yield lambda: gallery.rowCount() == count
    watch.phase = "classified, nothing else"
    yield lambda: len(measured.finished) - start >= count // 3
    yield from look_around(window, watch, "classified")
    watch.phase = "classified, nothing else"
    yield lambda: len(measured.finished) - start >= count
    measured.many = measured.each(FEW)
    yield after(2.0)
    yield from look_around(window, watch, "at rest")
    watch.phase = "cancelled"
    page.gallery.selectAll()
    window.actions_.again.trigger()
    yield after(1.0)
    begun = time.perf_counter()
    window.cancel()
    yield lambda: not window.controller._worker._working
    measured.cancelled = time.perf_counter() - begun
    watch.phase = "cleared, and back"
    window.clear()
    yield after(1.0)
    window.actions_.undo.trigger()
    yield after(1.0)


def look_around(window: MainWindow, watch: Watch, when: str) -> Iterator[Condition]:
    """Filter, scroll, choose."""
    page, view = window.inspect, window.inspect.gallery
    field, bar = page.photo_list.finding.field, view.verticalScrollBar()
    watch.phase = f"{when}: filtered"
    page.photo_list.finding.more.setChecked(True)
    for words in TYPED:
        field.setText(words)
        yield after(0.3)
    view.shown.set_filter(PhotoFilter(low=0.5, high=0.9))
    yield after(0.3)
    view.shown.set_filter(PhotoFilter())
    yield after(0.3)
    for name, action in (("grid", window.actions_.grid), ("by class", window.actions_.group)):
        watch.phase = f"{when}: {name}"
        action.trigger()
        for share in (0.1, 0.5, 0.9):
            bar.setValue(int(bar.maximum() * share))
            yield after(0.3)
        action.trigger()
        yield after(0.3)
    watch.phase = f"{when}: scrolled"
    for step in range(40):
        bar.setValue(step * bar.maximum() // 40)
        yield after(0.03)
    watch.phase = f"{when}: chosen"
    for row in range(0, view.shown.rowCount(), max(1, view.shown.rowCount() // 10)):
        view.select_row(row)
        yield after(0.5)


def drop(window: MainWindow, folder: Path) -> None:
    """As from a file manager."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(folder))])
    window.add_mime(mime)


def main() -> None:
    """Lead the window through it and print what was measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.ten_thousand", description=__doc__)
    parser.add_argument("folder", type=Path, help="real photos, on the disk of the system's temporary folder")
    parser.add_argument("--photos", type=int, default=10_000)
    parser.add_argument("--slowest", type=int, default=12, help="moments that are printed (default 12)")
    given = parser.parse_args()
    photos = sorted(path for path in given.folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)[:FEW]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        os.environ["RESNET_DESKTOP_HOME"] = str(Path(name) / "home")
        few, many = linked(Path(name) / "few", photos, FEW), linked(Path(name) / "many", photos, given.photos)
        app = gui_app.create_application()
        Settings().change(HINT_SEEN, True)
        watch = Watch()
        window = gui_app.create_window()
        measured, guided = Measured(window), list[Guided]()
        steps = script(window, watch, measured, few, many)
        window.first_painted.connect(lambda: guided.append(Guided(steps, app.quit, seconds=3600)))
        window.show()
        app.exec()
        watch.end()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        window.close()
        print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, Qt on {app.platformName()}")
        print(f"{given.photos} names of {len(photos)} photos")
        print_turns(watch)
        print(f"memory at its highest: {peak:.0f} MB (reach 900)")
        print(f"given up after {1e3 * measured.cancelled:.0f} ms (reach 300)")
        ratio = measured.many / measured.few
        print(f"a photo: {1e3 * measured.few:.1f} ms of {FEW}, {1e3 * measured.many:.1f} ms of all, ratio {ratio:.2f}")
        print_slowest(watch, given.slowest)


if __name__ == "__main__":
    main()
