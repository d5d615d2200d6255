"""The window in its states, saved as pictures to be looked at; each must at least be drawn and hold its layout."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QRect, QUrl
from PySide6.QtGui import QDragLeaveEvent, QGuiApplication, QImage
from pytestqt.qtbot import QtBot

from resnet_desktop.gui.shell.main_window import MainWindow
from resnet_desktop.gui.shell.welcome import sample_photos

from .conftest import OpenWindow, drag_over, save_screenshot, wait_settled

SIZES = {"large": (1600, 1000), "usual": (1200, 780), "medium": (1000, 700), "small": (800, 560)}


def colours_in(path: Path) -> int:
    """How many colours a coarse grid of a picture has."""
    image = QImage(str(path))
    points = [(x, y) for x in range(0, image.width(), 7) for y in range(0, image.height(), 7)]
    return len({image.pixel(x, y) for x, y in points})


def inside(window: MainWindow) -> bool:
    """Whether the panels lie within the window, without overlapping."""
    page = window.inspect
    frame = QRect(window.rect())
    places = []
    for widget in (page.gallery, page.view, page.predictions, page.heatmap, window.status):
        places.append(QRect(widget.mapTo(window, widget.rect().topLeft()), widget.size()))
    overlaps = any(a.intersects(b) for i, a in enumerate(places) for b in places[i + 1 :])
    return all(frame.contains(place) for place in places) and not overlaps


@pytest.mark.parametrize("appearance", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_empty_window(open_window: OpenWindow, qtbot: QtBot, appearance: str, size: str) -> None:
    window = open_window(appearance=appearance, size=SIZES[size])
    qtbot.waitUntil(lambda: window.status.provider_badge.isVisible(), timeout=20_000)
    assert window.size().toTuple() == SIZES[size]
    assert colours_in(save_screenshot(window, f"empty-{appearance}-{size}")) > 50


@pytest.mark.parametrize("appearance", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_a_window_with_photos(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path, appearance: str, size: str
) -> None:
    broken = tmp_path / "a name that is rather long for so narrow a list.jpg"
    broken.write_bytes(b"no picture")
    window = open_window(*sample_photos(), broken, appearance=appearance, size=SIZES[size])
    wait_settled(qtbot, window)
    assert window.size().toTuple() == SIZES[size]
    assert inside(window)
    assert colours_in(save_screenshot(window, f"photos-{appearance}-{size}")) > 200


@pytest.mark.parametrize("appearance", ["light", "dark"])
def test_a_photo_that_cannot_be_read(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path, appearance: str) -> None:
    broken = tmp_path / "holiday.jpg"
    broken.write_bytes(sample_photos()[0].read_bytes()[:5000])
    window = open_window(broken, *sample_photos(), appearance=appearance)
    wait_settled(qtbot, window)
    save_screenshot(window, f"error-{appearance}")


@pytest.mark.parametrize("appearance", ["light", "dark"])
def test_a_photo_unlike_what_was_taught(
    open_window: OpenWindow, qtbot: QtBot, wary_model_file: Path, appearance: str
) -> None:
    window = open_window(*sample_photos(), model=wary_model_file, appearance=appearance, size=(800, 560))
    wait_settled(qtbot, window)
    assert window.inspect.predictions.warns_unfamiliar
    window.notice.say("CUDA failed: out of memory. Continuing on the CPU.")
    save_screenshot(window, f"unfamiliar-{appearance}")


def test_something_dragged_across_the_window(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(*sample_photos())
    wait_settled(qtbot, window)
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(sample_photos()[0]))])
    drag_over(window, mime)
    assert window.drop_overlay.isVisible()
    save_screenshot(window, "drop-light")
    QGuiApplication.sendEvent(window, QDragLeaveEvent())
    assert not window.drop_overlay.isVisible()
