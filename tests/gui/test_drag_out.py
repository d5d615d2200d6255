"""Photos, parts of photos and heatmaps as other programs get them when they are dragged out of the window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDrag, QEnterEvent, QGuiApplication, QImage
from pytestqt.qtbot import QtBot

from resnet_desktop.core.settings import Settings
from resnet_desktop.gui.background.drag_folder import DragFolder
from resnet_desktop.gui.gallery.photo_classes import MIME
from resnet_desktop.gui.intake import drops
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.imaging.decode import decode
from resnet_desktop.imaging.region import Region

from .conftest import WAIT, OpenWindow, save_screenshot, wait_settled

CAT, COFFEE = sample_photos()[:2]


def files(mime: QMimeData) -> list[Path]:
    return [Path(url.toLocalFile()) for url in mime.urls()]


def test_rows_are_files_and_what_is_none_becomes_one(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(CAT, settings=Settings())
    wait_settled(qtbot, window)
    model = window.inspect.gallery.shown
    part = Region(str(CAT), (0.3, 0.2, 0.4, 0.5))
    window.steps.add_part(part, "Part 1 of cat.jpg")
    window.steps.add([(COFFEE.read_bytes(), "Pasted: 1/2")], window.steps.new_batch())
    wait_settled(qtbot, window)
    mime = model.mimeData([model.index(row) for row in range(3)])
    assert bytes(mime.data(MIME).data()) == b"0 1 2"
    assert not drops.accepts(mime), "nothing comes back into the list"
    photo, cut, pasted = files(mime)
    assert photo == CAT
    assert cut.name == "Part 1 of cat.png"
    assert np.array_equal(decode(cut).pixels, decode(part).pixels)
    assert pasted.name == "2.jpeg"
    assert pasted.read_bytes() == COFFEE.read_bytes()
    assert files(mime) == [photo, cut, pasted], "they are made once"
    window.close()
    assert not cut.parent.exists()


def test_the_heatmap_is_dragged_by_its_grip(
    open_window: OpenWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(CAT, settings=Settings())
    wait_settled(qtbot, window)
    view, grip = window.inspect.view, window.saver.grip
    dragged: list[QMimeData] = []

    def carried(drag: QDrag, _actions: Qt.DropAction) -> Qt.DropAction:
        dragged.append(drag.mimeData())
        assert not drag.pixmap().isNull()
        return Qt.DropAction.CopyAction

    monkeypatch.setattr(QDrag, "exec", carried)
    centre = QPointF(view.rect().center())
    QGuiApplication.sendEvent(view, QEnterEvent(centre, centre, centre))
    assert grip.isVisible()
    save_screenshot(window, "grip")
    grip.prepare()
    qtbot.waitUntil(lambda: grip.path is not None, timeout=WAIT)
    where = grip.rect().center()
    qtbot.mousePress(grip, Qt.MouseButton.LeftButton, pos=where)
    qtbot.mouseMove(grip, where + QPoint(1, 0))
    assert dragged == []
    qtbot.mouseMove(grip, where + QPoint(30, 30))
    qtbot.mouseRelease(grip, Qt.MouseButton.LeftButton, pos=where)
    (mime,) = dragged
    (path,) = files(mime)
    assert path.name == "cat-heatmap.png"
    assert not drops.accepts(mime), "it is no new photo"
    make = window.saver.picture()
    assert make is not None
    assert QImage(str(path)) == make().convertToFormat(QImage(str(path)).format())
    grip.prepare()
    assert grip.path == path, "it is made once"
    QGuiApplication.sendEvent(view, QEvent(QEvent.Type.Leave))
    assert not grip.isVisible()
    window.close()
    assert not path.exists()


def test_a_folder_for_drags_gives_each_file_a_name_of_its_own() -> None:
    folder = DragFolder()
    first = folder.new_path("a:b?.jpg", ".png")
    first.write_bytes(b"")
    assert (first.name, folder.new_path("a:b?.jpg", ".png").name) == ("a_b_.png", "a_b_-2.png")
    folder.close()
    assert not first.parent.exists()
    folder.close()
