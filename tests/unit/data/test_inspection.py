"""Looking at pictures: duplicates are found and kept together, findings are acted on, reading is remembered."""

from __future__ import annotations

import io
import os
import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageFilter

from resnet_desktop.core.errors import DataError
from resnet_desktop.core.progress import CancelledError
from resnet_desktop.data.checks.inspection import Inspection, inspect, scan_with_remarks
from resnet_desktop.data.dataset import scan
from resnet_desktop.data.pictures.image_stats import read_facts
from resnet_desktop.data.pictures.samples import Sample
from resnet_desktop.data.split import split_file
from resnet_desktop.imaging.decode import encode_jpeg
from resnet_desktop.imaging.fingerprint import fingerprint
from resnet_desktop.jobs.job import Job, parse_job
from tests.conftest import PhotoMaker
from tests.unit.data.edits import exclude, keep, relabel


def job_on(folder: Path, **changes: Any) -> Job:
    return parse_job({"v": 1, "data": [{"folder": str(folder)}], "output": str(folder / "none"), **changes})


@pytest.fixture
def photos(tmp_path: Path, photo: PhotoMaker) -> Path:
    """Twelve photos for each of two classes, all different."""
    for number, label in enumerate(("ants", "bees")):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for i in range(12):
            data = encode_jpeg(photo(96, 80, 100 * number + i))
            (tmp_path / "photos" / label / f"{i:02d}.jpg").write_bytes(data)
    return tmp_path / "photos"


def edited(path: Path, to: Path, quality: int = 50, size: tuple[int, int] | None = None) -> None:
    with Image.open(path) as image:
        (image.resize(size) if size else image).save(to, quality=quality)


def kinds(seen: Inspection) -> Counter[str]:
    return Counter(finding.kind for finding in seen.findings)


def test_photos_in_order_have_no_findings(photos: Path) -> None:
    seen = inspect(job_on(photos))
    assert seen.findings == ()
    assert seen.counts == {"ants": 12, "bees": 12}
    assert seen.imbalance == 1.0
    assert len(seen.pictures) == 24
    assert all((p.width, p.height, p.error) == (96, 80, None) for p in seen.pictures)
    assert seen.scan == scan(job_on(photos))


def test_duplicates_are_found_and_stay_together(photos: Path) -> None:
    (photos / "ants" / "copy.jpg").write_bytes((photos / "ants" / "00.jpg").read_bytes())
    edited(photos / "bees" / "03.jpg", photos / "bees" / "smaller.png.jpg", size=(84, 70))
    edited(photos / "bees" / "03.jpg", photos / "bees" / "worse.jpg", quality=30)
    for seed in range(8):
        seen = inspect(job_on(photos, seed=seed, split={"validation": 0.4}))
        part_of = {s.name: part for part, p in enumerate((seen.scan.training, seen.scan.validation)) for s in p}
        assert len(seen.groups) == 2
        for group in seen.groups:
            assert len({part_of[s.name] for s in group}) == 1
    by_kind = {f.kind: f for f in seen.findings}
    assert set(by_kind) == {"exact_duplicate", "near_duplicate"}
    assert [Path(s.name).name for s in by_kind["exact_duplicate"].samples] == ["00.jpg", "copy.jpg"]
    assert [Path(s.name).name for s in by_kind["exact_duplicate"].surplus] == ["copy.jpg"]
    names = {Path(s.name).name for s in by_kind["near_duplicate"].samples}
    assert names == {"03.jpg", "smaller.png.jpg", "worse.jpg"}


def test_a_leak_is_said_where_grouping_is_off(photos: Path) -> None:
    for i in range(12):
        edited(photos / "ants" / f"{i:02d}.jpg", photos / "ants" / f"again {i:02d}.jpg")
    seen = inspect(job_on(photos, split={"group_duplicates": False}))
    leak = next(f for f in seen.findings if f.kind == "leak")
    assert leak.severity == "warning"
    assert leak.groups
    assert kinds(inspect(job_on(photos)))["leak"] == 0


