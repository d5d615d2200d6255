"""Layouts, splits and refusals of the data scan. The pictures are never opened by it, so empty files serve."""

from __future__ import annotations

import os
import sys
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from resnet_desktop.core.errors import DataError
from resnet_desktop.data.dataset import SampleReader, scan
from resnet_desktop.jobs.job import Job, parse_job


def job_on(folder: Path, **changes: Any) -> Job:
    return parse_job({"v": 1, "data": [{"folder": str(folder)}], "output": "out", **changes})


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def ten(folder: str) -> tuple[str, ...]:
    return tuple(f"{folder}/{i}.jpg" for i in range(10))


def test_class_folders_are_split_by_class_and_seed(tmp_path: Path) -> None:
    put(tmp_path, *ten("ants"), *ten("bees"), "ants/notes.txt", "readme.md")
    found = scan(job_on(tmp_path))
    assert found.labels == ("ants", "bees")
    assert Counter(s.label for s in found.validation) == {0: 2, 1: 2}
    assert Counter(s.label for s in found.training) == {0: 8, 1: 8}
    assert found.counts() == {"ants": 10, "bees": 10}
    assert scan(job_on(tmp_path)) == found
    assert scan(job_on(tmp_path, seed=1)).validation != found.validation


def test_trees_keep_their_own_split(tmp_path: Path) -> None:
    put(tmp_path, *(f"data/{n}" for part in ("train", "val", "test") for c in "ab" for n in ten(f"{part}/{c}")))
    found = scan(job_on(tmp_path))
    assert found.labels == ("a", "b")
    assert (len(found.training), len(found.validation), len(found.test)) == (20, 20, 20)
    assert all("/train/" in s.source for s in found.training)


def test_the_public_tiny_imagenet_layout(tmp_path: Path) -> None:
    root = tmp_path / "tiny-imagenet-200"
    put(root, *(f"train/{c}/images/{c}_{i}.JPEG" for c in ("n01", "n02") for i in range(4)))
    put(root, "val/images/val_0.JPEG", "val/images/val_1.JPEG", "test/images/test_0.JPEG")
    (root / "val" / "val_annotations.txt").write_text("val_0.JPEG\tn02\t0\t0\t1\t1\nval_1.JPEG\tn01\t0\t0\t1\t1\n")
    found = scan(job_on(tmp_path))
    assert found.labels == ("n01", "n02")
    assert [s.label for s in sorted(found.validation, key=lambda s: s.name)] == [1, 0]
    assert len(found.training) == 8
    assert found.test == ()


def test_a_zip_is_read_like_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in (*ten("all/ants"), *ten("all/bees")):
            archive.writestr(name, name)
    found = scan(job_on(path))
    assert found.counts() == {"ants": 10, "bees": 10}
    reader = SampleReader()
    try:
        assert reader.read(found.training[0]) == (found.training[0].member or "").encode()
    finally:
        reader.close()


def test_chosen_classes_are_renamed_and_ordered(tmp_path: Path) -> None:
    put(tmp_path, *ten("n1"), *ten("n2"), *ten("n3"))
    found = scan(job_on(tmp_path, classes={"n3": "cat", "n1": "dog"}))
    assert found.labels == ("cat", "dog")
    assert found.counts() == {"cat": 10, "dog": 10}
    with pytest.raises(DataError, match="n9"):
        scan(job_on(tmp_path, classes={"n1": "cat", "n9": "dog"}))


def test_excluded_and_relabelled_pictures(tmp_path: Path) -> None:
    put(tmp_path, *ten("a"), *ten("b"))
    first, second = str(tmp_path / "a" / "0.jpg"), str(tmp_path / "a" / "1.jpg")
    found = scan(job_on(tmp_path, exclude=[first], relabel={second: "b"}))
    assert found.counts() == {"a": 8, "b": 11}
    with pytest.raises(DataError, match="not a class"):
        scan(job_on(tmp_path, relabel={second: "z"}))


def test_one_picture_in_a_class_stays_for_training(tmp_path: Path) -> None:
    put(tmp_path, "a/0.jpg", *ten("b"))
    found = scan(job_on(tmp_path))
    assert Counter(s.label for s in found.training) == {0: 1, 1: 8}


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    put(tmp_path, *ten("a"), *ten("b"))
    (tmp_path / "a" / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert scan(job_on(tmp_path)).counts() == {"a": 10, "b": 10}


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes only on Linux")
def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    put(tmp_path, *ten("b"))
    folder = os.fsencode(tmp_path) + b"/\xff\xfe"
    Path(os.fsdecode(folder)).mkdir()
    Path(os.fsdecode(folder + b"/\xe9.jpg")).write_bytes(b"x")
    assert len(scan(job_on(tmp_path)).labels) == 2


@pytest.mark.parametrize(
    ("names", "code"), [((), "no_images"), (ten("only"), "one_class"), (("loose.jpg",), "no_images")]
)
def test_too_little_data_is_said(tmp_path: Path, names: tuple[str, ...], code: str) -> None:
    put(tmp_path, *names)
    with pytest.raises(DataError) as caught:
        scan(job_on(tmp_path))
    assert caught.value.code == code


def test_missing_and_damaged_sources_are_said(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        scan(job_on(tmp_path / "nowhere"))
    assert caught.value.code == "missing_data"
    path = tmp_path / "bad.zip"
    path.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(DataError) as caught:
        scan(job_on(path))
    assert caught.value.code == "bad_data"
