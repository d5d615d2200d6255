"""A network is taught from a program, by the real process."""

from __future__ import annotations

from pathlib import Path

import pytest

import resnet_desktop as rd
from resnet_desktop.core.errors import JobError, TrainingError
from resnet_desktop.jobs.run_state import RunState
from tests.unit.head.making import base_model, fill_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill_folder(tmp_path_factory.mktemp("photos"), 8)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(base_model(tmp_path_factory.mktemp("base") / "base.onnx"))


def test_the_last_layer_is_taught_and_the_model_opens(folder: Path, base: str, tmp_path: Path) -> None:
    states: list[RunState] = []
    trained = rd.train(folder, tmp_path / "run", base=base, train="head", on_state=states.append)
    assert trained.metrics["acc1"] > 0.9
    assert trained.metrics["on"] == "cross-validation"
    assert trained.report.is_file()
    assert states[-1].phase == "finished"
    model = trained.open()
    assert model.labels == ("lying", "standing")
    found = model.classify(sorted((folder / "lying").glob("*.png")))
    assert sum(one.label == "lying" for one in found) >= 7


def test_what_fails_is_the_error_of_the_run(base: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingError) as caught:
        rd.train(tmp_path / "nothing", tmp_path / "run", base=base, train="head")
    assert "nothing" in caught.value.message
    with pytest.raises(JobError):
        rd.train(tmp_path, tmp_path / "run", base=base, epochz=3)


def test_a_run_ends_with_the_caller(folder: Path, base: str, tmp_path: Path) -> None:
    class EnoughError(Exception):
        pass

    def stop(state: RunState) -> None:
        raise EnoughError

    with pytest.raises(EnoughError):
        rd.train(folder, tmp_path / "run", base=base, train="head", on_state=stop)
    assert not (tmp_path / "run" / "model.onnx").exists()
