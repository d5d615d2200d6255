"""The estimate is asked of a real trainer; what it says is read strictly."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from resnet_desktop.core.errors import TrainingError
from resnet_desktop.finetune.estimate import estimate, read
from resnet_desktop.imaging.decode import encode_png

GOOD = {"seconds": 12.5, "seconds_per_step": 0.1, "batch_size": 8, "trainable": 10, "total": 20, "device": "cpu"}


def test_the_last_line_counts() -> None:
    found = read("chatter\n" + json.dumps(GOOD) + "\n", "")
    assert (found.seconds, found.batch_size, found.trainable, found.device) == (12.5, 8, 10, "cpu")


@pytest.mark.parametrize(
    ("said", "log", "words"),
    [
        ("", "Traceback\nMemoryError: no memory\n", "MemoryError: no memory"),
        ("", "", "the trainer said nothing"),
        ("[]", "", "could not be measured"),
        (json.dumps({"seconds": "soon"}), "", "could not be measured"),
        (json.dumps({"code": "bad_job", "message": "The job is wrong."}), "", "The job is wrong."),
    ],
)
def test_what_is_no_estimate_is_said_in_words(said: str, log: str, words: str) -> None:
    with pytest.raises(TrainingError) as caught:
        read(said, log)
    assert caught.value.code == "no_estimate"
    assert words in caught.value.message


def test_an_interpreter_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="could not be measured"):
        estimate({"data": []}, tmp_path / "no-python")


def test_a_job_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setenv("RESNET_DESKTOP_HOME", str(tmp_path / "home"))
    rng = np.random.default_rng(0)
    for label in ("a", "b"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for index in range(6):
            pixels = rng.integers(0, 255, (40, 40, 3), np.uint8)
            (tmp_path / "photos" / label / f"{index}.png").write_bytes(encode_png(pixels))
    recipe = {"arch": "resnet20-cifar", "schedule": [{"epochs": 3, "size": 32, "batch_size": 4}]}
    job = {"data": [{"folder": str(tmp_path / "photos")}], "output": str(tmp_path / "run"), "train": "scratch"}
    found = estimate({**job, "recipe": recipe, "device": "cpu"}, None)
    assert found.device == "cpu"
    assert found.trainable == found.total > 200_000
    assert found.seconds > 0
    assert not (tmp_path / "run" / "model.onnx").exists()
    with pytest.raises(TrainingError, match="data"):
        estimate({"data": [], "output": str(tmp_path / "run")}, Path(sys.executable))
