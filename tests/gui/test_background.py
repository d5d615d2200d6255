"""The window stays quick while others work: garbage is collected in quiet moments, photos come a few at a time."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

from PySide6.QtCore import QObject, QTimer
from pytestqt.qtbot import QtBot

from resnet_desktop.gui.background.full_collections import SOME, FullCollections
from resnet_desktop.gui.intake import scanner as scanning
from resnet_desktop.gui.intake.scanner import Scanner


class Ring:
    """Garbage that only a collection finds."""

    def __init__(self) -> None:
        self.itself = self


def lesser_collections(count: int) -> None:
    for _ in range(count):
        gc.collect(1)


def test_a_full_collection_waits_for_a_quiet_moment(qtbot: QtBot) -> None:
    del qtbot
    before, busy, parent = gc.get_threshold(), True, QObject()
    collections = FullCollections(lambda: busy, parent)
    collections.start()
    try:
        gone = weakref.ref(Ring())
        lesser_collections(SOME + 1)
        ring = weakref.ref(grown_old(Ring()))
        lesser_collections(SOME + 1)
        collections.collect_if_due()
        assert ring() is not None, "somebody waits for a result"
        busy = False
        collections.collect_if_due()
        assert ring() is None
        assert gone() is None
    finally:
        collections.end()
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def grown_old(ring: Ring) -> Ring:
    """The same, when it has outlived the lesser collections."""
    gc.collect(1)
    gc.collect(1)
    return ring


def test_the_window_is_drawn_between_photos_that_come(qtbot: QtBot, tmp_path: Path) -> None:
    count = 4 * scanning.CHUNK
    for number in range(count):
        (tmp_path / f"{number:04}.jpg").touch()
    scanner, turns, seen = Scanner(), 0, list[tuple[int, int]]()

    def turn() -> None:
        nonlocal turns
        turns += 1

    timer = QTimer(interval=0)
    timer.timeout.connect(turn)
    timer.start()
    scanner.found.connect(lambda chunk: seen.append((turns, len(chunk))))
    with qtbot.waitSignal(scanner.finished, timeout=20_000) as finished:
        scanner.scan([tmp_path])
    scanner.close()
    assert finished.args == [count]
    assert sum(size for _, size in seen) == count
    assert max(size for _, size in seen) == scanning.CHUNK
    assert len({turn for turn, _ in seen}) == len(seen), "two came in one turn of the loop"
