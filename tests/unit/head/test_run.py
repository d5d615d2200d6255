"""Whole runs of the last layer: what is written, what is said of it, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.core.errors import DataError, JobError, ModelError, ResNetDesktopError
from resnet_desktop.head import photos
from resnet_desktop.head.estimate import estimate
from resnet_desktop.head.preview import preview
from resnet_desktop.imaging.decode import decode_image, encode_png
from resnet_desktop.inference.session import Session
from resnet_desktop.jobs.job import parse_job
from resnet_desktop.jobs.results import read_results
from resnet_desktop.runs.control import CancelledRunError, Control

from .making import SIDE, base_model, fill_folder, job, run_here

EACH = 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill_folder(tmp_path_factory.mktemp("photos"), EACH)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return base_model(tmp_path_factory.mktemp("base") / "base.onnx")


@pytest.fixture
def finished(folder: Path, base: Path, tmp_path: Path) -> tuple[Path, list[dict[str, Any]]]:
    output = tmp_path / "run"
    return output, run_here(job(folder, output, base))


def test_few_photos_are_judged_by_cross_validation(finished: tuple[Path, list[dict[str, Any]]]) -> None:
    output, said = finished
    scanned = next(event for event in said if event["event"] == "scanned")
    assert (scanned["training"], scanned["validation"]) == (2 * EACH, 0)
    metrics = said[-1]["metrics"]
    assert said[-1]["event"] == "finished"
    assert (metrics["on"], metrics["folds"], metrics["images"]) == ("cross-validation", 5, 2 * EACH)
    assert metrics["acc1"] > 0.9, "random filters tell stripes apart"
    results = read_results(output)
    assert len(results.judged) == 2 * EACH
    assert results.about["pictures"] == {"training": 2 * EACH, "validation": 0, "test": 0}
    assert results.novelty is not None
    assert results.confusion is not None
    assert np.sum(results.confusion) == 2 * EACH
    assert "19 in 20 intervals made this way" in (output / "report.html").read_text("utf-8")


def test_the_bundle_answers_rightly_by_itself(finished: tuple[Path, list[dict[str, Any]]], folder: Path) -> None:
    output, _ = finished
    bundle = bundles.read(output / "model.onnx")
    assert bundles.verify(bundle).ok
    assert bundle.metadata.categories == ("lying", "standing")
    assert bundle.features is not None, "heatmaps need it"
    assert bundle.metadata.provenance["metrics"]["folds"] == 5
    session, right = Session(bundle), 0
    for label, name in enumerate(bundle.metadata.categories):
        for path in sorted((folder / name).iterdir()):
            x = bundle.metadata.transforms.apply(decode_image(path)[0])
            right += int(session.run(x[None])[bundle.output_name].argmax() == label)
    assert right >= 2 * EACH - 1, "it has learnt from all of them"


def test_photos_that_the_user_set_apart_are_judged_by(base: Path, tmp_path: Path) -> None:
    fill_folder(tmp_path / "photos" / "train", 8)
    fill_folder(tmp_path / "photos" / "val", 5, seed=1)
    said = run_here(job(tmp_path / "photos", tmp_path / "run", base))
    metrics = said[-1]["metrics"]
    assert (metrics["on"], metrics["images"], metrics["chosen_by"]) == ("validation", 10, False)
    results = read_results(tmp_path / "run")
    assert results.about["pictures"] == {"training": 16, "validation": 10, "test": 0}
    assert {picture.role for picture in results.judged} == {"validation"}


def test_many_photos_are_set_apart_as_ever(
    folder: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos, "MANY", 4)
    said = run_here(job(folder, tmp_path / "run", base))
    assert said[-1]["metrics"]["on"] == "validation"
    assert said[-1]["metrics"]["images"] == 4


def test_a_run_goes_on_to_the_same_model_after_it_was_cancelled(folder: Path, base: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    run_here(job(folder, whole, base))
    control = Control("trial")

    def on_event(event: dict[str, Any]) -> None:
        if event.get("part") == "learning":
            control.handle("cancel")

    broken = tmp_path / "broken"
    with pytest.raises(CancelledRunError):
        run_here(job(folder, broken, base), on_event, control)
    assert not (broken / "model.onnx").exists()
    said = run_here(json.loads((broken / "job.json").read_text("utf-8")))
    assert not any(event.get("part") == "features" and event["step"] for event in said), "they are remembered"
    ours, theirs = (bundles.arrays(bundles.read(run / "model.onnx")) for run in (broken, whole))
    assert all(np.array_equal(ours[name], theirs[name]) for name in theirs)


def test_a_dead_photo_is_left_out_and_named(base: Path, tmp_path: Path) -> None:
    photos_folder = fill_folder(tmp_path / "photos", 6)
    (photos_folder / "lying" / "dead.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    said = run_here(job(photos_folder, tmp_path / "run", base))
    scanned = next(event for event in said if event["event"] == "scanned")
    assert [Path(row["path"]).name for row in scanned["skipped"]] == ["dead.png"]
    assert said[-1]["metrics"]["images"] == 12


def test_a_class_of_one_photo_is_learnt_and_nothing_is_claimed_of_it(base: Path, tmp_path: Path) -> None:
    photos_folder = fill_folder(tmp_path / "photos", 6)
    (photos_folder / "rare").mkdir()
    (photos_folder / "rare" / "one.png").write_bytes(encode_png(np.full((SIDE, SIDE, 3), 200, np.uint8)))
    said = run_here(job(photos_folder, tmp_path / "run", base))
    warned = [event["message"] for event in said if event["event"] == "warning" and event["code"] == "class_not_tried"]
    assert len(warned) == 1
    assert "“rare”" in warned[0]
    assert said[-1]["metrics"]["images"] == 12
    assert read_results(tmp_path / "run").untested == ("rare",)


def test_two_photos_in_all_make_a_model_of_which_nothing_is_known(base: Path, tmp_path: Path) -> None:
    said = run_here(job(fill_folder(tmp_path / "photos", 1), tmp_path / "run", base))
    assert said[-1]["event"] == "finished"
    assert said[-1]["metrics"]["acc1"] is None
    assert "could not be measured" in (tmp_path / "run" / "report.html").read_text("utf-8")


def test_classes_that_are_not_told_apart_are_said_to_be(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # folds follow from the photos' names: with the folder's, one run in forty has luck
    rng = np.random.default_rng(0)
    from .making import stripes

    for name in ("this", "that"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(10):
            (tmp_path / "photos" / name / f"{i}.png").write_bytes(encode_png(stripes(rng, lying=True)))
    said = run_here(job(Path("photos"), tmp_path / "run", base))
    warned = [event for event in said if event["event"] == "warning" and event["code"] == "not_told_apart"]
    assert len(warned) == 1
    assert warned[0]["message"] in read_results(tmp_path / "run").about["problems"]
    assert said[-1]["event"] == "finished", "nothing is lost"


def test_photos_that_are_all_the_same_are_refused(base: Path, tmp_path: Path) -> None:
    for name in ("this", "that"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(4):
            (tmp_path / "photos" / name / f"{i}.png").write_bytes(encode_png(np.full((SIDE, SIDE, 3), 90, np.uint8)))
    with pytest.raises(DataError, match="look the same"):
        run_here(job(tmp_path / "photos", tmp_path / "run", base))


def test_a_base_with_weights_that_are_no_numbers_is_refused(folder: Path, tmp_path: Path) -> None:
    bad = base_model(tmp_path / "bad.onnx", bad=True)
    with pytest.raises(ModelError, match="no numbers") as told:
        run_here(job(folder, tmp_path / "run", bad))
    assert told.value.hint


@pytest.mark.parametrize(
    "changes", [{"head": {"hidden": 8}}, {"train": "all"}, {"input_size": 64}, {"device": "cuda"}], ids=str
)
def test_what_takes_pytorch_is_refused(folder: Path, base: Path, tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(JobError, match="PyTorch"):
        run_here(job(folder, tmp_path / "run", base, **changes))


AS_MODULE = "sys.argv = ['head', sys.argv[1]]; runpy.run_module('resnet_desktop.head', run_name='__main__')"
AS_PACKAGED = (
    "sys.frozen = True; sys.argv = ['app', '-u', '-m', 'resnet_desktop.head', sys.argv[1]]; "
    "from resnet_desktop.__main__ import main; main()"
)


@pytest.mark.parametrize("start", [AS_MODULE, AS_PACKAGED], ids=["interpreter", "packaged program"])
def test_the_process_speaks_the_protocol_without_pytorch(folder: Path, base: Path, tmp_path: Path, start: str) -> None:
    """In a process in which torch cannot be imported."""
    path = tmp_path / "job.json"
    path.write_text(json.dumps(job(folder, tmp_path / "run", base)), "utf-8")
    command = [sys.executable, "-c", f"import runpy, sys; sys.modules['torch'] = None; {start}", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [e["event"] for e in events if e["event"] != "progress"] == ["started", "scanned", "finished"]
    assert done.stdout == (tmp_path / "run" / "events.jsonl").read_text("utf-8")


def test_a_bad_job_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    path.write_text("{", "utf-8")
    command = [sys.executable, "-m", "resnet_desktop.head", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 2
    assert json.loads(done.stdout)["code"] == "bad_job"


def test_an_estimate_and_examples_are_given(folder: Path, base: Path, tmp_path: Path) -> None:
    parsed = parse_job(job(folder, tmp_path / "run", base, preset="best"))
    told = estimate(parsed)
    assert told["seconds"] > 0
    assert (told["images"], told["classes"], told["device"]) == (20, 2, "cpu")
    rows = preview(parsed, tmp_path)["pictures"]
    assert len(rows) == 4
    assert all(len(row["augmented"]) == 3 for row in rows)
    first = [Path(name).read_bytes() for name in (rows[0]["plain"], *rows[0]["augmented"])]
    assert len(set(first)) == 4


def test_a_missing_base_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ResNetDesktopError, match="nowhere"):
        run_here(job(folder, tmp_path / "run", Path("nowhere")))
