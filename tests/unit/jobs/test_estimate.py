"""The estimate is asked of a real trainer; what it says is read strictly."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from resnet_desktop.core.errors import TrainingError
from resnet_desktop.core.progress import CancelledError
from resnet_desktop.imaging.decode import decode, encode_png
from resnet_desktop.jobs.launching.estimate import Part, estimate, read
from resnet_desktop.jobs.launching.trainer_requests import ask, find_rate, preview

GOOD: dict[str, Any] = {"seconds": 12.5, "seconds_per_step": 0.1, "batch_size": 8, "trainable": 10, "total": 20}
GOOD |= {"device": "cpu", "classes": 2, "chosen": {"epochs": 3}}
GOOD["parts"] = [{"name": "head", "total": 10, "trainable": 10, "rate": 1.0}]

MakeJob = Callable[..., dict[str, Any]]


@pytest.fixture
def make_job(tmp_path: Path, tried_once: None) -> MakeJob:
    """A job for a small network on a few pictures: ``make_job(key=value…)``."""
    pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    for label in ("a", "b"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for index in range(6):
            pixels = rng.integers(0, 255, (40, 40, 3), np.uint8)
            (tmp_path / "photos" / label / f"{index}.png").write_bytes(encode_png(pixels))

    def make(**changes: Any) -> dict[str, Any]:
        recipe = {"arch": "resnet20-cifar", "schedule": [{"epochs": 3, "size": 16, "batch_size": 4}]}
        recipe |= changes.pop("recipe", {})
        job = {"data": [{"folder": str(tmp_path / "photos")}], "output": str(tmp_path / "run"), "train": "scratch"}
        return {**job, "device": "cpu", "input_size": 16, "recipe": recipe, **changes}

    return make


def test_what_was_said_is_read() -> None:
    found = read(GOOD)
    assert (found.seconds, found.batch_size, found.trainable, found.device) == (12.5, 8, 10, "cpu")
    assert found.parts == (Part("head", 10, 10, 1.0),)
    assert found.chosen == {"epochs": 3}


@pytest.mark.parametrize("changes", [{"seconds": "soon"}, {"parts": [{}]}, {"parts": None}, {"chosen": 3}])
def test_what_is_no_estimate_is_said_in_words(changes: dict[str, Any]) -> None:
    with pytest.raises(TrainingError, match="could not be measured") as caught:
        read({**GOOD, **changes})
    assert caught.value.code == "no_estimate"


def test_an_interpreter_that_is_none(make_job: MakeJob, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="could not be started"):
        estimate(make_job(), tmp_path / "no-python")


def test_an_interpreter_without_the_trainer_says_why(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"could not answer: .*unrecognized arguments") as caught:
        ask("--no-such-question", {}, None)
    assert caught.value.code == "no_estimate"


def test_a_job_is_measured(make_job: MakeJob, tmp_path: Path) -> None:
    found = estimate(make_job(), None)
    assert found.device == "cpu"
    assert found.trainable == found.total > 200_000
    assert found.total == sum(part.total for part in found.parts)
    assert [part.name for part in found.parts] == ["conv1", "layer1", "layer2", "layer3", "head"]
    assert found.seconds > 0
    assert found.classes == 2
    assert found.chosen["epochs"] == 3
    assert not (tmp_path / "run").exists()


def test_the_trainers_own_words_and_code_come_through(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="'data' of the job is empty") as caught:
        estimate({"data": [], "output": str(tmp_path / "run")}, Path(sys.executable))
    assert caught.value.code == "bad_job"


def test_a_question_that_is_given_up_ends_its_process(make_job: MakeJob) -> None:
    given_up = threading.Event()
    heard: list[object] = []

    def on_point(point: object) -> None:
        heard.append(point)
        given_up.set()

    job = make_job(recipe={"schedule": [{"epochs": 1, "size": 96, "batch_size": 12}]})
    with pytest.raises(CancelledError):
        find_rate(job, None, on_point=on_point, cancelled=given_up.is_set)
    count = len(heard)
    assert count >= 1
    time.sleep(0.3)
    assert len(heard) == count, "nobody speaks any more"


def test_a_question_that_takes_too_long_is_given_up(make_job: MakeJob) -> None:
    with pytest.raises(TrainingError, match="did not respond within 0 seconds"):
        ask("--estimate", make_job(), None, limit=0.2)


def test_a_range_test_is_followed(make_job: MakeJob) -> None:
    heard: list[float] = []
    found = find_rate(make_job(), None, on_point=lambda point: heard.append(point.rate))
    assert heard == [point.rate for point in found.points] == sorted(heard)
    assert all(point.step <= point.steps for point in found.points)


def test_examples_are_written(make_job: MakeJob, tmp_path: Path) -> None:
    found = preview(make_job(), None, tmp_path / "shown")
    assert {row.label for row in found} == {"a", "b"}
    for row in found:
        assert len(row.augmented) == 5
        assert {decode(path).pixels.shape for path in (row.plain, *row.augmented)} == {(16, 16, 3)}
