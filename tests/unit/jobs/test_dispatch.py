"""A job goes to the process that can do it with the least."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from resnet_desktop.jobs.job import DEFAULT_BASE, parse_job
from resnet_desktop.jobs.launching.dispatch import HEAD, TRAINER, module_for, needs_pytorch


def written(folder: Path, **changes: Any) -> Path:
    path = folder / "job.json"
    path.write_text(json.dumps({"data": [{"folder": "photos"}], "output": "run", **changes}), "utf-8")
    return path


@pytest.mark.parametrize(
    ("changes", "module"),
    [
        ({}, HEAD),
        ({"train": "head", "device": "cpu"}, HEAD),
        ({"head": {"hidden": 16}}, TRAINER),
        ({"head": {"dropout": 0.2}}, TRAINER),
        ({"train": "last-stage"}, TRAINER),
        ({"train": "scratch"}, TRAINER),
        ({"device": "cuda"}, TRAINER),
        ({"input_size": 128}, TRAINER),
        ({"recipe": {"mixup": 0.2}}, TRAINER),
    ],
    ids=str,
)
def test_by_the_job(tmp_path: Path, changes: dict[str, Any], module: str) -> None:
    path = written(tmp_path, **changes)
    assert module_for([str(path)]) == module
    assert module_for(["--estimate", str(path)]) == module
    assert module_for(["--preview", str(path), "--output", str(tmp_path)]) == module
    assert bool(needs_pytorch(parse_job(json.loads(path.read_text("utf-8"))))) == (module == TRAINER)


def test_a_run_goes_on_where_it_began(tmp_path: Path) -> None:
    written(tmp_path)
    assert module_for(["--resume", str(tmp_path)]) == HEAD
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "epoch-0001.pt").write_bytes(b"")
    assert module_for(["--resume", str(tmp_path)]) == TRAINER


def test_questions_about_pytorch_go_to_it(tmp_path: Path) -> None:
    assert module_for(["--check"]) == TRAINER
    assert module_for(["--find-rate", str(written(tmp_path))]) == TRAINER


def test_a_job_that_cannot_be_read_is_refused_where_least_is_needed(tmp_path: Path) -> None:
    assert module_for([str(tmp_path / "missing.json")]) == HEAD


@pytest.mark.parametrize("train", ["head", "last-stage", "last-two-stages", "all"])
def test_the_usual_base_is_the_imagenet_network(train: str) -> None:
    data = {"data": [{"folder": "photos"}], "output": "run", "train": train}
    assert parse_job(data).base == DEFAULT_BASE == "efficientnet-lite0-imagenet"
