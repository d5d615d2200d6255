"""A text file of paths, as ``classify`` takes it: its paths start beside it, or from ``--photos``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import typer

from resnet_desktop.cli.inputs import Inputs, read_inputs
from resnet_desktop.imaging.decode import Source


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A list in one folder, called from another; ``b.jpg`` is in both, ``c.jpg`` in the working folder only."""
    for name in ("lists/a.jpg", "lists/b.jpg", "work/b.jpg", "work/c.jpg", "photos/a.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    monkeypatch.chdir(tmp_path / "work")
    table = tmp_path / "lists" / "list.txt"
    names = ("a.jpg", "b.jpg", "c.jpg", str(tmp_path / "photos" / "a.jpg"), "gone.jpg", "s3://bucket/d.jpg")
    table.write_text("\n".join(names) + "\n", "utf-8")
    return table


def inputs(listed: str, photos: Path | None = None) -> Inputs:
    return read_inputs([listed], "table", recursive=False, photos=photos, threshold=None)


def found(given: Inputs) -> list[str]:
    names: list[str] = []

    def kept(paths: Iterable[str], *, recursive: bool) -> Iterator[Source]:
        assert not recursive
        names.extend(paths)
        return iter(())

    assert not list(given.sources(kept))
    return [os.path.relpath(name) if os.path.isabs(name) else name for name in names]  # noqa: PTH117


def test_paths_start_beside_the_list_else_in_the_working_folder(listed: Path) -> None:
    assert found(inputs(os.path.relpath(listed))) == [
        *("../lists/a.jpg", "../lists/b.jpg", "c.jpg", "../photos/a.jpg", "gone.jpg", "s3://bucket/d.jpg")
    ]


def test_a_list_in_the_working_folder_gives_its_paths_as_they_are(
    listed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(listed.parent)
    assert found(inputs("list.txt"))[:3] == ["a.jpg", "b.jpg", "c.jpg"]


def test_the_folder_of_the_photos_can_be_named(listed: Path) -> None:
    assert found(inputs(str(listed), listed.parent.parent / "photos")) == [
        *("../photos/a.jpg", "../photos/b.jpg", "../photos/c.jpg", "../photos/a.jpg", "../photos/gone.jpg"),
        "s3://bucket/d.jpg",
    ]
    with pytest.raises(typer.BadParameter, match="list of photos"):
        inputs(str(listed.parent / "a.jpg"), listed.parent)
