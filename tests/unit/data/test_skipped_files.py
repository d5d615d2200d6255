"""What lies among the photos and cannot be used is named; what can be used is, whatever it is called."""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from resnet_desktop.core.errors import DataError
from resnet_desktop.data.dataset import survey
from resnet_desktop.imaging.decode import encode_jpeg, encode_png
from resnet_desktop.jobs.job import Job, parse_job
from tests.conftest import make_photo


def job_on(folder: Path, **changes: Any) -> Job:
    return parse_job({"v": 1, "data": [{"folder": str(folder)}], "output": "out", **changes})


def put(folder: Path, *names: str, content: bytes | None = None) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() if content is None else content)


def packed(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder).as_posix())
    return path


@pytest.fixture(params=["folder", "zip"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Makes a job on a folder, or on a zip file of it."""

    def make(folder: Path) -> Job:
        return job_on(folder if request.param == "folder" else packed(folder, tmp_path / "photos.zip"))

    return make


def test_pictures_without_a_suffix_are_used(tmp_path: Path, source: Any) -> None:
    put(tmp_path / "p", "a/0001", "a/b.20240101", content=encode_jpeg(make_photo()))
    put(tmp_path / "p", "b/picture", content=encode_png(make_photo()))
    put(tmp_path / "p", "a/README", "b/LICENSE", "b/empty.1", content=b"Just text.")
    put(tmp_path / "p", "b/void", content=b"")
    assert survey(source(tmp_path / "p")).counts() == {"a": 2, "b": 1}


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes in folders there")
def test_a_pipe_without_a_suffix_is_not_waited_for(tmp_path: Path) -> None:
    put(tmp_path, "a/1.jpg", "b/1.jpg")
    os.mkfifo(tmp_path / "a" / "pipe")
    assert survey(job_on(tmp_path)).counts() == {"a": 1, "b": 1}


def test_kinds_of_pictures_that_cannot_be_read_are_counted(tmp_path: Path, source: Any) -> None:
    put(tmp_path / "p", "a/1.jpg", "b/1.jpg", "a/2.CR2", "a/3.nef", "b/4.DNG", "c/5.arw", "d/6.svg", "e/7.psd")
    problems = survey(source(tmp_path / "p")).problems
    said = next(problem for problem in problems if "unsupported formats" in problem)
    assert "6 photos" in said
    assert "2 in a (.cr2, .nef), 1 in b (.dng), 1 in c (.arw) and 2 more" in said
    assert "JPEG" in said


def test_raw_photos_alone_are_said(tmp_path: Path) -> None:
    put(tmp_path, "a/1.CR2", "b/2.CR2")
    with pytest.raises(DataError, match=r"2 photos are in unsupported formats .*\.cr2"):
        survey(job_on(tmp_path))


def test_hidden_folders_with_pictures_are_named(tmp_path: Path, source: Any) -> None:
    put(tmp_path / "p", "a/1.jpg", "b/1.jpg", ".secret/c/1.jpg", ".secret/2.PNG", "a/.more/3.jpg", ".empty/x.txt")
    put(tmp_path / "p", ".git/1.jpg", "a/.thumbnails/1.jpg", "__MACOSX/a/1.jpg", "a/._1.jpg")
    found = survey(source(tmp_path / "p"))
    assert found.counts() == {"a": 1, "b": 1}
    (problem,) = found.problems
    assert "2 in .secret, 1 in a/.more." in problem
