"""Two processes under torchrun: they give the loss curve of one with the same global batch, and end together."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from resnet_desktop.jobs import events
from resnet_desktop.jobs.launching.process import tell

from .conftest import fine_tune_job, weights

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="gloo between processes is tried on Linux")


TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
LIMIT = 240


def train(job: dict[str, Any], folder: Path, processes: int) -> list[dict[str, Any]]:
    """Run a job as a user does; its epochs."""
    path = folder / f"{processes}.json"
    path.write_text(json.dumps(job), "utf-8")
    module = ["-m", "resnet_desktop.trainer", str(path)]
    command = [sys.executable, "-u", *module] if processes == 1 else [*TORCHRUN, *module]
    environment = {**os.environ, **ENVIRONMENT}
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, env=environment, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert lines, done.stderr
    assert lines[-1]["event"] == "finished", done.stderr
    assert [line["event"] for line in lines].count("started") == 1, "only the first speaks"
    return [line for line in lines if line["event"] == "epoch_finished"]


class Together:
    """Two processes that train; ``act`` is called with this once an event comes that is waited for."""

    def __init__(
        self, arguments: list[str], wanted: Callable[[dict[str, Any]], bool], act: Callable[[Together], object]
    ) -> None:
        command = [*TORCHRUN, "-m", "resnet_desktop.trainer", *arguments]
        environment = {**os.environ, **ENVIRONMENT}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment)
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        alarm = threading.Timer(LIMIT, self.process.kill)
        alarm.start()
        said: list[str] = []
        errors = threading.Thread(target=lambda stream: said.append(stream.read()), args=(self.process.stderr,))
        errors.start()
        self.events: list[dict[str, Any]] = []
        for line in self.process.stdout:
            self.events.append(json.loads(line))
            if act is not None and wanted(self.events[-1]):
                act(self)
                wanted = _never
        self.process.wait()
        errors.join()
        alarm.cancel()
        self.process.stdout.close()
        self.process.stderr.close()
        self.said = "".join(said)

    def pid(self, rank: int) -> int:
        """The process of a rank: torchrun tells it in its environment."""
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                ranks = [v for v in (folder / "environ").read_bytes().split(b"\0") if v.startswith(b"RANK=")]
            except OSError:  # it has ended meanwhile
                continue
            if parent == self.process.pid and ranks == [f"RANK={rank}".encode()]:
                return int(folder.name)
        raise AssertionError("no such process")

    @property
    def exit_codes(self) -> list[int]:
        """Of the processes, as torchrun reports them; none where it was told to end itself."""
        words = (line.split(":")[1].split()[0] for line in self.said.splitlines() if "exitcode  :" in line)
        return [int(word) for word in words]


def _never(event: dict[str, Any]) -> bool:
    return False


def _part(name: str) -> Callable[[dict[str, Any]], bool]:
    return lambda event: event["event"] == "progress" and event.get("part") == name


@pytest.mark.slow
def test_a_cancelled_pair_ends_as_one_while_it_computes_features(
    stripe_folder: Path, base_model: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    job = fine_tune_job(stripe_folder, output, base_model, train="head", recipe={"views": 60})
    (tmp_path / "job.json").write_text(json.dumps(job))
    both = Together([str(tmp_path / "job.json")], _part("features"), lambda _both: tell(output, "cancel"))
    assert both.events[-1]["event"] == "cancelled", both.said
    assert both.exit_codes == [events.EXIT_CANCELLED] * 2
    assert "resnet_desktop/trainer" not in both.said, "nobody has left a traceback"


@pytest.mark.slow
def test_a_signal_ends_all_while_the_first_exports(stripe_folder: Path, base_model: Path, tmp_path: Path) -> None:
    job = fine_tune_job(stripe_folder, tmp_path / "out", base_model, train="last-stage", epochs=1)
    (tmp_path / "job.json").write_text(json.dumps(job))
    terminate: Callable[[Together], object] = lambda both: both.process.send_signal(signal.SIGTERM)  # noqa: E731
    both = Together([str(tmp_path / "job.json")], _part("exporting"), terminate)
    assert both.events[-1]["event"] == "cancelled", both.said
    assert Path(both.events[-1]["checkpoint"]).is_file()
    assert "resnet_desktop/trainer" not in both.said
    assert not (tmp_path / "out" / "model.onnx").exists()


@pytest.mark.slow
def test_a_lost_process_is_said_and_the_run_goes_on_later(
    stripe_folder: Path, base_model: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    job = fine_tune_job(stripe_folder, output, base_model, train="last-stage", epochs=400)
    (tmp_path / "job.json").write_text(json.dumps(job))
    both = Together(
        [str(tmp_path / "job.json")],
        lambda event: event["event"] == "checkpoint",
        lambda both: os.kill(both.pid(1), signal.SIGKILL),
    )
    last = both.events[-1]
    assert (last["event"], last["code"]) == ("failed", "process_lost"), both.said
    assert last["message"] == "Process 1 of the 2 training together has exited."
    stored = json.loads((output / "job.json").read_text("utf-8"))
    stored["recipe"]["schedule"][0]["epochs"] = 1
    (output / "job.json").write_text(json.dumps(stored))
    again = Together(["--resume", str(output)], _never, lambda _both: None)
    assert again.events[-1]["event"] == "finished", again.said
    assert again.process.returncode == 0


@pytest.mark.parametrize("what", ["last-stage", "head"])
def test_two_processes_learn_what_one_learns(what: str, stripe_folder: Path, base_model: Path, tmp_path: Path) -> None:
    # The last stage has batch norms of its own, whose statistics would differ by process: here they are frozen.
    recipe = {"mixup": 0.2, "patience": 0, "freeze_norms": True}
    curves = []
    for processes in (1, 2):
        job = fine_tune_job(stripe_folder, tmp_path / f"out{processes}", base_model, train=what, recipe=recipe)
        curves.append(train({**job, "epochs": 4, "batch_size": 8}, tmp_path, processes))
    for one, two in zip(*curves, strict=True):
        assert two["training_loss"] == pytest.approx(one["training_loss"], abs=1e-3)
        assert two["validation_loss"] == pytest.approx(one["validation_loss"], abs=1e-3)
    first, second = weights(tmp_path / "out1"), weights(tmp_path / "out2")
    assert first.keys() == second.keys()


def test_one_process_without_room_splits_the_batch_in_both(
    stripe_folder: Path, base_model: Path, tmp_path: Path
) -> None:
    """Frozen batch norms: the parts of a batch add up to the batch, and so to the same weights."""
    found = []
    for room in (1000, 2):
        job = fine_tune_job(stripe_folder, tmp_path / f"room-{room}", base_model, train="last-stage", batch_size=8)
        (tmp_path / f"{room}.json").write_text(json.dumps(job))
        command = [*TORCHRUN, "-m", "tests.trainer.limited_memory", str(tmp_path / f"{room}.json")]
        environment = {**os.environ, **ENVIRONMENT, "ROOM": str(room), "TIGHT": "1"}
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, env=environment, check=False)
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        assert lines, done.stderr
        assert lines[-1]["event"] == "finished", done.stderr
        halved = [line for line in lines if line.get("code") == "batch_halved"]
        assert len(halved) == (1 if room == 2 else 0)
        found.append(weights(tmp_path / f"room-{room}"))
    for name, values in found[0].items():
        np.testing.assert_allclose(found[1][name], values, atol=2e-3, err_msg=name)
