"""The list in the order that the user chooses: what is looked at stays, results move nothing before the last one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from resnet_desktop.core.settings import LIST_ORDER, Settings
from resnet_desktop.gui.background.thumbnails import Thumbnails
from resnet_desktop.gui.gallery.gallery_model import GalleryModel
from resnet_desktop.gui.gallery.gallery_view import GalleryView
from resnet_desktop.gui.gallery.photo_list import ORDERS, PhotoList
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.inference.classifier import ClassScore
from resnet_desktop.session.results import Failure, Result

from .conftest import WAIT, OpenWindow

NAMES = ("b10.jpg", "a.jpg", "b9.jpg", "c.jpg", "d.jpg", "e.jpg")


def result(label: str, probability: float) -> Result:
    return Result((ClassScore(0, label, probability),), False, "CPU", 0.1, (640, 480))


@pytest.fixture
def model(qtbot: QtBot) -> Iterator[GalleryModel]:
    """Six photos: four with results, one that cannot be read, one that waits."""
    thumbnails = Thumbnails(10_000_000)
    gallery = GalleryModel(thumbnails)
    gallery.add((Path("/photos") / name, name) for name in NAMES)
    for number, label, probability in ((0, "wasp", 0.9), (1, "ant", 0.4), (2, "ant", 0.8), (4, "wasp", 0.6)):
        gallery.set_outcomes({number: result(label, probability)})
    gallery.set_outcomes({3: Failure("empty_file", "c.jpg is empty.")})
    yield gallery
    thumbnails.close()


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("added", [0, 1, 2, 3, 4, 5]),
        ("name", [1, 2, 0, 3, 4, 5]),
        ("class", [2, 1, 0, 4, 5, 3]),
        ("unsure", [1, 4, 2, 0, 5, 3]),
        ("sure", [0, 2, 4, 1, 5, 3]),
    ],
)
def test_orders(model: GalleryModel, order: str, expected: list[int]) -> None:
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Warning)
    model.arrange(ORDERS[order])
    assert [item.number for item in model.items] == expected
    assert [model.item(number) for number in expected] == list(model.items)
    model.arrange(ORDERS["added"])
    assert [item.number for item in model.items] == list(range(6)), "and back"
    tester.deleteLater()


def test_every_order_is_a_setting() -> None:
    assert tuple(ORDERS) == LIST_ORDER.choices


def test_what_is_looked_at_and_selected_stays(model: GalleryModel, qtbot: QtBot) -> None:
    view = GalleryView(model)
    photo_list = PhotoList(model, view, "added")
    qtbot.addWidget(photo_list)
    view.select_row(4)
    view.select_numbers([4, 1])
    photo_list._order.setCurrentIndex(photo_list._order.findData("unsure"))
    with qtbot.waitSignal(photo_list.order_chosen, check_params_cb=lambda order: order == "unsure"):
        photo_list._order.activated.emit(photo_list._order.currentIndex())
    assert view.current is model.item(4)
    assert view.selected_numbers() == [1, 4]
    model.set_outcomes({5: result("ant", 0.1)})
    assert model.items[0].number == 1, "results move nothing"
    photo_list.follow_queue(1, 2)
    assert model.items[0].number == 1, "nor does a queue that is not done"
    photo_list.follow_queue(2, 2)
    assert model.items[0].number == 5
    assert view.current is model.item(4)


def test_the_window_keeps_the_order(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    page = window.inspect
    choice = page.photo_list._order
    choice.setCurrentIndex(choice.findData("sure"))
    choice.activated.emit(choice.currentIndex())
    window.add_paths(sample_photos())
    qtbot.waitUntil(
        lambda: len(window.gallery.items) >= 3 and all(item.outcome is not None for item in window.gallery.items),
        timeout=WAIT,
    )
    qtbot.waitUntil(lambda: not window.controller.busy, timeout=WAIT)
    outcomes = [item.outcome for item in window.gallery.items]
    found = [outcome.top.probability for outcome in outcomes if isinstance(outcome, Result)]
    assert len(found) >= 3
    assert found == sorted(found, reverse=True)
    assert page.photo_list._count.text() == f"{len(outcomes)} photos"
    window.preferences.close()
    assert Settings().string(LIST_ORDER) == "sure"
