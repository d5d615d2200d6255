"""A real trainer process is started, listened to, told commands, and followed again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from resnet_desktop.core.errors import TrainingError
from resnet_desktop.imaging.decode import encode_png
from resnet_desktop.jobs import events
from resnet_desktop.jobs.launching.process import (
    TrainerProcess,
    beginning,
    environment,
    follow,
    is_training,
    said_so_far,
    tell,
)
from resnet_desktop.jobs.run_state import RunState, fold_all

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
        listener.start(str(job(tmp_path)), python=tmp_path / "no-python")
    assert caught.value.code == "no_torch"


def test_the_environment_leads_to_this_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    own = environment(None)
    assert own["PYTHONPATH"].split(":" if sys.platform != "win32" else ";")[0] == str(Path(__file__).parents[3])
    assert (Path(own["RESNET_DESKTOP_SHIPPED"]) / "assets").is_dir()
    other = environment(tmp_path / "python")
    (place,) = other["PYTHONPATH"].split(os.pathsep)
    assert [path.name for path in Path(place).iterdir()] == ["resnet_desktop"], "it has libraries of its own"


def test_another_interpreter_keeps_what_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the person has set stays; what leads to the app's libraries does not, nor a packer's search path."""
    checkout, ours = str(Path(__file__).parents[3]), str(Path(sys.prefix, "lib"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([checkout, ours, str(tmp_path / "theirs")]))
    monkeypatch.setenv("PYTHONHOME", sys.prefix)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path / "packed"))
    monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", str(tmp_path / "before"))
    values = environment(tmp_path / "python")
    _, *rest = values["PYTHONPATH"].split(os.pathsep)
    assert rest == [str(tmp_path / "theirs")]
    assert "PYTHONHOME" not in values
    assert values["LD_LIBRARY_PATH"] == str(tmp_path / "packed")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert environment(tmp_path / "python")["LD_LIBRARY_PATH"] == str(tmp_path / "before")
    assert environment(None)["PYINSTALLER_RESET_ENVIRONMENT"] == "1", "its own find their libraries"


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


def state(folder: Path) -> RunState:
    """The run as its file tells it."""
    return fold_all(beginning(folder, said_so_far(folder)).decode().split("\n"))


def test_a_run_that_is_nobodys_child_hears_commands_through_a_file(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    run = tmp_path / "run"
    run.mkdir()
    (run / events.COMMANDS_FILE).write_text('{"command": "cancel"}\n')  # of a run before this one
    assert not tell(run, "pause"), "nobody trains there"
    command = [sys.executable, "-m", "resnet_desktop.trainer", str(job(tmp_path, control="none"))]
    pipe = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment(None)) as process:
        wait_for(lambda: state(run).step > 0)
        with (run / events.COMMANDS_FILE).open("a") as file:
            file.write('no command\n{"command": "explode"}\n{"command": "pau')  # whoever wrote that has died
        assert tell(run, "pause")
        wait_for(lambda: state(run).paused)
        before = said_so_far(run)
        assert state(run).phase == "training"
        time.sleep(0.5)
        assert said_so_far(run) == before, "it stands still"
        assert tell(run, "resume")
        wait_for(lambda: not state(run).paused)
        wait_for(lambda: bool(state(run).history))
        assert tell(run, "stop")
        assert process.wait(WAIT) == events.EXIT_FINISHED
    assert state(run).was_successful()
    with pytest.raises(ValueError, match="explode"):
        tell(run, "explode")


PARENT = """
import sys, time
from pathlib import Path
from resnet_desktop.jobs.launching.process import TrainerProcess
process = TrainerProcess([sys.argv[1]], on_line=lambda line: None, on_exit=lambda code: None)
while not Path(sys.argv[2], "checkpoints").is_dir():
    time.sleep(0.05)
if sys.argv[3] == "detach":
    process.detach()
print("ready", flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
@pytest.mark.parametrize("detached", [True, False])
def test_what_becomes_of_a_run_whose_parent_is_killed(tmp_path: Path, *, detached: bool) -> None:
    pytest.importorskip("torch")
    run, what = tmp_path / "run", "detach" if detached else "stay"
    command = [sys.executable, "-c", PARENT, str(job(tmp_path)), str(run), what]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment(None)) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        parent.send_signal(signal.SIGKILL)
    if detached:
        epochs = len(state(run).history)
        wait_for(lambda: len(state(run).history) > epochs + 1)
        assert is_training(run)
        assert tell(run, "cancel")
    wait_for(lambda: not is_training(run))
    assert state(run).phase == "cancelled"
    assert Path(state(run).checkpoint or "").is_file()
