"""What a user asks of a heatmap: layer, depth, method, contrast, look; by hand and by keyboard."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from resnet_desktop.core.settings import EXPORT_CAPTION, HEATMAP_CONTOUR, HEATMAP_SMOOTH, Settings
from resnet_desktop.gui.inspect.inspect_page import InspectPage
from resnet_desktop.gui.inspect.photo.caption_bar import BLOCKS, COMPARE, PHOTO
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.session.results import EvidenceRequest, Result

from .conftest import SIDE, OpenWindow, arrived, page_with, save_screenshot, wait_settled

CAT, COFFEE, ROCKET = sample_photos()[:3]
LAYERS = ("layer1.0", "layer1.1", "layer2.0", "layer2.1", "layer3.0", "layer3.1", "layer4.0", "layer4.1")


@pytest.fixture(scope="session")
def bent_model_file(model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small model with an operator in its third stage that has no gradient rule."""
    model = onnx.load(model_file)
    block = next(node for node in model.graph.node if "layer3.0" in node.output)
    block.output[0] = "straight"
    place = list(model.graph.node).index(block) + 1
    model.graph.node.insert(place, onnx.helper.make_node("Atan", ["straight"], ["layer3.0"]))
    path = tmp_path_factory.mktemp("models") / "bent18.onnx"
    onnx.save(model, path)
    return path


def press(qtbot: QtBot, page: InspectPage, keys: str) -> None:
    """A shortcut, with the list of photos in focus."""
    page.window().activateWindow()
    combination = QKeySequence(keys)[0]  # type: ignore[index] # the stubs do not know it
    qtbot.keyClick(page.gallery, combination.key(), combination.keyboardModifiers())


