"""This program's sources, as other interpreters get them."""

from __future__ import annotations

import os
import shutil
import sys
import time
import zipfile
from pathlib import Path

import pytest

from resnet_desktop import __version__
from resnet_desktop.core import paths
from resnet_desktop.core.errors import TrainingError
from resnet_desktop.environment import own_wheel, requirements
from resnet_desktop.jobs.launching import program

PYPROJECT = (Path(__file__).parents[3] / "pyproject.toml").read_text("utf-8")


def test_the_wheel_holds_this_program(tmp_path: Path) -> None:
    wheel = own_wheel.build(tmp_path)
    assert wheel.name == f"resnet_desktop-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
        record = archive.read(f"resnet_desktop-{__version__}.dist-info/RECORD").decode().splitlines()
        metadata = archive.read(f"resnet_desktop-{__version__}.dist-info/METADATA").decode()
    assert "resnet_desktop/trainer/__main__.py" in names
    assert "resnet_desktop/runs/report/templates/run.html" in names, "the report is made where the training is"
    assert len(record) == len(names)
    assert "PySide6" not in metadata
    first = wheel.read_bytes()
    assert own_wheel.build(tmp_path).read_bytes() == first, "the same sources give the same file"


def test_the_trainer_asks_for_what_the_program_asks_for() -> None:
    """The floors of the versions are those of pyproject.toml, where they are declared."""
    for requirement in requirements.LIBRARIES:
        assert f'"{requirement}' in PYPROJECT, requirement
    assert f'train = ["{requirements.TORCH}"]' in PYPROJECT
    (low, high) = requirements.SUPPORTED
    assert f'requires-python = ">={low[0]}.{low[1]},<{high[0]}.{high[1] + 1}"' in PYPROJECT


@pytest.mark.parametrize(
    ("version", "fault"),
    [
        ("2.11.0", ""),
        ("2.13.0+cpu", ""),
        ("2.13.0a0+git", ""),
        ("", ""),
        ("2.9.1", "PyTorch 2.9.1 is too old: training needs 2.11 or newer, but older than 2.14."),
        ("2.14.0", "PyTorch 2.14.0 is too new: training needs 2.11 or newer, but older than 2.14."),
        ("3", "PyTorch 3 is too new: training needs 2.11 or newer, but older than 2.14."),
    ],
)
def test_versions_are_compared_with_what_is_asked_for(version: str, fault: str) -> None:
    assert requirements.fault_of("torch>=2.11,<2.14", version) == fault
    assert requirements.fault_of("pillow>=12", "11.3.0") == "pillow 11.3.0 is too old: training needs 12 or newer."


def test_a_copy_holds_the_package_alone_and_is_made_whole_again() -> None:
    folder = program.folder_of_copy()
    assert [path.name for path in folder.iterdir()] == ["resnet_desktop"]
    assert (folder / "resnet_desktop" / "explain" / "report" / "templates" / "page.css").is_file()
    damaged = folder / "resnet_desktop" / "trainer" / "run.py"
    damaged.unlink()
    old, recent = folder.with_name("0" * 16), folder.with_name("1" * 16)
    old.mkdir()
    recent.mkdir()
    long_ago = time.time() - program.KEPT_SECONDS - 60
    os.utime(old, (long_ago, long_ago))
    assert program.folder_of_copy() == folder
    assert damaged.is_file()
    assert {path.name for path in folder.parent.iterdir()} == {folder.name, recent.name}


def test_a_packaged_program_finds_its_sources_or_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = program.sources()
    wheel = own_wheel.build(tmp_path)
    packed, beside = tmp_path / "packed", tmp_path / "beside"
    (packed / "resnet_desktop").mkdir(parents=True)
    beside.mkdir()
    monkeypatch.setattr(paths, "PACKAGE", packed / "resnet_desktop")
    monkeypatch.setenv(paths.SHIPPED, str(packed))
    monkeypatch.setattr(sys, "executable", str(beside / "ResNet Desktop"))
    with pytest.raises(TrainingError, match="does not include the trainer's source") as caught:
        own_wheel.build(tmp_path / "none")
    assert caught.value.code == "no_sources"
    assert f"{wheel.name} into {beside}" in str(caught.value)
    (beside / wheel.name).write_bytes(b"no wheel")
    with pytest.raises(TrainingError):
        program.sources()
    shutil.copy(wheel, beside)
    assert program.sources() == sources
    (beside / wheel.name).unlink()
    shutil.copytree(Path(__file__).parents[3] / "resnet_desktop", packed / "shipped" / "resnet_desktop")
    monkeypatch.setenv(paths.SHIPPED, str(packed / "shipped"))
    assert program.sources() == sources
