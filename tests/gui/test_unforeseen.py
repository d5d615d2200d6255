"""An error that nobody foresaw ends in a state and a sentence, wherever off the GUI thread it is raised."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialog, QListWidget
from pytestqt.exceptions import capture_exceptions
from pytestqt.qtbot import QtBot
from shiboken6 import delete

from resnet_desktop.core.errors import InternalError
from resnet_desktop.core.settings import Settings
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.intake import scanner
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.session.engine import Engine
from resnet_desktop.session.results import ModelInfo

from .conftest import WAIT, OpenWindow, wait_settled


def test_a_model_does_not_load_for_ever(
    open_window: OpenWindow,
    qtbot: QtBot,
    model_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    works = Engine.open_model

    def open_model(self: Engine, wanted: str, provider: str) -> ModelInfo:
        if not broken:
            return works(self, wanted, provider)
        raise LookupError("a fault of the program")

    broken = True
    monkeypatch.setattr(Engine, "open_model", open_model)
    with caplog.at_level(logging.CRITICAL):
        window = open_window(sample_photos()[0], settings=Settings())
        qtbot.waitUntil(lambda: "Something went wrong" in window.notice.text, timeout=WAIT)
        assert window.status.model_button.text() == "No model"
        assert window.controller.loading == 0
    broken = False
    window.open_model(str(model_file))
    qtbot.waitUntil(lambda: window.status.provider_badge.isVisible(), timeout=WAIT)
    wait_settled(qtbot, window)


def test_what_nobody_handles_is_said(qtbot: QtBot) -> None:
    tasks = Tasks(1, "faulty")
    said: list[str] = []
    tasks.failed.connect(said.append)

    def fault() -> int:
        raise LookupError("a fault of the program")

    def no_room() -> int:
        raise OSError(28, "No space left on device", "/photos/out.csv")

    def done(future: Future[int]) -> None:
        future.result()

    tasks.run_task(fault, done)
    tasks.run_task(no_room, done)
    qtbot.waitUntil(lambda: len(said) == 2, timeout=WAIT)
    assert said[0].startswith("Something went wrong inside the app.")
    assert said[1] == "/photos/out.csv: No space left on device."
    handled: list[BaseException | None] = []
    tasks.run_task(fault, lambda future: handled.append(future.exception()))
    qtbot.waitUntil(lambda: bool(handled), timeout=WAIT)
    assert isinstance(handled[0], InternalError)
    assert len(said) == 2
    tasks.drain()


def test_a_search_that_breaks_off_is_told_and_the_next_goes_on(
    open_window: OpenWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(settings=Settings())
    works = scanner._images
    monkeypatch.setattr(scanner, "_images", lambda *_: (_ for _ in ()).throw(LookupError("a fault")))
    window.add_paths(sample_photos()[:1])
    qtbot.waitUntil(lambda: "Something went wrong" in window.notice.text, timeout=WAIT)
    monkeypatch.setattr(scanner, "_images", works)
    window.add_paths(sample_photos()[:1])
    wait_settled(qtbot, window)


class Dialog(QDialog):
    """Shows what comes of a task."""

    def __init__(self, tasks: Tasks, begin: threading.Event) -> None:
        super().__init__()
        self.list = QListWidget(self)
        tasks.run_task(begin.wait, self._on_ended)
        tasks.run_task(begin.wait, lambda _future: self._on_ended(_future))
        tasks.run_task(begin.wait, partial(Dialog._on_ended, self))

    def _on_ended(self, future: Future[bool]) -> None:
        self.list.addItem(str(future.result()))


def test_what_was_deleted_meanwhile_hears_nothing(qtbot: QtBot) -> None:
    tasks, begin, after = Tasks(1, "late"), threading.Event(), list[bool]()
    dialog = Dialog(tasks, begin)
    with capture_exceptions() as raised:
        delete(dialog)
        tasks.run_task(begin.wait, lambda future: after.append(future.result()))
        begin.set()
        qtbot.waitUntil(lambda: bool(after), timeout=WAIT)
    assert not raised
    tasks.drain()
