"""What a run owes whoever started it: orders are obeyed at once, trying spoils nothing, and the last word comes."""

from __future__ import annotations

import gc
import json
import os
import shutil
import subprocess
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from resnet_desktop.core import paths
from resnet_desktop.core.errors import DataError, JobError
from resnet_desktop.data.pictures.samples import Sample
from resnet_desktop.jobs import events
from resnet_desktop.jobs.job import Phase, parse_job
from resnet_desktop.runs import reporter
from resnet_desktop.runs.control import CancelledRunError, Control
from resnet_desktop.trainer import choices, machine
from resnet_desktop.trainer.inputs import memory
from resnet_desktop.trainer.inputs.picture_tensor import load_pictures, square
from resnet_desktop.trainer.loop import checkpoint as checkpoints
from resnet_desktop.trainer.loop.remaining_work import REPORT_SECONDS
from resnet_desktop.trainer.network.build import build_network
from resnet_desktop.trainer.run import Run

from .conftest import Listener, fine_tune_job, run_here, small_job

Start = Callable[..., "subprocess.Popen[str]"]


def finished_epochs(said: list[dict[str, Any]]) -> list[int]:
    return [record["epoch"] for record in said if record["event"] == "epoch_finished"]


@pytest.mark.parametrize("train", ["last-stage", "all", "scratch"])
def test_looking_for_a_batch_that_fits_changes_nothing(
    train: str, stripe_folder: Path, base_model: Path, tmp_path: Path
) -> None:
    values = fine_tune_job(stripe_folder, tmp_path / "out", base_model, train=train)
    job = choices.fill(parse_job(values | {"recipe": {"precision": "float32", "arch": "resnet20-cifar"}}))
    network = build_network(job, 2)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    choices.fill_schedule(job, 40, network, torch.device("cpu"))
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


@pytest.mark.parametrize("train", ["head", "last-stage"])
def test_a_run_that_is_stopped_before_its_first_step_learns_when_it_goes_on(
    train: str, stripe_folder: Path, base_model: Path, tmp_path: Path
) -> None:
    job = fine_tune_job(stripe_folder, tmp_path / "out", base_model, train=train)
    control = Control("trial")

    def stop(record: dict[str, Any]) -> None:
        if record["event"] == "epoch_started":
            control.handle("stop")

    with pytest.raises(CancelledRunError):
        run_here(job, stop, control)
    said = run_here(job)
    assert finished_epochs(said) == [1, 2, 3]
    assert said[-1]["event"] == "finished"


def test_stop_keeps_the_best_without_judging_once_more(stripe_folder: Path, base_model: Path, tmp_path: Path) -> None:
    """The best so far is there: neither a half epoch nor an evaluation under way is waited for."""
    for epoch, step in ((1, 1), (1, -1), (2, 1), (2, -1)):
        control = Control("trial")

        def stop(record: dict[str, Any], control: Control = control, epoch: int = epoch, step: int = step) -> None:
            wanted = record.get("steps", 0) if step < 0 else step
            here = record["event"] == "progress" and not record.get("part") and record.get("epoch") == epoch
            if here and record["step"] == wanted:
                control.handle("stop")

        folder = tmp_path / f"{epoch} {step}"
        job = fine_tune_job(stripe_folder, folder, base_model, train="last-stage", epochs=5)
        said = run_here(job, stop, control)
        assert finished_epochs(said) == list(range(1, epoch)), "what is half done is not judged"
        assert said[-1]["event"] == "finished"
        assert said[-1]["metrics"]["images"] == 10, "the report judges what is kept"
        assert (folder / "report.html").is_file()


def test_memory_of_a_failed_step_is_free_for_the_next_try(
    stripe_folder: Path, base_model: Path, tmp_path: Path
) -> None:
    job = fine_tune_job(stripe_folder, tmp_path / "out", base_model, train="last-stage", epochs=1, batch_size=8)
    listener = Listener(tmp_path / "out")
    run = Run(parse_job(job), listener, Control("trial"))
    engine = run.engine(run._scan())
    tried: list[weakref.ref[torch.Tensor]] = []
    alive: list[bool] = []

    def no_room(_: object, inputs: tuple[torch.Tensor, ...]) -> None:
        alive.extend(ref() is not None for ref in tried)
        activations = inputs[0] * 2
        tried.append(weakref.ref(activations))
        if len(inputs[0]) > 4:
            raise RuntimeError("out of memory")

    gc.disable()  # what is free must be free at once
    try:
        engine.network.register_forward_pre_hook(no_room)
        step, plan = next(engine.plans(0, engine.course.phase(0)))
        engine.make_step(0, step, plan)
    finally:
        gc.enable()
        listener.close()
    assert engine.stepper.accumulate == 2
    assert alive
    assert not any(alive)


def test_one_picture_is_not_enough_for_norms_that_learn(stripe_folder: Path, tmp_path: Path) -> None:
    job = small_job(stripe_folder, tmp_path / "out")
    recipe = job["recipe"] | {"arch": "resnet18", "schedule": [{"epochs": 1, "size": 32, "batch_size": 1}]}
    with pytest.raises(JobError, match="one 32-pixel photo"):
        run_here(job | {"recipe": recipe})
    network = build_network(choices.fill(parse_job(job | {"recipe": recipe})), 2)
    assert [choices.least_batch(network, size) for size in (32, 33)] == [2, 1]
    with pytest.raises(JobError, match="too small for 4 processes"):
        choices._check_batch(network, Phase(1, 24, 3), 3, 4)