def test_leaks_between_given_trees_are_closed(tmp_path: Path, photos: Path) -> None:
    tree = tmp_path / "tree"
    for label in ("ants", "bees"):
        for part, numbers in (("train", range(8)), ("val", range(6, 12))):  # 6 and 7 are in both
            (tree / part / label).mkdir(parents=True)
            for i in numbers:
                edited(photos / label / f"{i:02d}.jpg", tree / part / label / f"{i}.jpg", 40 if part == "val" else 90)
    seen = inspect(job_on(tree))
    assert kinds(seen)["leak"] == 1
    (leak,) = (f for f in seen.findings if f.kind == "leak")
    assert (leak.severity, len(leak.samples)) == ("warning", 4)
    assert "4 photos you set aside for validation (val/ants/6.jpg, val/ants/7.jpg, val/bees/6.jpg" in leak.message
    assert (len(seen.scan.training), len(seen.scan.validation)) == (20, 8)
    assert any("--strict-split" in said for said in scan_with_remarks(job_on(tree)).problems)
    strict = inspect(job_on(tree, split={"strict": True}))
    assert (len(strict.scan.training), len(strict.scan.validation)) == (16, 12)
    assert any("both the training and the validation set" in f.message for f in strict.findings)


def test_a_split_of_copies_alone_is_dropped_with_a_word(tmp_path: Path, photos: Path) -> None:
    tree = tmp_path / "tree"
    for label in ("ants", "bees"):
        for part in ("train", "val"):
            (tree / part / label).mkdir(parents=True)
            for i in range(10):
                edited(photos / label / f"{i:02d}.jpg", tree / part / label / f"{i}.jpg", 40 if part == "val" else 90)
    scan = scan_with_remarks(job_on(tree))
    (said,) = (problem for problem in scan.problems if "you set aside" in problem)
    assert "All 20 photos you set aside for validation (val/ants/0.jpg" in said
    assert f"{len(scan.validation)} photos were chosen at random" in said
    strict = scan_with_remarks(job_on(tree, split={"strict": True}))
    assert {Path(sample.name).parts[-3] for sample in strict.validation} == {"val"}
    assert len(strict.validation) == len(strict.training) == 20


def test_one_picture_under_two_labels(photos: Path) -> None:
    edited(photos / "ants" / "01.jpg", photos / "bees" / "strange.jpg")
    job = job_on(photos)
    (finding,) = (f for f in inspect(job).findings if f.kind == "conflicting_labels")
    assert finding.severity == "error"
    assert {Path(s.name).name for s in finding.samples} == {"01.jpg", "strange.jpg"}
    name = str(photos / "bees" / "strange.jpg")
    assert kinds(inspect(exclude(job, [name])))["conflicting_labels"] == 0
    right = inspect(relabel(job, name, "ants"))
    assert kinds(right)["conflicting_labels"] == 0
    assert right.counts == {"ants": 13, "bees": 12}
    assert (photos / "bees" / "strange.jpg").exists()


