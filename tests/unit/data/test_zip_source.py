"""Zip files as other programs make them: old encodings, backslashes, damaged and encrypted members."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from resnet_desktop.core.errors import DataError
from resnet_desktop.data.dataset import SampleReader, survey
from resnet_desktop.jobs.job import Job, parse_job


def job_on(path: Path, **changes: Any) -> Job:
    return parse_job({"v": 1, "data": [{"folder": str(path)}], "output": "out", **changes})


class RawName(zipfile.ZipInfo):
    """An entry whose name is written as these bytes, without the flag for UTF-8."""

    raw = b""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802
        return self.raw, self.flag_bits & ~0x800


def zipped(path: Path, *names: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            entry = RawName(name.decode("latin-1"))
            entry.raw = name
            archive.writestr(entry, name)
    return path


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("utf-8", ["café", "蝴蝶", "бабочка"]),
        ("gbk", ["蝴蝶", "蜜蜂", "蚂蚁"]),
        ("gbk", ["猫", "狗"]),
        ("shift_jis", ["ラクダ", "いぬ", "猫の写真"]),
        ("cp1252", ["Bär", "Füße", "Éléphant"]),
        ("cp437", ["Bär", "Katze", "éléphant"]),
        ("cp437", ["chien", "chat"]),
    ],
)
def test_names_of_classes_in_the_encoding_of_the_system(tmp_path: Path, encoding: str, names: list[str]) -> None:
    path = zipped(tmp_path / "z.zip", *(f"{name}/{i}.jpg".encode(encoding) for name in names for i in range(2)))
    found = survey(job_on(path))
    assert set(found.labels) == set(names)
    reader = SampleReader()
    try:
        assert {reader.read(s) for s in found.samples} == {
            f"{n}/{i}.jpg".encode(encoding) for n in names for i in (0, 1)
        }
    finally:
        reader.close()


@pytest.mark.parametrize("encoding", ["cp866", "koi8-r", "cp1256"])
def test_what_cannot_be_guessed_stays_as_it_is(tmp_path: Path, encoding: str) -> None:
    names = ["سلام", "كلب"] if encoding == "cp1256" else ["Кошки", "Собаки", "птица"]
    path = zipped(tmp_path / "z.zip", *(f"{name}/1.jpg".encode(encoding) for name in names))
    assert set(survey(job_on(path)).labels) == {name.encode(encoding).decode("cp437") for name in names}


def test_backslashes_part_folders_where_nothing_else_does(tmp_path: Path) -> None:
    path = zipped(tmp_path / "w.zip", *(rf"all\{c}\{i}.jpg".encode() for c in "ab" for i in range(3)), b"all\\c\\")
    found = survey(job_on(path))
    assert found.counts() == {"a": 3, "b": 3}
    assert "“c”" in found.problems[0]
    reader = SampleReader()
    try:
        assert reader.read(found.training[0]).startswith(b"all\\")  # type: ignore[union-attr]
    finally:
        reader.close()


def test_a_damaged_list_of_labels_is_said(tmp_path: Path) -> None:
    path = tmp_path / "tiny.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("train/a/1.jpg", "train/b/1.jpg", "val/images/1.jpg"):
            archive.writestr(name, name)
        archive.writestr("val/val_annotations.txt", "1.jpg\ta\t0\t0\t1\t1\n")
        place = archive.getinfo("val/val_annotations.txt").header_offset
    data = bytearray(path.read_bytes())
    whole = bytes(data)
    data[place + 30 + len("val/val_annotations.txt")] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(DataError) as caught:
        survey(job_on(path))
    assert caught.value.code == "bad_data"
    assert "val_annotations.txt" in caught.value.message
    assert caught.value.hint
    encrypted = bytearray(whole)
    encrypted[place + 6] |= 1  # the flag of an encrypted member, here and in the directory at the end
    entry = whole.rindex(b"PK\x01\x02")
    encrypted[entry + 8] |= 1
    path.write_bytes(encrypted)
    with pytest.raises(DataError, match="it is encrypted"):
        survey(job_on(path))


def test_what_cannot_be_unpacked_is_named_once(tmp_path: Path) -> None:
    path = tmp_path / "z.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/1.jpg", b"one")
        archive.writestr("b/1.jpg", b"two")
    data = bytearray(path.read_bytes())
    data[30 + len("a/1.jpg")] ^= 0xFF
    path.write_bytes(data)
    (damaged,) = (sample for sample in survey(job_on(path)).samples if sample.member == "a/1.jpg")
    reader = SampleReader()
    try:
        with pytest.raises(DataError, match=r"^1\.jpg cannot be extracted: Bad CRC"):
            reader.read(damaged)
    finally:
        reader.close()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("photo.jpg", "is a single photo"),
        ("photos.tar.gz", "xtract it"),
        ("photos.RAR", "xtract it"),
        ("notes.txt", "CSV"),
    ],
)
def test_a_file_that_is_no_source_is_told_what_is(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / name).write_bytes(b"content")
    with pytest.raises(DataError) as caught:
        survey(job_on(tmp_path / name))
    assert said in str(caught.value)
    assert "folder" in str(caught.value)
    assert "zip" in str(caught.value)


def test_a_zip_file_of_another_name_is_one(tmp_path: Path) -> None:
    path = zipped(tmp_path / "photos.bin", b"a/1.jpg", b"b/1.jpg")
    assert survey(job_on(path)).labels == ("a", "b")