def test_the_precision_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine another try may come out otherwise, and the same job must give the same network."""
    device = torch.device("cpu")
    answers = iter([(1.0, 0.5), (0.5, 1.0)])
    monkeypatch.setattr(machine, "_step_seconds", lambda _device: next(answers))
    assert [machine.choose_precision("auto", device) for _ in range(3)] == ["bfloat16"] * 3
    machine._precision_file().write_text("no JSON")
    assert machine.choose_precision("auto", device) == "float32"
    assert machine.choose_precision("bfloat16", device) == "bfloat16"


def test_what_a_killed_process_left_half_written_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    for name in (".epoch-0001-step-000002.pt.x1.part", "epoch-0001-step-000001.pt", "other.part"):
        (folder / name).write_bytes(b"x")
    checkpoints.clean(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["epoch-0001-step-000001.pt", "other.part"]
    checkpoints.clean(tmp_path / "nowhere")


def test_standard_output_is_the_protocols_alone(stripe_folder: Path, tmp_path: Path) -> None:
    """Whatever a library in C writes there reaches standard error."""
    path = tmp_path / "job.json"
    path.write_text(json.dumps(small_job(stripe_folder, tmp_path / "out")))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    environment["ONEDNN_VERBOSE"] = "1"
    command = [sys.executable, "-u", "-m", "resnet_desktop.trainer", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)
    lines = [events.decode(line) for line in done.stdout.splitlines()]
    assert None not in lines
    assert lines[-1] is not None
    assert lines[-1]["event"] == "finished"
    assert "onednn_verbose" in done.stderr, "it did speak"


def test_a_run_whose_parent_has_gone_says_why_it_failed(stripe_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    path.write_text(json.dumps(small_job(stripe_folder, tmp_path / "out")))
    broken = "import sys\nfrom resnet_desktop.trainer.loop import engine\n"
    broken += "def train(self): raise RuntimeError('the device broke')\nengine.Engine.train = train\n"
    broken += f"from resnet_desktop.trainer.__main__ import main\nsys.exit(main([{str(path)!r}]))"
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    reading, writing = os.pipe()
    process = subprocess.Popen([sys.executable, "-c", broken], stdout=writing, stderr=writing, env=environment)
    os.close(writing)
    os.close(reading)
    assert process.wait(120) == events.EXIT_OTHER
    last = events.decode((tmp_path / "out" / "events.jsonl").read_text().splitlines()[-1])
    assert last is not None
    assert (last["event"], last["code"]) == ("failed", "training_failed")


def test_a_run_can_be_taken_up_from_another_folder(stripe_folder: Path, tmp_path: Path, start_trainer: Start) -> None:
    """A job may name its photos by paths that are relative to where it was started."""
    job = small_job(Path(os.path.relpath(stripe_folder)), tmp_path / "out")
    process = start_trainer(job)
    assert process.communicate(timeout=300)[0].splitlines()[-1].count('"finished"')
    stored = json.loads((tmp_path / "out" / "job.json").read_text())
    assert Path(stored["data"][0]["folder"]).is_absolute()
    assert Path(stored["data"][0]["folder"]) == stripe_folder


def test_pictures_that_do_not_fit_into_memory_lie_in_a_file(
    stripe_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = [Sample(str(path), None, 0) for path in sorted((stripe_folder / "lying").iterdir())]
    held, _ = load_pictures(samples, square(24), 1)
    monkeypatch.setattr(memory, "free_bytes", lambda _device: 1000)
    mapped, _ = load_pictures(samples, square(24), 1)
    assert torch.equal(held.pixels, mapped.pixels)
    assert mapped.pixels.is_contiguous(memory_format=torch.channels_last)
    assert [path for path in paths.cache_folder().iterdir() if path.is_file()] == [], "it has no name"
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=1000))
    with pytest.raises(DataError, match="more than fits in"):
        load_pictures(samples, square(24), 1)


def test_the_time_left_is_that_of_the_whole_run(
    stripe_folder: Path, base_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while features are computed: the end of the run is part of it, and the bar does not begin anew."""
    monkeypatch.setattr(reporter, "PROGRESS_INTERVAL", 0.0)
    job = fine_tune_job(stripe_folder, tmp_path / "out", base_model, epochs=2, recipe={"views": 2})
    said = run_here(job)
    rows = [record for record in said if record["event"] == "progress"]
    features = [row for row in rows if row.get("part") == "features"]
    assert {row["steps"] for row in features} == {2 * 38 + 10}
    assert [row["step"] for row in features] == sorted(row["step"] for row in features)
    assert all(row["seconds_left"] >= REPORT_SECONDS for row in features if row["step"])
    assert all(row["seconds_left"] is None for row in rows if row.get("part") == "scanning")
    epochs = [row for row in rows if not row.get("part")]
    assert epochs
    assert all(row["seconds_left"] > REPORT_SECONDS for row in epochs)
