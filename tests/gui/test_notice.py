"""What is said: over the contents, in its kind, and not longer than it is of use."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from pytestqt.qtbot import QtBot

from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.gui.widgets import notice as notices

from .conftest import WAIT, OpenWindow, save_screenshot, wait_settled

CAT, COFFEE = sample_photos()[:2]
LONG = "The model “a name that is long, as names of files often are.onnx” could not be opened: it is no ONNX file. " * 2


@pytest.mark.parametrize("appearance", ["light", "dark"])
def test_it_squeezes_nothing_and_covers_no_answer(open_window: OpenWindow, qtbot: QtBot, appearance: str) -> None:
    window = open_window(CAT, appearance=appearance, size=(800, 600))
    wait_settled(qtbot, window)
    page = window.inspect
    before = [widget.geometry() for widget in (page.predictions, page.heatmap, page.view)]
    window.notice.say(LONG, ("Name them…", lambda: None))
    qtbot.wait(50)
    assert [widget.geometry() for widget in (page.predictions, page.heatmap, page.view)] == before
    words = window.notice._words
    assert words.height() >= words.heightForWidth(words.width()), "no line is cut off"
    assert window._contents.rect().contains(window.notice.geometry())
    save_screenshot(window, f"notice-{appearance}-800")
    window.notice.tell_saved("The results are in results.csv.", Path("/results.csv"))
    save_screenshot(window, f"notice-done-{appearance}-800")
    for width in (800, 1100):
        window.resize(width, 600)
        qtbot.wait(50)
        side = page.predictions.mapTo(window._contents, page.predictions.rect().topLeft()).x()
        assert window.notice.geometry().right() < side, "the predictions lie beside it"


def test_what_was_done_fades_and_offers_the_file(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "SECONDS_SHOWN", 0)
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    window = open_window(CAT)
    wait_settled(qtbot, window)
    target = tmp_path / "results.csv"
    window.exporting.write(target)
    qtbot.waitUntil(lambda: window.notice.text.startswith("Results saved to"), timeout=WAIT)
    assert window.notice.kind == notices.DONE
    assert [button.text() for button in window.notice.buttons] == ["Open", "Show in folder"]
    qtbot.waitUntil(lambda: not window.notice.text, timeout=WAIT)
    monkeypatch.setattr(notices, "SECONDS_SHOWN", 60)
    window.exporting.write(target)
    qtbot.waitUntil(lambda: bool(window.notice.text), timeout=WAIT)
    qtbot.mouseClick(window.notice.button, Qt.MouseButton.LeftButton)
    assert opened == [QUrl.fromLocalFile(str(target))]
    assert not window.notice.text


def test_a_stale_one_goes_with_the_next_action(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(CAT, COFFEE)
    wait_settled(qtbot, window)
    window.notice.say("Something went wrong.")
    window.inspect.gallery.select_row(0)
    assert window.notice.text, "looking at another photo answers nothing"
    window.actions_.remove.trigger()
    assert not window.notice.text
    window.notice.say("Use it?", ("Use it", lambda: None))
    window.actions_.undo.trigger()
    assert window.notice.text == "Use it?", "it waits for an answer"
    window.notice.dismiss()
    wait_settled(qtbot, window)
