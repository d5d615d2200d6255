"""Finding pictures in folders, by patterns, and under any name."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from resnet_desktop.core.errors import ImageError
from resnet_desktop.imaging.decode import decode
from resnet_desktop.imaging.files import find_images, printable

needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="needs names and links as on POSIX systems")


def touch(folder: Path, *names: str) -> None:
    """Make empty files, with the folders they lie in."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def found(folder: Path, *paths: str, recursive: bool = False) -> list[str]:
    """What is found below ``folder``, as names relative to it."""
    given = [folder / path for path in paths]
    return [path.relative_to(folder).as_posix() for path in find_images(given, recursive=recursive)]


def test_a_folder_gives_its_pictures_as_people_count(tmp_path: Path) -> None:
    touch(tmp_path, "10.jpg", "9.JPG", "a.png", "B.webp", "notes.txt", ".hidden.jpg", "sub/1.jpg", "x².heic")
    assert found(tmp_path, "") == ["9.JPG", "10.jpg", "a.png", "B.webp", "x².heic"]


def test_raw_photos_and_icons_count_where_they_stand_alone(tmp_path: Path) -> None:
    for name in ("1.jpg", "1.CR2", "2.dng", "3.NEF", "4.ico", "5.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in find_images([tmp_path], recursive=False)] == ["1.jpg", "2.dng", "3.NEF", "4.ico"]


def test_recursion_takes_folders_in_order_after_files(tmp_path: Path) -> None:
    touch(tmp_path, "z.jpg", "dir10/a.jpg", "dir9/b.jpg", "dir9/deep/c.jpg", ".git/d.jpg")
    assert found(tmp_path, "", recursive=True) == ["z.jpg", "dir9/b.jpg", "dir9/deep/c.jpg", "dir10/a.jpg"]


def test_files_are_taken_as_they_are(tmp_path: Path) -> None:
    touch(tmp_path, "notes.txt", "a.jpg")
    assert found(tmp_path, "notes.txt", "missing.jpg", "a.jpg", "a.jpg") == [
        "notes.txt",
        "missing.jpg",
        "a.jpg",
        "a.jpg",
    ]


def test_patterns_are_expanded(tmp_path: Path) -> None:
    touch(tmp_path, "a1.jpg", "a10.jpg", "a2.jpg", "b.txt", "sub/c.jpg", "sub/d.gif")
    assert found(tmp_path, "a*.jpg") == ["a1.jpg", "a2.jpg", "a10.jpg"]
    assert found(tmp_path, "su?") == ["sub/c.jpg", "sub/d.gif"]
    assert found(tmp_path, "**/*.jpg") == ["a1.jpg", "a2.jpg", "a10.jpg", "sub/c.jpg"]
    assert found(tmp_path, "nothing*.jpg", "a**") == ["nothing*.jpg", "a**"] or sys.version_info >= (3, 13)


def test_a_file_whose_name_looks_like_a_pattern_is_itself(tmp_path: Path) -> None:
    touch(tmp_path, "a[1].jpg", "a1.jpg")
    assert found(tmp_path, "a[1].jpg") == ["a[1].jpg"]


def test_a_relative_pattern_gives_relative_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "sub/c.jpg")
    monkeypatch.chdir(tmp_path)
    assert list(find_images(["sub/*.jpg", "sub", ""], recursive=False)) == [Path("sub/c.jpg"), Path("sub/c.jpg")]


@needs_posix
def test_a_circle_of_links_ends(tmp_path: Path) -> None:
    touch(tmp_path, "one/a.jpg", "two/b.jpg")
    (tmp_path / "one" / "up").symlink_to(tmp_path)
    (tmp_path / "two" / "one").symlink_to(tmp_path / "one")
    assert sorted(found(tmp_path, "", recursive=True)) == ["one/a.jpg", "two/b.jpg"]


@needs_posix
def test_odd_entries_with_a_picture_suffix_are_given_for_decode_to_name(tmp_path: Path) -> None:
    (tmp_path / "gone.jpg").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe.jpg")
    codes = []
    for path in find_images([tmp_path], recursive=True):
        with pytest.raises(ImageError) as caught:
            decode(path)
        codes.append(caught.value.code)
    assert codes == ["missing_file", "not_a_regular_file"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may list any folder")
def test_a_folder_that_may_not_be_listed_is_not_lost(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    assert found(tmp_path, "", recursive=True) == ["closed"]
    with pytest.raises(ImageError) as caught:
        decode(closed)
    assert caught.value.code == "no_permission"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux allows any bytes in a name")
def test_names_that_are_not_utf8_are_found(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    touch(tmp_path, name)
    assert [path.name for path in find_images([tmp_path], recursive=False)] == [name]
    assert printable(name) == r"caf\xe9.jpg"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Änne 猫.jpg", "Änne 猫.jpg"),
        ("a\nb\x1b[31m.jpg", r"a\nb\x1b[31m.jpg"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("\ud800", r"\ud800"),
    ],
)
def test_names_are_shown_without_control_characters(name: str, shown: str) -> None:
    assert printable(name) == shown


@needs_posix
def test_a_link_in_a_circle_hides_nothing_else(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "below/b.jpg")
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "circle.jpg").symlink_to("circle.jpg")
    (tmp_path / "up").symlink_to(tmp_path)
    assert found(tmp_path, "", recursive=True) == ["a.jpg", "circle.jpg", "below/b.jpg"]
    assert found(tmp_path, "*.jpg") == ["a.jpg", "circle.jpg"]
    with pytest.raises(ImageError):
        decode(tmp_path / "circle.jpg")


@pytest.mark.skipif(sys.platform != "linux", reason="the tables of Linux")
def test_the_tables_of_the_system_are_not_searched(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    (tmp_path / "tables").symlink_to("/proc")
    assert found(tmp_path, "", recursive=True) == ["a.jpg"]
    assert list(find_images(["/proc"], recursive=True)) == []


@pytest.mark.parametrize("name", ["a" * 300 + ".jpg", "a" * 300 + ".csv"])
def test_a_name_that_no_file_can_have_is_given_for_decode_to_name(name: str) -> None:
    assert list(find_images([name, "other.jpg"], recursive=True)) == [Path(name), Path("other.jpg")]
