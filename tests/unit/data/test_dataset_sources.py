"""Folders as people have them: several merged, names of all kinds, droppings, links, things that cannot be opened."""

from __future__ import annotations

import os
import sys
import unicodedata
import zipfile
from pathlib import Path
from typing import Any

import pytest

from resnet_desktop.bundle.format.metadata import MAX_LABEL_LENGTH
from resnet_desktop.core.errors import GONE, DataError
from resnet_desktop.data.dataset import collect, survey
from resnet_desktop.data.sources.file_tree import LONGEST_LABEL
from resnet_desktop.jobs.job import Job, parse_job


def job_on(*folders: Path, **changes: Any) -> Job:
    return parse_job({"v": 1, "data": [{"folder": str(f)} for f in folders], "output": "out", **changes})


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def four(folder: str) -> tuple[str, ...]:
    return tuple(f"{folder}/{i}.jpg" for i in range(4))


def test_sources_are_merged_and_a_picture_counts_once(tmp_path: Path) -> None:
    put(tmp_path, *four("one/a"), *four("one/b"), *four("two/b"), *four("two/c"))
    (tmp_path / "one" / "again").symlink_to(tmp_path / "two" / "c", target_is_directory=True)
    one, two = tmp_path / "one", tmp_path / "two"
    found = survey(job_on(one, two, one / ".", Path(f"{two}/")))
    assert sum(found.counts().values()) == 16
    assert found.labels == ("a", "again", "b")  # the same pictures under two names: the first name counts
    back = survey(job_on(two, one))
    assert (back.labels, set(back.samples)) == (found.labels, set(found.samples))


def test_what_two_sources_contradict_is_known(tmp_path: Path) -> None:
    put(tmp_path, *four("one/a"), *four("two/b"))
    (tmp_path / "two" / "b" / "link.jpg").symlink_to(tmp_path / "one" / "a" / "0.jpg")
    found = collect(job_on(tmp_path / "one", tmp_path / "two"))
    ((sample, labels),) = found.contradictions
    assert labels == ("a", "b")
    assert found.labels[sample.label] == "a"
    other = str(tmp_path / "two" / "b" / "link.jpg")
    decided = collect(job_on(tmp_path / "one", tmp_path / "two", relabel={other: "b"}))
    assert decided.contradictions == ()
    assert [found.labels[s.label] for s in decided.samples if s.name == sample.name] == ["b"]
    without = collect(job_on(tmp_path / "one", tmp_path / "two", exclude=[other]))
    assert len(without.samples) == 7


def test_folders_given_one_by_one_are_classes(tmp_path: Path) -> None:
    put(tmp_path, "ants/1.jpg", "ants/2.jpg", "bees/1.jpg")
    with zipfile.ZipFile(tmp_path / "wasps.zip", "w") as archive:
        archive.writestr("1.jpg", b"x")
    found = survey(job_on(tmp_path / "ants", tmp_path / "bees", tmp_path / "wasps.zip"))
    assert found.counts() == {"ants": 2, "bees": 1, "wasps": 1}


def test_train_and_val_given_one_by_one_keep_their_roles(tmp_path: Path) -> None:
    put(tmp_path, *(n for part in ("train", "val") for c in "ab" for n in four(f"{part}/{c}")))
    found = survey(job_on(tmp_path / "val", tmp_path / "train"))
    assert len(found.training) == len(found.validation) == 8
    assert all("/val/" in s.name for s in found.validation)


def test_train_can_be_a_class(tmp_path: Path) -> None:
    put(tmp_path, *four("train"), *four("bus"), *four("car/red"))
    assert survey(job_on(tmp_path)).labels == ("bus", "car", "train")
    put(tmp_path, "train/old/9.jpg")
    assert survey(job_on(tmp_path)).counts() == {"bus": 4, "car": 4, "train": 5}


def test_droppings_and_hidden_files_are_passed_over(tmp_path: Path) -> None:
    put(tmp_path, *four("a"), *four("b"), ".DS_Store", "a/Thumbs.db", "a/._0.jpg", ".git/x/1.jpg", "__MACOSX/a/._0.jpg")
    put(tmp_path, "@eaDir/a/0.jpg", "a/.thumbnails/0.jpg", "a/notes.txt")
    assert survey(job_on(tmp_path)).counts() == {"a": 4, "b": 4}
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        for name in (*four("a"), *four("b"), "__MACOSX/a/._0.jpg", "a/._0.jpg", "a/.DS_Store", "c/"):
            archive.writestr(name, name)
    found = survey(job_on(tmp_path / "z.zip"))
    assert found.counts() == {"a": 4, "b": 4}
    assert "“c”" in found.problems[0]


