"""Sessions on disk: what is written comes back, what has changed does not, and of the rest an error of ours."""

from __future__ import annotations

import contextlib
import json
import os
import random
from dataclasses import replace
from pathlib import Path

import pytest

from resnet_desktop.core.errors import SessionError, StorageError
from resnet_desktop.imaging.region import Region
from resnet_desktop.inference.classifier import ClassScore
from resnet_desktop.inference.groups import GroupScore
from resnet_desktop.session import kept_pictures, saved
from resnet_desktop.session.results import Result
from resnet_desktop.session.saved import Saved, SavedPhoto


def photo(folder: Path, name: str = "a.jpg", *, label: str = "cat") -> SavedPhoto:
    path = folder / name
    path.write_bytes(b"some bytes")
    group = GroupScore("n02121808", label, 0.9, (0, 2))
    result = Result(
        (ClassScore(2, label, 0.7), ClassScore(0, "dog", 0.2)),
        unfamiliar=True,
        provider="CPU",
        seconds=0.1,
        full_size=(40, 30),
        group=group,
        notes=("A note.",),
        file=saved.file_state(path),
    )
    return SavedPhoto(path, selected=True, result=result)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A session of three photos, one of them without a result."""
    path = tmp_path / "list.session"
    photos = (photo(tmp_path), SavedPhoto(tmp_path / "gone.jpg"), photo(tmp_path, "b.jpg"))
    saved.write(path, Saved("model", "crop", 2, photos))
    return path


def test_what_is_written_comes_back(written: Path, tmp_path: Path) -> None:
    known = saved.file_state(tmp_path / "a.jpg")
    found = saved.read(written)
    assert (found.answers, found.fit, found.current) == ("model", "crop", 2)
    assert [each.source for each in found.photos] == [tmp_path / name for name in ("a.jpg", "gone.jpg", "b.jpg")]
    first = photo(tmp_path).result
    assert first is not None
    assert found.photos[0] == SavedPhoto(tmp_path / "a.jpg", selected=True, result=replace(first, file=known))
    assert found.photos[1] == SavedPhoto(tmp_path / "gone.jpg")


def test_results_of_files_that_changed_are_left_out(written: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"other bytes!")
    os.utime(tmp_path / "b.jpg", ns=(1, 1))
    assert [each.result for each in saved.read(written).photos] == [None, None, None]


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_names_that_are_no_text_and_hostile_words(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"na\xffme\n.jpg")
    one = photo(tmp_path, path.name, label="\x1b[31mred\u202e")
    saved.write(tmp_path / "list.session", Saved("", "crop", None, (one,)))
    (found,) = saved.read(tmp_path / "list.session").photos
    assert found.source == path
    assert found.result is not None
    assert found.result.top.label == "\\x1b[31mred\\u202e"


@pytest.mark.parametrize(
    ("line", "key", "value"),
    [
        (0, "format", "other"),
        (0, "v", "1"),
        (0, "answers", 3),
        (0, "current", True),
        (1, "path", ""),
        (1, "path", "a\0b"),
        (1, "path", None),
        (1, "selected", 1),
        (1, "file", [1]),
        (1, "file", None),
        (1, "result", []),
        (1, "result", {"scores": []}),
    ],
)
def test_wrong_values_are_refused(written: Path, line: int, key: str, value: object) -> None:
    lines = [json.loads(each) for each in written.read_text("utf-8").splitlines()]
    lines[line][key] = value
    written.write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises(SessionError) as caught:
        saved.read(written)
    assert caught.value.code == "bad_session"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("scores", [[0, "a", float("nan")]]),
        ("scores", [[-1, "a", 0.5]]),
        ("scores", [[0, 7, 0.5]]),
        ("scores", [[0, "a", 1.5]]),
        ("scores", [[0, "a"]]),
        ("full_size", [1, "2"]),
        ("sure", None),
        ("notes", [3]),
        ("group", {"label": "x"}),
        ("seconds", "fast"),
    ],
)
def test_wrong_results_are_refused(written: Path, key: str, value: object) -> None:
    lines = [json.loads(each) for each in written.read_text("utf-8").splitlines()]
    lines[1]["result"][key] = value
    written.write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises(SessionError, match="line 2"):
        saved.read(written)


def test_a_newer_one_and_none_at_all(written: Path, tmp_path: Path) -> None:
    text = written.read_text("utf-8")
    written.write_text(text.replace('"v": 1', '"v": 3', 1))
    with pytest.raises(SessionError) as newer:
        saved.read(written)
    assert newer.value.code == "newer_session"
    for path in (tmp_path / "none.session", tmp_path):
        with pytest.raises(SessionError) as missing:
            saved.read(path)
        assert missing.value.code == "missing_session"
    with pytest.raises(StorageError):
        saved.write(tmp_path / "a.jpg" / "list.session", Saved("", "crop", None, ()))


def test_damage_anywhere_is_an_error_of_ours_or_harmless(written: Path) -> None:
    whole, chance = written.read_bytes(), random.Random(0)
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        written.write_bytes(data[: chance.randint(1, len(data))])
        with contextlib.suppress(SessionError):
            saved.read(written)


def a_result() -> Result:
    """Of a photo with notes and labels of which several are present."""
    score = ClassScore(1, "dog", 0.8)
    return Result(
        (score,),
        unfamiliar=False,
        provider="CPU",
        seconds=0.1,
        full_size=(4, 3),
        notes=("A note.",),
        note_codes=("a_note",),
        full_provider="CPUExecutionProvider",
        present=(score,),
    )


def test_parts_and_pictures_without_a_file_come_back(tmp_path: Path) -> None:
    path, data = tmp_path / "list.session", b"\x89PNG\r\n\x1a\n and so on"
    box = (0.1, 0.2, 0.3, 0.4)
    one = photo(tmp_path)
    photos = (
        one,
        SavedPhoto(Region(str(one.source), box), result=one.result, name="Part 1 of a.jpg"),
        SavedPhoto(data, selected=True, result=a_result(), name="Pasted \x1b 1"),
        SavedPhoto(Region("", box, data=data), result=a_result(), name="Part 1 of it"),
    )
    assert saved.write(path, Saved("model", "crop", 3, photos)) == 0
    found = saved.read(path)
    assert (found.current, found.left_out) == (3, 0)
    assert found.photos == (*photos[:2], replace(photos[2], name="Pasted \\x1b 1"), photos[3])
    (kept,) = (tmp_path / "list.session-pictures").iterdir()
    assert kept.suffix == ".png"
    assert json.loads(path.read_text("utf-8").splitlines()[0])["v"] == 2
    kept.write_bytes(b"something else")
    found = saved.read(path)
    assert (found.photos, found.current, found.left_out) == (photos[:2], None, 2)
    (kept.parent / "mine.txt").touch()
    saved.write(path, Saved("model", "crop", 1, photos[:1]))
    assert [file.name for file in kept.parent.iterdir()] == ["mine.txt"], "what is not its own stays"
    assert json.loads(path.read_text("utf-8").splitlines()[0])["v"] == 1


def test_what_there_is_no_room_for_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_pictures, "MOST_BYTES", 10)
    path = tmp_path / "list.session"
    photos = tuple(SavedPhoto(data) for data in (b"12345678", b"abcdefgh", b"xy"))
    assert saved.write(path, Saved("", "crop", 2, photos)) == 1
    found = saved.read(path)
    assert found.photos == (photos[0], photos[2])
    assert (found.current, found.left_out) == (1, 1)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("bbox", [0.5, 0.5, 0.6, 0.1]),
        ("bbox", [0.1, 0.1, 0.0, 0.1]),
        ("bbox", [0.1, 0.1, float("nan"), 0.1]),
        ("bbox", "all"),
        ("name", 3),
        ("picture", "../../secret"),
        ("picture", 7),
    ],
)
def test_wrong_parts_are_refused(written: Path, key: str, value: object) -> None:
    lines = [json.loads(each) for each in written.read_text("utf-8").splitlines()]
    lines[1][key] = value
    written.write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises(SessionError, match="line 2"):
        saved.read(written)
