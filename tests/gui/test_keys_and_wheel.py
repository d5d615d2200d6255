"""Keys and the wheel: what they do, where they listen, and that all is reached and seen without a mouse."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolButton
from pytestqt.qtbot import QtBot

from resnet_desktop.core.settings import WHEEL, Settings
from resnet_desktop.gui.inspect.photo.image_view import ImageView
from resnet_desktop.gui.shell.main_window import MainWindow
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.gui.style.focus_ring import FocusRing
from resnet_desktop.gui.widgets.canvas.zoom_view import ZoomView

from .conftest import REPO, WAIT, OpenWindow, wait_settled

CAT = sample_photos()[0]


@pytest.fixture(autouse=True)
def wheel_as_it_was() -> Iterator[None]:
    before = ZoomView.wheel_zooms
    yield
    ZoomView.wheel_zooms = before


def turn(
    view: ImageView, where: QPointF, steps: int, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    event = QWheelEvent(
        where,
        QPointF(view.mapToGlobal(where.toPoint())),
        QPoint(),
        QPoint(0, 120 * steps),
        Qt.MouseButton.NoButton,
        held,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, event)


@pytest.fixture
def view(qtbot: QtBot) -> ImageView:
    """A view of 500 by 400 with a photo of 2000 by 1000."""
    made = ImageView()
    qtbot.addWidget(made)
    made.resize(500, 400)
    made.show()
    photo = QImage(2000, 1000, QImage.Format.Format_RGB32)
    photo.fill(Qt.GlobalColor.darkGreen)
    made.show_photo(photo)
    return made


def test_the_wheel_zooms_around_the_pointer(view: ImageView) -> None:
    where = QPointF(140, 200)
    before = view.photo_place
    fraction = (where.x() - before.left()) / before.width()
    turn(view, where, 3)
    assert view.zoom == pytest.approx(1.25**3)
    after = view.photo_place
    assert (where.x() - after.left()) / after.width() == pytest.approx(fraction)
    turn(view, where, -9)
    assert view.zoom == 1.0


def test_the_wheel_moves_where_that_is_liked(view: ImageView) -> None:
    ZoomView.wheel_zooms = False
    turn(view, QPointF(250, 200), 4)
    assert view.zoom == 1.0
    turn(view, QPointF(250, 200), 4, Qt.KeyboardModifier.ControlModifier)
    assert view.zoom == pytest.approx(1.25**4)
    before = view.centre.y()
    turn(view, QPointF(250, 200), 1)
    assert view.zoom == pytest.approx(1.25**4)
    assert view.centre.y() <= before


def test_a_double_click_looks_closer_and_fits_again(view: ImageView) -> None:
    spot = QPoint(120, 200)
    before = (spot.x() - view.photo_place.left()) / view.photo_place.width()
    QTest.mouseDClick(view, Qt.MouseButton.LeftButton, pos=spot)
    target = view.photo_place
    assert target.width() == pytest.approx(2000 / view.devicePixelRatioF()), "its own size"
    assert (spot.x() - target.left()) / target.width() == pytest.approx(before, abs=0.01)
    QTest.mouseDClick(view, Qt.MouseButton.LeftButton, pos=spot)
    assert view.zoom == 1.0


def test_a_small_photo_has_its_own_size_too(view: ImageView) -> None:
    small = QImage(40, 40, QImage.Format.Format_RGB32)
    small.fill(Qt.GlobalColor.darkBlue)
    view.show_photo(small)
    assert view.photo_place.width() == pytest.approx(160), "enlarged to be seen"
    view.show_actual_size()
    assert view.photo_place.width() == pytest.approx(40 / view.devicePixelRatioF())
    view.fit()
    assert view.photo_place.width() == pytest.approx(160)


def test_the_choice_is_remembered(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(CAT, settings=Settings())
    wait_settled(qtbot, window)
    assert window.actions_.wheel.isChecked()
    window.actions_.wheel.trigger()
    assert not ZoomView.wheel_zooms
    window.actions_.actual_size.trigger()
    shown = window.inspect.view
    assert shown.photo_place.width() == pytest.approx(shown._photo.width() / shown.devicePixelRatioF())
    window.preferences.close()
    assert Settings().string(WHEEL) == "scroll"


def active(window: MainWindow, qtbot: QtBot) -> None:
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=WAIT)


def test_letters_are_commands_only_over_photos(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(CAT, settings=Settings())
    wait_settled(qtbot, window)
    active(window, qtbot)
    page = window.inspect
    method = page.presenter.choice.request.method
    for elsewhere in (window.status.model_button, window.actions_.tool_bar.findChildren(QToolButton)[1]):
        elsewhere.setFocus(Qt.FocusReason.TabFocusReason)
        QTest.keyClicks(elsewhere, "mdham")
        assert page.presenter.choice.request.method == method
        assert window.actions_.heatmap.isChecked()
        QTest.keyClick(elsewhere, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
        assert page.views.place == 1, "but keys with Control are"
        window.actions_.show_photo.trigger()
    for here in (page.gallery, page.view, page.predictions.bars, page.heatmap.controls.method):
        here.setFocus()
        before = window.actions_.heatmap.isChecked()
        QTest.keyClick(here, Qt.Key.Key_H)
        assert window.actions_.heatmap.isChecked() is not before, here


def test_tab_comes_to_all_and_is_seen(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(CAT, settings=Settings())
    wait_settled(qtbot, window)
    active(window, qtbot)
    page = window.inspect
    reached = set()
    for _ in range(80):
        QTest.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_Tab)
        reached.add(QApplication.focusWidget())
    buttons = [
        window.actions_.tool_bar.widgetForAction(action)
        for action in window.actions_.tool_bar.actions()
        if action.isEnabled() and action.text()
    ]
    wanted = [*buttons, page.gallery, page.view, page.predictions.bars, page.heatmap.controls.method]
    wanted += [window.status.model_button, window.status.provider_badge]
    assert [widget for widget in wanted if widget not in reached] == []
    for seen in (page.gallery, page.view, page.predictions.bars):
        seen.setFocus(Qt.FocusReason.TabFocusReason)
        rings = [ring for ring in window.findChildren(FocusRing) if ring.isVisible()]
        assert [ring.parent() for ring in rings] == [seen]
        seen.setFocus(Qt.FocusReason.MouseFocusReason)


def test_no_key_is_given_twice(open_window: OpenWindow) -> None:
    window = open_window()
    taken: dict[str, str] = {}
    for action in window.actions():
        for key in action.shortcuts():
            assert key.toString() not in taken, f"{key.toString()}: {action.text()} and {taken.get(key.toString())}"
            taken[key.toString()] = action.text()
    assert {"Ctrl+Z", "Ctrl+Alt+0", "H", "M", "Ctrl+T"} <= set(taken)


def test_the_keys_of_the_readme_are_those_of_the_menus(open_window: OpenWindow) -> None:
    window = open_window()
    given = {key.toString() for action in window.actions() for key in action.shortcuts()}
    text = (REPO / "README.md").read_text("utf-8")
    named = set(re.findall(r"`((?:Ctrl\+)?[A-Z]|Ctrl\+[0-9])`", text))
    assert len(named) > 8
    assert named - given == set()