def test_names_in_any_script(tmp_path: Path) -> None:
    persian = "می\u200cخواهم"  # holds a zero-width non-joiner, which belongs to the word
    names = ["蝶", "Жук", "नमस्ते", persian, "مرحبا", "🐞", "ラクダ", "a b", "100%"]
    for name in names:
        put(tmp_path, *four(name))
    assert set(survey(job_on(tmp_path)).labels) == {unicodedata.normalize("NFC", name) for name in names}


def test_one_name_composed_in_two_ways_is_one_class(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "mac.zip", "w") as archive:
        archive.writestr("x/e\u0301te\u0301/1.jpg", b"1")
        archive.writestr("x/b/1.jpg", b"1")
    put(tmp_path / "pc", "\u00e9t\u00e9/2.jpg", "b/2.jpg")
    found = survey(job_on(tmp_path / "mac.zip", tmp_path / "pc"))
    assert found.counts() == {"b": 2, "\u00e9t\u00e9": 2}


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes only on Linux")
def test_labels_are_text_whatever_the_folder_is_called(tmp_path: Path) -> None:
    put(tmp_path, *four("b"))
    folder = os.fsencode(tmp_path) + b"/caf\xe9\n"
    Path(os.fsdecode(folder)).mkdir()
    Path(os.fsdecode(folder + b"/\xe9.jpg")).write_bytes(b"x")
    assert survey(job_on(tmp_path)).labels == ("b", "caf\\xe9\\n")


@pytest.mark.parametrize("letter", ["\u202e", "\u200b", "\u2066", "\ufeff", "\u200f", "\u00ad"])
def test_characters_that_nobody_sees_are_shown_in_labels(tmp_path: Path, letter: str) -> None:
    put(tmp_path, *four(f"c{letter}at"), *four("cat"))
    labels = survey(job_on(tmp_path)).labels
    assert set(labels) == {"cat", f"c\\u{ord(letter):04x}at" if ord(letter) > 0xFF else f"c\\x{ord(letter):02x}at"}
    with pytest.raises(DataError, match="invisible") as caught:
        survey(job_on(tmp_path, classes={"cat": f"c{letter}at", labels[1 - labels.index("cat")]: "dog"}))
    assert letter not in caught.value.message


@pytest.mark.parametrize(
    ("label", "fault"),
    [
        ("", "is empty"),
        (" ", "is empty"),
        ("a\nb", "line break"),
        ("x" * 1001, "1,000"),
        ("\ud800", "cannot be displayed"),
    ],
)
def test_labels_that_no_model_file_holds_are_refused_before_training(tmp_path: Path, label: str, fault: str) -> None:
    assert LONGEST_LABEL == MAX_LABEL_LENGTH
    put(tmp_path, *four("a"), *four("b"))
    with pytest.raises(DataError) as caught:
        survey(job_on(tmp_path, classes={"a": "ant", "b": label}))
    assert fault in caught.value.message
    assert caught.value.hint
    assert len(caught.value.message) < 200


def test_one_class_is_told_why_the_other_is_none(tmp_path: Path) -> None:
    put(tmp_path, *four("a"))
    with pytest.raises(DataError) as caught:
        survey(job_on(tmp_path))
    assert "“a”" in caught.value.message
    assert "Add a second folder" in str(caught.value.hint)
    (tmp_path / "bees").mkdir()
    with pytest.raises(DataError) as caught:
        survey(job_on(tmp_path))
    assert "“bees” has no readable photos" in str(caught.value.hint)


