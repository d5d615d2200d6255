"""Can you trust this heatmap? The verdict, and what it rests on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from resnet_desktop.explain.checks.faithfulness import Baseline, Curves, Removed
from resnet_desktop.explain.checks.heatmap_checks import HeatmapCheck
from resnet_desktop.explain.checks.sanity import SanityReport, SanityStep
from resnet_desktop.gui.background.session_controller import SessionController
from resnet_desktop.gui.inspect.check.check_details import CheckDetails
from resnet_desktop.gui.inspect.check.check_panel import CheckPanel, VerdictCard
from resnet_desktop.gui.inspect.check.curve_chart import CurveChart, RemovalCurve
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.widgets.canvas.charts import Scale
from resnet_desktop.inference.classifier import ClassScore, Prediction
from resnet_desktop.session.inspections import CheckedHeatmap, Explained
from resnet_desktop.session.results import EvidenceRequest, Limits

from .conftest import SCREENSHOTS, WAIT

CAT, COFFEE, _ = sample_photos()[:3]
SIDE = 32


def curves_of(baseline: Baseline, better: float) -> Curves:
    """A map that is ``better`` than random by so much."""
    fractions = np.linspace(0.0, 1.0, 17)
    random = 0.8 - 0.7 * fractions
    hump = better * 4 * fractions * (1 - fractions)
    deletion, insertion = random - hump, random[::-1] + hump
    areas = (float(np.trapezoid(line, fractions)) for line in (deletion, insertion, random))
    return Curves(baseline, fractions, deletion, insertion, random, *areas)


def made_up(better: float = 0.2, correlation: float = 0.1) -> CheckedHeatmap:
    """Tests of a map as they may come out."""
    rng = np.random.default_rng(0)
    cam = rng.standard_normal((4, 4)).astype(np.float32)
    scores = (ClassScore(3, "lion", 0.6), ClassScore(1, "espresso", 0.2), ClassScore(2, "lemon", 0.1))
    probabilities = np.array([0.1, 0.2, 0.1, 0.6], np.float32)
    logits = np.log(probabilities)
    prediction = Prediction(scores, logits, probabilities, None, False, "CPUExecutionProvider", 0.0, (64, 64))
    mask = np.zeros((SIDE, SIDE), np.bool_)
    mask[8:18, 8:18] = True
    steps = tuple(
        SanityStep(name, 0.3, correlation, values) for name, values in (("fc", np.abs(cam)), ("layer4", -np.abs(cam)))
    )
    check = HeatmapCheck(
        label="tabby cat",
        against_label=None,
        probability=0.8,
        probability_removed=0.1,
        empty=False,
        blur=curves_of("blur", better),
        mean=curves_of("mean", better),
        removed=Removed(np.zeros((3, SIDE, SIDE), np.float32), prediction, mask, "blur"),
        sanity=SanityReport(steps),
        seconds=3.2,
    )
    seen = rng.integers(0, 200, (SIDE, SIDE, 3), np.uint8)
    return CheckedHeatmap(check, (ClassScore(0, "tabby cat", 0.8),), seen, seen, Explained("tabby cat", 0.8), 0.1, cam)


@pytest.fixture
def controller(qtbot: QtBot, model_file: Path) -> Iterator[SessionController]:
    made = SessionController(Limits(top_k=3, max_pixels=100_000_000))
    with qtbot.waitSignal(made.model_ready, timeout=WAIT):
        made.open_model(str(model_file), "cpu")
    yield made
    made.close()


@pytest.fixture
def panel(qtbot: QtBot, controller: SessionController) -> CheckPanel:
    made = CheckPanel(controller)
    qtbot.addWidget(made)
    made.resize(700, 800)
    made.show()
    return made


@pytest.mark.parametrize(
    ("better", "correlation", "words"),
    [
        (0.2, 0.1, "This heatmap holds up"),
        (0.0, 0.1, "Do not rely on this heatmap"),
        (0.2, 0.9, "Do not rely on this heatmap"),
    ],
)
def test_the_verdict_comes_first_in_words(qtbot: QtBot, better: float, correlation: float, words: str) -> None:
    card = VerdictCard()
    qtbot.addWidget(card)
    check = made_up(better, correlation).check
    card.show_check(check)
    assert card.word == words
    assert card.text == check.verdict


def test_curves_are_those_of_the_tests(qtbot: QtBot) -> None:
    details = CheckDetails()
    qtbot.addWidget(details)
    details.resize(700, 900)
    details.show()
    checked = made_up()
    details.show_check(checked)
    qtbot.wait(30)
    away, back = details.curves[:2]
    assert "Removed (blurred)" in away.accessibleName()
    assert "Restored (blurred)" in back.accessibleName()
    assert "area 0.32, random 0.45" in away.accessibleDescription()
    assert "area 0.58, random 0.45" in back.accessibleDescription()
    QTest.keyClick(back, Qt.Key.Key_Right)
    QTest.keyClick(back, Qt.Key.Key_Right)
    # Inserting at random is deleting at random, read backward.
    assert back.reading[0].startswith("6\u00a0%")
    assert back.reading[2] == f"random {100 * checked.check.blur.random[-2]:.1f}\u00a0%"
    QTest.mouseMove(away, QPoint(away.width() // 2 + 10, 90))
    assert away.reading[0].endswith("removed")
    assert "mean colour" in details.curves[2].accessibleName()


def test_pictures_and_their_words(qtbot: QtBot) -> None:
    details = CheckDetails()
    qtbot.addWidget(details)
    details.show_check(made_up())
    before, after = details.photos.tiles
    assert before.title == "tabby cat 80.0\u00a0%"
    assert (after.title, *after.lines) == ("lion 60.0\u00a0%", "espresso 20.0\u00a0%", "tabby cat 10.0\u00a0%")
    assert {after.image.pixelColor(x, 8).name() for x in range(8, 18)} == {"#ffffff"}
    assert after.image.pixelColor(12, 12) == before.image.pixelColor(12, 12)
    trained, first, second = details.maps.tiles
    assert (trained.title, first.title, second.title) == ("trained", "Last layer", "Stage 4")
    assert first.lines == ("rank corr. 0.1", "SSIM 0.3")
    assert second.lines[-1] == "empty map"  # nothing in it speaks for the class
    assert (trained.arrow, first.arrow) == (None, "")
    coloured = first.image
    details.set_colormap("grey")
    assert details.maps.tiles[1].image != coloured


def test_the_area_says_by_its_colour_who_is_better(qtbot: QtBot) -> None:
    chart = CurveChart()
    qtbot.addWidget(chart)
    chart.resize(300, 200)
    chart.setAutoFillBackground(True)
    found = []
    for low_is_good in (True, False):
        line = RemovalCurve("title", "across", (0.0, 0.5, 1.0), (0.2,) * 3, (0.9,) * 3, 0.2, 0.9, low_is_good)
        chart.show_curve(line, Scale(0.0, 1.0, percent=True))
        found.append(chart.grab().toImage().pixelColor(170, 110))
    better, worse = found
    assert better.blue() > better.red()
    assert worse.red() > worse.blue()


def test_a_heatmap_is_checked_when_asked_for(qtbot: QtBot, panel: CheckPanel, controller: SessionController) -> None:
    assert panel.check_button.isHidden()
    steps: list[tuple[str, int, int]] = []
    controller.progressed.connect(lambda *step: steps.append(step))
    panel.show_item(1, CAT, EvidenceRequest(target=3), "school bus")
    qtbot.wait(50)
    assert panel.verdict.isHidden()
    panel.check_button.click()
    assert panel.working.cancel_button.isVisible()
    qtbot.waitUntil(panel.verdict.isVisible, timeout=60_000)
    assert panel.verdict.word
    assert "school bus" in panel.verdict.text
    assert steps[-1] == ("check", 100, 100)
    assert len(panel.details.photos.tiles) == 2
    assert len(panel.details.maps.tiles) > 3
    panel.show_item(2, COFFEE, EvidenceRequest(target=3), "school bus")
    assert panel.verdict.isHidden()
    assert panel.check_button.isVisible()
    panel.show_item(1, CAT, EvidenceRequest(target=3), "school bus")
    assert panel.verdict.isVisible()  # remembered
    panel.clear()
    assert panel.verdict.isHidden()
    assert panel.check_button.isHidden()


def test_a_check_is_given_up(qtbot: QtBot, panel: CheckPanel, controller: SessionController) -> None:
    panel.show_item(1, CAT, EvidenceRequest(), "cat")
    panel.check_button.click()
    panel.working.cancel_button.click()
    assert panel.check_button.isVisible()
    panel.check_button.click()
    panel.show_item(2, COFFEE, EvidenceRequest(), "coffee")  # looking elsewhere gives it up too
    assert panel.check_button.isVisible()
    panel.check_button.click()
    controller.set_fit("whole")
    qtbot.waitUntil(panel.check_button.isVisible, timeout=WAIT)
    assert panel.verdict.isHidden()
    assert panel.working.isHidden()


def test_what_cannot_be_checked_is_said(qtbot: QtBot, panel: CheckPanel, tmp_path: Path) -> None:
    panel.show_item(1, CAT, EvidenceRequest(layer="nowhere"), "cat")
    panel.check_button.click()
    qtbot.waitUntil(panel.working.again_button.isVisible, timeout=WAIT)
    assert "nowhere" in panel.working.text
    panel.show_item(1, tmp_path / "gone.jpg", EvidenceRequest(), "cat")
    assert panel.working.isHidden()
    panel.show_item(1, CAT, EvidenceRequest(target=99), "nothing")
    panel.check_button.click()
    qtbot.waitUntil(panel.working.again_button.isVisible, timeout=WAIT)
    assert "Choose a class again" in panel.working.text


@pytest.mark.parametrize("appearance", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 700, 1280])
def test_the_panel_in_its_sizes(
    qtbot: QtBot, qapp: QApplication, panel: CheckPanel, appearance: str, width: int
) -> None:
    theme.apply(qapp, appearance)
    panel.refresh_theme()
    panel.setAutoFillBackground(True)
    panel.resize(width, 900)
    panel.show_item(1, CAT, EvidenceRequest(), "cat")
    panel.show_checked(made_up())
    qtbot.wait(80)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    assert panel.grab().save(str(SCREENSHOTS / f"check-{appearance}-{width}.png"))
    details = panel.details
    assert details.width() <= width
    abreast = sum(chart.y() == details.curves[0].y() for chart in details.curves)
    assert abreast == {320: 1, 700: 2, 1280: 4}[width]
    for tiles in (details.photos, details.maps):
        assert tiles.height() >= tiles.heightForWidth(tiles.width())
