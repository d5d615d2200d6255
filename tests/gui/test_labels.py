"""Sorting the photos of the list into classes, in the real window."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QUndoStack
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from resnet_desktop.core.settings import Settings
from resnet_desktop.data.dataset import survey
from resnet_desktop.gui.background.thumbnails import Thumbnails
from resnet_desktop.gui.gallery.gallery_model import GalleryModel
from resnet_desktop.gui.intake import drops
from resnet_desktop.gui.labels import label_store
from resnet_desktop.gui.labels.labelling import Labelling
from resnet_desktop.gui.shell.main_window import MainWindow
from resnet_desktop.imaging.decode import encode_png
from resnet_desktop.jobs.job import parse_job

from .conftest import WAIT, OpenWindow, save_screenshot, wait_settled

COUNT = 8


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Photos in one folder, and a home of its own."""
    monkeypatch.setenv("RESNET_DESKTOP_HOME", str(tmp_path / "home"))
    rng = np.random.default_rng(0)
    folder = tmp_path / "beetles"
    folder.mkdir()
    for index in range(COUNT):
        pixels = np.kron(rng.integers(0, 255, (6, 6, 3)), np.ones((24, 24, 1))).astype(np.uint8)
        (folder / f"{index}.png").write_bytes(encode_png(pixels))
    return sorted(folder.iterdir())


def labels_of(window: MainWindow) -> list[str | None]:
    return [None if item.label is None else item.label.name for item in window.gallery.items]


def type_class(window: MainWindow, name: str) -> None:
    class_panel = window.inspect.class_panel
    class_panel.new.setFocus()
    QTest.keyClicks(class_panel.new, name)
    QTest.keyClick(class_panel.new, Qt.Key.Key_Return)


def opened(qtbot: QtBot, open_window: OpenWindow, photos: list[Path]) -> MainWindow:
    window = open_window(*photos, settings=Settings())
    wait_settled(qtbot, window)
    window.actions_.label.trigger()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=WAIT)
    return window


