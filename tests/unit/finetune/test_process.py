"""A real trainer process is started, listened to, told commands, and followed again."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from resnet_desktop.core.errors import TrainingError
from resnet_desktop.finetune import events
from resnet_desktop.finetune.process import TrainerProcess, environment, follow, is_training
from resnet_desktop.imaging.decode import encode_png

WAIT = 120.0


class Listener:
    """Collects what a trainer says."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.codes: list[int] = []

    def start(self, *arguments: str, python: Path | None = None) -> TrainerProcess:
        return TrainerProcess(arguments, python=python, on_line=self.lines.append, on_exit=self.codes.append)

    def events(self) -> list[str]:
        found = (events.decode(line) for line in self.lines)
        return [str(record["event"]) for record in found if record is not None]


@pytest.fixture
def listener() -> Listener:
    return Listener()


def job(folder: Path, **changes: object) -> Path:
    """A job that trains long enough to be talked to: noise pictures of two classes on a tiny network."""
    rng = np.random.default_rng(0)
    for label in ("dark", "light"):
        place = folder / "photos" / label
        place.mkdir(parents=True, exist_ok=True)
        for index in range(8):
            level = 60 if label == "dark" else 190
            pixels = np.clip(rng.normal(level, 20, (32, 32, 3)), 0, 255).astype(np.uint8)
            (place / f"{index}.png").write_bytes(encode_png(pixels))
    recipe = {"arch": "resnet20-cifar", "schedule": [{"epochs": 2000, "size": 32, "batch_size": 8}]}
    values = {"data": [{"folder": str(folder / "photos")}], "output": str(folder / "run"), "train": "scratch"}
    path = folder / "job.json"
    path.write_text(json.dumps({**values, "recipe": recipe, **changes}))
    return path


def wait_for(condition: object, seconds: float = WAIT) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def test_a_job_that_is_no_job_ends_with_its_code(listener: Listener, tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    path.write_text("{}")
    process = listener.start(str(path))
    assert process.wait(WAIT)
    assert listener.codes == [events.EXIT_BAD_JOB]
    assert listener.events() == ["failed"]
    assert any("bad_job" in line for line in process.log)
    assert not process.send("pause")
    assert not process.running


def test_an_interpreter_that_is_none_is_an_error_in_words(listener: Listener, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="could not be started") as caught:
        listener.start("job.json", python=tmp_path / "no-python")
    assert caught.value.code == "no_torch"


def test_the_environment_leads_to_this_package(tmp_path: Path) -> None:
    own = environment(None)
    assert own["PYTHONPATH"].split(":" if sys.platform != "win32" else ";")[0] == str(Path(__file__).parents[3])
    assert (Path(own["RESNET_DESKTOP_SHIPPED"]) / "assets").is_dir()
    other = environment(tmp_path / "python")
    assert other.get("PYTHONPATH") != own["PYTHONPATH"], "another interpreter has libraries of its own"


def test_commands_reach_a_run_and_it_is_followed(listener: Listener, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    process = listener.start(str(job(tmp_path)))
    wait_for(lambda: "progress" in listener.events())
    assert process.running
    assert is_training(tmp_path / "run")
    followed: list[str] = []
    thread = threading.Thread(target=lambda: followed.extend(follow(tmp_path / "run")))
    thread.start()
    assert process.send("cancel")
    assert process.wait(WAIT)
    thread.join(WAIT)
    assert not thread.is_alive()
    assert listener.codes == [events.EXIT_CANCELLED]
    assert followed == listener.lines
    assert not is_training(tmp_path / "run")


def test_a_detached_run_goes_on_until_it_is_killed(listener: Listener, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    process = listener.start(str(job(tmp_path)))
    wait_for(lambda: "progress" in listener.events())
    process.detach()
    count = len(listener.lines)
    wait_for(lambda: len(listener.lines) > count + 3)
    assert process.running
    process.kill()
    assert process.wait(WAIT)
    assert listener.codes[0] != 0
    assert listener.events()[-1] not in events.LAST_EVENTS
    last = list(follow(tmp_path / "run"))[-1]
    assert last, "following ends, since nobody trains there any more"


def test_following_stops_when_asked(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "events.jsonl").write_text(events.encode("started", {"job": {}}) + "\n")
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 3

    with FileLock(run / ".lock"):
        assert is_training(run)
        assert len(list(follow(run, cancelled=cancelled, wait=lambda _seconds: None))) == 1
    assert not is_training(run)
    assert list(follow(tmp_path / "nothing")) == []
