"""Training beside other work: the main window shows it and tells of its end, and the app can be left meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from resnet_desktop.core.settings import Settings
from resnet_desktop.gui.shell.main_window import MainWindow
from resnet_desktop.gui.widgets import notice
from resnet_desktop.gui.wizard.pages import Step
from resnet_desktop.jobs import events

from .conftest import WAIT, OpenWindow, save_screenshot


class Run:
    """A run of another process: its folder is locked, and its events come when the test says so."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.lock = FileLock(folder / ".lock")
        self.lock.acquire()
        self.say("started", job={}, device="cpu")

    def say(self, event: str, **values: Any) -> None:
        with (self.folder / "events.jsonl").open("a", encoding="utf-8") as file:
            file.write(events.encode(event, values) + "\n")

    def epoch(self, number: int) -> None:
        self.say("epoch_started", epoch=number, epochs=20)
        numbers = {"loss": 0.5, "learning_rate": 1e-4, "images_per_second": 61.2, "memory_mb": 2048}
        self.say("progress", epoch=number, step=1, steps=4, seconds_left=430.0, **numbers)


@pytest.fixture
def run(home: Path) -> Iterator[Run]:
    """A run that goes on by itself."""
    made = Run(home / "data" / "runs" / "beetles")
    yield made
    made.lock.release()


def test_a_run_that_goes_on_by_itself_is_seen(open_window: OpenWindow, qtbot: QtBot, run: Run) -> None:
    run.epoch(3)
    window = open_window(settings=Settings())
    button = window.status.training_button
    qtbot.waitUntil(button.isVisible, timeout=WAIT)
    assert button.text() == "Training: 11\u00a0%, 7 minutes left"
    save_screenshot(window, "training-in-status")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert window.wizard is not None
    assert window.wizard.page is window.wizard.pages.progress
    qtbot.waitUntil(lambda: "Epoch 3 of 20" in window.wizard.pages.progress.headline, timeout=WAIT)  # type: ignore[union-attr]
    window.wizard.close()  # it is only looked on, and goes on
    run.epoch(11)
    qtbot.waitUntil(lambda: button.text().startswith("Training: 51\u00a0%"), timeout=WAIT)
    run.say("failed", code="out_of_memory", message="The memory is full.", hint=None)
    run.lock.release()
    qtbot.waitUntil(lambda: "broken off. The memory is full." in window.notice.text, timeout=WAIT)
    assert window.notice.kind == notice.PROBLEM
    assert not button.isVisible()
    qtbot.mouseClick(window.notice.button, Qt.MouseButton.LeftButton)
    assert window.wizard is not None
    window.wizard.close()


def test_a_run_that_was_edited_by_hand_ends_in_a_sentence(open_window: OpenWindow, qtbot: QtBot, run: Run) -> None:
    run.lock.release()
    window = open_window(settings=Settings())
    window.open_wizard()
    wizard = window.wizard
    assert wizard is not None
    for values in ({"v": 1, "split": [0.2]}, {"v": 1, "seed": "seven", "data": 3}, {"v": 1, "relabel": ["a"]}):
        (run.folder / "job.json").write_text(json.dumps(values), "utf-8")
        wizard.resume(run.folder)
        assert wizard.page is wizard.pages.data
        assert "job" in wizard.pages.data.problem
        wizard.pages.data._problem.setText("")
    wizard.close()


def box_of(qtbot: QtBot, window: MainWindow) -> QMessageBox:
    found: list[QMessageBox] = []

    def look() -> bool:
        found[:] = [box for box in window.findChildren(QMessageBox) if box.isVisible()]
        return bool(found)

    qtbot.waitUntil(look, timeout=WAIT)
    return found[0]


def press(qtbot: QtBot, box: QMessageBox, words: str) -> None:
    qtbot.mouseClick(next(b for b in box.buttons() if b.text() == words), Qt.MouseButton.LeftButton)


@pytest.fixture
def training(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> MainWindow:
    """A window with a run of its own under way: the trainer itself, held up by a list that it waits for."""
    window = open_window(settings=Settings())
    window.open_wizard()
    assert window.wizard is not None
    window.wizard._show(Step.PROGRESS)
    (tmp_path / "wait.py").write_text(WAITING, "utf-8")
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nexec {__import__('sys').executable} {tmp_path / 'wait.py'}\n", "utf-8")
    python.chmod(0o755)
    window.wizard.run.start(tmp_path / "job.json", python)
    qtbot.waitUntil(lambda: window.status.training_button.isVisible(), timeout=WAIT)
    return window


WAITING = f"""
import json, sys
print({events.encode("started", {"job": {}, "device": "cpu"})!r}, flush=True)
print({events.encode("epoch_started", {"epoch": 1, "epochs": 4})!r}, flush=True)
for line in sys.stdin:
    command = json.loads(line)["command"]
    if command == "cancel":
        print({events.encode("cancelled", {"checkpoint": None})!r}, flush=True)
        break
    if command == "detach":
        break
"""


@pytest.mark.parametrize("words", ["Stop training", "Keep training"])
def test_quitting_is_not_forgotten(training: MainWindow, qtbot: QtBot, words: str) -> None:
    training.actions_.quit.trigger()
    assert training.isVisible()
    training.actions_.quit.trigger()  # and again: there is one box all the same
    assert sum(box.isVisible() for box in training.findChildren(QMessageBox)) == 1
    press(qtbot, box_of(qtbot, training), words)
    qtbot.waitUntil(lambda: not training.isVisible(), timeout=WAIT)


def test_one_can_stay(training: MainWindow, qtbot: QtBot) -> None:
    training.actions_.quit.trigger()
    press(qtbot, box_of(qtbot, training), "Go back")
    wizard = training.wizard
    assert wizard is not None
    wizard.run.end()
    qtbot.waitUntil(lambda: not wizard.run.running, timeout=WAIT)
    qtbot.wait(100)
    assert training.isVisible()
    assert wizard.isVisible()


def test_the_question_goes_when_training_ends(training: MainWindow, qtbot: QtBot) -> None:
    training.actions_.quit.trigger()
    box = box_of(qtbot, training)
    assert training.wizard is not None
    process = training.wizard.run._process
    assert process is not None
    process.send("cancel")
    qtbot.waitUntil(lambda: not isValid(box) or not box.isVisible(), timeout=WAIT)
    assert training.isVisible()
