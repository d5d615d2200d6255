"""Help > Report a problem, and the log that it shows."""

from __future__ import annotations

import faulthandler
import logging
import zipfile
from pathlib import Path

from PySide6.QtCore import QObject, Signal, qWarning
from PySide6.QtWidgets import QDialogButtonBox
from pytestqt.exceptions import capture_exceptions
from pytestqt.qtbot import QtBot

from resnet_desktop.core import log
from resnet_desktop.gui.shell.record import CRASH_FILE, Record

from .conftest import OpenWindow

WAIT = 20_000


class Bell(QObject):
    rings = Signal()


def test_what_is_saved_was_shown(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    running = log.start(log.QUIET)
    logging.getLogger("resnet_desktop.gui").error("something was wrong")
    window = open_window()
    help_menu = next(action for action in window.menuBar().actions() if action.text() == "&Help").menu()
    assert window.actions_.report in help_menu.actions()  # type: ignore[attr-defined]
    dialog = window.report_a_problem()
    qtbot.waitUntil(lambda: dialog.parts.count() >= 3, timeout=WAIT)
    shown = {}
    for row in range(dialog.parts.count()):
        dialog.parts.setCurrentRow(row)
        shown[dialog.parts.item(row).text()] = dialog.text.toPlainText()
    assert "something was wrong" in shown[f"logs/{log.FILE_NAME}"]
    assert dialog.buttons.button(QDialogButtonBox.StandardButton.Save).isEnabled()
    dialog.save(tmp_path / "report.zip")
    qtbot.waitUntil(lambda: "report.zip" in dialog.said, timeout=WAIT)
    with zipfile.ZipFile(tmp_path / "report.zip") as archive:
        assert {name: archive.read(name).decode() for name in archive.namelist()} == shown
    dialog.reject()
    running.close()


def test_faults_of_all_kinds_are_kept(qtbot: QtBot, home: Path) -> None:
    folder = log.logs_folder()
    folder.mkdir(parents=True)
    (folder / CRASH_FILE).write_text('Fatal Python error: Aborted\n  File "/home/jane/x.py", line 3 in work\n')
    was_on = faulthandler.is_enabled()
    record = Record()
    bell = Bell()
    bell.rings.connect(lambda: [][1])
    with capture_exceptions() as caught:
        bell.rings.emit()
    qWarning("a word of Qt")
    record.close()
    if was_on:
        faulthandler.enable()
    text = (folder / log.FILE_NAME).read_text("utf-8")
    assert "crashed last time" in text
    assert "jane" not in text
    assert "a word of Qt" in text
    assert "ResNet Desktop" in text
    assert caught or "IndexError" in text
    assert (folder / CRASH_FILE).read_text() == ""
