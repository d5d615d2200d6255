"""Residual blocks opened up: what is drawn, said and asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES
from resnet_desktop.bundle.builders.resnet import build_resnet
from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.format.metadata import Metadata
from resnet_desktop.bundle.structure.blocks import find_blocks
from resnet_desktop.bundle.structure.graph_view import GraphView
from resnet_desktop.explain.residual.analysis import BlockAnalysis, BlockReport, FeatureSheet, Lesion
from resnet_desktop.gui.background.session_controller import SessionController
from resnet_desktop.gui.inspect.blocks.block_chart import BlockChart
from resnet_desktop.gui.inspect.blocks.block_measures import facts, measures, readout
from resnet_desktop.gui.inspect.blocks.block_page import BlockPage
from resnet_desktop.gui.inspect.blocks.feature_sheet import FeatureSheetView, map_image
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.gui.style import theme
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.inference.classifier import ClassScore
from resnet_desktop.session.inspections import BlockSketch, OpenedBlocks, sketch
from resnet_desktop.session.results import EvidenceRequest, Failure, Limits

from .conftest import LABELS, SCREENSHOTS, SIDE, WAIT, random_arrays

CAT, COFFEE, _ = sample_photos()[:3]
NAMES = [f"layer{stage}.{block}" for stage in (1, 2, 3, 4) for block in (0, 1)]


def made_up(count: int = 16, top: int = 0) -> OpenedBlocks:
    """Blocks with numbers as trained networks have them: three stages, one lesion that changes the best class."""
    reports, sketches = [], []
    for i in range(count):
        stage = 1 + 3 * i // count
        lesion = Lesion(0.87 - 0.7 * (i == 5), ClassScore(1, "espresso", 0.5) if i == 5 else ClassScore(0, "cat", 0.8))
        reports.append(
            BlockReport(
                name=f"layer{stage}.{i}",
                residual_norm=12.5 + i,
                skip_norm=50.0 - i,
                ratio=(12.5 + i) / (50.0 - i),
                cosine=(-1) ** i * 0.4,
                silenced=0.5,
                gradient_norm=0.3,
                gradient_norm_cut=0.3 * 10.0 ** (i - count + 1),
                lesion=lesion,
            )
        )
        size = 64 >> stage
        sketches.append(
            BlockSketch(f"layer{stage}.{i}", stage, i % 4 != 0, "Relu", (64, size, size), (64, size, size), ("3 × 3",))
        )
    return OpenedBlocks(BlockAnalysis(0, "cat", 0.87, tuple(reports)), tuple(sketches), top)


@pytest.fixture
def controller(qtbot: QtBot, model_file: Path) -> Iterator[SessionController]:
    made = SessionController(Limits(top_k=3, max_pixels=100_000_000))
    with qtbot.waitSignal(made.model_ready, timeout=WAIT):
        made.open_model(str(model_file), "cpu")
    yield made
    made.close()


@pytest.fixture
def page(qtbot: QtBot, controller: SessionController) -> BlockPage:
    made = BlockPage(controller)
    qtbot.addWidget(made)
    made.resize(1000, 800)
    made.show()
    return made


def shown(qtbot: QtBot, page: BlockPage) -> OpenedBlocks:
    """What the page shows when it has its answers."""
    qtbot.waitUntil(lambda: page.opened is not None and bool(page.details.sheet.tiles), timeout=WAIT)
    assert page.opened is not None
    return page.opened


def is_shown(page: BlockPage, opened: OpenedBlocks | None) -> bool:
    return page.opened is opened


def test_every_measure_draws_the_numbers_of_the_blocks() -> None:
    opened = made_up()
    plots = {measure.key: measure.plot(opened) for measure in measures()}
    reports = opened.analysis.reports
    assert plots["size"].series[0].values == tuple(r.residual_norm for r in reports)
    assert plots["size"].series[1].values == tuple(r.skip_norm for r in reports)
    assert plots["size"].below is not None
    assert plots["size"].below.series[0].values == tuple(r.ratio for r in reports)
    assert plots["direction"].series[0].values == tuple(r.cosine for r in reports)
    assert plots["gradient"].scale.log
    assert [s.values[0] for s in plots["gradient"].series] == [0.3, pytest.approx(0.3e-15)]
    lesion = plots["lesion"]
    assert lesion.reference == 0.87
    assert lesion.marked == {5}
    # Where another class is the best one to begin with, the other blocks are those that change it.
    assert len(measures()[4].plot(made_up(top=1)).marked) == 15


def test_a_block_in_words() -> None:
    opened = made_up()
    words = dict(facts(opened, 5))
    assert "0.39 times as large as the skip" in words["Size"]
    assert "weakens" in words["Direction"]
    assert words["Silence"].startswith("50\u00a0%")
    assert "× 10" in words["Gradient"]
    assert "from 87.0\u00a0% to 17.0\u00a0%" in words["Left out"]
    assert "The prediction is then espresso (50.0\u00a0%)" in words["Left out"]
    assert "stays at 87.0\u00a0%" in dict(facts(opened, 6))["Left out"]
    assert readout(opened, 5)[0] == "Stage 1 of 3, block 6 of 6"
    assert "then predicted: espresso" in readout(opened, 5)
    assert len(readout(opened, 6)) == len(readout(opened, 5)) - 1


def test_a_block_of_which_little_is_known_in_words() -> None:
    report = BlockReport("block", 0.0, 0.0, None, None, None, None, None, None)
    block = BlockSketch("block", 1, True, None, None, (8, 4, 4), ())
    opened = OpenedBlocks(BlockAnalysis(0, "cat", 0.001, (report,)), (block,), 0)
    assert len(facts(opened, 0)) == 2
    assert readout(opened, 0)[2] == "cosine –"
    for measure in measures():
        assert measure.plot(opened).scale.high > 0


def test_how_the_blocks_of_a_resnet_are_built() -> None:
    arch = ARCHITECTURES["resnet18"]
    model = build_resnet(arch, random_arrays(arch, 3, 0), height=SIDE, width=SIDE)
    view = GraphView(model)
    blocks = [sketch(view, block) for block in find_blocks(view)]
    assert [block.name for block in blocks] == NAMES
    assert [block.identity for block in blocks] == [True, True, False, True, False, True, False, True]
    assert blocks[0].source == blocks[0].output == (64, 32, 32)
    assert (blocks[2].source, blocks[2].output) == ((64, 32, 32), (128, 16, 16))
    assert blocks[2].convolutions == ("3 × 3 conv, 128", "3 × 3 conv, 128")  # not that of the projection
    assert {block.activation for block in blocks} == {"Relu"}


def test_the_chart_by_pointer_and_by_keys(qtbot: QtBot) -> None:
    opened = made_up()
    chart = BlockChart()
    qtbot.addWidget(chart)
    chart.resize(700, 280)
    chart.show()
    stages = [block.stage for block in opened.sketches]
    chart.show_plot(measures()[0].plot(opened), stages, [readout(opened, i) for i in range(16)])
    chosen: list[int] = []
    chart.block_chosen.connect(chosen.append)
    place = chart.centre(11).toPoint()
    assert chart.block_at(place.x()) == 11
    before = chart.grab().toImage()
    QTest.mouseMove(chart, place)
    assert chart.grab().toImage() != before  # the numbers of the block
    QTest.mouseClick(chart, Qt.MouseButton.LeftButton, pos=place)
    assert (chosen, chart.chosen) == ([11], 11)
    QTest.mouseClick(chart, Qt.MouseButton.LeftButton, pos=QPoint(2, 100))
    assert chosen == [11]  # beside the blocks
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Return, Qt.Key.Key_Home, Qt.Key.Key_Left, Qt.Key.Key_Space):
        QTest.keyClick(chart, key)
    QTest.keyClick(chart, Qt.Key.Key_End)
    assert chosen == [11, 12, 0]
    assert "Stage 3 of 3, block 5 of 5" in chart.accessibleDescription()
    chart.clear()
    QTest.keyClick(chart, Qt.Key.Key_Return)
    QTest.keyClick(chart, Qt.Key.Key_Right)
    assert chosen == [11, 12, 0]


@pytest.mark.parametrize("appearance", ["light", "dark"])
@pytest.mark.parametrize("count", [1, 8, 50])
def test_the_chart_of_any_network(qtbot: QtBot, qapp: QApplication, appearance: str, count: int) -> None:
    theme.apply(qapp, appearance)
    opened = made_up(count)
    chart = BlockChart()
    qtbot.addWidget(chart)
    chart.resize(520, 280)
    chart.setAutoFillBackground(True)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    pictures = set()
    for measure in measures():
        lines = [readout(opened, i) for i in range(count)]
        chart.show_plot(measure.plot(opened), [block.stage for block in opened.sketches], lines)
        image = chart.grab().toImage()
        assert image.save(str(SCREENSHOTS / f"block-chart-{measure.key}-{count}-{appearance}.png"))
        pictures.add(bytes(image.constBits()))
    assert len(pictures) == len(measures())


def test_feature_maps_show_their_activations(qtbot: QtBot) -> None:
    values = np.array([[0.0, 1.0], [2.0, 4.0]], np.float32)
    image = map_image(values, "grey")
    assert [image.pixelColor(x, y).red() for y in (0, 1) for x in (0, 1)] == [0, 64, 128, 255]
    signed = map_image(values - 2.0, "grey")  # black is the least value where some lie below 0
    assert [signed.pixelColor(x, y).red() for y in (0, 1) for x in (0, 1)] == [0, 64, 128, 255]
    assert map_image(np.full((2, 2), np.nan, np.float32), "grey").pixelColor(0, 0).red() == 0
    view = FeatureSheetView()
    qtbot.addWidget(view)
    maps = np.stack([values, -values, 0 * values])
    view.show_sheet(FeatureSheet("layer1.0", 0, np.array([7, 2, 5]), maps, np.array([0.5, 0.25, -0.125], np.float32)))
    assert [(tile.title, *tile.lines) for tile in view.tiles] == [("7", "+0.50"), ("2", "+0.25"), ("5", "−0.12")]
    assert [tile.part for tile in view.tiles] == [1.0, 0.5, -0.25]
    assert view.heightForWidth(100) > view.heightForWidth(400)
    view.resize(400, view.heightForWidth(400))
    view.show()
    where = view.place(1).center().toPoint()
    QApplication.sendEvent(view, QHelpEvent(QHelpEvent.Type.ToolTip, where, view.mapToGlobal(where)))
    assert "Channel 2" in QToolTip.text()
    QToolTip.hideText()


def test_the_page_opens_the_blocks_of_a_photo(qtbot: QtBot, page: BlockPage) -> None:
    assert "Open a photo" in page.working.text
    page.show_item(1, CAT, EvidenceRequest(target=3))
    assert page.working.cancel_button.isVisible()
    opened = shown(qtbot, page)
    assert [report.name for report in opened.analysis.reports] == NAMES
    assert opened.analysis.target == 3
    assert page.chart.chosen == 7  # the last one to begin with
    assert not page.working.isVisible()
    chosen: list[str] = []
    page.layer_chosen.connect(chosen.append)
    for measure in measures():
        page.choose_measure(measure.key)
        assert page.chart.plot == measure.plot(opened)
    QTest.mouseClick(page.chart, Qt.MouseButton.LeftButton, pos=page.chart.centre(2).toPoint())
    # Of the second stage's first block, in place of the last block's 4 × 4.
    qtbot.waitUntil(lambda: [t.image.width() for t in page.details.sheet.tiles] == [16] * 24, timeout=WAIT)
    page.details.heatmap_button.click()
    assert chosen == ["layer2.0"]


def test_another_layer_changes_nothing_and_another_photo_keeps_the_block(qtbot: QtBot, page: BlockPage) -> None:
    page.show_item(1, CAT, EvidenceRequest(target=3))
    first = shown(qtbot, page)
    QTest.mouseClick(page.chart, Qt.MouseButton.LeftButton, pos=page.chart.centre(2).toPoint())
    page.show_item(1, CAT, EvidenceRequest(target=3, layer="layer2.0"))
    assert is_shown(page, first)
    page.show_item(2, COFFEE, EvidenceRequest(target=3))
    assert is_shown(page, None)
    assert shown(qtbot, page) is not first
    assert page.chart.chosen == 2
    page.show_item(1, CAT, EvidenceRequest(target=3))
    assert is_shown(page, first)  # remembered


def test_nothing_is_asked_while_the_page_is_hidden(qtbot: QtBot, page: BlockPage) -> None:
    page.hide()
    page.show_item(1, CAT, EvidenceRequest(layer="layer2.1"))
    qtbot.wait(50)
    assert page.working.cancel_button.isHidden()
    page.show()
    shown(qtbot, page)
    assert page.chart.chosen == 3  # the layer of the heatmap


def test_cancelled_and_looked_at_again(qtbot: QtBot, page: BlockPage) -> None:
    page.show_item(1, CAT, EvidenceRequest())
    page.working.cancel_button.click()
    assert page.working.text == "Cancelled."
    qtbot.wait(300)
    assert page.opened is None
    page.working.again_button.click()
    shown(qtbot, page)
    page.clear()
    assert page.opened is None
    assert "Open a photo" in page.working.text


def test_a_new_model_has_its_blocks_opened(
    qtbot: QtBot, page: BlockPage, controller: SessionController, wary_model_file: Path
) -> None:
    page.show_item(1, CAT, EvidenceRequest(target=0))
    first = shown(qtbot, page)
    with qtbot.waitSignal(controller.model_ready, timeout=WAIT):
        controller.open_model(str(wary_model_file), "cpu")
    assert page.opened is None
    second = shown(qtbot, page)
    assert second.analysis.reports[0] != first.analysis.reports[0]
    controller.set_fit("whole")
    with qtbot.waitSignal(controller.fit_changed, timeout=WAIT):
        pass
    assert shown(qtbot, page).analysis.reports[0] != second.analysis.reports[0]


def test_a_class_that_the_model_lacks_is_said(qtbot: QtBot, page: BlockPage) -> None:
    page.show_item(1, CAT, EvidenceRequest(target=99))
    qtbot.waitUntil(page.working.again_button.isVisible, timeout=WAIT)
    assert page.working.text == "The model has changed in the meantime. Choose a class again."


def test_a_plain_network_says_that_it_has_no_blocks(
    qtbot: QtBot, page: BlockPage, controller: SessionController, tmp_path: Path
) -> None:
    arch = ARCHITECTURES["plain18"]
    model = build_resnet(arch, random_arrays(arch, len(LABELS), 0), height=64, width=64)
    transforms = Transforms(resize=72, crop=64)
    bundles.write(tmp_path / "plain.onnx", model, Metadata(arch=arch.name, categories=LABELS, transforms=transforms))
    with qtbot.waitSignal(controller.model_ready, timeout=WAIT):
        controller.open_model(str(tmp_path / "plain.onnx"), "cpu")
    page.show_item(1, CAT, EvidenceRequest())
    qtbot.waitUntil(lambda: "plain network" in page.working.text, timeout=WAIT)
    assert "no residual blocks" in page.working.text
    assert page.working.again_button.isHidden()


def test_a_photo_that_cannot_be_read_is_said(qtbot: QtBot, page: BlockPage, tmp_path: Path) -> None:
    page.show_item(1, tmp_path / "gone.jpg", EvidenceRequest())
    qtbot.waitUntil(page.working.again_button.isVisible, timeout=WAIT)
    assert "gone.jpg" in page.working.text
    assert page.opened is None


def test_a_model_that_stops_ends_the_waiting(qtbot: QtBot, page: BlockPage, controller: SessionController) -> None:
    page.show_item(1, CAT, EvidenceRequest())
    controller.stopped.emit(Failure("provider_failed", "The model cannot be run any more."))
    assert page.working.text == "The model cannot be run any more."
    qtbot.wait(300)
    assert page.opened is None


@pytest.mark.parametrize("appearance", ["light", "dark"])
def test_the_page_in_its_sizes(qtbot: QtBot, qapp: QApplication, page: BlockPage, appearance: str) -> None:
    theme.apply(qapp, appearance)
    page.refresh_theme()
    page.setAutoFillBackground(True)
    page.show_item(1, CAT, EvidenceRequest())
    shown(qtbot, page)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for width, height in ((1400, 900), (1000, 800), (460, 900)):
        page.resize(width, height)
        qtbot.waitUntil(lambda width=width: page.details.width() <= width, timeout=WAIT)  # type: ignore[misc]
        qtbot.wait(60)
        assert page.grab().save(str(SCREENSHOTS / f"blocks-{appearance}-{width}.png"))
        sheet, button = page.details.sheet, page.details.heatmap_button
        assert sheet.height() >= sheet.heightForWidth(sheet.width())  # nothing is cut off
        beside = sheet.mapTo(page, QPoint(0, 0)).x() > button.mapTo(page, QPoint(0, 0)).x()
        assert beside == (width >= 900)