def test_photos_are_sorted_with_keys_and_taught(qtbot: QtBot, open_window: OpenWindow, photos: list[Path]) -> None:
    window = opened(qtbot, open_window, photos)
    class_panel, view = window.inspect.class_panel, window.inspect.gallery
    assert not class_panel.teach.isEnabled()
    type_class(window, "class 1")  # a digit that is typed is a digit
    type_class(window, "weevil")
    assert [one.name for one in window.labels.labelling.classes] == ["class 1", "weevil"]
    view.setFocus()
    view.select_row(0)
    for key in (Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_2, Qt.Key.Key_1, Qt.Key.Key_9):
        QTest.keyClick(view, key)
    assert labels_of(window)[:5] == ["class 1", "weevil", "weevil", "class 1", None]
    assert view.currentIndex().row() == 4  # on to the next without a label
    assert "Labelled weevil" in str(view.model().index(1, 0).data(Qt.ItemDataRole.ToolTipRole))
    save_screenshot(window, "labels")
    QTest.keyClick(view, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert labels_of(window)[3] is None
    window.actions_.redo.trigger()
    assert labels_of(window)[3] == "class 1"
    class_panel.teach.click()
    qtbot.waitUntil(lambda: window.wizard is not None and window.wizard.pages.data.complete, timeout=WAIT)
    assert window.wizard is not None
    draft = window.wizard.pages.data.into(window.wizard.draft)
    assert survey(parse_job(draft.job())).counts() == {"class 1": 2, "weevil": 2}
    window.wizard.close()


def test_labels_come_back_with_their_files(qtbot: QtBot, open_window: OpenWindow, photos: list[Path]) -> None:
    window = opened(qtbot, open_window, photos)
    window.labels.labelling.add("stag beetle", [5, 6])
    window.labels.labelling.add("ladybird", [1])
    window.close()
    again = open_window(*photos[:6], settings=Settings())
    qtbot.waitUntil(lambda: labels_of(again)[1:2] == ["ladybird"], timeout=WAIT)
    again.add_paths(photos)
    qtbot.waitUntil(lambda: len(again.gallery.items) == COUNT, timeout=WAIT)
    wanted = [None, "ladybird", None, None, None, "stag beetle", "stag beetle", None]
    assert labels_of(again) == wanted
    assert again.actions_.undo.text() == "Undo adding 2 photos", "labels that come back are no step"
    # Those of a photo that is taken out of the list stay with its file.
    again.inspect.gallery.select_numbers([1])
    again.actions_.remove.trigger()
    again.add_paths(photos[1:2])
    qtbot.waitUntil(lambda: labels_of(again)[-1] == "ladybird", timeout=WAIT)
    wait_settled(qtbot, again)


def test_dragged_onto_a_class(qtbot: QtBot, open_window: OpenWindow, photos: list[Path]) -> None:
    window = opened(qtbot, open_window, photos)
    type_class(window, "weevil")
    model, classes = window.inspect.gallery.shown, window.inspect.class_panel.list.classes
    mime = model.mimeData([model.index(row) for row in (2, 3)])
    assert [Path(url.toLocalFile()) for url in mime.urls()] == photos[2:4]
    assert not drops.accepts(mime)  # the window does not take its own photos for new ones
    class_panel, button, key = (
        window.inspect.class_panel.list,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    inside = QPointF(class_panel.visualRect(classes.index(0)).center())
    for dropped, taken in ((QMimeData(), False), (mime, True)):
        enter = QDragEnterEvent(inside.toPoint(), Qt.DropAction.CopyAction, dropped, button, key)
        QCoreApplication.sendEvent(class_panel.viewport(), enter)
        assert enter.isAccepted() is taken
        event = QDropEvent(inside, Qt.DropAction.CopyAction, dropped, button, key)
        class_panel.dropEvent(event)
        assert event.isAccepted() is taken
    assert labels_of(window)[2:4] == ["weevil", "weevil"]


def test_clicked_renamed_and_removed(qtbot: QtBot, open_window: OpenWindow, photos: list[Path]) -> None:
    window = opened(qtbot, open_window, photos)
    class_panel, labelling = window.inspect.class_panel, window.labels.labelling
    for name in ("one", "two", "  TWO ", ""):
        type_class(window, name)
    assert [one.name for one in labelling.classes] == ["one", "two"]
    window.inspect.gallery.select_numbers([0, 3])
    place = class_panel.list.visualRect(class_panel.list.classes.index(1)).center()
    QTest.mouseClick(class_panel.list.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(place))
    assert labels_of(window)[:4] == ["two", None, None, "two"]
    first, second = labelling.classes
    assert class_panel.list.classes.setData(class_panel.list.classes.index(1), "weevil")
    assert labels_of(window)[0] == "weevil"
    assert not labelling.rename(first, "Weevil")
    assert not labelling.rename(first, "  ")
    labelling.remove(second)
    assert labels_of(window) == [None] * COUNT
    labelling.undo_stack.undo()
    labelling.undo_stack.undo()
    assert labels_of(window)[:4] == ["two", None, None, "two"]
    window.inspect.gallery.select_numbers([0])
    QTest.keyClick(window.inspect.gallery, Qt.Key.Key_0)
    assert labels_of(window)[0] is None


def test_a_table_is_read_and_written(qtbot: QtBot, open_window: OpenWindow, photos: list[Path], tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text("path,label\nbeetles/0.png,weevil\nbeetles/2.png,stag\n", "utf-8")
    window = open_window(photos[0], settings=Settings())
    wait_settled(qtbot, window)
    window.labels.open(table)
    qtbot.waitUntil(lambda: labels_of(window) == ["weevil", "stag"], timeout=WAIT)
    window.add_mime(_pasted(photos[4].read_bytes()))
    qtbot.waitUntil(lambda: len(window.gallery.items) == 3, timeout=WAIT)
    wait_settled(qtbot, window)
    window.inspect.gallery.select_numbers([2])
    window.labels.labelling.assign([2], window.labels.labelling.find("STAG"))
    written: list[Path] = []
    window.labels.save(tmp_path / "out.csv", written.append)
    qtbot.waitUntil(lambda: bool(written), timeout=WAIT)
    rows = list(csv.DictReader(written[0].read_text("utf-8").splitlines()))
    assert [row["label"] for row in rows] == ["weevil", "stag", "stag"]
    assert [Path(row["path"]).is_file() for row in rows] == [True] * 3  # the pasted one is a file now
    window.labels.open(tmp_path / "none.csv")
    qtbot.waitUntil(lambda: "none.csv" in window.notice.text, timeout=WAIT)


def test_what_a_table_leaves_open_is_said(
    qtbot: QtBot, open_window: OpenWindow, photos: list[Path], tmp_path: Path
) -> None:
    table = tmp_path / "_classes.csv"
    rows = ("filename, weevil, stag", "beetles/0.png, 1, 0", "beetles/2.png, 1, 1", "beetles/none.png, 0, 1")
    table.write_text("\n".join(rows), "utf-8")
    window = open_window(photos[0], settings=Settings())
    wait_settled(qtbot, window)
    window.labels.open(table)
    qtbot.waitUntil(lambda: labels_of(window) == ["weevil", None], timeout=WAIT)
    assert "beetles/none.png (line 4)" in window.notice.text
    assert "2.png (weevil, stag)" in window.notice.text


def test_ten_thousand_photos_are_labelled_in_one_step(qtbot: QtBot) -> None:
    del qtbot
    thumbnails = Thumbnails(10_000_000)
    gallery = GalleryModel(thumbnails)
    gallery.add([(Path(f"/photos/{i}.jpg"), f"{i}.jpg") for i in range(10_000)])
    labelling = Labelling(gallery, QUndoStack())
    changed: list[tuple[int, int]] = []
    gallery.dataChanged.connect(lambda first, last: changed.append((first.row(), last.row())))
    one = labelling.add("many", range(2_000, 9_000))
    assert one is not None
    assert changed == [(2_000, 8_999)]
    assert labelling.counts() == {one: 7_000}
    gallery.remove(range(5_000, 10_000))
    assert labelling.counts() == {one: 3_000}
    labelling.undo_stack.undo()
    assert labelling.classes == ()
    assert all(item.label is None for item in gallery.items)
    thumbnails.close()


def test_what_can_be_taught() -> None:
    assert not label_store.teachable([5])
    assert not label_store.teachable([5, 1])
    assert label_store.teachable([2, 0, 2])


def _pasted(data: bytes) -> QMimeData:
    mime = QMimeData()
    mime.setData("image/png", data)
    return mime


@pytest.fixture(autouse=True)
def no_label_left(tmp_path: Path) -> Iterator[None]:
    """Half-written files would be seen here."""
    yield
    assert not list((tmp_path / "home").rglob("*.part"))
