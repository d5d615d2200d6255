"""The window says what it is sure of, no finer, and every class can be found and explained."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from resnet_desktop.core.settings import GROUP_THRESHOLD, Settings
from resnet_desktop.gui.gallery.gallery_model import Item
from resnet_desktop.gui.gallery.photo_list import ORDERS
from resnet_desktop.gui.inspect.inspect_page import InspectPage
from resnet_desktop.gui.inspect.photo.all_classes import ClassesDialog, ClassesModel
from resnet_desktop.gui.inspect.photo.answer_rows import rows_of
from resnet_desktop.gui.inspect.photo.bar_list import ROW_ROLE
from resnet_desktop.gui.inspect.photo.caption_bar import COMPARE
from resnet_desktop.gui.inspect.photo.prediction_panel import PredictionPanel
from resnet_desktop.gui.saving import results_table
from resnet_desktop.gui.shell.main_window import MainWindow
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.gui.style import wording
from resnet_desktop.inference.classifier import ClassScore
from resnet_desktop.inference.groups import GroupScore
from resnet_desktop.session.results import Failure, Listed, Result, meant_by

from .conftest import WAIT, OpenWindow, save_screenshot, wait_settled

CAT, COFFEE, ROCKET = sample_photos()[:3]
SCORES = (
    ClassScore(282, "tiger cat", 0.4),
    ClassScore(761, "remote control", 0.3),
    ClassScore(281, "tabby", 0.2),
    ClassScore(285, "Egyptian cat", 0.05),
)
CATS = GroupScore("n02121808", "domestic cat", 0.66, (281, 282, 283, 284, 285))


def result(group: GroupScore | None = CATS, *, sure: bool = True) -> Result:
    return Result(SCORES, False, "CPU", 0.1, (640, 480), group, sure)


def labels(panel: PredictionPanel) -> list[str]:
    rows = range(panel.bars.model().rowCount())
    return [panel.bars.model().index(row, 0).data(ROW_ROLE).listed.label for row in rows]


def marked(page: InspectPage) -> str:
    """The row whose evidence is on the photo."""
    return str(page.predictions.bars.currentIndex().data(ROW_ROLE).listed.label)


def shown_is(qtbot: QtBot, page: InspectPage, label: str) -> None:
    qtbot.waitUntil(
        lambda: page.presenter.evidence is not None and page.presenter.evidence.label == label, timeout=WAIT
    )


def opened(window: MainWindow, qtbot: QtBot) -> ClassesDialog:
    """The list of all classes, filled."""
    window.actions_.all_classes.trigger()
    dialog = window.inspect.search.dialog
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.classes.rowCount() > 0, timeout=WAIT)
    return dialog


def test_the_classes_of_a_group_stand_below_it() -> None:
    rows = rows_of(result())
    assert [(row.listed.label, row.inside) for row in rows] == [
        ("domestic cat", False),
        ("tiger cat", True),
        ("tabby", True),
        ("Egyptian cat", True),
        ("remote control", False),
    ]
    alone = GroupScore("n02123159", "tiger cat", 0.4, (282,))
    assert [row.listed.target for row in rows_of(result(alone))] == [282, 761, 281, 285]
    assert [row.listed.target for row in rows_of(result(None))] == [282, 761, 281, 285]


def test_what_was_looked_for_is_listed_once_and_in_its_place() -> None:
    persian, sock = Listed(283, "Persian cat", 0.1), Listed(806, "sock", 0.001)
    tabby, cats = Listed(281, "tabby", 0.2), Listed(CATS.classes, "domestic cat", 0.66)
    rows = rows_of(result(), (sock, persian, tabby, cats, sock))
    order = ["domestic cat", "tiger cat", "tabby", "Persian cat", "Egyptian cat", "remote control", "sock"]
    assert [row.listed.label for row in rows] == order
    assert [row.listed.label for row in rows if row.inside] == order[1:5]


def test_what_is_explained_without_a_choice() -> None:
    assert meant_by(result()) == CATS.classes
    assert meant_by(result(sure=False)) == 282
    assert meant_by(result(None)) == 282
    assert meant_by(result(GroupScore("n02123159", "tiger cat", 0.7, (282,)))) == 282


def test_a_row_of_photos_goes_by_its_answer() -> None:
    sure = Item(1, Path("a.jpg"), "a.jpg", result())
    unsure = Item(2, Path("b.jpg"), "b.jpg", result(GroupScore("n1", "animal", 0.45, CATS.classes), sure=False))
    assert wording.answer(result()) == "domestic cat"
    assert wording.answer(result(sure=False)) == "perhaps domestic cat"
    assert sorted((sure, unsure), key=ORDERS["unsure"]) == [unsure, sure]
    assert sorted((sure, unsure), key=ORDERS["class"]) == [unsure, sure], "by the names of the groups"
    assert sorted((unsure, sure), key=ORDERS["sure"]) == [sure, unsure]


def test_the_table_has_the_groups() -> None:
    items = [
        Item(1, Path("a.jpg"), "a.jpg", result()),
        Item(2, Path("b.jpg"), "b.jpg", result(None, sure=False)),
        Item(3, Path("c.jpg"), "c.jpg", Failure("empty_file", "c.jpg is empty.")),
    ]
    rows = list(csv.DictReader(results_table.as_text(results_table.rows_of(items, "m"), "long").splitlines()))
    found = [(row["group"], row["group_probability"], row["sure"]) for row in rows]
    assert found == [("domestic cat", "0.66", "True")] * 4 + [("", "", "False")] * 4 + [("", "", "")]
    assert rows[-1]["error"] == "empty_file"


def test_the_panel_is_plain_where_it_is_not_sure(qtbot: QtBot) -> None:
    panel = PredictionPanel()
    qtbot.addWidget(panel)
    panel.show_model(1000)
    panel.show_result(result())
    assert (panel.title, panel._subtitle.text()) == ("domestic cat", f"{wording.percent(0.66, 1)} confidence")
    assert panel._title.font().bold() or panel._title.font().weight() > 400
    panel.show_result(result(sure=False))
    assert panel.title == f"Not sure. Most likely domestic cat ({wording.percent(0.66)})."
    assert panel._title.font().weight() == 400
    assert panel.all_button.isVisibleTo(panel)
    panel.show_model(4)
    panel.show_result(result())
    assert not panel.all_button.isVisibleTo(panel), "all four are there already"


def test_the_cat_is_a_domestic_cat_with_a_heatmap_of_its_own(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(CAT, model=None)
    wait_settled(qtbot, window)
    page = window.inspect
    outcome = window.gallery.items[0].outcome
    assert isinstance(outcome, Result)
    assert outcome.group is not None
    assert page.predictions.title == "domestic cat"
    assert page.presenter.evidence is not None
    assert page.presenter.evidence.target == outcome.group.classes
    assert page.presenter.evidence.seconds == 0.0, "from the run of the prediction"
    assert page.heatmap.title == "Evidence for domestic cat"
    assert marked(page) == "domestic cat"
    assert window.inspect.gallery.shown.index(0).data().startswith("cat.jpg: domestic cat, ")
    bars = page.predictions.bars
    qtbot.mouseClick(bars.viewport(), Qt.MouseButton.LeftButton, pos=bars.visualRect(bars.model().index(1, 0)).center())
    shown_is(qtbot, page, outcome.top.label)
    assert marked(page) == outcome.top.label
    qtbot.keyClick(bars, Qt.Key.Key_Up)
    shown_is(qtbot, page, "domestic cat")
    save_screenshot(window, "group")


@pytest.mark.parametrize(("typed", "label", "target"), [("towel", "towel", None), ("tarantula", "tarantula", 76)])
def test_a_class_is_found_and_explained_by_keyboard(
    open_window: OpenWindow, qtbot: QtBot, typed: str, label: str, target: int | None
) -> None:
    window = open_window(CAT, model=None)
    wait_settled(qtbot, window)
    page, before = window.inspect, labels(window.inspect.predictions)
    dialog = opened(window, qtbot)
    shown = dialog.classes.shown
    assert len(shown) == 1000
    assert [one.probability for one in shown] == sorted((one.probability for one in shown), reverse=True)
    assert sum(one.probability for one in shown) == pytest.approx(1.0, abs=1e-3)
    dialog.bars.setFocus()
    qtbot.keyClick(dialog, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClicks(dialog.search, typed.upper())
    assert dialog.classes.shown
    assert all(typed in one.label.casefold() for one in dialog.classes.shown)
    qtbot.keyClick(dialog.search, Qt.Key.Key_Return)
    assert page.search.dialog is None
    shown_is(qtbot, page, label)
    assert page.presenter.evidence is not None
    assert page.presenter.evidence.target == target or target is None
    assert marked(page) == label
    assert sorted(labels(page.predictions)) == sorted([*before, label])
    window.inspect.start_anew()
    assert labels(page.predictions) == before, "for another look it is gone"


def test_arrows_move_while_one_types_and_escape_changes_nothing(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(CAT, model=None)
    wait_settled(qtbot, window)
    shown = window.inspect.presenter.evidence
    dialog = opened(window, qtbot)
    qtbot.keyClicks(dialog.search, "cat")
    for key, row in ((Qt.Key.Key_Down, 1), (Qt.Key.Key_Down, 2), (Qt.Key.Key_Up, 1)):
        qtbot.keyClick(dialog.search, key)
        assert dialog.bars.currentIndex().row() == row
    qtbot.keyClicks(dialog.search, "no such thing")
    assert not dialog.explain.isEnabled()
    assert "No matching classes" in dialog.found.text()
    qtbot.keyClick(dialog.search, Qt.Key.Key_Return)
    assert window.inspect.search.dialog is dialog
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert window.inspect.search.dialog is None
    assert window.inspect.presenter.evidence is shown


def test_a_cell_of_the_comparison_takes_any_class(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(CAT, model=None)
    wait_settled(qtbot, window)
    page = window.inspect
    page.views.show_view(COMPARE)
    qtbot.waitUntil(lambda: len(page.compare.grid.cells) == 4 and not page.compare.waiting, timeout=WAIT)
    cell = page.compare.grid.cells[1]

    def classes() -> list[QAction]:
        menu = cell.menu_button.menu()
        assert menu is not None
        menu.aboutToShow.emit()
        return menu.actions()[0].menu().actions()  # type: ignore[attr-defined,no-any-return]

    assert classes()[0].text() == "domestic cat"
    classes()[-1].trigger()
    dialog = page.search.dialog
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.classes.rowCount() > 0, timeout=WAIT)
    dialog.search.setText("tarantula")
    dialog.accept()
    qtbot.waitUntil(lambda: cell.evidence is not None and cell.evidence.label == "tarantula", timeout=WAIT)
    classes()[0].trigger()
    qtbot.waitUntil(lambda: cell.evidence is not None and cell.evidence.label == "domestic cat", timeout=WAIT)


def test_another_model_closes_the_list(open_window: OpenWindow, qtbot: QtBot, model_file: Path) -> None:
    window = open_window(CAT, model=None)
    wait_settled(qtbot, window)
    opened(window, qtbot)
    window.open_model(str(model_file))
    qtbot.waitUntil(lambda: window.inspect.search.dialog is None, timeout=WAIT)
    wait_settled(qtbot, window)


def test_the_threshold_is_the_users(open_window: OpenWindow, qtbot: QtBot) -> None:
    settings = Settings()
    settings.change(GROUP_THRESHOLD, 1.0)
    window = open_window(CAT, model=None, settings=settings)
    wait_settled(qtbot, window)
    outcome = window.gallery.items[0].outcome
    assert isinstance(outcome, Result)
    assert not outcome.sure
    assert window.inspect.predictions.title.startswith("Not sure. Most likely domestic cat")
    assert window.inspect.presenter.evidence is not None
    assert window.inspect.presenter.evidence.target == outcome.top.index
    assert window.inspect.gallery.shown.index(0).data().startswith("cat.jpg: perhaps domestic cat")


def test_twenty_thousand_classes_are_searched(qtbot: QtBot) -> None:
    listed = [Listed(i, f"class_{i} of beetles", 1.0 / (i + 2)) for i in range(21_000)]
    model = ClassesModel()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Warning)
    model.show_all([*listed, Listed((1, 2), "beetles", 0.9)])
    assert len(model.shown) == 21_000, "groups come when they are looked for"
    model.look_for("class 2099")
    assert [one.target for one in model.shown] == [2099, *range(20_990, 21_000)]
    tester.deleteLater()
    dialog = ClassesDialog(21_000, lambda _one: None)
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.show_listed(listed)
    dialog.search.setText("<b>")
    assert dialog.classes.rowCount() == 0
    dialog.search.setText("")
    assert dialog.classes.rowCount() == 21_000
    dialog.close()