def test_a_layer_is_chosen_with_words_beside_it(open_window: OpenWindow, qtbot: QtBot) -> None:
    _, page = page_with(open_window, qtbot)
    controls = page.heatmap.controls
    first = page.presenter.evidence
    assert first is not None
    names = [controls.layer.itemData(row) for row in range(controls.layer.count())]
    assert [name for name in names if name.startswith("layer")] == list(LAYERS)
    assert controls.layer.currentData() == first.layer
    assert "Start here" in controls.advice
    controls.layer.setCurrentIndex(names.index("layer2.0"))
    later = arrived(qtbot, page)
    assert later.layer == "layer2.0"
    assert later.values is not None
    assert later.values.shape == (SIDE // 8, SIDE // 8)
    assert "textures" in controls.advice
    assert controls.depth_slider.value() == names.index("layer2.0")
    assert "Stage 2 of 4, block 1 of 2" in page.heatmap.note
    controls.home.click()
    assert arrived(qtbot, page).layer == first.layer


def test_the_depth_slider_has_every_depth_at_once(open_window: OpenWindow, qtbot: QtBot) -> None:
    _, page = page_with(open_window, qtbot)
    slider = page.heatmap.controls.depth_slider
    names = [choice.name for choice in page.presenter.choice.layers]
    slider.setValue(names.index("layer2.0"))
    assert arrived(qtbot, page).layer == "layer2.0"
    qtbot.waitUntil(lambda: bool(page.presenter.depths.maps))
    asked: list[object] = []
    page.presenter.waiting_changed.connect(lambda waiting: asked.append(waiting) if waiting else None)
    for name in LAYERS:
        slider.setValue(names.index(name))
        shown = page.presenter.evidence
        assert shown is not None
        assert (shown.layer, shown.request) == (name, page.presenter.choice.request)
    assert not asked
    outcome = page.gallery.current.outcome  # type: ignore[union-attr]
    assert isinstance(outcome, Result)
    page.predictions.class_chosen.emit(outcome.scores[1].index)
    assert not page.presenter.depths.maps
    assert arrived(qtbot, page).target == outcome.scores[1].index


def test_a_map_from_all_depths_is_that_of_its_layer_alone(open_window: OpenWindow, qtbot: QtBot) -> None:
    _, page = page_with(open_window, qtbot)
    page.presenter.choose_layer("layer2.1")
    together = arrived(qtbot, page)
    page.presenter.choose_method("layercam")
    arrived(qtbot, page)
    page.presenter.choose_method("gradcam")
    alone = arrived(qtbot, page)
    assert alone is not together
    assert alone.raw is not None
    assert together.raw is not None
    np.testing.assert_allclose(alone.raw, together.raw, rtol=1e-3, atol=1e-5)


def test_methods_and_contrast_by_keyboard(open_window: OpenWindow, qtbot: QtBot) -> None:
    window, page = page_with(open_window, qtbot)
    seen = [page.presenter.evidence.method]  # type: ignore[union-attr]
    for _ in range(2):
        press(qtbot, page, "M")
        seen.append(arrived(qtbot, page).method)
    assert seen == ["gradcam", "gradcam++", "hirescam"]
    press(qtbot, page, "Shift+M")
    assert arrived(qtbot, page).method == "gradcam++"
    assert page.heatmap.controls.method.currentData() == "gradcam++"
    assert "2018" in page.heatmap.controls.method.toolTip()
    press(qtbot, page, "A")
    outcome = page.gallery.current.outcome  # type: ignore[union-attr]
    assert isinstance(outcome, Result)
    contrast = arrived(qtbot, page)
    assert contrast.against == outcome.scores[1].index
    assert page.heatmap.title == f"{outcome.scores[0].label} rather than {outcome.scores[1].label}"
    assert window.actions_.runner_up.isChecked()
    press(qtbot, page, "A")
    assert arrived(qtbot, page).against is None
    for keys, step in (("[", -1), ("Shift+D", -1), ("]", 1), ("D", 1)):
        names = [choice.name for choice in page.presenter.choice.layers]
        before = page.heatmap.controls.depth_slider.value()
        press(qtbot, page, keys)
        assert arrived(qtbot, page).layer == names[before + step]


def test_the_look_by_keyboard_is_remembered(open_window: OpenWindow, qtbot: QtBot, home: Path) -> None:
    window, page = page_with(open_window, qtbot, settings=Settings())
    plain = page.view.grab().toImage()
    for keys in ("U", "T"):
        press(qtbot, page, keys)
        assert page.view.grab().toImage() != plain
        plain = page.view.grab().toImage()
    assert not page.heatmap.look.style_of_heat.smooth
    assert page.heatmap.look.style_of_heat.contour == 0.5
    assert page.view.layer is not None
    assert page.view.layer.lines
    for divider in (0.5, None):
        press(qtbot, page, "W")
        assert page.view.divider.place == divider
        assert page.heatmap.look.swipes == (divider is not None)
    window.actions_.caption.trigger()
    window.close()
    written = Settings()
    assert written.flag(HEATMAP_SMOOTH) is False
    assert written.number(HEATMAP_CONTOUR) == 0.5
    assert written.flag(EXPORT_CAPTION) is False
    again, page = page_with(open_window, qtbot, settings=written)
    assert not page.heatmap.look.style_of_heat.smooth
    assert again.actions_.cells.isChecked()
    assert page.heatmap.contour_slider.value() == 50


def test_views_by_keyboard(open_window: OpenWindow, qtbot: QtBot) -> None:
    _, page = page_with(open_window, qtbot)
    for keys, place in (("C", COMPARE), ("C", PHOTO), ("B", BLOCKS), ("Ctrl+2", COMPARE), ("Ctrl+3", BLOCKS)):
        press(qtbot, page, keys)
        assert page.views.place == page.views.bar.switch.place == place
    qtbot.waitUntil(lambda: page.blocks.opened is not None, timeout=20_000)
    page.blocks.layer_chosen.emit("layer1.1")
    assert page.views.place == PHOTO
    assert arrived(qtbot, page).layer == "layer1.1"


def test_the_value_under_the_pointer(open_window: OpenWindow, qtbot: QtBot) -> None:
    _, page = page_with(open_window, qtbot)
    shown = page.presenter.evidence
    assert shown is not None
    assert shown.raw is not None
    row, column = np.unravel_index(int(shown.raw.argmax()), shown.raw.shape)
    height, width = shown.raw.shape
    page.view.hovered.emit(QPointF((column + 0.5) / width, (row + 0.5) / height))
    assert page.views.bar.value == f"100\u00a0% of the peak, {shown.peak:.3g}"
    page.view.hovered.emit(None)
    assert page.views.bar.value == ""


def test_a_gradient_that_cannot_pass_is_explained(open_window: OpenWindow, qtbot: QtBot, bent_model_file: Path) -> None:
    _, page = page_with(open_window, qtbot, model=bent_model_file)
    controls, panel = page.heatmap.controls, page.heatmap
    page.presenter.choose_layer("layer1.0")
    free = arrived(qtbot, page)
    assert free.method == "eigencam"  # the first method that works there
    disabled = controls.method.findData("gradcam")
    assert not controls.method.model().index(disabled, 0).flags() & Qt.ItemFlag.ItemIsEnabled
    assert "Atan" in controls.method.itemData(disabled, Qt.ItemDataRole.ToolTipRole)
    page.presenter.choose_layer("layer4.0")
    page.presenter.choose_method("gradcam")
    assert arrived(qtbot, page).problem is None
    # Asked all the same, as by a request made before the model came:
    item = page.gallery.current
    assert item is not None
    page.presenter._set_choice(replace(page.presenter.choice, request=EvidenceRequest(layer="layer1.0")))
    page.presenter._ask()
    refused = arrived(qtbot, page)
    assert refused.problem is not None
    assert "Atan" in panel.note
    assert page.view.words == "No heatmap"
    assert not panel.way_on.isHidden()
    panel.way_on.click()
    assert arrived(qtbot, page).method == "eigencam"
    assert panel.way_on.isHidden()


def test_a_long_method_shows_its_progress_and_is_cancelled(open_window: OpenWindow, qtbot: QtBot) -> None:
    window, page = page_with(open_window, qtbot)
    before = page.presenter.evidence
    with qtbot.waitSignal(page.presenter.progressed, timeout=20_000):
        page.presenter.choose_method("occlusion")
    assert not page.heatmap.controls.depth_slider.isEnabled()
    qtbot.waitUntil(lambda: page.heatmap.busy.shown or not page.presenter.waiting, timeout=5000)
    page.presenter.choose_method("scorecam")
    with qtbot.waitSignal(page.presenter.progressed, timeout=20_000):
        pass
    assert window.actions_.cancel.isEnabled()
    window.actions_.cancel.trigger()
    assert not page.presenter.waiting
    assert page.presenter.evidence is not None
    assert page.presenter.choice.request == page.presenter.evidence.request
    assert page.heatmap.controls.method.currentData() == page.presenter.evidence.method
    assert before is page.presenter.evidence or page.presenter.evidence.method == "occlusion"
    assert not page.heatmap.busy.shown
    page.presenter.choose_method("eigencam")
    assert arrived(qtbot, page).method == "eigencam"


def test_a_new_photo_and_a_new_model_in_mid_run(open_window: OpenWindow, qtbot: QtBot, wary_model_file: Path) -> None:
    window, page = page_with(open_window, qtbot, CAT, COFFEE)
    page.presenter.choose_layer("layer1.0")
    page.presenter.choose_method("scorecam")
    page.gallery.select_row(1)
    page.presenter.choose_method("gradcam")
    later = arrived(qtbot, page)
    assert (later.item, later.layer, later.method) == (1, "layer1.0", "gradcam")
    page.presenter.choose_method("scorecam")
    window.open_model(str(wary_model_file))
    page.presenter.choose_layer("layer3.0")  # asked while the model is on its way in
    page.presenter.choose_method("layercam")
    qtbot.waitUntil(lambda: page.presenter.info is not None and page.presenter.info.name == "wary18", timeout=20_000)
    wait_settled(qtbot, window)
    switched = arrived(qtbot, page)
    assert (switched.item, switched.layer, switched.method) == (1, "layer3.0", "layercam")
    assert page.gallery.current.outcome.top.index == switched.target  # type: ignore[union-attr]


def test_closing_in_mid_run(open_window: OpenWindow, qtbot: QtBot) -> None:
    window, page = page_with(open_window, qtbot)
    with qtbot.waitSignal(page.presenter.progressed, timeout=20_000):
        page.presenter.choose_method("scorecam")
    window.close()
    assert not page.heatmap.busy.isVisible()


def test_the_check_follows_the_heatmap(open_window: OpenWindow, qtbot: QtBot) -> None:
    window, page = page_with(open_window, qtbot, CAT, COFFEE)
    window.actions_.check.trigger()
    assert page.check.isVisible()
    assert page.check.panel.working.cancel_button.isVisible(), "it was asked for once, which is enough"
    page.gallery.select_row(1)
    wait_settled(qtbot, window)
    assert page.check.isVisible()
    assert page.check.panel.check_button.isVisible(), "of the other photo nobody has asked"
    window.clear()
    assert not page.check.isVisible()


def test_every_control_has_a_name_and_can_be_reached(open_window: OpenWindow, qtbot: QtBot) -> None:
    _, page = page_with(open_window, qtbot)
    controls, look = page.heatmap.controls, page.heatmap.look
    named: list[QWidget] = [controls.layer, controls.depth_slider, controls.method, controls.against, controls.home]
    named += [look.opacity, look.colormap, look.contour, page.view, page.heatmap.tabs, page.views.bar.switch]
    for widget in named:
        assert widget.accessibleName(), widget
    for widget in named[:5]:
        assert widget.focusPolicy() & Qt.FocusPolicy.TabFocus


@pytest.mark.parametrize(
    ("size", "appearance"), [((900, 600), "light"), ((1200, 780), "dark"), ((3840, 2160), "light")]
)
def test_nothing_is_cut_off(open_window: OpenWindow, qtbot: QtBot, appearance: str, size: tuple[int, int]) -> None:
    window, page = page_with(open_window, qtbot, appearance=appearance, size=size)
    assert window.size().toTuple() == size
    for tab in range(2):
        page.heatmap.tabs.button(tab).click()
        qtbot.wait(30)
        for widget in page.heatmap.findChildren(QWidget):
            if widget.isVisible() and widget.parentWidget() is not None:
                right = widget.mapTo(page.heatmap, widget.rect().topRight()).x()
                assert right <= page.heatmap.width(), widget
        save_screenshot(window, f"evidence-{tab}-{appearance}-{size[0]}")
    page.views.bar.switch.button(COMPARE).click()
    qtbot.waitUntil(lambda: len(page.compare.grid.cells) == 4 and not page.compare.waiting, timeout=20_000)
    save_screenshot(window, f"compare-{appearance}-{size[0]}")


def test_a_class_is_not_set_against_itself(open_window: OpenWindow, qtbot: QtBot) -> None:
    _, page = page_with(open_window, qtbot)
    shown, against = page.presenter.evidence, page.heatmap.controls.against
    assert shown is not None
    against.setCurrentIndex(against.findData(shown.target))
    assert against.currentData() is None
    assert page.presenter.evidence is shown
    against.setCurrentIndex(against.count() - 1)
    contrast = arrived(qtbot, page)
    assert contrast.against == against.currentData()
    page.predictions.class_chosen.emit(contrast.against)
    assert arrived(qtbot, page).against is None