def test_one_file_that_sources_put_into_two_classes(photos: Path, tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("path,label\nphotos/ants/00.jpg,bees\nphotos/ants/01.jpg,ants\n")
    sources = [{"csv": str(table)}, {"folder": str(photos)}]
    job = parse_job({"v": 1, "data": sources, "output": str(tmp_path / "run")})
    seen = inspect(job)
    assert seen.counts == {"ants": 11, "bees": 13}
    (finding,) = seen.findings
    assert finding.message == "1 photo has several class labels, such as 00.jpg in “bees” and “ants”."
    assert inspect(relabel(job, finding.samples[0].name, "ants")).findings == ()


def test_a_class_that_shows_one_thing_only(photos: Path) -> None:
    for i in range(1, 12):
        (photos / "ants" / f"{i:02d}.jpg").unlink()
    for i in range(1, 12):
        edited(photos / "ants" / "00.jpg", photos / "ants" / f"{i:02d}.jpg", quality=40 + 4 * i)
    seen = inspect(job_on(photos))
    assert Counter(s.label for s in seen.scan.validation) == {0: 2, 1: 2}
    assert kinds(seen)["leak"] == 1


def test_what_cannot_be_read(photos: Path) -> None:
    whole = (photos / "ants" / "00.jpg").read_bytes()
    (photos / "ants" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (photos / "ants" / "text.jpg").write_text("no picture")
    (photos / "ants" / "empty.jpg").touch()
    (photos / "bees" / "gone.jpg").symlink_to(photos / "nowhere.jpg")
    for seed in range(4):
        seen = inspect(job_on(photos, seed=seed))
        (finding,) = (f for f in seen.findings if f.kind == "unreadable")
        assert len(finding.samples) == 4
        assert not set(finding.samples) & set(seen.scan.validation)
    codes = {Path(p.sample.name).name: p.error[0] for p in seen.pictures if p.error}
    expected = {"cut.jpg": "truncated_image", "text.jpg": "not_an_image"}
    assert codes == {**expected, "empty.jpg": "empty_file", "gone.jpg": "missing_file"}
    assert seen.counts == {"ants": 12, "bees": 12}


def test_how_pictures_look(photos: Path, photo: PhotoMaker) -> None:
    def put(name: str, image: Image.Image) -> None:
        image.save(photos / "ants" / name, quality=95)

    put("dark.png", Image.fromarray(photo(200, 160, 900) // 12))
    put("bright.png", Image.fromarray(255 - photo(200, 160, 901) // 30))
    put("tiny.png", Image.fromarray(photo(40, 60, 902)))
    put("blurred.png", Image.fromarray(photo(200, 160, 903)).filter(ImageFilter.GaussianBlur(6)))
    seen = inspect(job_on(photos))
    looks = {f.kind: [Path(s.name).stem for s in f.samples] for f in seen.findings}
    assert looks == {kind: [kind] for kind in ("dark", "bright", "tiny", "blurred")}
    assert all(f.severity == "note" for f in seen.findings)


def test_few_pictures_imbalance_and_names(photos: Path, photo: PhotoMaker) -> None:
    for label, count in (("Ants", 2), ("wasps", 1), ("broken", 1)):
        (photos / label).mkdir()
        for i in range(count):
            (photos / label / f"{i}.jpg").write_bytes(encode_jpeg(photo(96, 80, 500 + 10 * len(label) + i)))
    (photos / "broken" / "0.jpg").write_text("nothing")
    (photos / "empty").mkdir()
    seen = inspect(job_on(photos))
    said = {(f.kind, f.severity): f.message for f in seen.findings}
    assert "None of the photos of “broken” can be read, so this class" in said["unreadable", "error"]
    assert "“Ants” and “wasps”" in said["few_images", "warning"]
    assert any("“empty”" in f.message for f in seen.findings)
    assert "12 times" in said["imbalance", "warning"]
    (names,) = (f for f in seen.findings if f.kind == "class_names")
    assert {seen.scan.labels[s.label] for s in names.samples} == {"Ants"}
    severities = [f.severity for f in seen.findings]
    assert severities == sorted(severities, key=["error", "warning", "note"].index)


def test_classes_that_are_not_learnt_or_not_checked(photos: Path, photo: PhotoMaker) -> None:
    for part, label, numbers in (
        *(("train", "ants", range(10)), ("val", "ants", range(10, 12)), ("train", "bees", range(12))),
        ("val", "wasps", range(10)),
    ):
        (photos / "tree" / part / label).mkdir(parents=True)
        for i in numbers:
            pixels = photo(96, 80, 300 + 100 * ("ants", "bees", "wasps").index(label) + i)
            (photos / "tree" / part / label / f"{i}.jpg").write_bytes(encode_jpeg(pixels))
    seen = inspect(job_on(photos / "tree"))
    said = [(f.severity, f.message) for f in seen.findings if f.kind == "few_images"]
    assert ("error", "“wasps” has no photo for training.") in said
    assert any(severity == "warning" and "No validation photos for “bees”" in message for severity, message in said)
    nothing = inspect(job_on(photos, classes={"ants": "ants", "bees": "bees"}, split={"validation": 0}))
    (finding,) = nothing.findings
    assert (finding.kind, finding.severity, finding.suggestion) == ("few_images", "warning", "add")
    assert "accuracy cannot be measured" in finding.message


def test_a_run_says_the_worst_of_what_was_found(photos: Path, tmp_path: Path) -> None:
    edited(photos / "ants" / "01.jpg", photos / "bees" / "strange.jpg")
    (photos / "ants" / "copy.jpg").write_bytes((photos / "ants" / "00.jpg").read_bytes())
    job = job_on(photos, exclude=["gone.jpg"])
    job = replace(job, output=str(tmp_path / "run"))
    told = scan_with_remarks(job)
    assert len(told.problems) == 2
    assert "gone.jpg" in told.problems[0]
    assert "are in different classes" in told.problems[1]
    assert replace(told, problems=()) == replace(scan(job), problems=())
    split_file.save(tmp_path / "run", told)
    assert scan_with_remarks(job).problems == ()  # a run that goes on has said it


def test_names_that_match_no_picture_are_said(photos: Path) -> None:
    there = str(photos / "ants" / "00.jpg")
    gone = [f"gone {i}.jpg" for i in range(5)]
    seen = inspect(job_on(photos, exclude=[there, *gone], relabel={gone[0]: "bees", there: "bees"}))
    said = [f.message for f in seen.findings if f.kind == "few_images"]
    assert said == [
        "The job leaves out 5 photos that do not exist: gone 0.jpg, gone 1.jpg, gone 2.jpg and 2 more.",
        "The job relabels 1 photo that does not exist: gone 0.jpg.",
    ]


def test_equal_damaged_files_are_no_copies(photos: Path) -> None:
    for label in ("ants", "bees"):
        for i in range(2):
            (photos / label / f"broken {i}.jpg").write_bytes(b"no picture")
    seen = inspect(job_on(photos))
    assert kinds(seen) == {"unreadable": 1}
    assert seen.groups == ()


def test_zips_are_looked_at_and_damage_in_them_is_said(photos: Path, tmp_path: Path) -> None:
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(photos.rglob("*.jpg")):
            archive.write(file, file.relative_to(photos).as_posix())
        archive.writestr("ants/text.jpg", b"no picture")
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        broken = archive.getinfo("bees/11.jpg")
    data[broken.header_offset + 200] ^= 0xFF  # its checksum no longer fits
    path.write_bytes(bytes(data))
    seen = inspect(job_on(path, output=str(tmp_path / "run")))
    errors = {p.sample.member: p.error for p in seen.pictures if p.error}
    assert set(errors) == {"ants/text.jpg", "bees/11.jpg"}
    assert errors["ants/text.jpg"] is not None
    assert errors["ants/text.jpg"][1].startswith("text.jpg ")


def test_an_empty_folder_and_one_class(tmp_path: Path, photos: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder, code in ((tmp_path / "empty", "no_images"), (photos / "ants", "no_images")):
        with pytest.raises(DataError) as caught:
            inspect(job_on(folder))
        assert caught.value.code == code
        assert caught.value.hint
    with pytest.raises(DataError) as caught:
        inspect(job_on(photos, classes={"ants": "ants"}))
    assert caught.value.code == "one_class"


def test_it_can_be_cancelled_and_goes_on_where_it_was(photos: Path) -> None:
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 20  # also once for the source and each folder

    with pytest.raises(CancelledError):
        inspect(job_on(photos), cancelled=cancelled)
    told: list[tuple[int, int]] = []
    inspect(job_on(photos), progress=lambda done, total: told.append((done, total)))
    assert told[0][0] >= 10
    assert told[-1] == (24, 24)


def test_what_was_read_is_remembered_until_it_changes(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Any] = []
    real = fingerprint

    def counting(source: Any, budget: Any) -> Any:
        read.append(source)
        return real(source, budget)

    monkeypatch.setattr("resnet_desktop.data.pictures.image_stats.fingerprint", counting)
    first = inspect(job_on(photos))
    assert len(read) == 24
    assert inspect(job_on(photos)).pictures == first.pictures
    assert len(read) == 24
    changed = photos / "ants" / "00.jpg"
    os.utime(changed, ns=(0, 0))
    scan(job_on(photos))
    assert read[24:] == [changed]


@pytest.mark.parametrize("damage", ["text", "folder", "bits"])
def test_a_damaged_cache_is_done_without(photos: Path, home: Path, damage: str) -> None:
    first = inspect(job_on(photos))
    path = home / "cache" / "pictures.sqlite"
    data = path.read_bytes()
    path.unlink()
    if damage == "text":
        path.write_text("no data base " * 1000)
    elif damage == "folder":
        path.mkdir()
    else:
        path.write_bytes(data[:4096] + bytes(b ^ 0x55 for b in data[4096:]))
    assert inspect(job_on(photos)).pictures == first.pictures
    if damage != "folder":  # and what is damaged is made anew
        inspect(job_on(photos))
        told: list[tuple[int, int]] = []
        inspect(job_on(photos), progress=lambda done, total: told.append((done, total)))
        assert told[0] == (24, 24)


def test_keeping_takes_everything_back(photos: Path) -> None:
    job = job_on(photos)
    assert keep(relabel(exclude(job, ["a", "b", "a"]), "b", "bees"), ["a", "b"]) == job
    assert exclude(job, ["a", "b", "a"]).exclude == ("a", "b")


def test_a_file_that_vanishes_while_it_is_read(photos: Path) -> None:
    samples = [Sample(str(p), None, 0) for p in sorted(photos.rglob("*.jpg"))]
    last = Path(samples[-1].source)

    def progress(done: int, total: int) -> None:
        last.unlink(missing_ok=True)

    seen = read_facts(samples, workers=1, progress=progress)
    assert seen[-1].error is not None
    assert seen[-1].error[0] == "missing_file"
    assert all(fact.error is None for fact in seen[:-1])
