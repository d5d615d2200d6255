"""Sorts, and is killed at every step in turn. ``killed.py FOLDER copy|move links|none``: a program, since it forks.

A child stops before each change of the file system, and in the middle of each line of the record; then either the same
is done again or it is taken back, and no photo may be missing, doubled or half there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from resnet_desktop.core import renaming
from resnet_desktop.sorting.choosing import Choice
from resnet_desktop.sorting.transfer import sort
from resnet_desktop.sorting.undo import take_back

CHANGES = ("os.link", "os.remove", "os.mkdir", "os.rename", "os.rmdir")
PHOTOS = {"a/x.png": b"\x89PNG\r\n\x1a\none", "b/x.png": b"\x89PNG\r\n\x1a\ntwo", "b/y.png": b"\x89PNG\r\n\x1a\nthree"}
LABELS = {"a/x.png": "cat", "b/x.png": "cat", "b/y.png": None}


def main() -> None:
    """Every step, until the work comes to its end."""
    setattr(os, "fsync", nothing)  # noqa: B010 - slow, and what is killed is a process, not the machine
    base, move, links = Path(sys.argv[1]), sys.argv[2] == "move", sys.argv[3] == "links"
    if not links:
        setattr(renaming, "try_link", nothing)  # noqa: B010 - as on a file system where files have one name
    for work in (sorting, undoing):
        for then in (sorting, undoing):
            step = 0
            while killed_at(step, base / f"{work.__name__}-{then.__name__}-{step}", move, work, then):
                step += 1
            print(work.__name__, then.__name__, step)
            assert step > 10, step


def nothing(*_arguments: object) -> bool:
    """Does nothing."""
    return False


def sorting(folder: Path, move: bool) -> None:
    """Sort the photos that are where they were."""
    if (folder / "out" / "resnet-desktop-sort.jsonl").exists():
        sort(folder / "out", [], move=move)  # what a crash has left of an undo is brought to its end first
    photos = [name for name in PHOTOS if (folder / "in" / name).exists()]
    for placed in sort(folder / "out", [Choice(folder / "in" / name, LABELS[name]) for name in photos], move=move):
        assert placed.error is None, placed


def undoing(folder: Path, _move: bool) -> None:
    """Take everything back."""
    if (folder / "out" / "resnet-desktop-sort.jsonl").exists():
        for returned in take_back(folder / "out"):
            assert returned.error is None, returned


Work = Callable[[Path, bool], None]


def killed_at(step: int, folder: Path, move: bool, work: Work, then: Work) -> bool:
    """Whether the work was killed at that step; it is checked what comes after."""
    for name, content in PHOTOS.items():
        path = folder / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    if work is undoing:
        sorting(folder, move)
    child = os.fork()
    if not child:
        kill_after(step)
        work(folder, move)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9), code
    there = {path.read_bytes() for path in folder.rglob("*.png")}
    assert there >= set(PHOTOS.values()), "a photo is lost"
    then(folder, move)
    check(folder, move, is_sorted=then is sorting)
    return code == 9


def check(folder: Path, move: bool, *, is_sorted: bool) -> None:
    """Every photo is where it belongs, once."""
    kept = {f"in/{name}": content for name, content in PHOTOS.items()}
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.png")}
    assert not list(folder.rglob("*.part")), "something half done is left"
    outside = {name: content for name, content in found.items() if name.startswith("in/")}
    inside = sorted(content for name, content in found.items() if name.startswith("out/"))
    assert outside == ({} if is_sorted and move else kept), found
    assert inside == (sorted(PHOTOS.values()) if is_sorted else []), found
    if not is_sorted:
        left = {str(path.relative_to(folder)) for path in (folder / "out").rglob("*")}
        assert left <= {"out/.resnet-desktop-sort.lock"}, left  # killed before the record began or after it ended


def kill_after(steps: int) -> None:
    """End this process after so many changes of the file system, without any clearing up."""
    left, write = [steps], os.write

    def count() -> bool:
        left[0] -= 1
        return left[0] < 0

    def on_event(event: str, arguments: tuple[object, ...]) -> None:
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if (event in CHANGES or writes) and count():
            os._exit(9)

    def torn(number: int, data: bytes) -> int:
        if count():
            write(number, data[: len(data) // 2])
            os._exit(9)
        return write(number, data)

    setattr(os, "write", torn)  # noqa: B010 - its type is of every buffer
    sys.addaudithook(on_event)


if __name__ == "__main__":
    main()
