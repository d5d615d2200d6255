"""Photos into folders and back: never over a file, never twice, whatever stands in the way."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from resnet_desktop.core import renaming
from resnet_desktop.core.errors import DataError, StorageError
from resnet_desktop.sorting import files, record
from resnet_desktop.sorting.choosing import Choice, choose, counts
from resnet_desktop.sorting.names import FolderNames
from resnet_desktop.sorting.transfer import plan, sort
from resnet_desktop.sorting.undo import take_back

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits for the disk: no test here switches the machine off."""
    monkeypatch.setattr(os, "fsync", lambda _number: None)


def put(path: Path, content: str = "") -> Path:
    """A file that begins as a photo does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(PNG + (content or str(path)).encode())
    return path


def tree(folder: Path) -> dict[str, bytes]:
    """Every file but the record."""
    own = (record.NAME, record.LOCK)
    found = (path for path in folder.rglob("*") if path.is_file() and path.name not in own)
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a process is killed by forking it")
@pytest.mark.parametrize(("action", "links"), [("copy", "links"), ("move", "links"), ("move", "none")])
def test_killed_at_every_step(tmp_path: Path, action: str, links: str) -> None:
    script = Path(__file__).with_name("killed.py")
    done = subprocess.run(
        [sys.executable, script, tmp_path, action, links],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(script.parents[3])},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_sorted_and_taken_back(tmp_path: Path) -> None:
    first, second = put(tmp_path / "a" / "x.png", "1"), put(tmp_path / "b" / "X.png", "2")
    third = put(tmp_path / "b" / "y.png", "3")
    choices = [Choice(first, "cat"), Choice(second, "cat"), Choice(third, None)]
    before = tree(tmp_path)
    out = tmp_path / "b" / "out"
    planned = plan(out, choices, move=False)
    assert not out.exists()
    placed = sort(out, choices, move=False)
    assert [(one.folder, one.action) for one in planned] == [(one.folder, one.action) for one in placed]
    assert set(tree(out)) == {"cat/x.png", "cat/X-2.png", "not sure/y.png"}
    assert first.stat().st_mtime_ns == (out / "cat" / "x.png").stat().st_mtime_ns
    again = sort(out, choices, move=False)
    assert [one.action for one in again] == ["keep"] * 3
    assert [one.action for one in plan(out, choices, move=False)] == ["keep"] * 3
    assert len(tree(out)) == 3
    assert all(one.error is None for one in take_back(out))
    assert tree(tmp_path) == before
    assert not out.exists()


def test_a_photo_that_has_changed_is_sorted_anew_and_one_whose_copy_was_deleted_too(tmp_path: Path) -> None:
    first, second = put(tmp_path / "x.png", "1"), put(tmp_path / "y.png", "2")
    choices = [Choice(first, "cat"), Choice(second, "cat")]
    sort(tmp_path / "out", choices, move=False)
    put(first, "another")
    (tmp_path / "out" / "cat" / "y.png").unlink()
    assert [one.action for one in sort(tmp_path / "out", choices, move=False)] == ["copy", "copy"]
    assert set(tree(tmp_path / "out")) == {"cat/x.png", "cat/x-2.png", "cat/y.png"}


def test_nothing_is_written_over(tmp_path: Path) -> None:
    photo = put(tmp_path / "x.png", "mine")
    put(tmp_path / "out" / "cat" / "x.png", "theirs")
    put(tmp_path / "out" / "dog", "a file in the place of a folder")
    placed = sort(tmp_path / "out", [Choice(photo, "cat"), Choice(put(tmp_path / "d.png"), "dog")], move=True)
    assert [one.error for one in placed] == [None, None]
    found = tree(tmp_path / "out")
    assert found["cat/x.png"] == PNG + b"theirs"
    assert found["cat/x-2.png"] == PNG + b"mine"
    assert set(found) == {"cat/x.png", "cat/x-2.png", "dog", "dog-2/d.png"}
    put(photo, "another in the meantime")
    returned = take_back(tmp_path / "out")
    assert [one.error.code if one.error else None for one in returned] == [None, "name_taken"]
    assert photo.read_bytes() == PNG + b"another in the meantime"
    assert tree(tmp_path / "out") == {name: found[name] for name in ("cat/x.png", "cat/x-2.png", "dog")}
    photo.unlink()
    assert [one.error for one in take_back(tmp_path / "out")] == [None]
    assert photo.read_bytes() == PNG + b"mine"


def test_a_name_that_is_taken_in_the_last_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = files.write_copy

    def slowly(source: Path, part: Path, sha256: str) -> None:
        write(source, part, sha256)
        if not (part.parent / "x.png").exists():
            put(part.parent / "x.png", "theirs")

    monkeypatch.setattr(files, "write_copy", slowly)
    (placed,) = sort(tmp_path / "out", [Choice(put(tmp_path / "x.png", "mine"), "cat")], move=False)
    assert placed.to == tmp_path / "out" / "cat" / "x-2.png"
    assert (tmp_path / "out" / "cat" / "x.png").read_bytes() == PNG + b"theirs"


def test_copies_stay_where_taking_them_back_would_lose_something(tmp_path: Path) -> None:
    photos = [put(tmp_path / f"{name}.png", name) for name in ("changed", "orphan", "deleted", "plain")]
    out = tmp_path / "out"
    sort(out, [Choice(photo, "cat") for photo in photos], move=False)
    put(out / "cat" / "changed.png", "painted on")
    photos[1].unlink()
    (out / "cat" / "deleted.png").unlink()
    put(out / "cat" / "mine.png")
    codes = {one.source.stem: one.error.code if one.error else None for one in take_back(out)}
    assert codes == {"changed": "changed_since", "orphan": "original_gone", "deleted": None, "plain": None}
    assert {Path(name).stem for name in tree(out)} == {"changed", "orphan", "mine"}
    assert (out / record.NAME).is_file()


def test_one_run_can_be_taken_back_alone(tmp_path: Path) -> None:
    first, second = put(tmp_path / "1.png"), put(tmp_path / "2.png")
    sort(tmp_path / "out", [Choice(first, "cat")], move=False, run="aa")
    sort(tmp_path / "out", [Choice(second, "cat")], move=True, run="bb")
    take_back(tmp_path / "out", run="bb")
    assert set(tree(tmp_path)) == {"1.png", "2.png", "out/cat/1.png"}


def test_cancelled_between_two_photos(tmp_path: Path) -> None:
    photos = [put(tmp_path / f"{number}.png") for number in range(4)]
    seen: list[tuple[int, int]] = []
    placed = sort(
        tmp_path / "out",
        [Choice(photo, "cat") for photo in photos],
        move=True,
        cancelled=lambda: len(seen) == 2,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert (len(placed), seen) == (2, [(1, 4), (2, 4)])
    assert [photo.exists() for photo in photos] == [False, False, True, True]


def test_what_cannot_be_moved_is_said_and_the_rest_goes_on(tmp_path: Path) -> None:
    real = put(tmp_path / "real.png")
    link = tmp_path / "link.png"
    link.symlink_to(real)
    choices = [Choice(link, "cat"), Choice(tmp_path / "gone.png", "cat"), Choice(real, "cat")]
    placed = sort(tmp_path / "out", choices, move=True)
    assert [one.error.code if one.error else None for one in placed] == ["is_a_link", "missing_file", None]
    real.parent.joinpath("out", "cat", "real.png").rename(real)
    sort(tmp_path / "copies", [Choice(link, "cat")], move=False)
    assert (tmp_path / "copies" / "cat" / "link.png").read_bytes() == real.read_bytes()
    assert [one.error for one in take_back(tmp_path / "copies")] == [None]


def test_a_photo_in_its_folder_stays(tmp_path: Path) -> None:
    photo = put(tmp_path / "cat" / "x.png")
    assert [one.action for one in sort(tmp_path, [Choice(photo, "cat")], move=True)] == ["keep"]
    assert set(tree(tmp_path)) == {"cat/x.png"}


@pytest.mark.parametrize("move", [False, True])
def test_a_full_disk_ends_it_and_leaves_nothing_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, move: bool
) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    photo = put(tmp_path / "x.png")
    monkeypatch.setattr(files, "write_copy", full)
    monkeypatch.setattr(renaming, "try_link", lambda *_paths: False)
    with pytest.raises(StorageError) as caught:
        sort(tmp_path / "out", [Choice(photo, "cat")], move=move)
    assert caught.value.code == "disk_full"
    assert set(tree(tmp_path)) == {"x.png"}
    monkeypatch.undo()
    assert [one.error for one in sort(tmp_path / "out", [Choice(photo, "cat")], move=move)] == [None]


def test_a_photo_whose_folder_lets_nothing_go_stays_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photo, unlink = put(tmp_path / "in" / "x.png"), Path.unlink

    def refused(path: Path, missing_ok: bool = False) -> None:
        if path == photo:
            raise PermissionError(errno.EACCES, "Permission denied")
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refused)
    (placed,) = sort(tmp_path / "out", [Choice(photo, "cat")], move=True)
    assert placed.error is not None
    assert placed.error.code == "read_only"
    assert set(tree(tmp_path)) == {"in/x.png"}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir(mode=0o500)
    with pytest.raises(StorageError) as caught:
        sort(tmp_path / "out", [Choice(put(tmp_path / "x.png"), "cat")], move=False)
    assert caught.value.code == "read_only"


def test_a_file_in_the_place_of_the_folder_and_a_folder_in_use(tmp_path: Path) -> None:
    photo = put(tmp_path / "x.png")
    with pytest.raises(StorageError) as caught:
        sort(photo, [Choice(photo, "cat")], move=False)
    assert caught.value.code == "write_failed"
    (tmp_path / "out").mkdir()
    with FileLock(tmp_path / "out" / record.LOCK), pytest.raises(StorageError) as caught:
        sort(tmp_path / "out", [Choice(photo, "cat")], move=False)
    assert caught.value.code == "in_use"


@pytest.mark.parametrize("text", ["{}\n", "hello\n", '{"format": "resnet-desktop-sort", "version": 2}\n'])
def test_a_record_of_somebody_else(tmp_path: Path, text: str) -> None:
    (tmp_path / record.NAME).write_text(text)
    for work in (lambda: take_back(tmp_path), lambda: sort(tmp_path, [], move=False)):
        with pytest.raises(DataError) as caught:
            work()
        assert caught.value.code == "bad_data"
    assert (tmp_path / record.NAME).read_text() == text


def test_without_a_record_there_is_nothing_to_take_back(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        take_back(tmp_path)
    assert caught.value.code == "missing_data"
    assert not list(tmp_path.iterdir())


def begun(**changes: Any) -> list[dict[str, Any]]:
    """The lines of a record with one file that was moved."""
    digest = hashlib.sha256(PNG).hexdigest()
    line = {"event": "begin", "id": "a-1", "run": "a", "action": "move", "from": "/", "to": "cat/x.png", "label": "cat"}
    head = {"format": record.FORMAT, "version": record.VERSION, "made_folder": True}
    return [head, {**line, "size": len(PNG), "mtime_ns": 0, "sha256": digest} | changes, {"event": "done", "id": "a-1"}]


@pytest.mark.parametrize(
    "to", ["../victim.png", "/etc/victim", "cat/../../victim.png", "victim.png", "a/b/c.png", "./x"]
)
def test_a_record_cannot_name_what_lies_outside(tmp_path: Path, to: str) -> None:
    victim = tmp_path / "victim.png"
    victim.write_bytes(PNG)
    folder = tmp_path / "out"
    (folder / "cat").mkdir(parents=True)
    lines = begun(to=to, **{"from": str(tmp_path / "taken.png")})
    (folder / record.NAME).write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert take_back(folder) == []
    assert victim.exists()
    assert not (tmp_path / "taken.png").exists()


@pytest.mark.parametrize(("name", "content"), [("authorized_keys", b"ssh-rsa AAAA"), (".bashrc", PNG)])
def test_a_record_cannot_plant_files(tmp_path: Path, name: str, content: bytes) -> None:
    folder = tmp_path / "out"
    (folder / "cat").mkdir(parents=True)
    (folder / "cat" / "x.png").write_bytes(content)
    lines = begun(**{"from": str(tmp_path / "home" / name)})
    (folder / record.NAME).write_text("".join(json.dumps(line) + "\n" for line in lines))
    (returned,) = take_back(folder)
    assert returned.error is not None
    assert not (tmp_path / "home").exists()


def test_bytes_that_are_no_letters(tmp_path: Path) -> None:
    photo = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.png"))
    try:
        put(photo, "1")
    except OSError:
        pytest.skip("this file system knows letters alone")
    sort(tmp_path / "out", [Choice(photo, "\udcff/<b>")], move=True)
    assert [os.fsencode(name) for name in tree(tmp_path / "out")] == [b"___b_/\xff\xfe.png"]
    assert [one.error for one in take_back(tmp_path / "out")] == [None]
    assert photo.exists()


class Score:
    def __init__(self, label: str, probability: float) -> None:
        self.label, self.probability = label, probability


class Said:
    unfamiliar = False
    scores = (Score("tabby", 0.6), Score("lynx", 0.3))
    group: Score | None = Score("cat", 0.9)


def test_what_photos_are_sorted_by() -> None:
    path, said = Path("x.png"), Said()
    assert choose(path, said, "class", 0.6) == Choice(path, "tabby", 0.6)
    assert choose(path, said, "class", 0.7) == Choice(path, None, 0.6)
    assert choose(path, said, "group", 0.7) == Choice(path, "cat", 0.9)
    said.group = None
    assert choose(path, said, "group", 0.5) == Choice(path, "tabby", 0.6)
    said.unfamiliar = True
    assert choose(path, said, "class", 0.1).label is None
    choices = [Choice(path, label) for label in ("a", None, None, "b", "b", None)]
    assert list(counts(choices, FolderNames()).items()) == [("b", 2), ("a", 1), ("not sure", 3)]
