"""The trainer as its parents meet it: a process that speaks the protocol, stops when told, and goes on where it was."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.jobs import events
from resnet_desktop.jobs.run_state import fold_all
from tests.trainer.conftest import PER_CLASS, small_job

Start = Callable[..., "subprocess.Popen[str]"]


def finish(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """Wait for the end; every line must be an event."""
    out, err = process.communicate(timeout=300)
    lines = [events.decode(line) for line in out.splitlines()]
    assert None not in lines, f"not an event in {out!r}; {err}"
    return [line for line in lines if line]


def read_until(process: subprocess.Popen[str], event: str, **wanted: object) -> dict[str, Any]:
    """Read events until one of this name and these values comes."""
    assert process.stdout is not None
    for line in process.stdout:
        record = events.decode(line)
        assert record is not None, line
        if record["event"] == event and all(record.get(k) == v for k, v in wanted.items()):
            return record
    raise AssertionError(f"no {event}: {process.stderr.read() if process.stderr else ''}")


def weights(folder: Path) -> dict[str, np.ndarray]:
    return bundles.arrays(bundles.read(folder / "model.onnx"))


@pytest.fixture(scope="module")
def finished(stripe_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]], int]:
    """One undisturbed run: its folder, events and exit code."""
    folder = tmp_path_factory.mktemp("run")
    path = folder / "job.json"
    path.write_text(json.dumps(small_job(stripe_folder, folder / "out")), "utf-8")
    arguments = [sys.executable, "-u", "-m", "resnet_desktop.trainer", str(path)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=300, env=_environment(), check=False)
    lines = [events.decode(line) for line in done.stdout.splitlines()]
    assert None not in lines, done.stdout
    return folder / "out", [line for line in lines if line], done.returncode


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}


def test_events_come_in_the_order_of_the_protocol(finished: tuple[Path, list[dict[str, Any]], int]) -> None:
    folder, lines, code = finished
    assert code == events.EXIT_FINISHED, lines[-1]
    names = [line["event"] for line in lines if line["event"] != "progress"]
    assert names == ["started", "scanned", *["epoch_started", "epoch_finished", "checkpoint"] * 4, "finished"]
    assert [json.loads(line) for line in (folder / "events.jsonl").read_text("utf-8").splitlines()] == lines
    scanned = next(line for line in lines if line["event"] == "scanned")
    assert scanned["classes"] == {"lying": PER_CLASS, "standing": PER_CLASS}
    assert scanned["training"] + scanned["validation"] == 2 * PER_CLASS
    assert fold_all(json.dumps(line) for line in lines).was_successful()


def test_the_stored_job_has_every_choice_filled_in(finished: tuple[Path, list[dict[str, Any]], int]) -> None:
    job = json.loads((finished[0] / "job.json").read_text("utf-8"))
    assert job["device"] == "cpu"
    assert job["workers"] == 1
    assert job["recipe"]["precision"] == "float32"


def test_the_bundle_was_learnt_and_is_proven(finished: tuple[Path, list[dict[str, Any]], int]) -> None:
    folder, lines, _ = finished
    bundle = bundles.read(folder / "model.onnx")
    assert bundle.metadata.categories == ("lying", "standing")
    parity = bundle.metadata.provenance["parity"]
    assert parity["bundle"] <= 1e-4
    assert parity["photos"] > 0
    metrics = lines[-1]["metrics"]
    assert metrics["acc1"] >= 0.8  # stripes are easy; chance is 0.5
    assert metrics["acc1_interval"][0] <= metrics["acc1"] <= metrics["acc1_interval"][1]
    assert bundles.verify(bundle).ok
    assert "<svg" in (folder / "report.html").read_text("utf-8")


def test_cancel_and_resume_end_with_the_weights_of_an_undisturbed_run(
    finished: tuple[Path, list[dict[str, Any]], int], stripe_folder: Path, tmp_path: Path, start_trainer: Start
) -> None:
    output = tmp_path / "out"
    process = start_trainer(small_job(stripe_folder, output, control="stdin"))
    read_until(process, "progress", epoch=2)
    assert process.stdin is not None
    process.stdin.write('{"command": "cancel"}\n')
    process.stdin.flush()
    last = finish(process)[-1]
    assert last["event"] == "cancelled"
    assert Path(last["checkpoint"]).is_file()
    assert process.returncode == events.EXIT_CANCELLED
    resumed = start_trainer(resume=output)
    read_until(resumed, "finished")  # the stored job listens to standard input, which stays open till here
    finish(resumed)
    undisturbed, disturbed = weights(finished[0]), weights(output)
    assert undisturbed.keys() == disturbed.keys()
    assert all(np.array_equal(undisturbed[k], disturbed[k]) for k in undisturbed)


def test_averaged_weights_survive_a_resume(stripe_folder: Path, tmp_path: Path, start_trainer: Start) -> None:
    def job(name: str, **changes: object) -> dict[str, Any]:
        made = small_job(stripe_folder, tmp_path / name, **changes)
        return {**made, "recipe": {**made["recipe"], "ema": 0.9, "mixup": 0.2, "cutmix": 1.0}}

    assert finish(start_trainer(job("whole")))[-1]["event"] == "finished"
    process = start_trainer(job("halves", control="stdin"))
    read_until(process, "progress", epoch=2)
    assert finish(process)[-1]["event"] == "cancelled"
    resumed = start_trainer(resume=tmp_path / "halves")
    read_until(resumed, "finished")
    finish(resumed)
    whole, halves = weights(tmp_path / "whole"), weights(tmp_path / "halves")
    assert all(np.array_equal(whole[k], halves[k]) for k in whole)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_a_killed_run_goes_on_from_its_last_checkpoint(
    finished: tuple[Path, list[dict[str, Any]], int], stripe_folder: Path, tmp_path: Path, start_trainer: Start
) -> None:
    output = tmp_path / "out"
    process = start_trainer(small_job(stripe_folder, output))
    read_until(process, "checkpoint")
    read_until(process, "progress")
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    resumed = start_trainer(resume=output)
    assert finish(resumed)[-1]["event"] == "finished"
    undisturbed, disturbed = weights(finished[0]), weights(output)
    assert all(np.array_equal(undisturbed[k], disturbed[k]) for k in undisturbed)


def test_the_end_of_standard_input_cancels(stripe_folder: Path, tmp_path: Path, start_trainer: Start) -> None:
    process = start_trainer(small_job(stripe_folder, tmp_path / "out", control="stdin"))
    read_until(process, "epoch_started")
    assert finish(process)[-1]["event"] == "cancelled"  # communicate closes standard input
    assert process.returncode == events.EXIT_CANCELLED


def test_detached_runs_finish_without_a_parent(stripe_folder: Path, tmp_path: Path, start_trainer: Start) -> None:
    process = start_trainer(small_job(stripe_folder, tmp_path / "out", control="stdin"))
    assert process.stdin is not None
    process.stdin.write('{"command": "detach"}\n')
    process.stdin.flush()
    read_until(process, "epoch_started")
    assert finish(process)[-1]["event"] == "finished"


def test_stop_keeps_the_best_so_far(stripe_folder: Path, tmp_path: Path, start_trainer: Start) -> None:
    process = start_trainer(small_job(stripe_folder, tmp_path / "out", control="stdin"))
    read_until(process, "epoch_finished")
    assert process.stdin is not None
    process.stdin.write('{"command": "stop"}\n')
    process.stdin.flush()
    read_until(process, "finished")
    assert (tmp_path / "out" / "model.onnx").is_file()
    finish(process)


def test_a_second_trainer_in_the_same_folder_is_refused(
    stripe_folder: Path, tmp_path: Path, start_trainer: Start
) -> None:
    job = small_job(stripe_folder, tmp_path / "out", control="stdin")
    first = start_trainer(job)
    assert first.stdin is not None
    first.stdin.write('{"command": "pause"}\n')
    first.stdin.flush()
    read_until(first, "started")
    second = start_trainer(job)
    last = finish(second)[-1]
    assert (last["event"], last["code"]) == ("failed", "run_locked")
    first.kill()
    first.communicate(timeout=60)


@pytest.mark.parametrize(
    ("change", "exit_code", "code"),
    [
        ({"colour": "red"}, events.EXIT_BAD_JOB, "bad_job"),
        ({"device": "cuda:99"}, events.EXIT_BAD_JOB, "bad_job"),
        ({"data": [{"folder": "no/such/folder"}]}, events.EXIT_BAD_DATA, "missing_data"),
        ({"train": "head", "base": "no-such-model"}, events.EXIT_OTHER, "unknown_model"),
        ({"learning_rate": 100.0, "recipe": None}, None, None),
    ],
)
def test_every_end_is_said(
    stripe_folder: Path,
    tmp_path: Path,
    start_trainer: Start,
    change: dict[str, Any],
    exit_code: int | None,
    code: str | None,
) -> None:
    job = small_job(stripe_folder, tmp_path / "out", **change)
    if code is None:  # a learning rate that no network survives: the loss leaves the numbers, or the run ends
        job["recipe"] = {**small_job(stripe_folder, tmp_path)["recipe"], "optimizer": "sgd", "warmup": 0.0}
    process = start_trainer(job)
    last = finish(process)[-1]
    assert last["event"] in events.LAST_EVENTS
    if code is not None:
        assert (last["event"], last["code"], process.returncode) == ("failed", code, exit_code)
        assert last["message"].endswith((".", "?")) or ":" in last["message"]
