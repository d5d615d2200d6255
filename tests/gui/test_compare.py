"""Heatmaps side by side: classes, depths, methods, models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from resnet_desktop.gui.inspect.compare.compare_cell import CompareCell
from resnet_desktop.gui.inspect.compare.compare_presets import (
    CLASSES,
    DEPTHS,
    METHODS,
    ComparePhoto,
    carried_over,
    spread,
    translated,
)
from resnet_desktop.gui.inspect.compare.compare_view import CompareView
from resnet_desktop.gui.inspect.inspect_page import InspectPage
from resnet_desktop.gui.inspect.photo.caption_bar import COMPARE
from resnet_desktop.gui.shell.main_window import MainWindow
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.session.results import EvidenceRequest, LayerChoice, Result

from .conftest import OpenWindow, wait_settled

CAT, COFFEE, ROCKET = sample_photos()[:3]


def compared(open_window: OpenWindow, qtbot: QtBot, *images: Path) -> tuple[MainWindow, InspectPage, CompareView]:
    """The window with photos, comparing."""
    window = open_window(*(images or (CAT,)))
    wait_settled(qtbot, window)
    window.inspect.views.show_view(COMPARE)
    filled(qtbot, window.inspect.compare)
    return window, window.inspect, window.inspect.compare


def filled(qtbot: QtBot, compare: CompareView) -> list[CompareCell]:
    """The cells, once all have their maps."""
    qtbot.waitUntil(lambda: bool(compare.grid.cells) and not compare.waiting, timeout=20_000)
    return compare.grid.cells


def best(page: InspectPage) -> list[int]:
    """The predicted classes of the photo that is looked at."""
    item = page.gallery.current
    assert item is not None
    assert isinstance(item.outcome, Result)
    return [score.index for score in item.outcome.scores]


def layer(name: str, grid: str) -> LayerChoice:
    return LayerChoice(name, name, grid, "", name == "d", ("gradcam", "eigencam"), None)


def test_the_best_classes_come_first(open_window: OpenWindow, qtbot: QtBot) -> None:
    _, page, compare = compared(open_window, qtbot)
    cells = filled(qtbot, compare)
    assert compare.preset == CLASSES
    assert compare.bar.button(CLASSES).isChecked()
    assert [cell.evidence.target for cell in cells] == best(page)[:4]  # type: ignore[union-attr]
    assert [cell.caption[0] for cell in cells] == [cell.evidence.label for cell in cells]  # type: ignore[union-attr]
    assert all("Grad-CAM" in cell.caption[1] for cell in cells)
    for cell in cells:
        assert cell.accessibleName() == ", ".join(cell.caption)
        assert cell.view.layer is not None or cell.view.words


def test_depths_and_methods_change_one_thing(open_window: OpenWindow, qtbot: QtBot) -> None:
    _, page, compare = compared(open_window, qtbot)
    target = best(page)[0]
    compare.bar.button(DEPTHS).click()
    cells = filled(qtbot, compare)
    assert [cell.evidence.layer for cell in cells] == ["layer1.1", "layer2.1", "layer3.1", "layer4.1"]  # type: ignore[union-attr]
    assert {cell.evidence.target for cell in cells} == {target}  # type: ignore[union-attr]
    compare.bar.button(METHODS).click()
    cells = filled(qtbot, compare)
    assert [cell.evidence.method for cell in cells] == ["gradcam", "layercam", "hirescam", "eigencam"]  # type: ignore[union-attr]
    assert len({cell.evidence.layer for cell in cells}) == 1  # type: ignore[union-attr]
    assert not compare.bar.button(DEPTHS).isChecked()


def test_a_preset_follows_what_is_asked_outside(open_window: OpenWindow, qtbot: QtBot) -> None:
    _, page, compare = compared(open_window, qtbot)
    page.presenter.choose_layer("layer2.1")
    page.presenter.choose_method("layercam")
    qtbot.waitUntil(lambda: all(cell.request.method == "layercam" for cell in compare.grid.cells), timeout=20_000)
    cells = filled(qtbot, compare)
    assert compare.preset == CLASSES
    assert {(cell.evidence.layer, cell.evidence.method) for cell in cells} == {("layer2.1", "layercam")}  # type: ignore[union-attr]
    assert [cell.evidence.target for cell in cells] == best(page)[:4]  # type: ignore[union-attr]


def test_cells_zoom_and_move_together(open_window: OpenWindow, qtbot: QtBot) -> None:
    window, page, compare = compared(open_window, qtbot)
    compare.grid.cells[2].view.zoom_by(3.0, QPointF(20, 20))
    assert {cell.view.zoom for cell in compare.grid.cells} == {3.0}
    first = compare.grid.cells[0].view.centre
    for cell in compare.grid.cells:  # of which one may be a pixel higher than another
        assert cell.view.centre.x() == pytest.approx(first.x(), abs=0.01)
        assert cell.view.centre.y() == pytest.approx(first.y(), abs=0.01)
    assert page.view.zoom == 1.0
    compare.remove(compare.grid.cells[0])
    page.put_beside()
    assert {cell.view.zoom for cell in compare.grid.cells} == {3.0}
    window.actions_.zoom_in.trigger()
    assert {cell.view.zoom for cell in compare.grid.cells} == {3.75}
    window.actions_.fit.trigger()
    assert {cell.view.zoom for cell in compare.grid.cells} == {1.0}


def test_a_cell_is_changed_and_taken_away(open_window: OpenWindow, qtbot: QtBot) -> None:
    _, page, compare = compared(open_window, qtbot)
    cell = compare.grid.cells[1]
    menu = cell.menu_button.menu()
    assert isinstance(menu, QMenu)
    menu.aboutToShow.emit()
    methods = next(action.menu() for action in menu.actions() if action.text() == "Method")
    assert isinstance(methods, QMenu)
    next(action for action in methods.actions() if action.text() == "EigenCAM").trigger()
    filled(qtbot, compare)
    assert cell.evidence is not None
    assert (cell.evidence.method, cell.evidence.target) == ("eigencam", best(page)[1])
    assert compare.preset == ""
    for _ in range(4):
        compare.grid.cells[0].away_button.click()
    assert compare.grid.cells == []
    page.views.show_view(0)
    page.views.show_view(COMPARE)
    assert len(filled(qtbot, compare)) == 4


def test_a_model_of_fewer_classes_opens_while_cells_are_changed(open_window: OpenWindow, qtbot: QtBot) -> None:
    _, page, compare = compared(open_window, qtbot)
    info = page.presenter.info
    assert info is not None
    compare.show_model(replace(info, categories=info.categories[:1], classes=1))  # the photo has no answer of it yet
    cell = compare.grid.cells[1]
    cell.request_changed.emit(replace(cell.request, method="eigencam"))
    menu = cell.menu_button.menu()
    assert isinstance(menu, QMenu)
    menu.aboutToShow.emit()
    classes = next(action.menu() for action in menu.actions() if action.text() == "Class")
    assert isinstance(classes, QMenu)
    offered = [action.text() for action in classes.actions() if not action.isSeparator()]
    assert offered == ["Another class…"], "those of the model before are not offered"


def test_models_side_by_side(open_window: OpenWindow, qtbot: QtBot, wary_model_file: Path) -> None:
    window, page, compare = compared(open_window, qtbot)
    window.actions_.put_beside.trigger()
    pinned = next(cell for cell in compare.grid.cells if cell.kept)
    before = pinned.evidence
    window.open_model(str(wary_model_file))
    qtbot.waitUntil(lambda: page.presenter.info is not None and page.presenter.info.name == "wary18", timeout=20_000)
    wait_settled(qtbot, window)
    cells = filled(qtbot, compare)
    assert cells[0] is pinned
    assert pinned.evidence is before
    assert pinned.caption[1].endswith("small18")
    assert [cell.evidence.target for cell in cells[1:]] == best(page)[:3]  # type: ignore[union-attr]
    assert not any("18" in cell.caption[1] for cell in cells[1:])
    window.actions_.put_beside.trigger()
    assert [cell.kept for cell in filled(qtbot, compare)] == [True, True, False, False]


def test_four_pins_are_not_pushed_out(open_window: OpenWindow, qtbot: QtBot) -> None:
    window, page, compare = compared(open_window, qtbot)
    for target in best(page)[:4]:
        page.presenter.choose_target(target)
        qtbot.waitUntil(lambda: not page.presenter.waiting, timeout=10_000)
        page.put_beside()
    assert all(cell.kept for cell in compare.grid.cells)
    there = list(compare.grid.cells)
    page.put_beside()  # the same once more
    assert compare.grid.cells == there
    page.presenter.choose_target(best(page)[4])
    qtbot.waitUntil(lambda: not page.presenter.waiting, timeout=10_000)
    page.put_beside()
    assert compare.grid.cells == there
    assert "Remove one first" in window.notice.text
    compare.bar.button(DEPTHS).click()
    assert compare.grid.cells == there


def test_another_photo(open_window: OpenWindow, qtbot: QtBot) -> None:
    window, page, compare = compared(open_window, qtbot, CAT, COFFEE)
    page.gallery.select_row(1)
    wait_settled(qtbot, window)
    cells = filled(qtbot, compare)
    assert [(cell.evidence.item, cell.evidence.target) for cell in cells] == [(1, i) for i in best(page)[:4]]  # type: ignore[union-attr]
    page.put_beside()
    page.gallery.select_row(0)
    wait_settled(qtbot, window)
    cells = filled(qtbot, compare)
    kept = [cell for cell in cells if cell.kept]
    assert len(kept) == 1
    assert kept[0].evidence is not None
    assert kept[0].evidence.item == 1
    assert kept[0].caption[1].endswith("coffee.jpg")
    assert all(cell.evidence.item == 0 for cell in cells if not cell.kept)  # type: ignore[union-attr]
    window.clear()
    assert compare.grid.cells == []


def test_a_hidden_comparison_asks_for_nothing(open_window: OpenWindow, qtbot: QtBot) -> None:
    window, page, compare = compared(open_window, qtbot, CAT, COFFEE)
    page.views.show_view(0)
    before = list(compare.grid.cells)
    page.gallery.select_row(1)
    wait_settled(qtbot, window)
    assert compare.grid.cells == before
    assert not compare.waiting
    page.views.show_view(COMPARE)
    assert {cell.evidence.item for cell in filled(qtbot, compare)} == {1}  # type: ignore[union-attr]


def test_cancelled_cells_say_so(open_window: OpenWindow, qtbot: QtBot) -> None:
    window, _, compare = compared(open_window, qtbot)
    compare.grid.cells[0].request_changed.emit(replace(compare.grid.cells[0].request, method="scorecam"))
    qtbot.waitUntil(lambda: compare.waiting)
    assert window.actions_.cancel.isEnabled()
    window.actions_.cancel.trigger()
    assert not compare.waiting
    assert compare.grid.cells[0].caption[1] == "Cancelled."
    assert all(cell.evidence is not None for cell in compare.grid.cells[1:])


def test_the_comparison_is_saved_as_one_picture(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window, _, _ = compared(open_window, qtbot)
    target = tmp_path / "four.png"
    window.saver.save_picture(target)
    qtbot.waitUntil(lambda: "Saved as" in window.notice.text, timeout=20_000)
    photo, saved = QImage(str(CAT)), QImage(str(target))
    assert saved.width() > 2 * 1200
    assert saved.height() > 2 * 1200 * photo.height() / photo.width()


@pytest.mark.parametrize(
    ("grids", "names"),
    [
        ("1122334455", "dfhj"),  # the last of each of the last four grids
        ("1122", "abcd"),
        ("1111111", "aceg"),
        ("11", "ab"),
        ("", ""),
    ],
)
def test_four_depths_are_chosen(grids: str, names: str) -> None:
    layers = [layer(name, grid) for name, grid in zip("abcdefghij", grids, strict=False)]
    assert "".join(choice.name for choice in spread(layers)) == names


def test_a_question_is_carried_over_as_far_as_it_goes(open_window: OpenWindow, qtbot: QtBot) -> None:
    _, page, _ = compared(open_window, qtbot)
    info = page.presenter.info
    assert info is not None
    photo = ComparePhoto(0, CAT, "cat.jpg", QImage(), tuple(best(page)))
    strange = EvidenceRequest(target=900, against=best(page)[0], layer="features.7", method="layercam")
    assert carried_over(strange, info, photo) == EvidenceRequest(best(page)[0], None, None, "layercam")
    other = replace(info, categories=("teapot", *info.categories[:5]))
    assert translated(EvidenceRequest(target=5, against=7), info, other) == EvidenceRequest(target=0)
    assert translated(EvidenceRequest(target=1), info, other) == EvidenceRequest(target=2)
    known = EvidenceRequest(target=1, against=2, layer="layer2.0", method="eigencam")
    assert carried_over(known, info, photo) == known
