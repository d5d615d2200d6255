"""Two processes under torchrun give the loss curve of one with the same global batch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import fine_tune_job, weights

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="gloo between processes is tried on Linux")


def train(job: dict[str, Any], folder: Path, processes: int) -> list[dict[str, Any]]:
    """Run a job as a user does; its epochs."""
    path = folder / f"{processes}.json"
    path.write_text(json.dumps(job), "utf-8")
    module = ["-m", "resnet_desktop.trainer", str(path)]
    command = [sys.executable, "-u", *module]
    if processes > 1:
        torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
        command = [sys.executable, *torchrun, *module]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=environment, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert lines, done.stderr
    assert lines[-1]["event"] == "finished", done.stderr
    assert [line["event"] for line in lines].count("started") == 1, "only the first speaks"
    return [line for line in lines if line["event"] == "epoch_finished"]


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
