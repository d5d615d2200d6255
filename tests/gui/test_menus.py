"""The menus of the right button: they say what they act on, and act on that alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QContextMenuEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from resnet_desktop.gui.inspect.photo.bar_list import ROW_ROLE
from resnet_desktop.gui.models.models_window import ModelsWindow
from resnet_desktop.gui.shell.main_window import MainWindow
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.gui.widgets.menus import Entry, open_menu
from resnet_desktop.session.results import Result

from .conftest import WAIT, OpenWindow, save_screenshot, wait_settled

CAT, *OTHERS = sample_photos()


@pytest.fixture(autouse=True)
def menus_closed() -> Iterator[None]:
    yield
    for widget in QApplication.topLevelWidgets():
        if isinstance(widget, QMenu):
            widget.close()


@pytest.fixture
def window(open_window: OpenWindow, qtbot: QtBot) -> MainWindow:
    made = open_window(CAT, *OTHERS[:2])
    wait_settled(qtbot, made)
    return made


def ask(widget: QWidget, where: QPoint) -> None:
    """What the platform does on a press of the right button."""
    QTest.mousePress(widget, Qt.MouseButton.RightButton, Qt.KeyboardModifier.NoModifier, where)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, where, widget.mapToGlobal(where))
    QApplication.sendEvent(widget, event)
    QTest.mouseRelease(widget, Qt.MouseButton.RightButton, Qt.KeyboardModifier.NoModifier, where)


def line(menu: QMenu | None, words: str) -> QAction:
    assert menu is not None
    return next(action for action in menu.actions() if action.text().split("\t")[0].replace("&&", "&") == words)


def test_lines_are_shown_letter_by_letter(qtbot: QtBot) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    chosen: list[str] = []
    deeper = Entry("Label as", entries=(Entry("cats & <b>dogs</b>\tx", lambda: chosen.append("cats"), key="1"),))
    menu = open_menu(parent, [Entry("Nothing"), None, deeper], QPoint(10, 10))
    nothing, line_between, more = menu.actions()
    assert not nothing.isEnabled()
    assert line_between.isSeparator()
    deeper_menu = more.menu()
    assert isinstance(deeper_menu, QMenu)
    (one,) = deeper_menu.actions()
    assert one.text() == "cats && <b>dogs</b> x\t1"
    one.trigger()
    assert chosen == ["cats"]
    menu.close()


def test_over_one_photo(window: MainWindow, qtbot: QtBot) -> None:
    view = window.inspect.gallery
    ask(view.viewport(), view.visualRect(view.shown.index(1)).center())
    assert view.current is window.gallery.items[1], "the photo under the pointer is meant"
    wait_settled(qtbot, window)
    line(window.menus.menu, "Copy path").trigger()
    assert QGuiApplication.clipboard().text() == str(OTHERS[0])
    line(window.menus.menu, "Copy picture").trigger()
    qtbot.waitUntil(lambda: not QGuiApplication.clipboard().image().isNull(), timeout=WAIT)
    outcome = window.gallery.items[1].outcome
    assert isinstance(outcome, Result)
    image = QGuiApplication.clipboard().image()
    assert (image.width(), image.height()) == outcome.full_size
    line(window.menus.menu, "Copy picture with heatmap").trigger()
    qtbot.waitUntil(lambda: "heatmap" in window.notice.text, timeout=WAIT)
    assert QGuiApplication.clipboard().image() != image
    assert QGuiApplication.clipboard().image().width() == image.width()


def test_over_several_photos(window: MainWindow) -> None:
    view = window.inspect.gallery
    view.select_numbers([0, 2])
    ask(view.viewport(), view.visualRect(view.shown.index(2)).center())
    assert view.selected_numbers() == [0, 2], "they stay selected"
    window.labels.labelling.add("mine")
    ask(view.viewport(), view.visualRect(view.shown.index(2)).center())
    label_as = line(window.menus.menu, "Label as").menu()
    assert isinstance(label_as, QMenu)
    label_as.actions()[0].trigger()
    labels = [None if item.label is None else item.label.name for item in window.gallery.items]
    assert labels == ["mine", None, "mine"]
    window.menus.menu.close()  # type: ignore[union-attr]
    ask(view.viewport(), view.visualRect(view.shown.index(0)).center())
    line(window.menus.menu, "Remove 2 photos").trigger()
    assert [item.name for item in window.gallery.items] == [OTHERS[0].name]


def test_the_menu_key_opens_it_at_the_photo_that_is_looked_at(window: MainWindow) -> None:
    view = window.inspect.gallery
    view.select_row(2)
    asked: list[QPoint] = []
    view.menu_asked.connect(asked.append)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(1, 1), view.mapToGlobal(QPoint(1, 1)))
    QApplication.sendEvent(view.viewport(), event)
    assert [view.viewport().mapFromGlobal(where) for where in asked] == [view.visualRect(view.shown.index(2)).center()]
    window.menus.menu.close()  # type: ignore[union-attr]
    ask(view.viewport(), QPoint(20, view.viewport().height() - 2))
    assert len(asked) == 1, "there is nothing below the last photo"


def test_over_a_class(window: MainWindow, qtbot: QtBot) -> None:
    page = window.inspect
    bars = page.predictions.bars
    row = bars.model().index(1, 0)
    listed = row.data(ROW_ROLE).listed
    before = page.presenter.evidence
    ask(bars.viewport(), bars.visualRect(row).center())
    assert page.presenter.evidence is before, "the right button explains nothing by itself"
    line(window.menus.menu, "Explain this class").trigger()
    qtbot.waitUntil(
        lambda: page.presenter.evidence is not None and page.presenter.evidence.target == listed.target, timeout=WAIT
    )
    ask(bars.viewport(), bars.visualRect(bars.model().index(0, 0)).center())
    assert line(window.menus.menu, "Contrast with this class").isEnabled()
    line(window.menus.menu, "Copy its name").trigger()
    first = bars.model().index(0, 0).data(ROW_ROLE).listed
    assert QGuiApplication.clipboard().text() == first.label
    line(window.menus.menu, "Show the photos of this class").trigger()
    assert page.gallery.shown.filter.classes == {first.label}
    assert all(item.outcome.headline.label == first.label for item in page.gallery.shown.items)  # type: ignore[union-attr]
    page.gallery.select_row(0)
    line(window.menus.menu, f"Label the selected photos “{first.label}”").trigger()
    assert [item.label.name for item in window.gallery.items if item.label is not None] == [first.label]


def test_over_the_photo(window: MainWindow, qtbot: QtBot) -> None:
    page = window.inspect
    ask(page.view, page.view.rect().center())
    assert line(window.menus.menu, "Save picture with heatmap…").isEnabled()
    assert line(window.menus.menu, "Heatmap").isChecked()
    line(window.menus.menu, "Heatmap").trigger()
    assert not window.actions_.heatmap.isChecked()
    qtbot.wait(50)
    menu = window.menus.menu
    assert menu is not None
    picture = menu.grab()
    assert not picture.isNull()
    save_screenshot(window, "menu-window")
    assert picture.save(str(Path("build") / "screenshots" / "menu-photo.png"))


def test_over_a_model(window: MainWindow, qtbot: QtBot, small_base: str) -> None:
    window.models.manage()
    models = next(child for child in window.findChildren(ModelsWindow))
    page = models.installed
    qtbot.waitUntil(lambda: page.models.count() > 0 and page.facts is not None, timeout=WAIT)
    names = [page.models.item(row).text() for row in range(page.models.count())]
    page.models.setCurrentRow(names.index(small_base))
    qtbot.waitUntil(lambda: page.facts is not None, timeout=WAIT)
    place = page.models.visualItemRect(page.models.currentItem()).center()
    page.models.customContextMenuRequested.emit(place)
    menu = page.findChildren(QMenu)[-1]
    assert not line(menu, "In use").isEnabled(), "as its button"
    assert line(menu, "Remove…").isEnabled()
    line(menu, "Copy path").trigger()
    assert Path(QGuiApplication.clipboard().text()).stem == small_base
    menu.close()
    models.close()
