"""Head-only training: frozen features are computed once, remembered, and lead to the same weights whatever happens."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.jobs import events
from resnet_desktop.jobs.results import read_results
from resnet_desktop.runs.control import CancelledRunError, Control

from .conftest import PER_CLASS, fine_tune_job, run_here, weights

Job = Callable[..., dict[str, Any]]


@pytest.fixture
def job(stripe_folder: Path, base_model: Path, tmp_path: Path) -> Job:
    return lambda name, **changes: fine_tune_job(stripe_folder, tmp_path / name, base_model, **changes)


def of(said: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    return [record for record in said if record["event"] == event]


def parts(said: list[dict[str, Any]]) -> list[str]:
    return [str(record["part"]) for record in said if "part" in record]


def test_features_are_computed_once_and_remembered(job: Job, tmp_path: Path) -> None:
    longer = {"epochs": 20, "learning_rate": 0.01}
    said = run_here(job("first", **longer))
    assert said[-1]["event"] == "finished"
    assert "features" in parts(said)
    again = run_here(job("second", **longer))
    assert "features" not in parts(again), "everything was remembered"
    first, second = weights(tmp_path / "first"), weights(tmp_path / "second")
    assert all(np.array_equal(first[k], second[k]) for k in first)
    scanned = of(said, "scanned")[0]
    assert (scanned["training"], scanned["validation"]) == (38, 10)
    assert scanned["parameters"]["trainable"] == 64 * 2 + 2
    assert said[-1]["metrics"]["acc1"] >= 0.8


def test_only_the_head_has_changed(job: Job, base_model: Path, tmp_path: Path) -> None:
    run_here(job("out", head={"hidden": 16, "dropout": 0.2}))
    before, after = bundles.arrays(bundles.read(base_model)), weights(tmp_path / "out")
    frozen = [k for k in after if not k.startswith("head.")]
    assert len(frozen) > 50
    # The bundle stores convolutions as float16; the base's are rounded in the same way.
    assert all(np.allclose(before[k], after[k], rtol=1e-3, atol=1e-4) for k in frozen)
    assert after["head.0.weight"].shape == (16, 64)
    assert after["head.1.weight"].shape == (2, 16)


def test_it_stops_when_nothing_gets_better(job: Job) -> None:
    said = run_here(job("out", epochs=200, recipe={"patience": 2}, learning_rate=1e-8))
    assert [w["code"] for w in of(said, "warning")] == ["early_stopped"]
    assert len(of(said, "epoch_finished")) < 200
    assert said[-1]["event"] == "finished"


def test_each_epoch_has_its_details(job: Job) -> None:
    said = run_here(job("out"))
    details = json.loads(Path(of(said, "epoch_finished")[-1]["details"]).read_text("utf-8"))
    assert sum(map(sum, details["confusion"])) == 10
    assert {"path", "label", "predicted", "probability", "loss"} == set(details["worst"][0])
    losses = [row["loss"] for row in details["worst"]]
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize("command", ["cancel", "stop"])
def test_commands_are_heard_while_features_are_computed(job: Job, command: str) -> None:
    control = Control("trial")
    heard: list[dict[str, Any]] = []

    def on_event(record: dict[str, Any]) -> None:
        heard.append(record)
        if record.get("part") == "features":
            control.handle(command)

    with pytest.raises(CancelledRunError):  # there is nothing yet that a stop could keep
        run_here(job("out", recipe={"views": 9}), on_event, control)
    assert parts(heard).count("features") == 1, "not one more batch"


def test_stop_keeps_what_there_is(job: Job, tmp_path: Path) -> None:
    control = Control("trial")

    def on_event(record: dict[str, Any]) -> None:
        if record["event"] == "epoch_finished" and record["epoch"] == 2:
            control.handle("stop")

    said = run_here(job("out", epochs=50), on_event, control)
    assert said[-1]["event"] == "finished"
    assert len(of(said, "epoch_finished")) == 2
    assert (tmp_path / "out" / "model.onnx").is_file()


def test_cancelled_while_exporting_it_goes_on_there(job: Job, tmp_path: Path) -> None:
    run_here(job("whole"))
    control = Control("trial")

    def on_event(record: dict[str, Any]) -> None:
        if record.get("part") == "exporting":
            control.handle("cancel")

    with pytest.raises(CancelledRunError):
        run_here(job("halves"), on_event, control)
    assert not (tmp_path / "halves" / "model.onnx").exists()
    said = run_here(job("halves"))
    assert not of(said, "epoch_started"), "the training had ended"
    whole, halves = weights(tmp_path / "whole"), weights(tmp_path / "halves")
    assert all(np.array_equal(whole[k], halves[k]) for k in whole)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
@pytest.mark.parametrize("moment", ["features", "progress"])
def test_killed_and_resumed_it_ends_with_the_same_weights(
    job: Job, tmp_path: Path, start_trainer: Callable[..., subprocess.Popen[str]], moment: str
) -> None:
    run_here(job("whole", epochs=12, recipe={"views": 5, "patience": 0}))
    for name in ("features.sqlite", "features.sqlite-wal", "features.sqlite-shm"):
        for path in (tmp_path.parent).glob(f"*/cache/{name}"):
            path.unlink()
    process = start_trainer(job("halves", epochs=12, recipe={"views": 5, "patience": 0}))
    assert process.stdout is not None
    for line in process.stdout:
        record = events.decode(line) or {}
        if record.get("part") == moment or (moment == record.get("event") and record.get("epoch", 0) > 2):
            break
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert not (tmp_path / "halves" / "model.onnx").exists()
    resumed = start_trainer(resume=tmp_path / "halves")
    out, err = resumed.communicate(timeout=120)
    assert '"finished"' in out, err
    whole, halves = weights(tmp_path / "whole"), weights(tmp_path / "halves")
    assert all(np.array_equal(whole[k], halves[k]) for k in whole)


def test_a_picture_that_vanishes_is_left_out(job: Job, stripe_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    for path in stripe_folder.glob("*/*.png"):
        copy = folder / path.parent.name / path.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    (folder / "lying" / "00.png").write_bytes(b"no picture at all")

    def on_event(record: dict[str, Any]) -> None:
        if record["event"] == "scanned":
            for path in sorted((folder / "standing").glob("*.png"))[:20]:
                path.unlink()

    said = run_here(job("out", data=[{"folder": str(folder)}]), on_event)
    assert said[-1]["event"] == "finished"
    assert [row["code"] for row in of(said, "scanned")[0]["skipped"]] == ["not_an_image"]
    assert of(said, "scanned")[0]["training"] + of(said, "scanned")[0]["validation"] == 2 * PER_CLASS - 1


def test_without_validation_pictures_it_ends_all_the_same(job: Job, tmp_path: Path) -> None:
    said = run_here(job("out", split={"validation": 0.0}, recipe={"cutmix": 1.0}))
    assert said[-1]["event"] == "finished"
    assert said[-1]["metrics"]["images"] == 0
    assert [w["code"] for w in of(said, "warning")] == ["nothing_set_apart", "cutmix_unused"]
    assert read_results(tmp_path / "out").pictures == ()


def test_a_base_that_names_no_architecture_is_learnt_from_by_its_graph(
    job: Job, tmp_path: Path, base_model: Path
) -> None:
    bundle = bundles.read(base_model)
    model = onnx.load(base_model)
    other = tmp_path / "other.onnx"
    bundles.write(other, model, dataclasses.replace(bundle.metadata, arch=None))
    assert run_here({**job("out"), "base": str(other)})[-1]["event"] == "finished"
    assert bundles.read(tmp_path / "out" / "model.onnx").metadata.arch == "graph"


def test_pause_waits_and_resume_goes_on(job: Job) -> None:
    control = Control("trial")
    seen: list[float] = []

    def on_event(record: dict[str, Any]) -> None:
        if record["event"] == "epoch_finished" and record["epoch"] == 1:
            control.handle("pause")
            seen.append(time.monotonic())
            threading.Timer(0.4, control.handle, ("resume",)).start()
        elif record["event"] == "epoch_started" and record["epoch"] == 2:
            control.check()
            seen.append(time.monotonic())

    said = run_here(job("out"), on_event, control)
    assert said[-1]["event"] == "finished"
    assert seen[1] - seen[0] >= 0.39, "nothing is done while paused"
