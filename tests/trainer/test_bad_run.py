"""What goes wrong while a run is under way, or before it goes on: it is said, and nothing that was learnt is lost."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from resnet_desktop.core.errors import DataError, TrainingError
from resnet_desktop.jobs import events
from resnet_desktop.jobs.results import read_results
from resnet_desktop.jobs.run_state import fold_all
from resnet_desktop.runs.control import CancelledRunError, Control

from .conftest import PER_CLASS, fine_tune_job, run_here, weights

Job = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def finished(stripe_folder: Path, base_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three epochs that has ended, with checkpoints after the second and the third."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    run_here(fine_tune_job(stripe_folder, folder, base_model, train="last-stage"))
    return folder


@pytest.fixture
def photos(stripe_folder: Path, tmp_path: Path) -> Path:
    """Photos that can be taken away."""
    return Path(shutil.copytree(stripe_folder, tmp_path / "photos"))


@pytest.fixture
def job(photos: Path, base_model: Path, tmp_path: Path) -> Job:
    """A job on them that goes to the folder ``run``."""
    return lambda **changes: fine_tune_job(photos, tmp_path / "run", base_model, **{"train": "last-stage", **changes})


@pytest.fixture
def again(finished: Path, stripe_folder: Path, base_model: Path, tmp_path: Path) -> Job:
    """The job of a copy of the finished run."""
    folder = shutil.copytree(finished, tmp_path / "again")
    (folder / "model.onnx").unlink()
    return lambda **changes: fine_tune_job(stripe_folder, folder, base_model, **{"train": "last-stage", **changes})


def of(said: list[dict[str, Any]], event: str, key: str) -> list[Any]:
    return [record[key] for record in said if record["event"] == event]


def are_equal(one: Path, other: Path) -> bool:
    first, second = weights(one), weights(other)
    return first.keys() == second.keys() and all(np.array_equal(first[k], second[k]) for k in first)


def damage(path: Path, how: str) -> None:
    data = path.read_bytes()
    middle = len(data) // 2
    path.write_bytes(
        {
            "empty": b"",
            "cut": data[:middle],
            "one bit": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
            "text": b"no checkpoint",
        }[how]
    )


def saved(folder: Path) -> list[Path]:
    return sorted((folder / "checkpoints").glob("*.pt"))


@pytest.mark.parametrize("how", ["empty", "cut", "one bit"])
def test_a_damaged_checkpoint_is_made_again_from_the_one_before(again: Job, finished: Path, how: str) -> None:
    folder = Path(again()["output"])
    damage(saved(folder)[-1], how)
    said = run_here(again())
    assert of(said, "epoch_started", "epoch") == [3]
    assert of(said, "warning", "code") == ["checkpoint_damaged"]
    assert said[-1]["event"] == "finished"
    assert are_equal(folder, finished)


def test_where_all_checkpoints_are_damaged_nothing_is_begun_anew(again: Job) -> None:
    folder = Path(again()["output"])
    for path, how in zip(saved(folder), ("cut", "text"), strict=True):
        damage(path, how)
    before = [path.read_bytes() for path in saved(folder)]
    with pytest.raises(TrainingError, match="Each of the 2 checkpoints") as caught:
        run_here(again())
    assert caught.value.code == "no_checkpoint"
    assert caught.value.hint
    assert [path.read_bytes() for path in saved(folder)] == before
    assert not (folder / "model.onnx").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seed": 1}, "different split"),
        ({"classes": {"standing": "standing", "lying": "lying"}}, "different split"),
        ({"train": "head"}, "different network"),
        ({"head": {"hidden": 16}}, "different network"),
        ({"recipe": {"optimizer": "sgd"}}, "different optimizer"),
    ],
)
def test_a_checkpoint_of_another_run_is_not_gone_on_with(again: Job, changes: dict[str, Any], said: str) -> None:
    folder = Path(again()["output"])
    before = [path.read_bytes() for path in saved(folder)]
    with pytest.raises(TrainingError, match=said) as caught:
        run_here(again(**changes))
    assert caught.value.code == "no_checkpoint"
    assert caught.value.hint
    assert [path.read_bytes() for path in saved(folder)] == before


def test_a_checkpoint_of_an_unknown_version_is_said(again: Job) -> None:
    path = saved(Path(again()["output"]))[-1]
    torch.save({**torch.load(path, weights_only=True), "colour": "red"}, path)
    with pytest.raises(TrainingError, match="another version"):
        run_here(again())


def test_a_line_that_was_cut_short_harms_no_other(again: Job) -> None:
    path = Path(again()["output"]) / "events.jsonl"
    whole = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([*whole[:-1], whole[-1][:30]]), "utf-8")
    said = run_here(again())
    lines = path.read_text("utf-8").splitlines()
    assert [line for line in lines if events.decode(line) is None] == [whole[-1][:30]]
    assert len(lines) == len(whole) + len(said)
    assert fold_all(lines).was_successful()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is always full here")
def test_a_full_disk_ends_the_run_in_words_and_with_room_it_goes_on(
    again: Job, finished: Path, start_trainer: Callable[..., subprocess.Popen[str]]
) -> None:
    folder = Path(again()["output"])
    saved(folder)[-1].unlink()
    for name in ("events.jsonl", "log.txt"):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to("/dev/full")
    process = start_trainer(again())
    out, err = process.communicate(timeout=60)
    last = events.decode(out.splitlines()[-1])
    assert last is not None, err
    assert (last["event"], last["code"], process.returncode) == ("failed", "disk_full", events.EXIT_OTHER)
    assert "events.jsonl" in last["message"]
    assert "Free some space" in last["hint"]
    assert "Traceback" not in err
    for name in ("events.jsonl", "log.txt"):
        (folder / name).unlink()
    said = run_here(again())
    assert of(said, "epoch_started", "epoch") == [3]
    assert are_equal(folder, finished)


def test_a_run_goes_on_without_an_epochs_details(job: Job, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "epochs").write_text("not mine")
    said = run_here(job())
    assert said[-1]["event"] == "finished"
    assert "no_details" in of(said, "warning", "code")
    assert set(of(said, "epoch_finished", "details")) == {None}


def test_photos_that_vanish_are_left_out_and_said(job: Job, photos: Path, tmp_path: Path) -> None:
    gone: dict[str, set[str]] = {}

    def take(role: str, count: int) -> None:
        if role not in gone:
            rows = json.loads((tmp_path / "run" / "split.json").read_text("utf-8"))["pictures"]
            names = [row["source"] for row in rows if row["role"] == role]
            gone[role] = set(names[-count:])  # the first ones are being read
            for name in gone[role]:
                Path(name).unlink()

    def on_event(record: dict[str, Any]) -> None:
        if record.get("part") == "reading":
            take("training", 5)
        elif record["event"] == "epoch_finished":
            take("validation", 3)

    said = run_here(job(), on_event)
    assert said[-1]["event"] == "finished"
    (skipped,) = of(said, "scanned", "skipped")
    assert {row["path"] for row in skipped} == gone["training"]
    assert {row["code"] for row in skipped} == {"missing_file"}
    (warning,) = (record for record in said if record["event"] == "warning")
    assert warning["code"] == "pictures_lost"
    assert "3 held-out photos" in warning["message"]
    results = read_results(tmp_path / "run")
    assert results.metrics["images"] == len(results.pictures) == 7
    assert not {picture.path for picture in results.pictures} & gone["validation"]


def test_photos_that_are_all_gone_before_the_export_can_be_put_back(
    job: Job, photos: Path, finished: Path, tmp_path: Path
) -> None:
    def on_event(record: dict[str, Any]) -> None:
        if record["event"] == "epoch_finished" and record["epoch"] == 3:
            photos.rename(tmp_path / "elsewhere")

    with pytest.raises(DataError) as caught:
        run_here(job(), on_event)
    assert caught.value.code == "missing_data"
    assert "Put them back" in str(caught.value.hint)
    assert not (tmp_path / "run" / "model.onnx").exists()
    with pytest.raises(DataError, match="neither a folder") as caught:
        run_here(job())
    assert "disk may be disconnected" in str(caught.value.hint)
    (tmp_path / "elsewhere").rename(photos)
    said = run_here(job())
    assert not of(said, "epoch_started", "epoch")
    assert are_equal(tmp_path / "run", finished)


def test_a_cancelled_run_goes_on_without_the_photos_that_were_deleted(job: Job, photos: Path, tmp_path: Path) -> None:
    control = Control("trial")

    def on_event(record: dict[str, Any]) -> None:
        if record["event"] == "epoch_finished" and record["epoch"] == 2:
            control.handle("cancel")

    with pytest.raises(CancelledRunError):
        run_here(job(), on_event, control)
    shutil.rmtree(photos / "standing")
    said = run_here(job())
    assert of(said, "epoch_started", "epoch") == [3]
    assert said[-1]["event"] == "finished"
    assert len(of(said, "scanned", "skipped")[0]) == PER_CLASS
    assert "class_not_learnt" in of(said, "warning", "code")
    assert said[-1]["metrics"]["images"] == 5


def test_a_head_fits_the_features_that_it_was_learnt_on_though_photos_are_deleted(
    job: Job, photos: Path, tmp_path: Path
) -> None:
    run_here(job(train="head"))
    whole = weights(tmp_path / "run")
    for path in sorted((photos / "lying").iterdir())[:20]:
        path.unlink()
    said = run_here(job(train="head"))
    assert not of(said, "epoch_started", "epoch")
    later = weights(tmp_path / "run")
    assert all(np.array_equal(whole[k], later[k]) for k in whole)


def test_other_photos_in_place_of_the_runs_own_are_not_enough(job: Job, photos: Path) -> None:
    run_here(job(epochs=1))
    for path in photos.glob("*/*.png"):
        path.rename(path.with_name(f"new-{path.name}"))
    with pytest.raises(DataError, match="None of the training photos") as caught:
        run_here(job(epochs=1))
    assert "does not exist" in str(caught.value.hint)


def test_divergence_leaves_the_last_good_checkpoint(job: Job, tmp_path: Path) -> None:
    # Two layers without batch norms between them, which hold off the worst.
    recipe = {"optimizer": "sgd", "patience": 0}
    trained = {"train": "head", "head": {"hidden": 16}, "recipe": recipe}
    run_here(job(**trained, epochs=2, learning_rate=0.01))
    before = {path: path.read_bytes() for path in saved(tmp_path / "run")}
    with pytest.raises(TrainingError) as caught:
        run_here(job(**trained, epochs=50, learning_rate=100.0))
    assert caught.value.code == "loss_not_finite"
    assert "lower learning rate" in str(caught.value.hint)
    assert {path: path.read_bytes() for path in saved(tmp_path / "run")} == before
    said = run_here(job(**trained, epochs=3, learning_rate=0.01))
    assert of(said, "epoch_started", "epoch") == [3]
    assert said[-1]["event"] == "finished"
