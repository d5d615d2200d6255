"""The page of a run: what it shows of a run that somebody else has started, and what it tells that one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from resnet_desktop.gui.style import theme
from resnet_desktop.gui.wizard.run.curves import Curve, CurveChart, _round_top, rate_text
from resnet_desktop.gui.wizard.run.run_facts import rounded
from resnet_desktop.gui.wizard.run.run_page import RunPage
from resnet_desktop.imaging.decode import encode_png
from resnet_desktop.jobs import events

from .conftest import SCREENSHOTS, OpenWizard

WAIT = 20_000


class Elsewhere:
    """A run of another process: its folder is locked, and its events come when the test says so."""

    def __init__(self, folder: Path, photos: list[Path]) -> None:
        folder.mkdir(parents=True)
        self.folder, self._photos = folder, photos
        self._lock = FileLock(folder / ".lock")
        self._lock.acquire()
        self.say("started", job={}, device="cpu")

    def say(self, event: str, **values: Any) -> None:
        with (self.folder / "events.jsonl").open("a", encoding="utf-8") as file:
            file.write(events.encode(event, values) + "\n")

    def scanned(self) -> None:
        self.say("scanned", classes={"ants": 9, "bees": 9}, training=12, validation=6, test=0, skipped=[])

    def epoch(self, number: int, wrong: int = 2) -> None:
        """An epoch that takes ``wrong`` ants for bees."""
        self.say("epoch_started", epoch=number, epochs=20)
        numbers = {"loss": 0.5, "learning_rate": 1e-4, "images_per_second": 61.2, "memory_mb": 2048}
        self.say("progress", epoch=number, step=1, steps=4, seconds_left=43.0, **numbers)
        worst = [
            {"path": str(path), "label": "ants", "predicted": "bees", "probability": 0.9, "loss": 3.0 - i}
            for i, path in enumerate(self._photos[:wrong])
        ]
        values = {"labels": ["ants", "bees"], "confusion": [[3 - wrong, wrong], [0, 3]], "worst": worst}
        path = self.folder / "epochs" / f"epoch-{number:04d}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(values), "utf-8")
        row = {"training_loss": 1 / number, "validation_loss": 0.5, "acc1": 0.5, "acc5": 1.0, "learning_rate": 1e-4}
        self.say("epoch_finished", epoch=number, seconds=1.0, details=str(path), **row)

    def told(self) -> list[str]:
        """The commands that were written down for it."""
        path = self.folder / events.COMMANDS_FILE
        lines = path.read_text().splitlines() if path.exists() else []
        return [command for command in map(events.decode_command, lines) if command]

    def end(self) -> None:
        self._lock.release()


@pytest.fixture
def elsewhere(tmp_path: Path, home: Path) -> Iterator[Elsewhere]:
    rng = np.random.default_rng(0)
    photos = [tmp_path / f"{i}.png" for i in range(4)]
    for photo in photos:
        photo.write_bytes(
            encode_png(np.kron(rng.integers(0, 255, (4, 4, 3), np.uint8), np.ones((16, 16, 1), np.uint8)))
        )
    run = Elsewhere(home / "data" / "runs" / "beetles", photos)
    yield run
    run.end()


@pytest.fixture
def page(open_wizard: OpenWizard, elsewhere: Elsewhere, qtbot: QtBot) -> RunPage:
    """The page, following a run of which two epochs are over."""
    elsewhere.scanned()
    elsewhere.epoch(1, wrong=3)
    elsewhere.epoch(2)
    wizard = open_wizard()
    wizard.resume(elsewhere.folder)
    qtbot.waitUntil(lambda: len(wizard.run.state.history) == 2 and wizard.run.can_be_told, timeout=WAIT)
    return wizard.pages.progress


def test_confusion_and_worst_photos_follow_the_newest_epoch(page: RunPage, elsewhere: Elsewhere, qtbot: QtBot) -> None:
    details = page.details
    assert details.shown is None, "nothing is read while nobody looks"
    details.tabs.setCurrentIndex(1)
    qtbot.waitUntil(lambda: details.shown is not None and details.shown.epoch == 2, timeout=WAIT)
    assert details.confusion.words == "2 × ants, classified as bees"
    details.tabs.setCurrentIndex(2)
    assert details.worst.sheet.names == [str(path) for path in elsewhere._photos[:2]]
    for number in range(3, 14):
        elsewhere.epoch(number, wrong=1)
    qtbot.waitUntil(lambda: details.shown is not None and details.shown.epoch == 13, timeout=WAIT)
    assert len(details.worst.sheet.names) == 1
    assert page.grab().save(str(SCREENSHOTS / "run-worst.png")) or not SCREENSHOTS.is_dir()


def test_earlier_epochs_are_looked_back_at(page: RunPage, elsewhere: Elsewhere, qtbot: QtBot) -> None:
    details, chooser = page.details, page.details.chooser
    details.tabs.setCurrentIndex(1)
    qtbot.waitUntil(lambda: details.shown is not None and details.shown.epoch == 2, timeout=WAIT)
    qtbot.keyClick(chooser._slider, Qt.Key.Key_Left)
    assert (chooser.epoch, chooser.follows) == (1, False)
    qtbot.waitUntil(lambda: details.shown is not None and details.shown.epoch == 1, timeout=WAIT)
    assert details.confusion.words == "3 × ants, classified as bees"
    elsewhere.epoch(3, wrong=0)
    qtbot.waitUntil(lambda: chooser._epochs == [1, 2, 3], timeout=WAIT)
    assert chooser.epoch == 1, "who looks back is not disturbed"
    qtbot.mouseClick(chooser._newest, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: details.shown is not None and details.shown.epoch == 3, timeout=WAIT)
    assert details.confusion.words == "Every photo is classified correctly."
    assert chooser.follows


def test_a_run_of_somebody_else_is_told_through_its_folder(page: RunPage, elsewhere: Elsewhere, qtbot: QtBot) -> None:
    assert page.headline == "Epoch 2 of 20"
    assert "continues in the background" in page.notice
    page.pause_button.click()
    assert (page.headline, page.pause_button.isEnabled()) == ("Pausing…", False)
    elsewhere.say("progress", epoch=2, step=4, steps=4, loss=0.5, paused=True)
    qtbot.waitUntil(lambda: page.headline == "Paused", timeout=WAIT)
    assert page.pause_button.text() == "Resume"
    page.pause_button.click()
    elsewhere.epoch(3)
    qtbot.waitUntil(lambda: page.headline == "Epoch 3 of 20", timeout=WAIT)
    page.stop_button.click()
    assert "keeping the best network so far" in page.headline
    assert not page.stop_button.isEnabled()
    page.cancel_button.click()
    assert elsewhere.told() == ["pause", "resume", "stop", "cancel"]
    elsewhere.say("cancelled", checkpoint=None)
    elsewhere.end()
    qtbot.waitUntil(lambda: page.headline.startswith("Cancelled"), timeout=WAIT)
    assert not page.pause_button.isVisible()


def test_the_window_is_closed_while_it_only_looks_on(
    page: RunPage, elsewhere: Elsewhere, open_wizard: OpenWizard, qtbot: QtBot
) -> None:
    window = page.window()
    assert window.close(), "nothing is asked"
    assert elsewhere.told() == []
    again = open_wizard()
    texts = lambda: [b.accessibleName() for b in again.pages.data.findChildren(type(page.pause_button))]  # noqa: E731
    qtbot.waitUntil(lambda: "beetles, training now" in texts(), timeout=WAIT)
    elsewhere.say("progress", epoch=2, step=4, steps=4, loss=0.5, paused=True)
    again.pages.data.runs.open_run(elsewhere.folder)
    qtbot.waitUntil(lambda: again.pages.progress.headline == "Paused", timeout=WAIT)
    assert again.run.can_be_told
    again.pages.data.runs.open_run(elsewhere.folder.parent)
    assert "is not a run folder" in again.pages.data.problem


def test_a_run_that_was_killed_says_so(page: RunPage, elsewhere: Elsewhere, qtbot: QtBot) -> None:
    (elsewhere.folder / "job.json").write_text("{}")
    elsewhere.end()
    qtbot.waitUntil(lambda: "exited unexpectedly" in page.headline, timeout=WAIT)
    assert page.resume_button.isVisible()


def test_numbers_stay_where_they_are(page: RunPage, elsewhere: Elsewhere, qtbot: QtBot) -> None:
    def places() -> list[tuple[int, int]]:
        return [(label.x(), label.y()) for label in page.facts._values] + [(page.details.x(), page.details.y())]

    assert page.facts.texts == ("0.500", "1e-4", "61", "45 seconds", "2.0 GB")
    before = places()
    elsewhere.say("progress", epoch=2, step=3, steps=4, loss=123.456, images_per_second=98765.0, seconds_left=86400.0)
    elsewhere.say("warning", code="batch_halved", message="Memory ran out: " + 30 * "smaller batches ")
    qtbot.waitUntil(lambda: page.facts.texts[0].startswith("123"), timeout=WAIT)
    qtbot.wait(50)
    assert places() == before
    assert page.facts.texts[3] == "24 hours" or page.facts.texts[3] == "24.0 hours"
    assert page.notice.startswith("Memory ran out")


def test_the_log_is_there_from_the_start_and_grows(page: RunPage, elsewhere: Elsewhere, qtbot: QtBot) -> None:
    page._fold.click()
    text = page._log.toPlainText
    assert text().splitlines()[0].endswith(str(elsewhere.folder))
    assert text().count("Epoch ") == 2
    elsewhere.epoch(3)
    qtbot.waitUntil(lambda: text().count("Epoch ") == 3, timeout=WAIT)
    page._fold.click()
    assert page._middle.currentWidget() is page.details


def test_a_run_of_thousands_of_events_is_taken_up_at_once(
    open_wizard: OpenWizard, elsewhere: Elsewhere, qtbot: QtBot
) -> None:
    for number in range(1, 400):
        elsewhere.epoch(number)
    wizard = open_wizard()
    changes: list[int] = []
    wizard.run.state_changed.connect(lambda state: changes.append(len(state.history)))
    wizard.resume(elsewhere.folder)
    qtbot.waitUntil(lambda: len(wizard.run.state.history) == 399, timeout=WAIT)
    assert len(changes) < 60, "the window hears of the outcome, not of every event"


@pytest.mark.parametrize("appearance", ["light", "dark"])
def test_charts_are_read_off_with_the_arrow_keys(qtbot: QtBot, appearance: str) -> None:
    from PySide6.QtWidgets import QApplication

    app = QApplication.instance()
    assert isinstance(app, QApplication)
    theme.apply(app, appearance)
    chart = CurveChart("Loss")
    qtbot.addWidget(chart)
    chart.show_curves((Curve("validation", (0.5, 0.25), strong=True), Curve("training", (0.9,), now=(1.5, 0.7))), 4)
    chart.show()
    chart.setFocus()
    assert chart.accessibleDescription() == "Epoch 2: validation 0.250"
    qtbot.keyClick(chart, Qt.Key.Key_Left)
    qtbot.keyClick(chart, Qt.Key.Key_Left)
    assert chart.accessibleDescription() == "Epoch 1: validation 0.500, training 0.900"
    assert not chart.grab().isNull()


def test_numbers_as_one_says_them() -> None:
    assert [rounded(seconds) for seconds in (0.2, 9.4, 43.0, 600.0)] == [1.0, 9.0, 45.0, 600.0]
    assert [rate_text(rate) for rate in (0.1, 0.00053, 1e-5, 0.0)] == ["0.1", "5.3e-4", "1e-5", "0"]
    assert [_round_top(largest) for largest in (0.0, 0.65, 1.0, 2.31, 0.00086)] == [1.0, 0.8, 1.0, 4.0, 0.001]