def test_two_thousand_classes(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for number in range(2000):
            for picture in range(3):
                archive.writestr(f"{number:04d}/{picture}.jpg", b"")
    found = survey(job_on(tmp_path / "many.zip"))
    assert len(found.labels) == 2000
    assert len(found.validation) == 2000


def test_names_that_differ_only_in_case_are_two_classes_or_one(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        for name in ("Cat/1.jpg", "cat/2.jpg", "dog/3.jpg"):
            archive.writestr(name, name)
    path = tmp_path / "z.zip"
    assert survey(job_on(path)).labels == ("Cat", "cat", "dog")
    assert survey(job_on(path, classes={"Cat": "cat", "cat": "cat", "dog": "dog"})).counts() == {"cat": 2, "dog": 1}
    assert survey(job_on(path, relabel={f"{path}/Cat/1.jpg": "cat"})).counts() == {"cat": 2, "dog": 1}


def test_a_class_that_loses_its_last_picture_is_none(tmp_path: Path) -> None:
    put(tmp_path, "a/1.jpg", "b/1.jpg", "c/1.jpg")
    assert survey(job_on(tmp_path, exclude=[str(tmp_path / "a" / "1.jpg")])).labels == ("b", "c")
    with pytest.raises(DataError) as caught:
        survey(job_on(tmp_path, exclude=[str(tmp_path / n / "1.jpg") for n in "ab"]))
    assert caught.value.code == "one_class"
    assert "“c”" in caught.value.message


def test_what_cannot_be_used_is_said(tmp_path: Path) -> None:
    put(tmp_path, *four("a"), *four("b"), "loose.jpg", "c/readme.txt", "d/deep/readme.txt")
    problems = survey(job_on(tmp_path)).problems
    assert len(problems) == 2
    assert "“c” and “d”" in problems[0] or "“c”, “d”" in problems[0]
    assert "loose.jpg" in problems[1]


def test_links_in_a_circle(tmp_path: Path) -> None:
    put(tmp_path, *four("a"), *four("b"))
    (tmp_path / "b" / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "a" / "self.jpg").symlink_to(tmp_path / "a" / "self.jpg")
    found = survey(job_on(tmp_path))
    assert found.counts() == {"a": 5, "b": 4}  # the link to itself is found, and cannot be read


def test_a_folder_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may open everything, so the refusal is made up."""
    put(tmp_path, *four("a"), *four("b"), *four("secret"))
    real = os.scandir

    def refusing(path: str) -> Any:
        if str(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", refusing)
    found = survey(job_on(tmp_path))
    assert found.labels == ("a", "b")
    assert any("secret" in problem and "Permission denied" in problem for problem in found.problems)
    with pytest.raises(DataError) as caught:
        survey(job_on(tmp_path / "secret", tmp_path))
    assert caught.value.code == "bad_data"
    assert caught.value.hint


@pytest.mark.parametrize("name", ["nowhere", "a\0b", "~nobody-is-called-so", "x" * 5000])
def test_a_source_that_is_not_there(name: str) -> None:
    with pytest.raises(DataError) as caught:
        survey(job_on(Path(name)))
    assert caught.value.code == "missing_data"
    assert caught.value.hint == GONE
    with pytest.raises(DataError) as caught:
        survey(parse_job({"v": 1, "data": [{"csv": name}], "output": "out"}))
    assert caught.value.code in ("missing_data", "bad_data")


def test_photos_without_class_folders_are_told_how_to_go_on(tmp_path: Path) -> None:
    put(tmp_path / "heap", "1.jpg", "2.jpg")
    with pytest.raises(DataError, match="2 photos in heap outside any class folder") as caught:
        survey(job_on(tmp_path / "heap"))
    assert caught.value.hint is not None
    assert "one folder for each class" in caught.value.hint
    (tmp_path / "list.csv").write_text("path,label\n", "utf-8")
    with pytest.raises(DataError) as caught:
        survey(parse_job({"v": 1, "data": [{"csv": str(tmp_path / "list.csv")}], "output": "out"}))
    assert "row" in str(caught.value.hint)


def test_a_zip_file_in_a_folder_is_said_to_stay_closed(tmp_path: Path) -> None:
    put(tmp_path / "d", *four("a"), *four("b"), "more.zip")
    assert any("more.zip in d is not opened" in problem for problem in survey(job_on(tmp_path / "d")).problems)


def test_a_zip_file_whose_paths_begin_at_the_root(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "abs.zip", "w") as archive:
        for name in (*four("/a"), *four("/b")):
            archive.writestr(name, name.encode())
    found = survey(job_on(tmp_path / "abs.zip"))
    assert found.labels == ("a", "b")
    assert all(sample.member is not None and sample.member.startswith("/") for sample in found.samples)
