"""The list of photos stays right and quick, however long it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from resnet_desktop.gui.background.thumbnails import KEPT_THUMBNAILS, MOST_WAITING, Thumbnails
from resnet_desktop.gui.gallery.gallery_model import GalleryModel
from resnet_desktop.gui.gallery.gallery_view import GalleryView
from resnet_desktop.gui.gallery.shown_photos import ShownPhotos
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.inference.classifier import ClassScore
from resnet_desktop.session.results import Failure, Result

MANY = 10_000


def result(probability: float = 0.5) -> Result:
    return Result((ClassScore(0, "tabby cat", probability),), False, "CPU", 0.1, (640, 480))


def files(count: int) -> list[tuple[Path, str]]:
    return [(Path(f"/photos/{i}.jpg"), f"{i}.jpg") for i in range(count)]


@pytest.fixture
def model(qtbot: QtBot) -> Iterator[GalleryModel]:
    thumbnails = Thumbnails(10_000_000)
    gallery = GalleryModel(thumbnails)
    yield gallery
    thumbnails.close()


def test_rows_come_change_and_go(model: GalleryModel) -> None:
    # Asks the whole model at every change, and warns (which fails the test) where it breaks Qt's rules.
    shown = ShownPhotos(model)
    testers = [
        QAbstractItemModelTester(tested, QAbstractItemModelTester.FailureReportingMode.Warning)
        for tested in (model, shown)
    ]
    new = model.add(files(10))
    assert [item.number for item in new] == list(range(10))
    assert model.add(files(3)) == []
    model.set_outcomes({4: result(0.873)})
    model.set_outcomes({5: Failure("empty_file", "5.jpg is empty.")})
    assert shown.index(4).data() == "4.jpg: tabby cat, 87\u00a0%"
    assert shown.index(5).data(Qt.ItemDataRole.AccessibleTextRole) == "5.jpg: 5.jpg is empty."
    assert model.remove([0, 1, 2, 4, 9]) == {0, 1, 2, 4, 9}
    assert [item.number for item in model.items] == [3, 5, 6, 7, 8]
    assert model.item(4) is None
    assert model.item(7) is model.items[3]
    model.set_outcomes({4: result()})  # too late, and no harm
    assert [item.number for item in model.add(files(1))] == [10]
    assert model.remove(range(6)) == {3, 5, 6, 7, 8, 10}
    assert model.rowCount() == 0
    for tester in testers:
        tester.deleteLater()


def test_waiting_cancelled_and_waiting_again(model: GalleryModel) -> None:
    model.add(files(3))
    shown = ShownPhotos(model)
    model.set_outcomes({0: result()})
    model.unqueue()
    assert shown.index(1).data() == "1.jpg: Not classified"
    assert [item.number for item in model.queue_rest()] == [1, 2]
    assert shown.index(1).data() == "1.jpg: Waiting…"
    assert all(item.outcome is None for item in model.requeue_all())


def test_ten_thousand_rows_change_one_at_a_time(model: GalleryModel, qtbot: QtBot) -> None:
    view = GalleryView(model)
    qtbot.addWidget(view)
    view.resize(260, 600)
    view.show()
    model.add(files(MANY))
    changed: list[tuple[int, int]] = []
    model.dataChanged.connect(lambda first, last: changed.append((first.row(), last.row())))
    for number in range(MANY):
        model.set_outcomes({number: result(number / MANY)})
    assert changed == [(row, row) for row in range(MANY)]
    view.scrollToBottom()
    qtbot.wait(50)
    rows_in_view = view.height() // view.sizeHintForRow(0) + 2
    assert view.indexAt(view.viewport().rect().center()).row() > MANY - rows_in_view
    view.selectAll()
    assert len(model.remove(view.selected_rows())) == MANY
    view.close()


def test_only_rows_that_are_seen_get_thumbnails(model: GalleryModel, qtbot: QtBot) -> None:
    sample = sample_photos()[0]
    made: list[int] = []
    model.thumbnails.thumbnail_ready.connect(made.append)
    view = GalleryView(model)
    qtbot.addWidget(view)
    view.resize(260, 300)
    view.show()
    model.add((sample.read_bytes(), f"{i}") for i in range(200))
    qtbot.waitUntil(lambda: len(made) >= 4, timeout=10_000)
    qtbot.wait(200)
    assert len(made) <= 300 // view.sizeHintForRow(0) + 2
    thumbnail = model.thumbnails.get(0, sample)
    assert thumbnail is not None
    assert max(thumbnail.width(), thumbnail.height()) == 160
    view.close()


def test_thumbnails_that_were_scrolled_past_are_dropped(model: GalleryModel, qtbot: QtBot) -> None:
    made: list[int] = []
    model.thumbnails.thumbnail_ready.connect(made.append)
    data = sample_photos()[0].read_bytes()
    for number in range(3 * MOST_WAITING):
        assert model.thumbnails.get(number, data) is None
    last = 3 * MOST_WAITING - 1
    qtbot.waitUntil(lambda: last in made, timeout=10_000)
    qtbot.waitUntil(lambda: len(made) == MOST_WAITING + 1, timeout=20_000)
    assert made[1] == last
    assert len(made) < KEPT_THUMBNAILS


def test_a_list_without_rows_has_no_data(model: GalleryModel) -> None:
    assert model.data(QModelIndex()) is None
    assert model.row_of(Path("/photos/1.jpg")) is None
