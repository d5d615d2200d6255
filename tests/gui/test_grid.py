"""The grid: where photos and headers lie, how keys and mouse move in it, and that it is remembered."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from resnet_desktop.core.settings import LIST_GROUPED, LIST_VIEW, THUMBNAIL_SIDE, Settings
from resnet_desktop.gui.gallery.gallery_canvas import HEADER, LARGEST, SMALLEST
from resnet_desktop.gui.gallery.gallery_layout import GalleryLayout
from resnet_desktop.gui.gallery.gallery_view import GalleryView
from resnet_desktop.gui.shell.welcome import sample_photos

from .conftest import OpenWindow, save_screenshot, wait_settled
from .test_finding import model  # noqa: F401 - a fixture

COUNTS = (5, 1, 3)


@pytest.fixture
def layout() -> GalleryLayout:
    """Groups of 5, 1 and 3 in lines of three, 50 by 40 pixels each, with headers of 20."""
    return GalleryLayout(COUNTS, 3, (50.0, 40), 20)


def test_each_photo_is_found_where_it_lies(layout: GalleryLayout) -> None:
    assert layout.rows == 9
    assert layout.height == 3 * 20 + 4 * 40
    places = [layout.rect(row) for row in range(9)]
    assert places[0] == QRect(0, 20, 50, 40)
    assert places[4] == QRect(50, 60, 50, 40)
    assert places[5] == QRect(0, 120, 50, 40)
    assert places[8] == QRect(100, 180, 50, 40)
    for row, place in enumerate(places):
        assert layout.row_at(place.center().x(), place.center().y()) == row
        assert not any(place.intersects(other) for other in places if other is not place)
    assert layout.row_at(120, 70) is None, "the line is not full"
    assert layout.row_at(20, 110) is None, "a header"
    assert layout.row_at(160, 30) is None
    assert layout.row_at(20, 500) is None


def test_what_is_seen_is_painted_and_nothing_far_away(layout: GalleryLayout) -> None:
    for top in range(0, layout.height, 7):
        bottom = top + 50
        rows = set(layout.rows_between(top, bottom))
        touched = {row for row in range(9) if layout.rect(row).intersects(QRect(0, top, 150, 51))}
        assert touched <= rows
        assert all(-41 < layout.rect(row).top() - top < 92 for row in rows)
        heads = {
            place for place, rect in layout.headers_between(top, bottom) if rect.intersects(QRect(0, top, 150, 51))
        }
        tops = (0, 100, 160)
        assert heads == {
            place for place, head in enumerate(tops) if QRect(0, head, 1, 20).intersects(QRect(0, top, 1, 51))
        }


def test_up_and_down_keep_the_column(layout: GalleryLayout) -> None:
    below = [layout.below(row) for row in range(9)]
    assert below == [3, 4, 4, 5, 5, 6, 6, 7, 8]
    above = [layout.above(row) for row in range(9)]
    assert above == [0, 1, 2, 0, 1, 3, 5, 5, 5]


@pytest.fixture
def grid(model: object, qtbot: QtBot) -> GalleryView:  # noqa: F811 - the fixture
    view = GalleryView(model)  # type: ignore[arg-type]
    qtbot.addWidget(view)
    view.set_grid(True)
    view.set_side(100)
    view.resize(340, 300)
    view.show()
    return view


def test_keys_and_mouse(grid: GalleryView) -> None:
    grid.select_row(0)
    for key, expected in (
        (Qt.Key.Key_Right, 1),
        (Qt.Key.Key_Down, 4),
        (Qt.Key.Key_Left, 3),
        (Qt.Key.Key_Up, 0),
        (Qt.Key.Key_End, 5),
        (Qt.Key.Key_PageUp, 2),
        (Qt.Key.Key_Home, 0),
    ):
        QTest.keyClick(grid, key)
        assert grid.currentIndex().row() == expected, key
    left, none, shift = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
    places = [grid.visualRect(grid.shown.index(row)).center() for row in range(6)]
    QTest.mouseClick(grid.viewport(), left, none, places[1])
    QTest.mouseClick(grid.viewport(), left, shift, places[3])
    assert grid.selected_numbers() == [1, 2, 3], "from one to the other in the order of the list"
    QTest.mouseClick(grid.viewport(), left, Qt.KeyboardModifier.ControlModifier, places[0])
    assert grid.selected_numbers() == [0, 1, 2, 3]
    grid.close()


def test_ctrl_and_the_wheel_make_thumbnails_larger(grid: GalleryView) -> None:
    asked: list[int] = []
    grid.side_asked.connect(asked.append)
    grid.side_asked.connect(grid.set_side)
    for turned in (120, 120, -120):
        where = QPointF(50, 50)
        event = QWheelEvent(
            where,
            QPointF(grid.viewport().mapToGlobal(where.toPoint())),
            QPoint(),
            QPoint(0, turned),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.ControlModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(grid.viewport(), event)
    assert asked == [116, 132, 116]
    grid.set_side(10_000)
    assert grid.side == LARGEST
    grid.set_side(1)
    assert grid.side == SMALLEST
    grid.close()


def test_headers_have_room(grid: GalleryView) -> None:
    assert grid.visualRect(grid.shown.index(0)).top() == 0
    grid.shown.set_grouped(True)
    assert grid.visualRect(grid.shown.index(0)).top() == HEADER
    first, third = (grid.visualRect(grid.shown.index(row)) for row in (0, 2))
    assert (third.left(), third.top()) == (first.left(), first.bottom() + 1 + HEADER), "each class begins a line"
    grid.close()


@pytest.mark.parametrize(("appearance", "size"), [("light", (1366, 768)), ("dark", (800, 600))])
def test_the_window_as_a_grid(open_window: OpenWindow, qtbot: QtBot, appearance: str, size: tuple[int, int]) -> None:
    window = open_window(*sample_photos(), appearance=appearance, size=size)
    wait_settled(qtbot, window)
    does, bar, view = window.actions_, window.inspect.photo_list.layout_bar, window.inspect.gallery
    narrow = window.inspect.splitter.sizes()[0]
    does.grid.trigger()
    does.group.trigger()
    bar.slider.setValue(96)
    window.inspect.photo_list.finding.more.click()
    assert view.grid
    assert view.side == 96
    assert bar.switch.place == 1
    assert [group.count for group in view.shown.groups]
    assert window.inspect.splitter.sizes()[0] >= narrow
    qtbot.wait(300)
    save_screenshot(window, f"grid-{appearance}-{size[0]}")
    window.inspect.photo_list.finding.more.click()
    bar.switch.button(0).click()
    assert not view.grid
    assert not does.grid.isChecked()
    assert window.inspect.splitter.sizes()[0] < narrow + 20, "the list has its width back"
    bar.switch.button(1).click()
    window.close()
    settings = Settings()
    assert settings.string(LIST_VIEW) == "grid"
    assert settings.flag(LIST_GROUPED)
    assert settings.integer(THUMBNAIL_SIDE) == 96
