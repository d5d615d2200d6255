"""``python -m tests.benchmarks.event_loop DATA``: how long the window does not answer while it teaches a network.

The real main window and the guide are led through two real trainings, of the head and of the last stage, from the drop
of the photos to the results; while they run, every tab of their page is looked at. A timer of 5 ms measures the time
between two turns of the event loop; a second thread looks at what the first one does whenever a turn takes more than
50 ms. The window is on Qt's offscreen platform unless ``QT_QPA_PLATFORM`` names another one.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QTabWidget

from resnet_desktop.gui.shell import app as gui_app
from resnet_desktop.gui.shell.main_window import MainWindow
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.gui.wizard.wizard import TrainWizard

TICK_MS = 5
SLOW_SECONDS = 0.05
SAMPLE_SECONDS = 0.005
LIMIT_SECONDS = 400.0
WAITING = ("wait", "_worker", "get", "_wait_for_tstate_lock", "follow", "_lines", "_read_log", "_read_lines")
"""Where threads stand that have nothing to do."""
PROJECT = str(Path(gui_app.__file__).parents[1])
Condition = Callable[[], object]


@dataclass(slots=True)
class Slow:
    """A turn of the loop that took long: in which phase, how long, what was seen in it and in other threads.

    ``worked``: seconds of the processor that it took itself; ``queued``: seconds in which it could have gone on, but
    other threads and programs had all cores (known on Linux). The rest is waiting for a lock, as the interpreter's.
    """

    phase: str
    seconds: float
    worked: float
    queued: float | None
    seen: Counter[str] = field(default_factory=Counter)
    beside: Counter[str] = field(default_factory=Counter)


class Watch(QObject):
    """Times the turns of the event loop of the thread that makes it."""

    def __init__(self) -> None:
        super().__init__()
        self.phase = "start"
        self.turns: dict[str, list[float]] = defaultdict(list)
        self.slow: list[Slow] = []
        self._seen, self._beside = Counter[str](), Counter[str]()
        self._last, self._main = time.perf_counter(), threading.get_ident()
        self._worked, self._queued = time.thread_time(), _queued()
        self._ended = threading.Event()
        self._timer = QTimer(self, interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_turn)
        self._timer.start()
        self._thread = threading.Thread(target=self._sample, name="watch", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Measure no more."""
        self._timer.stop()
        self._ended.set()
        self._thread.join()

    def _on_turn(self) -> None:
        now = time.perf_counter()
        seconds = now - self._last
        self.turns[self.phase].append(seconds)
        worked, queued = time.thread_time(), _queued()
        if seconds > SLOW_SECONDS:
            late = None if queued is None or self._queued is None else queued - self._queued
            self.slow.append(Slow(self.phase, seconds, worked - self._worked, late, self._seen, self._beside))
        self._seen, self._beside = Counter[str](), Counter[str]()
        self._last, self._worked, self._queued = now, worked, queued

    def _sample(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            if time.perf_counter() - self._last > SLOW_SECONDS / 2:
                for number, frame in sys._current_frames().items():
                    if number != threading.get_ident():
                        place = _place(traceback.extract_stack(frame))
                        (self._seen if number == self._main else self._beside)[place] += 1


def _queued() -> float | None:
    """Seconds that this thread has waited for a core so far; None where the system does not say."""
    try:
        words = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat").read_text().split()
    except OSError:
        return None
    return int(words[1]) / 1e9


def _place(stack: traceback.StackSummary) -> str:
    """The innermost lines of the project, and where it went from there."""
    own = [entry for entry in stack if entry.filename.startswith(PROJECT)]
    words = [f"{Path(e.filename).relative_to(PROJECT)}:{e.lineno} {e.name}" for e in own[-3:]]
    if stack[-1].filename.startswith(PROJECT) or not own:
        return " > ".join(words) or f"{Path(stack[-1].filename).name}:{stack[-1].lineno} {stack[-1].name}"
    return " > ".join([*words, f"{Path(stack[-1].filename).name} {stack[-1].name}"])


class Guided(QObject):
    """Leads the window through a script: a generator that yields what to wait for."""

    def __init__(self, script: Iterator[Condition], done: Callable[[], object], seconds: float = LIMIT_SECONDS) -> None:
        super().__init__()
        self._limit = seconds
        self._script, self._done = script, done
        self._wanted: Condition = lambda: True
        self._deadline = time.monotonic() + seconds
        self._timer = QTimer(self, interval=20)
        self._timer.timeout.connect(self._on_time)
        self._timer.start()

    def _on_time(self) -> None:
        if time.monotonic() > self._deadline:
            raise SystemExit(f"it did not come to an end: {self._wanted}")
        if not self._wanted():
            return
        try:
            self._wanted = next(self._script)
            self._deadline = time.monotonic() + self._limit
        except StopIteration:
            self._timer.stop()
            self._done()


def script(window: MainWindow, watch: Watch, data: Path, epochs: int) -> Iterator[Condition]:
    """What a person does, and what they wait for."""
    watch.phase = "main window"
    window.start(sample_photos(), None, "cpu")
    yield lambda: window.inspect.presenter.evidence is not None and window.inspect.view.has_photo
    yield after(1.0)
    for train, preset in (("head", "quick"), ("last-stage", "quick")):
        watch.phase = f"{train}: opening the guide"
        window.open_wizard()
        wizard = window.wizard
        assert wizard is not None
        yield lambda w=wizard: w.pages.trainer.found is not None  # type: ignore[misc]
        yield from _to_model(wizard, watch, data, train)
        wizard.pages.model.choose(train, preset)
        yield after(0.5)
        yield lambda w=wizard: "About" in w.pages.model.estimate or "minutes" in w.pages.model.estimate  # type: ignore[misc]
        watch.phase = f"{train}: run page"
        wizard.draft = wizard.pages.model.into(wizard.draft)
        wizard.go_on()
        yield from _look_around(wizard, epochs)
        watch.phase = f"{train}: results page"
        yield lambda w=wizard: w.page is w.pages.result and w.pages.result.headline  # type: ignore[misc]
        tabs = wizard.pages.result.findChildren(QTabWidget)[0]
        for tab in range(tabs.count()):
            tabs.setCurrentIndex(tab)
            yield after(2.0)
        watch.phase = f"{train}: closing the guide"
        wizard.close()
        yield lambda: window.wizard is None
        yield after(0.5)


def _to_model(wizard: TrainWizard, watch: Watch, data: Path, train: str) -> Iterator[Condition]:
    watch.phase = f"{train}: photos page"
    wizard.add_sources([data])
    yield lambda: wizard.pages.data.complete
    yield after(0.5)
    watch.phase = f"{train}: check page"
    wizard.go_on()
    yield lambda: wizard.pages.check.complete
    for number in range(min(4, len(wizard.pages.check.findings))):
        wizard.pages.check.sheet.choose_finding(number)
        yield after(0.7)
    watch.phase = f"{train}: model page"
    wizard.go_on()
    if wizard.page is wizard.pages.trainer:
        wizard.go_on()
    yield lambda: wizard.pages.model.complete


def _look_around(wizard: TrainWizard, epochs: int) -> Iterator[Condition]:
    """Every tab, and the log, in turn until the run has ended."""
    run, tabs = wizard.run, wizard.pages.progress.details.tabs
    number = 0
    while not run.state.ended:
        tabs.setCurrentIndex(number % 3)
        if number % 5 == 4:
            wizard.pages.progress._fold.toggle()
        number += 1
        yield _or_ended(wizard, after(1.0))
        if epochs and len(run.state.history) >= epochs and run.asked != "stop":
            run.send("stop")
    if not run.state.was_successful():
        raise SystemExit(f"the run ended as {run.state.phase}: {run.state.error}")


def _or_ended(wizard: TrainWizard, condition: Condition) -> Condition:
    return lambda: wizard.run.state.ended or condition()


def after(seconds: float) -> Condition:
    """Some time later."""
    due = time.monotonic() + seconds
    return lambda: time.monotonic() > due


def print_turns(watch: Watch) -> None:
    """A line for each phase; at the end, the longest time that the thread itself worked in a turn above the limit."""
    titles = f"{'turns':>8}{'median':>9}{'99.9 %':>9}{'largest':>9}{'at work':>9}"
    print(f"{'milliseconds between two turns':34}{titles}")
    for phase, turns in watch.turns.items():
        ordered = sorted(turns)
        late = ordered[min(len(ordered) - 1, int(0.999 * len(ordered)))]
        worked = max((slow.worked for slow in watch.slow if slow.phase == phase), default=0.0)
        cells = (ordered[len(ordered) // 2], late, ordered[-1], worked)
        print(f"{phase:34}{len(turns):8}" + "".join(f"{1e3 * cell:9.1f}" for cell in cells))


def report(watch: Watch, most: int) -> None:
    """Print the table, and the slowest moments with what was seen in them."""
    print_turns(watch)
    running = [turn for phase, turns in watch.turns.items() if "run page" in phase for turn in turns]
    print(f"largest gap while it trains: {1e3 * max(running):.0f} ms (reach 100 ms)")
    print_slowest(watch, most)


def print_slowest(watch: Watch, most: int) -> None:
    """The slowest moments, with what was seen in them."""
    print(f"\nslowest moments ({len(watch.slow)} above {1e3 * SLOW_SECONDS:.0f} ms)")
    for slow in sorted(watch.slow, key=lambda one: -one.seconds)[:most]:
        queued = "" if slow.queued is None else f", {1e3 * slow.queued:.0f} waiting for a core"
        print(f"{1e3 * slow.seconds:7.0f} ms  {slow.phase}: {1e3 * slow.worked:.0f} at work{queued}")
        for place, count in slow.seen.most_common(2):
            print(f"      {count:3} × {place}")
        threads = Counter({place: n for place, n in slow.beside.items() if not place.endswith(WAITING)})
        for place, count in threads.most_common(1):
            print(f"      {count:3} × in another thread: {place}")


def main() -> None:
    """Lead the window through it and print what was measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.event_loop", description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--epochs", type=int, default=0, help="stop each run after so many (default: its preset's)")
    parser.add_argument("--slowest", type=int, default=16, help="moments that are printed (default 16)")
    parser.add_argument("--home", type=Path, help="where the app keeps its things (default: a folder that is removed)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        os.environ["RESNET_DESKTOP_HOME"] = str(given.home or Path(name) / "home")
        app = gui_app.create_application()
        watch = Watch()
        window = gui_app.create_window()
        guided: list[Guided] = []
        steps = script(window, watch, given.data.absolute(), given.epochs)
        window.first_painted.connect(lambda: guided.append(Guided(steps, app.quit)))
        window.show()
        app.exec()
        watch.end()
        window.close()
        print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, Qt on {app.platformName()}")
        report(watch, given.slowest)


if __name__ == "__main__":
    main()
