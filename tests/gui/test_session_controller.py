"""The session thread: order, priority, cancelling, and that nothing stale arrives."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pytestqt.qtbot import QtBot

from resnet_desktop.core.progress import Cancelled, CancelledError
from resnet_desktop.gui.background.session_controller import SessionController
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.session.engine import Engine
from resnet_desktop.session.results import Evidence, EvidenceRequest, Failure, ModelInfo, Result

from .conftest import WAIT

Items = Iterator[tuple[int, Path | bytes]]
CAT, COFFEE, ROCKET = sample_photos()[:3]


def test_every_photo_gets_its_answer_in_order(ready: SessionController, qtbot: QtBot, tmp_path: Path) -> None:
    answers: list[tuple[int, Result | Failure]] = []
    progress: list[tuple[int, int]] = []
    ready.item_finished.connect(lambda number, answer: answers.append((number, answer)))
    ready.queue_changed.connect(lambda done, total: progress.append((done, total)))
    sources: list[Path | bytes] = [CAT, tmp_path / "missing.jpg", COFFEE, ROCKET.read_bytes(), tmp_path]
    ready.classify(enumerate(sources))
    qtbot.waitUntil(lambda: len(answers) == len(sources), timeout=WAIT)
    assert [number for number, _ in answers] == list(range(len(sources)))
    assert [isinstance(answer, Result) for _, answer in answers] == [True, False, True, True, False]
    assert progress[0] == (0, 5)
    assert progress[-1] == (5, 5)
    assert not ready.busy


def test_what_is_looked_at_comes_before_the_queue(ready: SessionController, qtbot: QtBot) -> None:
    order: list[int] = []
    explained: list[Evidence] = []
    ready.item_finished.connect(lambda number, _answer: order.append(number))
    ready.evidence_ready.connect(explained.append)
    count = 40
    ready.classify((number, CAT) for number in range(count))
    ready.explain(count - 1, CAT, EvidenceRequest())
    qtbot.waitUntil(lambda: len(order) >= count, timeout=WAIT)
    assert order.index(count - 1) < count - 8
    assert [evidence.item for evidence in explained] == [count - 1]
    assert sorted(order) == list(range(count))


def test_only_the_latest_request_is_answered(ready: SessionController, qtbot: QtBot) -> None:
    explained: list[Evidence] = []
    ready.evidence_ready.connect(explained.append)
    for target in range(8):
        ready.explain(1, COFFEE, EvidenceRequest(target))
    qtbot.waitUntil(lambda: bool(explained), timeout=WAIT)
    qtbot.wait(100)
    assert [evidence.target for evidence in explained] == [7]
    ready.explain(1, COFFEE, EvidenceRequest(2))
    ready.drop_request()
    qtbot.wait(200)
    assert len(explained) == 1


def test_a_photo_that_is_looked_at_no_more_stays_in_the_queue(
    ready: SessionController, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one is selected while it is classified for its heatmap: it still gets its result."""
    order: list[int] = []
    ready.item_finished.connect(lambda number, _answer: order.append(number))
    real, given_up = Engine.classify, threading.Event()

    def classify(engine: Engine, number: int, source: Path | bytes) -> Result:
        if number == 20 and not given_up.is_set():
            given_up.set()
            ready.drop_request()
            raise CancelledError
        return real(engine, number, source)

    monkeypatch.setattr(Engine, "classify", classify)
    ready.classify((number, CAT) for number in range(24))
    ready.explain(20, CAT, EvidenceRequest())
    qtbot.waitUntil(lambda: not ready.busy, timeout=WAIT)
    assert given_up.is_set()
    assert sorted(order) == list(range(24))


def test_cancelling_empties_the_queue_and_the_next_one_works(ready: SessionController, qtbot: QtBot) -> None:
    order: list[int] = []
    ready.item_finished.connect(lambda number, _answer: order.append(number))
    ready.classify((number, CAT) for number in range(300))
    qtbot.waitUntil(lambda: len(order) >= 3, timeout=WAIT)
    ready.cancel()
    assert not ready.busy
    qtbot.wait(400)
    reached = len(order)
    assert reached < 300
    qtbot.wait(200)
    assert len(order) == reached
    ready.classify([(1000, COFFEE)])
    qtbot.waitUntil(lambda: order[-1] == 1000, timeout=WAIT)


