"""Splits that lie on the disk already, under the names that people give them; and what looks like one but is none."""

from __future__ import annotations

import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from resnet_desktop.core.errors import DataError
from resnet_desktop.data.dataset import survey
from resnet_desktop.data.pictures.samples import Scan
from resnet_desktop.data.sources.folder_roles import named_roles, said_role
from resnet_desktop.jobs.job import Job, parse_job


def job_on(*folders: Path, **changes: Any) -> Job:
    return parse_job({"v": 1, "data": [{"folder": str(f)} for f in folders], "output": "out", **changes})


def put(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return folder


def four(*folders: str) -> tuple[str, ...]:
    return tuple(f"{folder}/{i}.jpg" for folder in folders for i in range(4))


def parts(found: Scan) -> tuple[int, int, int]:
    return len(found.training), len(found.validation), len(found.test)


@pytest.mark.parametrize(
    ("training", "other", "expected"),
    [
        ("training", "testing", (6, 2, 8)),
        ("Train", "dev", (8, 8, 0)),
        ("train", "eval", (8, 8, 0)),
        ("train", "evaluation", (8, 8, 0)),
        ("train", "holdout", (6, 2, 8)),
        ("train_set", "test_set", (6, 2, 8)),
        ("training_set", "val_set", (8, 8, 0)),
        ("Training Data", "Testing Data", (6, 2, 8)),
        ("seg_train", "seg_test", (6, 2, 8)),
        ("seg_train/seg_train", "seg_test/seg_test", (6, 2, 8)),
        ("flowers/train_x", "flowers/test_x", (6, 2, 8)),
        ("x_train", "x_val", (8, 8, 0)),
        ("images/train2017", "images/val2017", (8, 8, 0)),
    ],
)
def test_a_split_under_other_names(tmp_path: Path, training: str, other: str, expected: tuple[int, ...]) -> None:
    put(tmp_path, *four(*(f"{part}/{label}" for part in (training, other) for label in ("cat", "dog"))))
    found = survey(job_on(tmp_path, split={"validation": 0.3}))
    assert found.labels == ("cat", "dog")
    assert parts(found) == expected
    assert found.problems == ()


@pytest.mark.parametrize(
    "names",
    [
        four("bus", "car", "train"),
        four("bus", "car", "train", "train/old", "car/red"),
        four("bus/red", "car/red", "train/old", "train/new"),
        four("training shoes/new", "test tube/glass", "cup"),
        four("training", "testing", "coffee", "lunch"),
    ],
)
def test_classes_that_are_called_like_parts(tmp_path: Path, names: tuple[str, ...]) -> None:
    put(tmp_path, *names)
    found = survey(job_on(tmp_path))
    assert set(found.labels) == {name.split("/")[0] for name in names}
    assert sum(found.counts().values()) == len(names)
    assert found.problems == ()


def test_a_part_without_class_folders_is_no_class(tmp_path: Path) -> None:
    put(tmp_path, *four("train/cat", "train/dog", "test"), "train/stray.jpg")
    found = survey(job_on(tmp_path))
    assert found.labels == ("cat", "dog")
    assert found.test == ()
    assert any("4 photos in “test” have no class" in problem for problem in found.problems)
    assert any("train/stray.jpg" in problem for problem in found.problems)


@pytest.mark.parametrize("heap", ["test/unknown", "test/test", "test/images"])
def test_one_folder_in_a_part_that_is_no_class_to_learn(tmp_path: Path, heap: str) -> None:
    put(tmp_path, *four("train/cat", "train/dog", heap))
    found = survey(job_on(tmp_path))
    assert found.labels == ("cat", "dog")
    assert any("have no class" in problem for problem in found.problems)


def test_parts_without_any_class_are_refused(tmp_path: Path) -> None:
    put(tmp_path, *four("train", "val", "test"))
    with pytest.raises(DataError, match="have no class") as caught:
        survey(job_on(tmp_path))
    assert caught.value.code == "no_images"


def test_folders_beside_a_split_are_named_and_not_used(tmp_path: Path) -> None:
    put(tmp_path, *four("train/cat", "train/dog", "val/cat", "val/dog", "unlabelled", "more/bird"))
    found = survey(job_on(tmp_path))
    assert found.labels == ("cat", "dog")
    (problem,) = found.problems
    assert "“more”, “unlabelled”" in problem
    assert "8 photos" in problem


def test_a_heap_beside_the_only_part_is_not_used(tmp_path: Path) -> None:
    put(tmp_path, *four("train/cat", "train/dog", "unlabelled"))
    assert survey(job_on(tmp_path)).labels == ("cat", "dog")


def test_a_split_in_each_class_folder(tmp_path: Path) -> None:
    put(tmp_path, *four("pets/cat/train", "pets/cat/val", "pets/dog/train/old", "pets/dog/val"))
    found = survey(job_on(tmp_path))
    assert found.labels == ("cat", "dog")
    assert parts(found) == (8, 8, 0)
    assert all("/val/" in sample.name for sample in found.validation)
    put(tmp_path, "pets/dog/1.jpg")  # a photo beside them: these folders may be anything
    assert len(survey(job_on(tmp_path)).validation) != 8


def test_classes_given_one_by_one_with_a_split_in_each(tmp_path: Path) -> None:
    put(tmp_path, *four("cat/train", "cat/test", "dog/train", "dog/test"))
    found = survey(job_on(tmp_path / "cat", tmp_path / "dog"))
    assert found.labels == ("cat", "dog")
    assert len(found.test) == 8


def test_parts_given_one_by_one(tmp_path: Path) -> None:
    put(tmp_path, *four("seg_train/cat", "seg_train/dog", "seg_test/cat", "seg_test/dog"))
    assert parts(survey(job_on(tmp_path / "seg_train", tmp_path / "seg_test")))[2] == 8
    put(tmp_path, *four("train/cat", "train/dog", "test"))
    found = survey(job_on(tmp_path / "train", tmp_path / "test"))
    assert found.labels == ("cat", "dog")
    assert any("4 photos in test outside any class folder" in problem for problem in found.problems)


def test_only_zip_files_lose_what_stands_after_the_dot(tmp_path: Path) -> None:
    put(tmp_path, *four("St. Bernard", "Dr. Who"))
    with zipfile.ZipFile(tmp_path / "a.b.zip", "w") as archive:
        archive.writestr("1.jpg", b"x")
    found = survey(job_on(tmp_path / "St. Bernard", tmp_path / "Dr. Who", tmp_path / "a.b.zip"))
    assert found.labels == ("Dr. Who", "St. Bernard", "a.b")


def test_a_stray_picture_above_the_class_folders(tmp_path: Path) -> None:
    put(tmp_path, *four("all/ants", "all/bees"), "stray.jpg", "all/cover.jpg")
    found = survey(job_on(tmp_path))
    assert found.counts() == {"ants": 4, "bees": 4}
    (problem,) = found.problems
    assert "all/cover.jpg, stray.jpg" in problem


def test_a_stray_picture_above_a_split(tmp_path: Path) -> None:
    put(tmp_path, *four("all/train/ants", "all/train/bees", "all/val/ants", "all/val/bees"), "all/1.jpg", "2.jpg")
    found = survey(job_on(tmp_path))
    assert parts(found) == (8, 8, 0)
    assert "2 photos in" in found.problems[0]


def test_a_class_with_folders_in_it_stays_one_among_sources(tmp_path: Path) -> None:
    put(tmp_path / "1", *four("ants", "ants/macro", "ants/wide"))
    put(tmp_path / "2", *four("bees"))
    assert survey(job_on(tmp_path / "1", tmp_path / "2")).counts() == {"ants": 12, "bees": 4}


def test_names_with_further_words_need_each_other() -> None:
    assert named_roles(["seg_train", "seg_pred"]) == {}
    assert named_roles(["train", "val_set", "cat"]) == {"train": "training", "val_set": "validation"}
    assert named_roles(["a train", "b test"]) == {}
    assert Counter(named_roles(["Images-Train", "images-test"]).values()) == {"training": 1, "test": 1}
    assert [said_role(text) for text in ("Train", "test_set", "x-val", "exam", "test tube", "")] == [
        *("training", "test", "validation"),
        *(None, None, None),
    ]
