"""Labels are suggested while photos are labelled: the real window, the real network that the app comes with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from resnet_desktop.core.settings import SUGGEST_LABELS, Settings
from resnet_desktop.gui.shell.main_window import MainWindow
from resnet_desktop.imaging.decode import encode_png

from .conftest import WAIT, OpenWindow, save_screenshot, wait_settled

EACH = 6
"""Photos of each class: spots, stripes."""


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Spots and stripes by turns, no two alike, and a home of its own."""
    monkeypatch.setenv("RESNET_DESKTOP_HOME", str(tmp_path / "home"))
    rng, folder = np.random.default_rng(0), tmp_path / "patterns"
    folder.mkdir()
    y, x = np.mgrid[:160, :160]
    for index in range(2 * EACH):
        step, shift = rng.uniform(9, 14), rng.uniform(0, 6)
        wave = np.sin(2 * np.pi * (x + shift) / step)
        if index % 2 == 0:
            wave = wave * np.sin(2 * np.pi * (y + shift) / step)
        pixels = 128 + 100 * wave[:, :, None] * rng.uniform(0.6, 1, 3) + rng.normal(0, 6, (160, 160, 3))
        (folder / f"{index:02}.png").write_bytes(encode_png(pixels.clip(0, 255).astype(np.uint8)))
    return sorted(folder.iterdir())


def labels_of(window: MainWindow) -> list[str | None]:
    return [None if item.label is None else item.label.name for item in window.gallery.items]


def suggested(window: MainWindow) -> dict[int, str]:
    """By the row, for the photos whose row shows one."""
    items = enumerate(window.gallery.items)
    return {i: one.suggestion.label.name for i, one in items if one.label is None and one.suggestion is not None}


def labelling(qtbot: QtBot, open_window: OpenWindow, photos: list[Path], labelled: int) -> MainWindow:
    """The window, with so many photos labelled, as they are."""
    window = open_window(*photos, settings=Settings())
    wait_settled(qtbot, window)
    window.actions_.label.trigger()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=WAIT)
    for name in ("spots", "stripes"):
        window.labels.labelling.add(name)
    view = window.inspect.gallery
    view.setFocus()
    view.select_row(0)
    for row in range(labelled):
        QTest.keyClick(view, Qt.Key.Key_2 if row % 2 else Qt.Key.Key_1)
    assert labels_of(window)[:labelled] == ["spots", "stripes"] * (labelled // 2)
    return window


def has_ring(window: MainWindow, row: int) -> bool:
    """Whether the photo of a row shows its class's colour, and that as a ring: nothing is filled."""
    view = window.inspect.gallery
    view.scrollTo(view.model().index(row, 0))
    place = view.visualRect(view.model().index(row, 0))
    item, picture = window.gallery.items[row], view.viewport().grab(place).toImage()
    label = item.label if item.label is not None else item.suggestion.label if item.suggestion is not None else None
    if label is None:
        return False
    wanted, width, height = QColor(label.colour), picture.width(), picture.height()
    found = {(x, y) for x in range(width) for y in range(height) if _near(picture.pixelColor(x, y), wanted)}
    filled = {(x, y) for x, y in found if {(x + i, y + j) for i in (-2, 0, 2) for j in (-2, 0, 2)} <= found}
    return bool(found) and not filled


def _near(one: QColor, other: QColor) -> bool:
    pairs = ((one.red(), other.red()), (one.green(), other.green()), (one.blue(), other.blue()))
    return all(abs(a - b) < 40 for a, b in pairs)


def wait_for(qtbot: QtBot, asked: Callable[[], bool]) -> None:
    qtbot.waitUntil(asked, timeout=WAIT)


def test_suggestions_are_accepted_by_a_key_and_taken_back(
    qtbot: QtBot, open_window: OpenWindow, photos: list[Path]
) -> None:
    window = labelling(qtbot, open_window, photos, 6)
    view, class_panel, accept = window.inspect.gallery, window.inspect.class_panel, window.actions_.accept_suggestion
    assert not accept.isEnabled()
    wait_for(qtbot, lambda: len(suggested(window)) == 2 * EACH - 6)
    assert suggested(window) == {row: ("spots", "stripes")[row % 2] for row in range(6, 2 * EACH)}
    assert class_panel.judged == "6 of 6 right"
    assert "Suggested label: spots" in str(view.model().index(6, 0).data(Qt.ItemDataRole.ToolTipRole))
    save_screenshot(window, "suggestions")
    window.actions_.grid.trigger()
    wait_for(qtbot, lambda: has_ring(window, 7))
    assert not has_ring(window, 1), "the disc of a label is filled"
    save_screenshot(window, "suggestions-grid")
    window.actions_.grid.trigger()
    assert view.currentIndex().row() == 6
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert labels_of(window)[5:8] == ["stripes", "spots", None]
    assert view.currentIndex().row() == 7  # on to the next without a label
    view.select_numbers([item.number for item in window.gallery.items])
    QTest.keyClick(view, Qt.Key.Key_Enter)
    assert labels_of(window) == ["spots", "stripes"] * EACH
    for expected in (7, 6):
        window.actions_.undo.trigger()
        assert sum(label is not None for label in labels_of(window)) == expected
    new = class_panel.new
    new.setFocus()
    QTest.keyClicks(new, "waves")
    QTest.keyClick(new, Qt.Key.Key_Return)  # in a line that is typed in it is no answer
    work = window.labels.labelling
    assert [one.name for one in work.classes] == ["spots", "stripes", "waves"]
    assert labels_of(window)[6] is None
    work.remove(work.classes[0])
    assert not suggested(window)


def test_nothing_is_learnt_from_a_few_photos_or_where_it_is_switched_off(
    qtbot: QtBot, open_window: OpenWindow, photos: list[Path]
) -> None:
    window = labelling(qtbot, open_window, photos, 4)
    class_panel = window.inspect.class_panel
    qtbot.wait(700)  # longer than the labels settle
    assert not suggested(window)
    QTest.mouseClick(class_panel.suggest, Qt.MouseButton.LeftButton)
    assert not class_panel.suggest.isChecked()
    window.inspect.gallery.setFocus()  # the click has taken it to the switch
    QTest.keyClick(window.inspect.gallery, Qt.Key.Key_1)
    QTest.keyClick(window.inspect.gallery, Qt.Key.Key_2)
    qtbot.wait(700)
    assert not suggested(window)
    class_panel.suggest.click()
    wait_for(qtbot, lambda: bool(suggested(window)))
    class_panel.suggest.click()
    assert not suggested(window)
    assert not window.actions_.accept_suggestion.isEnabled()
    window.close()
    assert not Settings().flag(SUGGEST_LABELS)


def test_a_base_that_cannot_be_read_is_said_once(
    qtbot: QtBot, open_window: OpenWindow, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    window = labelling(qtbot, open_window, photos, 4)
    monkeypatch.setattr("resnet_desktop.jobs.job.DEFAULT_BASE", "gone")
    for key in (Qt.Key.Key_1, Qt.Key.Key_2):
        QTest.keyClick(window.inspect.gallery, key)
    wait_for(qtbot, lambda: window.notice.text.startswith("No labels are suggested"))
    assert not window.inspect.class_panel.suggest.isChecked()
    window.close()
    assert Settings().flag(SUGGEST_LABELS)  # next time it may be there
