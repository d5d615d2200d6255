"""All that changes the list or its labels can be taken back, and done again."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from resnet_desktop.core.settings import Settings
from resnet_desktop.gui.background.thumbnails import Thumbnails
from resnet_desktop.gui.gallery.gallery_model import GalleryModel
from resnet_desktop.gui.labels import label_store
from resnet_desktop.gui.shell.main_window import MainWindow
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.session.results import Result

from .conftest import WAIT, OpenWindow, wait_settled

CAT, COFFEE, ROCKET = sample_photos()[:3]


def names(window: MainWindow) -> list[str]:
    return [item.name for item in window.gallery.items]


def undo(window: MainWindow) -> None:
    assert window.actions_.undo.isEnabled()
    window.actions_.undo.trigger()


def pasted(data: bytes) -> QMimeData:
    mime = QMimeData()
    mime.setData("image/jpeg", data)
    return mime


def test_removing_clearing_and_adding_are_taken_back(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(CAT, COFFEE, settings=Settings())
    wait_settled(qtbot, window)
    window.add_mime(pasted(ROCKET.read_bytes()))
    wait_settled(qtbot, window)
    pasted_name = names(window)[2]
    before = [item.outcome for item in window.gallery.items]
    window.inspect.gallery.select_row(1)
    window.actions_.remove.trigger()
    assert window.actions_.undo.text() == "Undo removing a photo"
    window.actions_.clear.trigger()
    assert window.actions_.undo.text() == "Undo clearing the list"
    assert window.welcome.isVisible()
    undo(window)
    assert names(window) == ["cat.jpg", pasted_name]
    assert window.inspect.isVisible()
    assert window.inspect.gallery.current is not None
    undo(window)
    assert names(window) == ["cat.jpg", "coffee.jpg", pasted_name]
    assert [item.outcome for item in window.gallery.items] == before, "nothing is classified again"
    wait_settled(qtbot, window)
    undo(window)  # the paste
    assert names(window) == ["cat.jpg", "coffee.jpg"]
    undo(window)
    assert names(window) == []
    assert not window.actions_.undo.isEnabled()
    for _ in range(4):
        window.actions_.redo.trigger()
    assert names(window) == []
    undo(window)
    undo(window)
    window.add_paths((COFFEE,))  # known: no second row
    qtbot.waitUntil(lambda: window.inspect.gallery.currentIndex().row() == 1, timeout=WAIT)
    assert names(window) == ["cat.jpg", "coffee.jpg", pasted_name]
    wait_settled(qtbot, window)


def test_what_comes_back_is_asked_of_the_model_of_now(
    open_window: OpenWindow, qtbot: QtBot, wary_model_file: Path
) -> None:
    window = open_window(CAT, COFFEE, settings=Settings())
    wait_settled(qtbot, window)
    window.inspect.gallery.select_row(0)
    window.actions_.remove.trigger()
    window.open_model(str(wary_model_file))
    qtbot.waitUntil(lambda: window.status.model_button.text() == "wary18", timeout=WAIT)
    wait_settled(qtbot, window)
    undo(window)
    assert window.gallery.items[0].outcome is None
    wait_settled(qtbot, window)
    outcome = window.gallery.items[0].outcome
    assert isinstance(outcome, Result)
    assert outcome.unfamiliar, "the wary model has said so"


def test_sorting_is_taken_back(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(ROCKET, CAT, COFFEE, settings=Settings())
    wait_settled(qtbot, window)
    box = window.inspect.photo_list._order
    box.setCurrentIndex(box.findData("name"))
    box.activated.emit(box.currentIndex())
    assert names(window) == ["cat.jpg", "coffee.jpg", "rocket.jpg"]
    undo(window)
    assert names(window) == ["rocket.jpg", "cat.jpg", "coffee.jpg"]
    assert window.inspect.photo_list.order == "added"
    window.actions_.redo.trigger()
    assert names(window) == ["cat.jpg", "coffee.jpg", "rocket.jpg"]
    assert window.inspect.photo_list.order == "name"


@pytest.fixture
def labelled(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> tuple[MainWindow, Path]:
    """A window with two labels, and a table with another."""
    window = open_window(CAT, COFFEE, settings=Settings())
    wait_settled(qtbot, window)
    window.labels.labelling.add("animal", [0])
    window.labels.labelling.add("drink", [1])
    table = tmp_path / "more.csv"
    table.write_text(f"path,label\n{CAT},beast\n{ROCKET},machine\n", "utf-8")
    return window, table


def labels_of(window: MainWindow) -> list[str | None]:
    return [None if item.label is None else item.label.name for item in window.gallery.items]


def answer(qtbot: QtBot, window: MainWindow, words: str) -> None:
    qtbot.waitUntil(lambda: any(box.isVisible() for box in window.findChildren(QMessageBox)), timeout=WAIT)
    box = next(box for box in window.findChildren(QMessageBox) if box.isVisible())
    button = next(button for button in box.buttons() if button.text() == words)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_labels_that_are_opened_take_the_place_of_others(labelled: tuple[MainWindow, Path], qtbot: QtBot) -> None:
    window, table = labelled
    window.labels.open(table)
    answer(qtbot, window, "Replace them")
    qtbot.waitUntil(lambda: labels_of(window) == ["beast", None, "machine"], timeout=WAIT)
    assert [one.name for one in window.labels.labelling.classes] == ["beast", "machine"]
    undo(window)  # the photo that came with the table
    undo(window)
    assert labels_of(window) == ["animal", "drink"]
    assert [one.name for one in window.labels.labelling.classes][:2] == ["animal", "drink"]
    wait_settled(qtbot, window)


def test_labels_are_merged_where_that_is_asked_for(labelled: tuple[MainWindow, Path], qtbot: QtBot) -> None:
    window, table = labelled
    window.labels.open(table)
    answer(qtbot, window, "Add to them")
    qtbot.waitUntil(lambda: labels_of(window) == ["beast", "drink", "machine"], timeout=WAIT)
    window.labels.open(table)
    answer(qtbot, window, "Cancel")
    assert labels_of(window) == ["beast", "drink", "machine"]
    wait_settled(qtbot, window)


def test_labels_that_are_opened_first_keep_those_that_are_remembered(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path, home: Path
) -> None:
    del home  # it was made
    remembered = {f"/photos/{number}.jpg": "beetle" for number in range(300)}
    label_store.remember(remembered)
    table = tmp_path / "one.csv"
    table.write_text(f"path,label\n{CAT},animal\n", "utf-8")
    window = open_window(settings=Settings())
    window.labels.open(table)
    qtbot.waitUntil(lambda: labels_of(window) == ["animal"], timeout=WAIT)
    wait_settled(qtbot, window)
    window.close()
    assert label_store.remembered() == {**remembered, str(CAT): "animal"}


def test_labels_that_cannot_be_read_are_not_written_over(open_window: OpenWindow, qtbot: QtBot, home: Path) -> None:
    file = home / "data" / "labels" / "remembered.csv"
    file.parent.mkdir(parents=True)
    file.write_text('path,label\n"' + "x" * 200_000, "utf-8")
    before = file.read_bytes()
    window = open_window(CAT, settings=Settings())
    qtbot.waitUntil(lambda: "earlier sessions cannot be read" in window.notice.text, timeout=WAIT)
    window.labels.labelling.add("animal", [0])
    assert labels_of(window) == ["animal"]
    wait_settled(qtbot, window)
    window.close()
    assert file.read_bytes() == before


def test_rows_find_their_places_again(qtbot: QtBot) -> None:
    del qtbot
    thumbnails = Thumbnails(10_000_000)
    gallery = GalleryModel(thumbnails)
    gallery.add([(Path(f"/photos/{number}.jpg"), f"{number}.jpg") for number in range(10)])
    placed = [(row, gallery.items[row]) for row in (0, 3, 4, 9)]
    inserted: list[tuple[int, int]] = []
    gallery.rowsInserted.connect(lambda _parent, first, last: inserted.append((first, last)))
    gallery.remove([0, 3, 4, 9])
    gallery.put_back(placed)
    assert [item.number for item in gallery.items] == list(range(10))
    assert inserted == [(0, 0), (3, 4), (9, 9)]
    assert [gallery.row_of_number(number) for number in range(10)] == list(range(10))
    gallery.remove([item.number for item in gallery.items][2:])
    gallery.put_back(placed[2:])  # their places are not there any more
    assert [item.number for item in gallery.items] == [0, 1, 4, 9]
    thumbnails.close()
