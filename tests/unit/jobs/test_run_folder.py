"""Nothing is written over: neither the photos' folders nor files that lie in the way, nor another run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from resnet_desktop.core.errors import JobError
from resnet_desktop.jobs import run_folder
from resnet_desktop.jobs.job import Job, is_same_run, parse_job
from resnet_desktop.runs.opening import stored_job


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for label in ("ants", "bees"):
        (tmp_path / "photos" / label).mkdir(parents=True)
    return tmp_path / "photos"


def job_on(photos: Path | str, run: Path, **changes: Any) -> Job:
    return parse_job({"v": 1, "data": [{"folder": str(photos)}], "output": str(run), **changes})


def with_run(folder: Path, job: Job) -> Path:
    """A folder as a run of ``job`` leaves it."""
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "events.jsonl").write_text("{}\n")
    (folder / "job.json").write_text(json.dumps(job.as_dict()))
    return folder


def refused(job: Job) -> JobError:
    with pytest.raises(JobError) as caught:
        run_folder.check(job)
    assert caught.value.code == "bad_job"
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("where", [".", "ants", "run", "ants/deep/run"])
def test_a_run_among_the_photos_is_refused(photos: Path, where: str) -> None:
    assert "is inside the photos" in refused(job_on(photos, photos / where)).message


def test_a_link_does_not_hide_that_it_lies_among_the_photos(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(photos, target_is_directory=True)
    refused(job_on(photos, tmp_path / "link" / "run"))
    refused(job_on(tmp_path / "link", photos / "run"))


@pytest.mark.parametrize("where", ["run", "photos-run", "photos/.app/runs/one"])
def test_a_run_beside_the_photos_or_in_a_hidden_folder_is_fine(photos: Path, tmp_path: Path, where: str) -> None:
    run_folder.check(job_on(photos, tmp_path / where))


@pytest.mark.parametrize("source", ["nowhere", "a\0b", "~nobody-is-called-so/photos", "x" * 5000])
def test_a_source_that_no_folder_is_called_is_left_to_the_scan(tmp_path: Path, source: str) -> None:
    run_folder.check(job_on(source, tmp_path / "run"))


def test_a_folder_with_files_of_another_kind_is_refused(photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "another"
    folder.mkdir()
    run_folder.check(job_on(photos, folder))
    (folder / "model.onnx").write_bytes(b"somebody's own")
    assert "model.onnx" in refused(job_on(photos, folder)).message


def test_a_folder_in_which_a_run_never_came_to_learn_is_free(photos: Path, tmp_path: Path) -> None:
    run = with_run(tmp_path / "run", job_on(photos, tmp_path / "run"))
    (run / "checkpoints").rmdir()
    run_folder.check(job_on(photos, run, seed=5))


CHANGES: list[dict[str, Any]] = [
    {"seed": 5},
    {"train": "all"},
    {"base": "another"},
    {"exclude": ["ants/1.jpg"]},
    {"split": {"validation": 0.5}},
    {"head": {"hidden": 16}},
    {"preset": "best"},
    {"recipe": {"mixup": 0.5}},
    {"input_size": 64},
]


@pytest.mark.parametrize("change", CHANGES)
def test_another_run_is_not_written_over(photos: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    run = with_run(tmp_path / "run", job_on(photos, tmp_path / "run"))
    assert "another run" in refused(job_on(photos, run, **change)).message


def test_other_photos_are_another_run(photos: Path, tmp_path: Path) -> None:
    run = with_run(tmp_path / "run", job_on(photos, tmp_path / "run"))
    refused(job_on(photos / "ants", run))


@pytest.mark.parametrize(
    "change",
    [{}, {"epochs": 7}, {"batch_size": 3, "workers": 2}, {"learning_rate": 0.5}, {"device": "cpu", "control": "none"}],
)
def test_the_same_job_goes_on_with_its_run(photos: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    """The stored one has every choice filled in, so that what is the same is not what is written alike."""
    first = job_on(photos, tmp_path / "run")
    filled = job_on(
        photos,
        tmp_path / "run",
        device="cpu",
        workers=2,
        learning_rate=0.01,
        recipe={
            "schedule": [{"epochs": 9, "size": 128, "batch_size": 8}],
            "precision": "float32",
            "compile": "off",
            "accumulate": 2,
            "transforms": {"resize": 128, "crop": 128, "mean": [0.5] * 3, "std": [0.2] * 3},
        },
    )
    run = with_run(tmp_path / "run", filled)
    run_folder.check(job_on(photos, run, **change))
    assert is_same_run(filled, first)


def test_a_run_from_the_usual_base_of_earlier_versions_keeps_it(photos: Path, tmp_path: Path) -> None:
    """A stored job names its base, whatever the usual one is now; what is trained from scratch has none."""
    earlier = {"train": "last-stage", "base": "resnet50-everyday40"}
    run = with_run(tmp_path / "run", job_on(photos, tmp_path / "run", **earlier))
    assert stored_job(run).base == "resnet50-everyday40"
    run_folder.check(job_on(photos, run, **earlier))
    assert "--resume" in str(refused(job_on(photos, run, train="last-stage")).hint)
    scratch = with_run(tmp_path / "scratch", job_on(photos, tmp_path / "scratch", **(earlier | {"train": "scratch"})))
    run_folder.check(job_on(photos, scratch, train="scratch"))


def test_a_damaged_job_file_does_not_bar_the_way(photos: Path, tmp_path: Path) -> None:
    run = with_run(tmp_path / "run", job_on(photos, tmp_path / "run"))
    (run / "job.json").write_text('{"v": 1, "da')
    run_folder.check(job_on(photos, run))


def test_a_run_folder_that_holds_the_photos_is_refused(photos: Path) -> None:
    for folder in (photos.parent, photos.parent / "other" / ".."):
        assert "contains the photos" in refused(job_on(photos, folder)).message
    assert "contains the photos" in refused(job_on(photos / "ants", photos)).message


def test_a_run_that_began_above_its_photos_goes_on(photos: Path) -> None:
    job = job_on(photos, photos.parent)
    with_run(photos.parent, job)
    run_folder.check(job)
