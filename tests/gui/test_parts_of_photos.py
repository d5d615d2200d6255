"""A part of a photo: a rectangle on it becomes a row of its own, classified and explained like a photo."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QEvent, QMimeData, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QMouseEvent
from pytestqt.qtbot import QtBot

from resnet_desktop.core.settings import Settings
from resnet_desktop.gui.gallery.photo_filter import PhotoFilter
from resnet_desktop.gui.organize.sort_dialog import SortDialog
from resnet_desktop.gui.saving import results_table
from resnet_desktop.gui.saving.results_table import Export
from resnet_desktop.gui.shell.main_window import MainWindow
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.imaging.decode import decode
from resnet_desktop.imaging.region import Region
from resnet_desktop.session.results import Result

from .conftest import WAIT, OpenWindow, save_screenshot, wait_settled

CAT, COFFEE, ROCKET = sample_photos()[:3]
SHIFT, NONE = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.NoModifier
EYE = (0.3, 0.2, 0.4, 0.5)


def drag(
    window: MainWindow,
    box: tuple[float, float, float, float],
    held: Qt.KeyboardModifier = SHIFT,
    *,
    let_go: bool = True,
) -> None:
    """With the mouse, from corner to corner of a box in fractions of the photo."""
    view = window.inspect.view
    left, top, wide, high = box
    place = view.photo_place
    points = [
        QPointF(place.left() + x * place.width(), place.top() + y * place.height())
        for x, y in ((left, top), (left + wide / 2, top + high / 2), (left + wide, top + high))
    ]
    button, none, kinds = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton, QEvent.Type
    steps = [(kinds.MouseButtonPress, points[0], button, button), (kinds.MouseMove, points[1], none, button)]
    steps += [(kinds.MouseMove, points[2], none, button)]
    steps += [(kinds.MouseButtonRelease, points[2], button, none)] if let_go else []
    for kind, point, changed, down in steps:
        where = view.mapToGlobal(point)
        QGuiApplication.sendEvent(view, QMouseEvent(kind, point, where, changed, down, held))


def names(window: MainWindow) -> list[str]:
    return [item.name for item in window.gallery.items]


def part_at(window: MainWindow) -> Region:
    """The part that is looked at."""
    current = window.inspect.gallery.current
    assert current is not None
    assert isinstance(current.source, Region)
    return current.source


@pytest.fixture
def window(open_window: OpenWindow, qtbot: QtBot) -> MainWindow:
    opened = open_window(CAT, COFFEE, settings=Settings())
    qtbot.waitUntil(lambda: len(opened.gallery.items) == 2, timeout=WAIT)
    wait_settled(qtbot, opened)
    return opened


def test_a_rectangle_becomes_a_row_below_its_photo(window: MainWindow, qtbot: QtBot) -> None:
    whole = window.gallery.items[0].outcome
    drag(window, EYE)
    drag(window, (0.0, 0.0, 0.3, 0.3))
    assert names(window) == ["cat.jpg", "Part 1 of cat.jpg", "Part 2 of cat.jpg", "coffee.jpg"]
    wait_settled(qtbot, window)
    window.inspect.gallery.select_row(1)
    wait_settled(qtbot, window)
    part, page = part_at(window), window.inspect
    assert part.path == str(CAT)
    assert part.bbox == pytest.approx(EYE)
    outcome = window.gallery.items[1].outcome
    assert isinstance(outcome, Result)
    assert isinstance(whole, Result)
    assert outcome.scores != whole.scores
    tool = page.view.part_tool
    assert ([round(box.left(), 3) for box in tool.parts], tool.current) == ([0.3, 0.0], 0)
    assert page.presenter.evidence is not None
    left, top, right, bottom = part.square(*decode(CAT).full_size)
    assert (page.photo.picture().width(), page.photo.picture().height()) == (right - left, bottom - top)
    save_screenshot(window, "part")
    for order in ("name", "added"):
        page.photo_list._order.setCurrentIndex(page.photo_list._order.findData(order))
        page.photo_list._order.activated.emit(0)
        assert names(window)[:2] == ["cat.jpg", "Part 1 of cat.jpg"]
    page.gallery.select_row(0)
    assert (len(tool.parts), tool.current) == (2, None)
    page.gallery.select_row(3)
    assert tool.parts == ()


def test_adding_and_removing_a_part_are_steps(window: MainWindow, qtbot: QtBot) -> None:
    does = window.actions_
    drag(window, EYE)
    wait_settled(qtbot, window)
    outcome = window.gallery.items[1].outcome
    assert does.undo.text() == "Undo selecting a part"
    does.remove.trigger()
    does.undo.trigger()
    assert names(window)[1] == "Part 1 of cat.jpg"
    assert window.gallery.items[1].outcome == outcome, "it is not classified again"
    does.undo.trigger()
    assert names(window) == ["cat.jpg", "coffee.jpg"]
    does.redo.trigger()
    assert names(window)[1] == "Part 1 of cat.jpg"
    window.inspect.gallery.select_row(0)
    drag(window, EYE)
    assert len(names(window)) == 3, "the same part is there already, and is looked at"
    assert part_at(window).bbox == pytest.approx(EYE)
    wait_settled(qtbot, window)


def test_a_part_that_is_given_up_or_too_small(window: MainWindow, qtbot: QtBot) -> None:
    does, view = window.actions_, window.inspect.view
    sheet = window.companions.show_keys()
    sheet.search.setText("part of the photo")
    assert sheet.shown == [("Select a part of the photo", "S"), ("Select a part of the photo", "Shift and drag")]
    sheet.close()
    window.inspect.views.show_view(1)
    does.select_part.trigger()
    assert view.isVisible()
    assert view.cursor().shape() == Qt.CursorShape.CrossCursor
    drag(window, EYE, NONE, let_go=False)
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert not does.select_part.isChecked()
    assert view.cursor().shape() == Qt.CursorShape.ArrowCursor
    drag(window, (0.2, 0.2, 0.3, 0.3), NONE)
    assert len(names(window)) == 2, "a plain drag draws nothing"
    drag(window, (0.5, 0.5, 0.3, 0.01))
    assert "too small" in window.notice.text
    drag(window, (0.5, 0.5, 0.0, 0.0))
    assert len(names(window)) == 2
    does.select_part.trigger()
    drag(window, (0.6, 0.6, 9.0, 9.0), NONE)  # beyond the edge: to the edge
    assert part_at(window).bbox == pytest.approx((0.6, 0.6, 0.4, 0.4))
    assert not does.select_part.isChecked()
    wait_settled(qtbot, window)


def test_a_part_of_a_turned_photo_that_is_zoomed(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    pixels = np.zeros((240, 480, 3), np.uint8)
    pixels[:120, :120] = (255, 0, 0)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned right: the red corner comes to the upper right
    Image.fromarray(pixels).save(tmp_path / "turned.png", exif=exif)
    window = open_window(tmp_path / "turned.png", settings=Settings())
    wait_settled(qtbot, window)
    view = window.inspect.view
    view.zoom_by(3.0, QPointF(view.photo_place.right() - 5, view.photo_place.top() + 5))
    zoom = view.zoom
    drag(window, (0.5, 0.0, 0.5, 0.25))
    wait_settled(qtbot, window)
    assert part_at(window).bbox == pytest.approx((0.5, 0.0, 0.5, 0.25))
    assert view.zoom == zoom, "the view stays where it was"
    cut = decode(part_at(window)).pixels
    assert cut.shape == (120, 120, 3)
    assert (cut == (255, 0, 0)).all()
    window.actions_.copy_picture.trigger()
    qtbot.waitUntil(lambda: QGuiApplication.clipboard().image().width() == 120, timeout=WAIT)
    thumbnail = window.gallery.thumbnails.get(part_at_number(window), part_at(window))
    assert thumbnail is not None
    colour = thumbnail.toImage().pixelColor(10, 10)
    assert (colour.red(), colour.green(), colour.blue()) == pytest.approx((255, 0, 0), abs=4)


def part_at_number(window: MainWindow) -> int:
    current = window.inspect.gallery.current
    assert current is not None
    return current.number


def test_tables_name_the_part_and_sorting_leaves_it_out(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    drag(window, EYE)
    wait_settled(qtbot, window)
    rows = results_table.rows_of(window.gallery.items, "small18", 2)
    assert [row["path"] for row in rows] == [str(CAT), str(CAT), str(COFFEE)]
    assert [row.get("bbox") for row in rows] == [None, pytest.approx(EYE), None]
    table = list(csv.DictReader(io.StringIO(results_table.as_text(rows, "wide"))))
    assert [float(table[1][key]) for key in ("left", "top", "width", "height")] == pytest.approx(EYE)
    assert (table[0]["left"], table[0]["height"]) == ("", "")
    assert "left" not in results_table.as_text(rows[:1], "long").partition("\n")[0]
    path = tmp_path / "all.json"
    window.exporting.write(path, Export(window.gallery.items, "json", 0))
    qtbot.waitUntil(path.exists, timeout=WAIT)
    assert [row.get("bbox") for row in json.loads(path.read_text())] == [None, pytest.approx(EYE), None]
    window.actions_.sort.trigger()
    dialog = window.findChild(SortDialog)
    assert dialog is not None
    assert {choice.path for choice in dialog.order.choices} == {CAT, COFFEE}
    assert "Parts of photos are no files" in dialog._words.text()
    dialog.close()
    window.inspect.gallery.shown.set_filter(PhotoFilter(words="part"))
    assert [item.name for item in window.inspect.gallery.shown.items] == ["Part 1 of cat.jpg"]
    check_label_and_heatmap(window, qtbot, tmp_path)


def check_label_and_heatmap(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    """The label of a part goes to the trainer with a file of its own, and its heatmap is as large as the part."""
    part = window.gallery.items[1]
    window.labels.labelling.add("eye", [part.number])
    assert [item.label is not None for item in window.gallery.items] == [False, True, False]
    table = tmp_path / "labels.csv"
    window.labels.save(table, lambda _path: None)
    qtbot.waitUntil(table.exists, timeout=WAIT)
    (row,) = csv.DictReader(io.StringIO(table.read_text("utf-8")))
    assert row["label"] == "eye"
    assert np.array_equal(decode(Path(row["path"])).pixels, decode(part.source).pixels)
    window.saver.save_picture(tmp_path / "heat.png")
    qtbot.waitUntil((tmp_path / "heat.png").exists, timeout=WAIT)
    assert decode(tmp_path / "heat.png").width == decode(part.source).width


def test_parts_and_pasted_pictures_come_back(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window = open_window(CAT, settings=Settings())
    wait_settled(qtbot, window)
    drag(window, EYE)
    mime = QMimeData()
    mime.setData("image/jpeg", ROCKET.read_bytes())
    window.add_mime(mime)
    qtbot.waitUntil(lambda: len(window.gallery.items) == 3, timeout=WAIT)
    wait_settled(qtbot, window)
    drag(window, (0.1, 0.1, 0.5, 0.5))
    wait_settled(qtbot, window)
    window.labels.labelling.add("eye", [window.gallery.items[1].number])
    before = [(item.name, item.source, item.outcome) for item in window.gallery.items]
    assert before[3][0] == f"Part 1 of {before[2][0]}"
    window.companions.sessions.save(tmp_path / "mine.session")
    qtbot.waitUntil(lambda: "saved" in window.notice.text, timeout=WAIT)
    window.close()
    again = open_window(settings=Settings())
    qtbot.waitUntil(lambda: len(again.gallery.items) == 4 and not again.companions.sessions.coming, timeout=WAIT)
    wait_settled(qtbot, again)
    after = [(item.name, item.source, item.outcome) for item in again.gallery.items]
    assert [each[:2] for each in after] == [each[:2] for each in before]
    assert after[:3] == before[:3]  # the last is looked at: it runs again to be explained, and takes its own time
    current = again.inspect.gallery.current
    assert current is not None
    assert current.name == before[3][0]
    qtbot.waitUntil(lambda: again.gallery.items[1].label is not None, timeout=WAIT)
    (kept,) = (tmp_path / "mine.session-pictures").iterdir()
    kept.unlink()
    again.add_paths([tmp_path / "mine.session"])
    qtbot.waitUntil(lambda: "2 pasted pictures could not be kept or are gone" in again.notice.text, timeout=WAIT)
    qtbot.waitUntil(lambda: names(again) == [each[0] for each in before[:2]], timeout=WAIT)
    wait_settled(qtbot, again)
