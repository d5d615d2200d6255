"""About this photo, full screen, and from one photo to the next."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import ExifTags, Image
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QEnterEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from resnet_desktop.gui.shell.main_window import MainWindow
from resnet_desktop.gui.shell.welcome import sample_photos
from tests.conftest import make_photo

from .conftest import SCREENSHOTS, WAIT, OpenWindow, wait_settled


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    """A photo whose metadata want to be more than text."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = "<b>Canon</b>", "<img src=x>"
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLatitudeRef], gps[ExifTags.GPS.GPSLongitudeRef] = "N", "W"
    gps[ExifTags.GPS.GPSLatitude], gps[ExifTags.GPS.GPSLongitude] = (48.0, 30.0, 0.0), (2.0, 0.0, 0.0)
    out = io.BytesIO()
    Image.fromarray(make_photo(300, 200)).save(out, "JPEG", exif=exif)
    path = tmp_path / "shot.jpg"
    path.write_bytes(out.getvalue())
    return path


@pytest.fixture
def window(open_window: OpenWindow, qtbot: QtBot, shot: Path) -> MainWindow:
    """Three photos, the first of them with metadata."""
    made = open_window(shot, *sample_photos()[:2])
    wait_settled(qtbot, made)
    return made


def current(window: MainWindow) -> str:
    item = window.inspect.gallery.current
    return "" if item is None else item.name


def test_about_follows_the_photo(window: MainWindow, qtbot: QtBot) -> None:
    window.actions_.about_photo.trigger()
    about = window.companions.show_about_photo()
    lines = about.facts.lines
    qtbot.waitUntil(lambda: "Camera" in about.facts.lines, timeout=WAIT)
    lines = about.facts.lines
    assert lines["Camera"] == "<b>Canon</b> <img src=x>"
    assert lines["Place (GPS)"] == "48.50000, -2.00000"
    assert lines["Size"].startswith("300 × 200 pixels")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    about.grab().save(str(SCREENSHOTS / "about-photo.png"))
    window.actions_.next_photo.trigger()
    qtbot.waitUntil(lambda: about.facts.lines["Size"].startswith("451"), timeout=WAIT)
    assert "Place (GPS)" not in about.facts.lines
    about.close()


def test_the_place_is_not_exported(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.exporting.write(tmp_path / "out.csv")
    qtbot.waitUntil((tmp_path / "out.csv").exists, timeout=WAIT)
    window.saver.save_picture(tmp_path / "out.png")
    qtbot.waitUntil((tmp_path / "out.png").exists, timeout=WAIT)
    assert "48.5" not in (tmp_path / "out.csv").read_text("utf-8")
    with Image.open(tmp_path / "out.png") as saved:
        assert dict(saved.getexif()) == {}


def test_a_file_that_is_gone_is_said(window: MainWindow, qtbot: QtBot, shot: Path) -> None:
    shot.unlink()
    about = window.companions.show_about_photo()
    qtbot.waitUntil(lambda: "does not exist" in about.facts.lines.get("Problem", ""), timeout=WAIT)
    about.close()


def test_full_screen_and_back_as_it_was(window: MainWindow, qtbot: QtBot) -> None:
    window.activateWindow()
    size = window.size()
    hidden = (window.menuBar(), window.statusBar(), window.inspect.predictions, window.inspect.gallery)
    window.inspect.view.setFocus()
    QTest.keyClick(window.inspect.view, Qt.Key.Key_F11)
    assert window.isFullScreen()
    assert window.actions_.full_screen.isChecked()
    assert not any(widget.isVisible() for widget in hidden)
    qtbot.waitUntil(lambda: window.inspect.view.size() == window.size(), timeout=WAIT)
    window.grab().save(str(SCREENSHOTS / "full-screen.png"))
    QTest.keyClick(window.inspect.view, Qt.Key.Key_Right)
    assert current(window) == sample_photos()[0].name
    QTest.keyClick(window.inspect.view, Qt.Key.Key_Escape)
    assert not window.isFullScreen()
    assert not window.actions_.full_screen.isChecked()
    assert all(widget.isVisible() for widget in hidden)
    qtbot.waitUntil(lambda: window.size() == size, timeout=WAIT)


def test_from_photo_to_photo(window: MainWindow) -> None:
    view, does = window.inspect.view, window.actions_
    view.setFocus()
    seen = [current(window)]
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Space, Qt.Key.Key_PageDown, Qt.Key.Key_Left, Qt.Key.Key_PageUp):
        QTest.keyClick(view, key)
        seen.append(current(window))
    first, second, third = (item.name for item in window.gallery.items)
    assert seen == [first, second, third, third, second, first]
    assert (does.previous_photo.isEnabled(), does.next_photo.isEnabled()) == (False, True)
    does.next_photo.trigger()
    does.next_photo.trigger()
    assert (does.previous_photo.isEnabled(), does.next_photo.isEnabled()) == (True, False)


def test_with_the_divider_the_arrows_move_that(window: MainWindow) -> None:
    view = window.inspect.view
    window.actions_.swipe.trigger()
    before = view.divider.place
    QTest.keyClick(view, Qt.Key.Key_Right)
    assert view.divider.place != before
    assert current(window) == "shot.jpg"


def test_the_pointer_brings_the_buttons(window: MainWindow) -> None:
    view, steps = window.inspect.view, window.companions.photo_steps
    where = QPointF(view.rect().center())
    QApplication.sendEvent(view, QEnterEvent(where, where, where))
    previous, following = steps.buttons
    assert (previous.isVisible(), following.isVisible()) == (False, True), "there is none before the first"
    QTest.mouseClick(following, Qt.MouseButton.LeftButton)
    assert current(window) == sample_photos()[0].name
    assert previous.isVisible()
    QApplication.sendEvent(view, QEvent(QEvent.Type.Leave))
    assert not previous.isVisible()
    assert not following.isVisible()
