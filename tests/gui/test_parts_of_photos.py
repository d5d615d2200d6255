"""A part of a photo: a rectangle on it becomes a row of its own, classified and explained like a photo."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QMouseEvent
from pytestqt.qtbot import QtBot

from resnet_desktop.core.settings import Settings
from resnet_desktop.gui.saving import results_table
from resnet_desktop.gui.shell.main_window import MainWindow
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.imaging.region import Region
from resnet_desktop.session.results import Result

from .conftest import WAIT, OpenWindow, save_screenshot, wait_settled

CAT, COFFEE, ROCKET = sample_photos()[:3]
SHIFT, NONE = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.NoModifier


def drag(
    window: MainWindow,
    box: tuple[float, float, float, float],
    held: Qt.KeyboardModifier = SHIFT,
    *,
    let_go: bool = True,
) -> None:
    """With the mouse, from corner to corner of a box in fractions of the photo."""
    view = window.inspect.view
    place = view.photo_place
    left, top, wide, high = box
    points = [
        QPointF(place.left() + x * place.width(), place.top() + y * place.height())
        for x, y in ((left, top), (left + wide / 2, top + high / 2), (left + wide, top + high))
    ]
    button, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    kinds = QEvent.Type
    steps = [(kinds.MouseButtonPress, points[0], button, button), (kinds.MouseMove, points[1], none, button)]
    steps += [(kinds.MouseMove, points[2], none, button)]
    steps += [(kinds.MouseButtonRelease, points[2], button, none)] if let_go else []
    for kind, point, changed, down in steps:
        where = view.mapToGlobal(point)
        QGuiApplication.sendEvent(view, QMouseEvent(kind, point, where, changed, down, held))


def names(window: MainWindow) -> list[str]:
    return [item.name for item in window.gallery.items]


@pytest.fixture
def window(open_window: OpenWindow, qtbot: QtBot) -> MainWindow:
    opened = open_window(CAT, COFFEE, settings=Settings())
    qtbot.waitUntil(lambda: len(opened.gallery.items) == 2, timeout=WAIT)
    wait_settled(qtbot, opened)
    return opened


def test_a_rectangle_becomes_a_row_below_its_photo(window: MainWindow, qtbot: QtBot) -> None:
    whole = window.gallery.items[0].outcome
    drag(window, (0.3, 0.2, 0.4, 0.5))
    assert names(window) == ["cat.jpg", "Part 1 of cat.jpg", "coffee.jpg"]
    current = window.inspect.gallery.current
    assert current is not None
    assert current.name == "Part 1 of cat.jpg"
    wait_settled(qtbot, window)
    part = current.source
    assert isinstance(part, Region)
    assert part.path == str(CAT)
    assert part.bbox == pytest.approx((0.3, 0.2, 0.4, 0.5))
    assert isinstance(current.outcome, Result)
    assert isinstance(whole, Result)
    assert current.outcome.scores != whole.scores
    save_screenshot(window, "part")