def test_what_is_added_right_after_cancelling_is_classified(
    ready: SessionController, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also what comes before the run that was cancelled has noticed it."""
    order: list[int] = []
    ready.item_finished.connect(lambda number, _answer: order.append(number))
    real = Engine.classify_many

    def classify_many(engine: Engine, items: Items, cancelled: Cancelled) -> Iterator[tuple[int, Result | Failure]]:
        def fed() -> Items:
            for number, source in items:
                yield number, source
                if number == 2:
                    ready.cancel()
                    ready.classify((late, CAT) for late in range(100, 110))

        return real(engine, fed(), cancelled)

    monkeypatch.setattr(Engine, "classify_many", classify_many)
    ready.classify((number, CAT) for number in range(6))
    qtbot.waitUntil(lambda: bool(order) and order[-1] == 109, timeout=WAIT)
    assert [number for number in order if number >= 100] == list(range(100, 110))
    assert not ready.busy


def test_photos_that_were_removed_are_not_classified(ready: SessionController, qtbot: QtBot) -> None:
    order: list[int] = []
    ready.item_finished.connect(lambda number, _answer: order.append(number))
    ready.classify((number, CAT) for number in range(30))
    ready.forget(range(20, 30))
    qtbot.waitUntil(lambda: not ready.busy, timeout=WAIT)
    qtbot.wait(200)
    assert 29 not in order


def test_a_change_of_the_model_ends_the_old_queue(
    ready: SessionController, qtbot: QtBot, wary_model_file: Path
) -> None:
    events: list[str | bool] = []
    ready.item_finished.connect(lambda _number, answer: events.append(answer.unfamiliar))
    ready.model_ready.connect(lambda info: events.append(info.name))
    ready.classify((number, CAT) for number in range(200))
    qtbot.waitUntil(lambda: len(events) >= 2, timeout=WAIT)
    ready.open_model(str(wary_model_file), "cpu")
    qtbot.waitUntil(lambda: "wary18" in events, timeout=WAIT)
    ready.classify([(0, CAT)])
    qtbot.waitUntil(lambda: events[-1] is True, timeout=WAIT)
    place = events.index("wary18")
    assert not any(events[:place])  # the old model warns of nothing, the new one of everything
    assert all(events[place:])
    assert len(events) < 150


def test_a_model_that_cannot_be_opened_leaves_the_old_one(
    ready: SessionController, qtbot: QtBot, tmp_path: Path
) -> None:
    with qtbot.waitSignal(ready.model_failed, timeout=WAIT) as failed:
        ready.open_model(str(tmp_path / "none.onnx"), "cpu")
    assert failed.args[0].code == "missing_model"
    with qtbot.waitSignal(ready.item_finished, timeout=WAIT) as answered:
        ready.classify([(1, CAT)])
    assert isinstance(answered.args[1], Result)


def test_a_provider_that_does_not_run_is_replaced_and_named(
    controller: SessionController, qtbot: QtBot, model_file: Path
) -> None:
    with qtbot.waitSignals([controller.provider_fell_back, controller.model_ready], timeout=WAIT):
        said: list[str] = []
        controller.provider_fell_back.connect(said.append)
        infos: list[ModelInfo] = []
        controller.model_ready.connect(infos.append)
        controller.open_model(str(model_file), "no-such-provider")
    assert "no-such-provider" in said[0]
    assert "no-such-provider" in infos[0].reason


def test_after_the_end_nothing_is_done(ready: SessionController, qtbot: QtBot) -> None:
    answered: list[int] = []
    ready.item_finished.connect(lambda number, _answer: answered.append(number))
    ready.classify((number, CAT) for number in range(50))
    ready.close()
    ready.classify([(1000, CAT)])
    ready.explain(1000, CAT, EvidenceRequest())
    qtbot.wait(200)
    assert answered == []


def test_an_answer_that_is_no_number_is_the_photos_own(
    ready: SessionController, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    from resnet_desktop.inference.classifier import Classifier, Seen

    prepare = Classifier.prepare

    def spoilt(self: Classifier, source: Path | bytes, out: NDArray[np.float32], *more: Any) -> Seen:
        size = prepare(self, source, out, *more)
        if source == COFFEE:
            out[:] = np.nan
        return size

    monkeypatch.setattr(Classifier, "prepare", spoilt)
    answers: dict[int, Result | Failure] = {}
    stopped: list[Failure] = []
    ready.item_finished.connect(answers.__setitem__)
    ready.stopped.connect(stopped.append)
    ready.classify(enumerate([CAT, COFFEE, ROCKET]))
    qtbot.waitUntil(lambda: len(answers) == 3, timeout=WAIT)
    spoilt_answer = answers[1]
    assert isinstance(spoilt_answer, Failure)
    assert spoilt_answer.code == "not_finite"
    assert isinstance(answers[2], Result)
    with qtbot.waitSignal(ready.item_finished, timeout=WAIT) as looked:
        ready.explain(9, COFFEE, EvidenceRequest())
    assert looked.args[1].code == "not_finite"
    assert not stopped
