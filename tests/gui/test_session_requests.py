"""What is asked of the session thread beside photos: slots, progress, errors, and a model that changes meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

from pytestqt.qtbot import QtBot

from resnet_desktop.core.progress import Cancelled, CancelledError, Progress
from resnet_desktop.explain.residual.analysis import BlockAnalysis
from resnet_desktop.gui.background.session_controller import SessionController
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.session.engine import Engine
from resnet_desktop.session.results import EvidenceRequest, Failure

from .conftest import WAIT

Items = Iterator[tuple[int, Path | bytes]]
CAT, COFFEE, ROCKET = sample_photos()[:3]


def classified(ready: SessionController, qtbot: QtBot, number: int, photo: Path) -> None:
    with qtbot.waitSignal(ready.item_finished, timeout=WAIT):
        ready.classify([(number, photo)])


def test_asking_answers_on_the_slot(ready: SessionController, qtbot: QtBot) -> None:
    answers: list[tuple[str, object]] = []
    progress: list[tuple[str, int, int]] = []
    ready.answered.connect(lambda slot, answer: answers.append((slot, answer)))
    ready.progressed.connect(lambda *told: progress.append(told))
    classified(ready, qtbot, 1, CAT)

    def blocks(engine: Engine, cancelled: Cancelled, told: Progress) -> object:
        return engine.analysis.blocks(1, CAT, None, cancelled, told)

    ready.ask("blocks", blocks)
    qtbot.waitUntil(lambda: bool(answers), timeout=WAIT)
    slot, answer = answers[0]
    assert slot == "blocks"
    assert isinstance(answer, BlockAnalysis)
    assert len(answer.reports) == 8  # of a ResNet-18
    assert progress
    assert {told[0] for told in progress} == {"blocks"}


def test_only_the_latest_of_a_slot_is_answered_and_errors_come_as_words(ready: SessionController, qtbot: QtBot) -> None:
    answers: list[tuple[str, object]] = []
    ready.answered.connect(lambda slot, answer: answers.append((slot, answer)))
    started, released = threading.Event(), threading.Event()

    def slow(_engine: Engine, cancelled: Cancelled, _progress: Progress) -> str:
        started.set()
        while not cancelled():
            released.wait(0.01)
        raise CancelledError

    def wrong(engine: Engine, _cancelled: Cancelled, _progress: Progress) -> object:
        return engine.analysis.sheet(1, CAT, "no-such-layer", None)

    ready.ask("one", slow)
    assert started.wait(10)
    ready.ask("one", lambda *_: "second")
    qtbot.waitUntil(lambda: answers == [("one", "second")], timeout=WAIT)
    ready.ask("two", wrong)
    qtbot.waitUntil(lambda: len(answers) == 2, timeout=WAIT)
    failure = answers[1][1]
    assert isinstance(failure, Failure)
    assert failure.code == "unknown_layer"
    started.clear()
    ready.ask("three", slow)
    assert started.wait(10)
    ready.drop("three")
    ready.ask("four", lambda *_: "fourth")
    qtbot.waitUntil(lambda: len(answers) == 3, timeout=WAIT)
    assert answers[2] == ("four", "fourth")


def test_what_is_looked_at_is_served_while_something_long_runs(ready: SessionController, qtbot: QtBot) -> None:
    order: list[str] = []
    ready.evidence_ready.connect(lambda evidence: order.append(f"evidence {evidence.target}"))
    ready.answered.connect(lambda slot, _answer: order.append(slot))
    classified(ready, qtbot, 1, CAT)
    running = threading.Event()

    def long_work(_engine: Engine, _cancelled: Cancelled, progress: Progress) -> None:
        for step in range(50):
            running.set()
            progress(step, 50)
            time.sleep(0.02)

    ready.ask("long", long_work)
    assert running.wait(10)
    ready.explain(1, CAT, EvidenceRequest(3))
    qtbot.waitUntil(lambda: "long" in order, timeout=WAIT)
    assert order == ["evidence 3", "long"]


def test_a_new_model_drops_what_was_asked_of_the_old(
    ready: SessionController, qtbot: QtBot, wary_model_file: Path
) -> None:
    answers: list[object] = []
    ready.answered.connect(lambda slot, _answer: answers.append(slot))
    started = threading.Event()

    def until_cancelled(_engine: Engine, cancelled: Cancelled, _progress: Progress) -> None:
        started.set()
        while not cancelled():
            time.sleep(0.005)
        raise CancelledError

    ready.ask("old", until_cancelled)
    assert started.wait(10)
    with qtbot.waitSignal(ready.model_ready, timeout=WAIT):
        ready.open_model(str(wary_model_file), "cpu")
    ready.ask("new", lambda *_: 1)
    qtbot.waitUntil(lambda: answers == ["new"], timeout=WAIT)


def test_a_model_that_cannot_be_opened_interrupts_but_does_not_drop(
    ready: SessionController, qtbot: QtBot, tmp_path: Path
) -> None:
    answers: list[object] = []
    ready.answered.connect(lambda slot, answer: answers.append((slot, answer)))
    runs: list[int] = []
    started = threading.Event()

    def work(_engine: Engine, cancelled: Cancelled, _progress: Progress) -> str:
        runs.append(1)
        started.set()
        while len(runs) == 1:
            if cancelled():
                raise CancelledError
            time.sleep(0.005)
        return "done after all"

    ready.ask("patient", work)
    assert started.wait(10)
    with qtbot.waitSignal(ready.model_failed, timeout=WAIT):
        ready.open_model(str(tmp_path / "missing.onnx"), "cpu")
    qtbot.waitUntil(lambda: answers == [("patient", "done after all")], timeout=WAIT)
    assert len(runs) == 2


def test_of_two_models_that_are_opened_the_first_ends_no_switch(
    ready: SessionController, qtbot: QtBot, wary_model_file: Path, tmp_path: Path
) -> None:
    waiting: list[tuple[str, int]] = []
    ready.model_ready.connect(lambda info: waiting.append((info.name, ready.loading)))
    ready.model_failed.connect(lambda failure: waiting.append((failure.code, ready.loading)))
    ready.open_model(str(tmp_path / "missing.onnx"), "cpu", or_default=False)
    ready.open_model(str(wary_model_file), "cpu")
    assert ready.loading == 2
    qtbot.waitUntil(lambda: len(waiting) == 2, timeout=WAIT)
    assert waiting == [("missing_model", 1), ("wary18", 0)]


def test_what_is_ordered_between_a_fault_and_its_report_is_done(
    ready: SessionController, qtbot: QtBot, wary_model_file: Path
) -> None:
    stopped: list[Failure] = []
    ready.stopped.connect(stopped.append)

    begun = threading.Event()

    def fault(_engine: Engine, _cancelled: Cancelled, _progress: Progress) -> None:
        begun.set()
        raise LookupError("a fault of the program")

    ready.ask("faulty", fault)
    assert begun.wait(WAIT / 1000)
    deadline = time.monotonic() + WAIT / 1000
    while not _idle("session") and time.monotonic() < deadline:
        time.sleep(0.005)  # without the event loop, so that the report waits
    with qtbot.waitSignal(ready.model_ready, timeout=WAIT):
        ready.open_model(str(wary_model_file), "cpu")
    assert stopped[0].code == "internal"
    assert ready.loading == 0


def _idle(name: str) -> bool:
    """Whether the threads of this name are gone or wait."""
    import sys

    frames = sys._current_frames()
    threads = [thread for thread in threading.enumerate() if thread.name.startswith(name)]
    return all(thread.ident in frames and frames[thread.ident].f_code.co_name == "_worker" for thread in threads)
