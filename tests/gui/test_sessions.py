"""The list from one start to the next, and in files: it comes back as it was, and says what is gone."""

from __future__ import annotations

import itertools
import json
import shutil
import time
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QSplitter
from pytestqt.qtbot import QtBot

from resnet_desktop.core.settings import RESTORE, Settings
from resnet_desktop.gui.intake.sessions import session_file
from resnet_desktop.gui.shell.main_window import MainWindow
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.inference.classifier import ClassScore
from resnet_desktop.session import saved
from resnet_desktop.session.results import Failure, Result

from .conftest import WAIT, OpenWindow, wait_settled, write_model

LONG = 100_000


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Four photos."""
    folder = tmp_path / "album"
    folder.mkdir()
    for photo in sample_photos()[:4]:
        shutil.copy(photo, folder)
    return folder


def names(window: MainWindow) -> list[str]:
    return [item.name for item in window.gallery.items]


def scores(outcome: Result | Failure | None) -> tuple[ClassScore, ...]:
    assert isinstance(outcome, Result)
    return outcome.scores


def classified(window: MainWindow) -> list[str]:
    """The names of the photos that the model is asked about from now on, one after the other."""
    asked: list[str] = []
    classify = window.controller.classify

    def listen(items: object) -> None:
        given = list(items)  # type: ignore[call-overload]
        asked.extend(source.name for _, source in given)
        classify(given)

    window.controller.classify = listen  # type: ignore[method-assign]
    return asked


def closed_with(open_window: OpenWindow, qtbot: QtBot, *images: Path) -> MainWindow:
    window = open_window(*images, settings=Settings())
    qtbot.waitUntil(lambda: len(window.gallery.items) > 1, timeout=WAIT)
    wait_settled(qtbot, window)
    return window


def test_all_comes_back_and_what_changed_is_classified_again(
    open_window: OpenWindow, qtbot: QtBot, album: Path
) -> None:
    first = closed_with(open_window, qtbot, album)
    before = {item.name: item.outcome for item in first.gallery.items}
    order = names(first)
    first.inspect.gallery.select_row(2)
    first.inspect.gallery.select_numbers([first.gallery.items[row].number for row in (2, 3)])
    first.resize(1010, 707)
    columns = first.inspect.findChildren(QSplitter)[0]
    columns.setSizes([333, 400, 277])
    sizes = columns.sizes()
    first.close()
    changed, gone, *same = order
    shutil.copy(sample_photos()[4], album / changed)
    (album / gone).unlink()
    window = open_window(settings=Settings(), size=(1010, 707))
    asked = classified(window)
    qtbot.waitUntil(lambda: len(window.gallery.items) == 4 and not window.companions.sessions.coming, timeout=WAIT)
    wait_settled(qtbot, window)
    assert names(window) == order
    for item in window.gallery.items:
        if item.name in same:
            assert scores(item.outcome) == scores(before[item.name])
    said = {item.name: item.outcome for item in window.gallery.items}
    assert isinstance(said[gone], Failure)
    assert said[gone].code == "missing_file"  # type: ignore[union-attr]
    assert isinstance(said[changed], Result)
    assert said[changed] != before[changed]
    assert set(asked[-2:]) == {changed, gone}
    current = window.inspect.gallery.current
    assert current is not None
    assert current.name == order[2]
    assert len(window.inspect.gallery.selected_rows()) == 2
    assert window.inspect.findChildren(QSplitter)[0].sizes() == sizes


def test_another_model_answers_anew(open_window: OpenWindow, qtbot: QtBot, album: Path, tmp_path: Path) -> None:
    closed_with(open_window, qtbot, album).close()
    other = write_model(tmp_path / "other.onnx", seed=5)
    window = open_window(settings=Settings(), model=other)
    qtbot.waitUntil(lambda: len(window.gallery.items) == 4, timeout=WAIT)
    wait_settled(qtbot, window)
    kept = {str(photo.source): photo.result for photo in saved.read(session_file()).photos}
    for item in window.gallery.items:
        assert scores(item.outcome) != scores(kept[str(item.source)])


@pytest.mark.parametrize("wish", ["window", "nothing"])
def test_who_does_not_want_it_starts_afresh(open_window: OpenWindow, qtbot: QtBot, album: Path, wish: str) -> None:
    first = closed_with(open_window, qtbot, album)
    first.preferences.change(RESTORE, wish)
    first.close()
    assert not session_file().exists()
    window = open_window(settings=Settings())
    qtbot.wait(200)
    assert window.gallery.items == ()


def test_a_session_is_saved_opened_and_taken_back(
    open_window: OpenWindow, qtbot: QtBot, album: Path, tmp_path: Path
) -> None:
    window = closed_with(open_window, qtbot, album)
    order, path = names(window), tmp_path / "mine.session"
    window.companions.sessions.save(path)
    qtbot.waitUntil(lambda: "saved" in window.notice.text, timeout=WAIT)
    window.clear()
    window.add_paths([sample_photos()[4]])
    qtbot.waitUntil(lambda: len(window.gallery.items) == 1, timeout=WAIT)
    asked = classified(window)
    window.add_paths([path])
    qtbot.waitUntil(lambda: names(window) == order, timeout=WAIT)
    wait_settled(qtbot, window)
    assert asked == [], "its results are still true"
    window.actions_.undo.trigger()
    window.actions_.undo.trigger()
    assert names(window) == [sample_photos()[4].name]
    assert str(path) in window.companions.recent.paths
    assert str(album) in window.companions.recent.paths


def test_a_damaged_session_is_said_and_set_aside(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    session_file().parent.mkdir(parents=True, exist_ok=True)
    session_file().write_text('{"format": "resnet-desktop-session", "v": 1}\n')
    window = open_window(settings=Settings())
    qtbot.waitUntil(lambda: "line 1" in window.notice.text, timeout=WAIT)
    assert session_file().with_suffix(".damaged").exists()
    other = tmp_path / "words.session"
    other.write_text("words")
    window.add_paths([other])
    qtbot.waitUntil(lambda: "not a session" in window.notice.text, timeout=WAIT)


def test_a_start_for_certain_photos_shows_only_these(open_window: OpenWindow, qtbot: QtBot, album: Path) -> None:
    closed_with(open_window, qtbot, album).close()
    window = open_window(sample_photos()[4], settings=Settings())
    wait_settled(qtbot, window)
    assert names(window) == [sample_photos()[4].name]


def test_ten_thousand_photos_come_back_while_the_window_answers(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    """The photos are one, under many names, and their results are taken from the file of the last time."""
    first = open_window(*sample_photos()[:2], settings=Settings())
    qtbot.waitUntil(lambda: len(first.gallery.items) == 2, timeout=LONG)
    wait_settled(qtbot, first)
    first.close()
    head, line, *_ = session_file().read_text("utf-8").splitlines()
    photo = json.loads(line)
    lines = []
    source = Path(photo["path"])
    one = Path(shutil.copy(source, tmp_path / "0.jpg"))
    for number in range(10_000):
        path = tmp_path / f"{number}.jpg"
        if number:
            path.hardlink_to(one)
        lines.append(json.dumps({**photo, "path": str(path), "file": list(saved.file_state(one) or ())}))
    session_file().write_text("\n".join((head, *lines)) + "\n")
    window = open_window(settings=Settings())
    beats: list[float] = []
    pulse = QTimer(window, interval=0)
    pulse.timeout.connect(lambda: beats.append(time.perf_counter()))
    pulse.start()
    qtbot.waitUntil(lambda: len(window.gallery.items) == 10_000, timeout=LONG)
    qtbot.waitUntil(lambda: all(item.outcome is not None for item in window.gallery.items), timeout=LONG)
    pulse.stop()
    longest = max(after - before for before, after in itertools.pairwise(beats))
    print(f"longest gap {longest * 1e3:.0f} ms in {beats[-1] - beats[0]:.2f} s")
    assert len(beats) > 40, "it came bit by bit"
    assert not window.controller.busy
