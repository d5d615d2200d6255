"""The page that adds PyTorch, on a computer that has none: real programs, a real pip, an index that never answers."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from resnet_desktop.core.settings import TRAINER_PYTHON, Settings
from resnet_desktop.environment import graphics, interpreters, training_python
from resnet_desktop.environment.pip import Stage
from resnet_desktop.environment.trainer_check import TrainerCheck
from resnet_desktop.gui.wizard.trainer.trainer_page import BAR_STEPS, TrainerPage

from .conftest import OpenWizard

LONG = 60_000

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the programs of these tests are shell scripts")


@pytest.fixture
def no_torch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As in the packaged program, which has no Python of its own to look into; and without a graphics card."""
    own = [str(Path(sys.base_prefix, "bin", "python3"))]
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(interpreters, "_commands", lambda: iter([own]))
    monkeypatch.setattr(graphics, "DRIVER_FILES", (tmp_path / "driver",))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


@pytest.fixture
def silent_index(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An index takes connections and never answers; pip is told of no other."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.getsockname()[1]}/simple")
        yield


@pytest.fixture
def page(qtbot: QtBot, no_torch: None) -> Iterator[TrainerPage]:
    """The page, shown."""
    made = TrainerPage(Settings())
    qtbot.addWidget(made)
    made.show()
    yield made
    made.left()


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_what_could_be_installed_is_told(page: TrainerPage, qtbot: QtBot, tmp_path: Path) -> None:
    page.look()
    qtbot.waitUntil(lambda: page.found is not None, timeout=LONG)
    assert page.words == "PyTorch is not installed."
    assert "MB to download" in page._small.text()
    assert page._small.isChecked()
    if sys.platform != "darwin":
        assert "none found" in page._large.text()
    assert str(training_python.managed_folder()) in page._folder.text()
    (tmp_path / "driver").touch()
    page.look()
    qtbot.waitUntil(lambda: page._large.isChecked() or sys.platform == "darwin", timeout=LONG)


def test_an_environment_that_is_broken_is_told(page: TrainerPage, qtbot: QtBot) -> None:
    program(training_python.managed_python(), "exit 3")
    page.look()
    qtbot.waitUntil(lambda: page.found is not None, timeout=LONG)
    assert "could not be updated" in page.words
    assert page._install.isEnabled()


@pytest.mark.parametrize("said", ["echo 1", r"printf '\377\376'", """echo '{"ok": true}'"""])
def test_odd_answers_become_sentences(page: TrainerPage, qtbot: QtBot, tmp_path: Path, said: str) -> None:
    text = f'[ "$1" = -c ] && exec "{sys.executable}" "$@"\n{said}'
    page.use(program(tmp_path / "python", text))
    qtbot.waitUntil(lambda: page.found is not None, timeout=LONG)
    assert "gave an unexpected answer" in page.words
    assert not page.complete
    assert Settings().string(TRAINER_PYTHON) == ""


def test_stages_are_told_and_measured(page: TrainerPage) -> None:
    page._on_stage(Stage("downloading", "torch", 46.0, 184.0))
    page._show_progress()
    assert page.words == "Downloading torch (184\u00a0MB)…"
    assert (page._bar.value(), page._bar.maximum()) == (BAR_STEPS // 4, BAR_STEPS)
    for stage, words in (
        (Stage("looking", "numpy"), "Looking for numpy…"),
        (Stage("installing"), "Installing…"),
        (Stage("checking"), "Checking…"),
    ):
        page._on_stage(stage)
        page._show_progress()
        assert page.words == words
        assert page._bar.maximum() == 0
    assert not page._stop.isEnabled(), "it is too late for that"


@pytest.mark.usefixtures("silent_index")
def test_an_installation_is_cancelled(page: TrainerPage, qtbot: QtBot) -> None:
    page.look()
    qtbot.waitUntil(lambda: page.found is not None, timeout=LONG)
    page.install()
    qtbot.waitUntil(lambda: "Looking in indexes" in page._log.toPlainText(), timeout=LONG)
    begun = time.monotonic()
    page.cancel()
    assert page.words == "Cancelling…"
    qtbot.waitUntil(lambda: not page.busy, timeout=LONG)
    assert time.monotonic() - begun < 5.0
    assert page.words == "Cancelled. Nothing was installed."
    assert list(training_python.managed_folder().parent.glob("trainer*")) == []
    assert page._install.isEnabled()


def test_what_was_installed_is_tried_although_it_is_cancelled_then(
    page: TrainerPage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without PyTorch, which would have to be fetched."""
    page.look()
    qtbot.waitUntil(lambda: page.found is not None, timeout=LONG)
    page._plans = tuple(replace(p, requirements=(), options=("--no-index", "--no-deps")) for p in page._plans)

    def on_stage(stage: Stage) -> None:
        if stage.phase == "checking":
            page._cancel.set()  # pressed at the last moment

    monkeypatch.setattr(page, "_on_stage", on_stage)
    page.install()
    qtbot.waitUntil(lambda: not page.busy, timeout=LONG)
    assert page.words.startswith("This Python lacks PyTorch, numpy")
    assert f"{training_python.managed_python()} -m pip install" in page.words
    assert "Successfully installed" in page._log.toPlainText()


@pytest.mark.usefixtures("no_torch", "silent_index", "small_base")
def test_the_window_closes_at_once_while_it_installs(open_wizard: OpenWizard, qtbot: QtBot) -> None:
    wizard = open_wizard()
    qtbot.waitUntil(lambda: wizard.pages.trainer.found is not None, timeout=LONG)
    assert "needs PyTorch" in wizard.pages.data.notice.words
    wizard.pages.data.notice.asked.emit()
    assert wizard.page is wizard.pages.trainer
    assert wizard.next_button.isEnabled(), "the photos can be chosen without it"
    wizard.go_back()
    assert wizard.page is wizard.pages.data
    wizard.pages.trainer.install()
    assert "is being installed" in wizard.pages.data.notice.words
    qtbot.waitUntil(lambda: "Looking in indexes" in wizard.pages.trainer._log.toPlainText(), timeout=LONG)
    wizard.tasks.run_task(lambda: 1, lambda future: heard.append(future.result()))
    heard: list[int] = []
    qtbot.waitUntil(lambda: heard == [1], timeout=5000)  # the photos do not wait for pip
    begun = time.monotonic()
    wizard.close()
    assert time.monotonic() - begun < 1.0
    assert not wizard.isVisible()
    parent = training_python.managed_folder().parent
    qtbot.waitUntil(lambda: list(parent.glob("trainer*")) == [], timeout=5000)


@pytest.mark.usefixtures("small_base")
def test_nothing_is_said_where_pytorch_is_there(open_wizard: OpenWizard, qtbot: QtBot) -> None:
    wizard = open_wizard()
    wizard.pages.trainer._show(TrainerCheck(None, ok=True, message="PyTorch 2.13.0 trains on cpu"))
    assert wizard.pages.data.notice.words == ""
    wizard.pages.trainer._show(TrainerCheck(None, ok=False, message="PyTorch is not installed."))
    assert wizard.pages.data.notice.words
    wizard.pages.data.notice.asked.emit()
    wizard.pages.trainer._show(TrainerCheck(None, ok=True, message="PyTorch 2.13.0 trains on cpu"))
    assert wizard.next_button.text() == "Continue with the photos"
    wizard.go_on()
    assert wizard.page is wizard.pages.data
