"""The window closes, and cancels, whatever runs."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from resnet_desktop.core.processes import running
from resnet_desktop.core.settings import COLORMAP, Settings
from resnet_desktop.gui.background import tasks
from resnet_desktop.gui.background.tasks import CLOSE_SECONDS, Tasks, closing, left_behind
from resnet_desktop.gui.shell.welcome import sample_photos
from tests.unit.cli.test_interrupt import admitted
from tests.unit.inference.test_admission import endless

from .conftest import OpenWindow

WAIT = 20_000


@pytest.fixture
def endless_model(home: Path, tmp_path: Path) -> Path:
    model = endless(tmp_path / "endless.onnx")
    admitted(home, model)
    return model


def under_way() -> bool:
    return any("session" in thread.name for thread in threading.enumerate()) and bool(running._active)


def test_closing_ends_a_run_and_keeps_the_settings(open_window: OpenWindow, qtbot: QtBot, endless_model: Path) -> None:
    window = open_window(sample_photos()[0], model=endless_model)
    qtbot.waitUntil(under_way, timeout=WAIT)
    window.preferences.change(COLORMAP, "turbo")
    began = time.monotonic()
    window.close()
    assert time.monotonic() - began < 2 * CLOSE_SECONDS
    assert not left_behind()
    assert Settings().string(COLORMAP) == "turbo"


def test_cancelling_ends_a_run(open_window: OpenWindow, qtbot: QtBot, endless_model: Path) -> None:
    window = open_window(sample_photos()[0], model=endless_model)
    qtbot.waitUntil(under_way, timeout=WAIT)
    window.inspect.start_anew()
    window.cancel()
    qtbot.waitUntil(lambda: not running._active, timeout=WAIT)
    assert not window.controller.busy


def test_what_does_not_hear_is_left_behind(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "CLOSE_SECONDS", 0.3)
    go_on = threading.Event()
    one, two = Tasks(1, "deaf"), Tasks(1, "deaf too")
    for pool in (one, two):
        pool.run_task(go_on.wait, lambda _: None)
    with closing():
        one.drain()
        two.drain()
    assert left_behind()
    go_on.set()
    qtbot.waitUntil(lambda: not left_behind(), timeout=WAIT)
