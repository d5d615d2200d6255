"""Training again without the mistakes: the split stays, and what was done to the judged pictures is counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from resnet_desktop.data.dataset import scan
from resnet_desktop.data.split import split_file
from resnet_desktop.imaging.decode import encode_png
from resnet_desktop.jobs import previous_split
from resnet_desktop.jobs.job import Job, parse_job
from resnet_desktop.jobs.results import FILE
from tests.unit.jobs.test_results import picture, values


def put(folder: Path) -> None:
    import numpy as np

    rng = np.random.default_rng(0)
    for label in "ab":
        (folder / label).mkdir(parents=True)
        for i in range(15):
            (folder / label / f"{i}.png").write_bytes(encode_png(rng.integers(0, 255, (24, 24, 3), np.uint8)))


def job_on(folder: Path, run: Path, **changes: Any) -> Job:
    return parse_job({"v": 1, "data": [{"folder": str(folder)}], "output": str(run), **changes})


@pytest.mark.parametrize("grouped", [True, False])
def test_leaving_out_validation_pictures_moves_no_training_picture(grouped: bool, tmp_path: Path) -> None:
    put(tmp_path / "photos")
    split = {"validation": 0.2, "test": 0.2, "group_duplicates": grouped}
    first = scan(job_on(tmp_path / "photos", tmp_path / "one", split=split))
    split_file.save(tmp_path / "one", first)
    gone = [sample.name for sample in first.validation[:3]]
    renamed = {first.test[0].name: "b" if first.labels[first.test[0].label] == "a" else "a"}
    changes: dict[str, Any] = {"split": split, "exclude": gone, "relabel": renamed, "follows": str(tmp_path / "one")}
    second = scan(job_on(tmp_path / "photos", tmp_path / "two", **changes))
    names = [{s.name for s in part} for part in (first.training, first.validation, first.test)]
    again = [{s.name for s in part} for part in (second.training, second.validation, second.test)]
    assert again == [names[0], names[1] - set(gone), names[2]]


def test_new_pictures_are_learnt_from(tmp_path: Path) -> None:
    put(tmp_path / "photos")
    first = scan(job_on(tmp_path / "photos", tmp_path / "one"))
    split_file.save(tmp_path / "one", first)
    new = tmp_path / "photos" / "a" / "new.png"
    new.write_bytes((tmp_path / "photos" / "b" / "1.png").read_bytes()[:-1] + b"x")
    second = scan(job_on(tmp_path / "photos", tmp_path / "two", follows=str(tmp_path / "one")))
    assert str(new) in {s.name for s in second.training}
    assert second.validation == first.validation


def test_who_asks_for_other_shares_gets_another_split(tmp_path: Path) -> None:
    put(tmp_path / "photos")
    job = job_on(tmp_path / "photos", tmp_path / "one")
    first = scan(job)
    split_file.save(tmp_path / "one", first)
    (tmp_path / "one" / "job.json").write_text(json.dumps(job.as_dict()), "utf-8")
    same = job_on(tmp_path / "photos", tmp_path / "two", follows=str(tmp_path / "one"))
    assert previous_split.roles(same)
    more = job_on(tmp_path / "photos", tmp_path / "two", follows=str(tmp_path / "one"), split={"validation": 0.4})
    assert not previous_split.roles(more)
    assert len(scan(more).validation) == 12


def test_an_earlier_run_that_is_gone_is_no_obstacle(tmp_path: Path) -> None:
    put(tmp_path / "photos")
    job = job_on(tmp_path / "photos", tmp_path / "two", follows=str(tmp_path / "gone"))
    assert scan(job).validation
    assert previous_split.judged_changed(job) == 0


def test_only_judged_pictures_that_were_changed_count(tmp_path: Path) -> None:
    found = values() | {"about": {"judged_changed": 2}}
    found["pictures"] = [
        picture("a", "b", 1.0, path="1"),
        picture("a", "b", 1.0, path="2"),
        picture("a", "b", 1.0, path="3", role="test"),
        picture("a", "a", 1.0, path="4"),
    ]
    (tmp_path / FILE).write_text(json.dumps(found), "utf-8")
    relabel = {"2": "b", "4": "a"}
    job = job_on(tmp_path / "photos", tmp_path / "two", exclude=["1", "3", "x"], relabel=relabel, follows=str(tmp_path))
    assert previous_split.judged_changed(job) == 2 + 2, "those of the run before count on"
    assert previous_split.judged_changed(job_on(tmp_path / "photos", tmp_path / "two", exclude=["1"])) == 0
