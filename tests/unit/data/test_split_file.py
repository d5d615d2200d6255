"""The split that a run folder holds is the split; a damaged one is none."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from resnet_desktop.core.errors import GONE, DataError
from resnet_desktop.data.dataset import scan
from resnet_desktop.data.pictures.samples import Sample, Scan
from resnet_desktop.data.split import split_file
from resnet_desktop.jobs.job import Job, parse_job

HEAD = '{"v": 1, "made_for": "", "labels": ["a"], "pictures": '


def put(folder: Path, count: int) -> None:
    for label in "ab":
        (folder / label).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            (folder / label / f"{i}.jpg").write_bytes(f"{label}{i}".encode())


def job_on(folder: Path, run: Path, **changes: Any) -> Job:
    return parse_job({"v": 1, "data": [{"folder": str(folder)}], "output": str(run), **changes})


def test_it_comes_back_whole(tmp_path: Path) -> None:
    stored = Scan(
        ("蝶", "b\ufffd"),
        (Sample("/x/\udcff.jpg", None, 0), Sample("/y.zip", "b/1.jpg", 1)),
        (Sample("/x/2.jpg", None, 1),),
        (),
        made_for="abc",
    )
    path = split_file.save(tmp_path, stored)
    assert path == tmp_path / "split.json"
    loaded = split_file.load(tmp_path)
    assert loaded is not None
    assert loaded.scan == stored
    assert loaded.roles()["/y.zip/b/1.jpg"] == ("training", "b\ufffd")
    json.loads(path.read_text("utf-8"))


def test_the_split_shown_is_the_split_used(tmp_path: Path) -> None:
    put(tmp_path / "photos", 10)
    job = job_on(tmp_path / "photos", tmp_path / "run")
    first = scan(job)
    split_file.save(tmp_path / "run", first)
    put(tmp_path / "photos", 12)
    (tmp_path / "photos" / "a" / "0.jpg").unlink()
    again = scan(job)
    assert (again.training, again.validation) == (first.training, first.validation)
    assert again.problems == ("4 photos were added since this run began and will be used in the next one.",)


def test_a_run_goes_on_with_what_is_left_of_its_pictures(tmp_path: Path) -> None:
    put(tmp_path / "photos", 10)
    job = job_on(tmp_path / "photos", tmp_path / "run")
    first = scan(job)
    split_file.save(tmp_path / "run", first)
    shutil.rmtree(tmp_path / "photos" / "b")
    with pytest.raises(DataError, match=r"[Aa]t least two classes"):
        scan(job_on(tmp_path / "photos", tmp_path / "new"))
    assert split_file.digest(scan(job)) == split_file.digest(first)
    shutil.rmtree(tmp_path / "photos" / "a")
    with pytest.raises(DataError, match="No photos of this run are left") as caught:
        scan(job)
    assert (caught.value.code, caught.value.hint) == ("missing_data", GONE)
    (tmp_path / "photos").rmdir()
    with pytest.raises(DataError, match="neither a folder") as caught:
        scan(job)
    assert (caught.value.code, caught.value.hint) == ("missing_data", GONE)


def test_the_digest_tells_splits_apart() -> None:
    one, two = Sample("1", None, 0), Sample("2", None, 1)
    scans = [
        Scan(("a", "b"), (one, two), (), ()),
        Scan(("b", "a"), (one, two), (), ()),
        Scan(("a", "b"), (one,), (two,), ()),
        Scan(("a", "b"), (one,), (), (two,)),
        Scan(("a", "b"), (one, Sample("2", None, 0)), (), ()),
        Scan(("a", "b"), (one, Sample("2", "x", 1)), (), ()),
    ]
    assert len({split_file.digest(scan) for scan in scans}) == len(scans)
    again = Scan(("a", "b"), (one, two), (), (), problems=("One picture has come.",))
    assert split_file.digest(again) == split_file.digest(scans[0])


@pytest.mark.parametrize("changes", [{"seed": 1}, {"split": {"validation": 0.5}}, {"classes": {"b": "b", "a": "a"}}])
def test_another_job_gets_its_own_split(tmp_path: Path, changes: dict[str, Any]) -> None:
    put(tmp_path / "photos", 10)
    split_file.save(tmp_path / "run", scan(job_on(tmp_path / "photos", tmp_path / "run")))
    changed = job_on(tmp_path / "photos", tmp_path / "run", **changes)
    assert scan(changed) == scan(job_on(tmp_path / "photos", tmp_path / "none", **changes))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"v": 2, "made_for": "", "labels": [], "pictures": []}',
        HEAD + '[{"source": "x", "member": null, "label": 1, "role": "test"}]}',
        HEAD + '[{"source": "x", "member": null, "label": 0, "role": "exam"}]}',
        HEAD + '[{"source": 7, "member": null, "label": 0, "role": "test"}]}',
        HEAD + "7}",
        "[" * 100_000,
    ],
)
def test_a_damaged_file_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "split.json").write_text(text)
    assert split_file.load(tmp_path) is None
    assert split_file.load(tmp_path / "nowhere") is None
