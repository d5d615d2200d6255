"""What charts share: numbers and scales; and the explanations beside them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from resnet_desktop.gui.widgets.canvas import charts
from resnet_desktop.gui.widgets.canvas.charts import Scale
from resnet_desktop.gui.widgets.help import help_texts
from resnet_desktop.gui.widgets.help.help_button import HelpButton


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0, "0"),
        (12.34, "12.3"),
        (0.02134, "0.0213"),
        (-0.5, "−0.5"),
        (1234.0, "1234"),
        (2.13e-6, "2.1 × 10⁻⁶"),
        (float("nan"), "–"),
    ],
)
def test_numbers_in_three_digits(value: float | None, text: str) -> None:
    assert charts.number(value).replace(",", "") == text


def test_scales_hold_their_values_and_end_on_round_numbers() -> None:
    scale = Scale.upward([3.0, 437.0, None])
    assert (scale.low, scale.high) == (0.0, 600.0)
    assert scale.place(300) == 0.5
    assert Scale.around_zero([0.1, -0.4], most=1.0) == Scale(-0.5, 0.5)
    log = Scale.powers([0.5, 3e-5, 0.0])
    assert log.low == pytest.approx(1e-5)
    assert log.high == 1.0
    assert log.place(0.0) == 0.0  # what has no logarithm lies at the bottom
    assert log.place(1e-2) == pytest.approx(0.6)
    assert [text for _, text in log.ticks(400)] == ["10⁰", "10⁻¹", "10⁻²", "10⁻³", "10⁻⁴", "10⁻⁵"]


@pytest.mark.parametrize(
    ("high", "texts"),
    [
        (1.0, ["0\u00a0%", "25\u00a0%", "50\u00a0%", "75\u00a0%", "100\u00a0%"]),
        (0.24, ["0\u00a0%", "6\u00a0%", "12\u00a0%", "18\u00a0%", "24\u00a0%"]),
        (0.1, ["0.0\u00a0%", "2.5\u00a0%", "5.0\u00a0%", "7.5\u00a0%", "10.0\u00a0%"]),
        (0.01, ["0.00\u00a0%", "0.25\u00a0%", "0.50\u00a0%", "0.75\u00a0%", "1.00\u00a0%"]),
    ],
)
def test_percentages_beside_an_axis_differ(high: float, texts: list[str]) -> None:
    assert [text for _, text in Scale(0.0, high, percent=True).ticks(200)] == texts


@pytest.mark.parametrize(
    "made",
    [
        help_texts.residual_learning,
        help_texts.skip_connections,
        help_texts.direction,
        help_texts.silenced_units,
        help_texts.vanishing_gradients,
        help_texts.lesion_test,
        help_texts.feature_maps,
        help_texts.removal_curves,
        help_texts.randomization,
    ],
)
def test_help_opens_and_closes(qtbot: QtBot, made: Callable[[], help_texts.Help]) -> None:
    explanation = made()
    button = HelpButton(explanation)
    qtbot.addWidget(button)
    button.show()
    assert explanation.title in button.accessibleName()
    button.click()
    card = button.card
    assert card is not None
    screen = button.screen().availableGeometry()
    assert screen.contains(card.geometry())
    assert sum(len(text) for text in explanation.paragraphs) < 900  # no walls of text
    QTest.keyClick(card, Qt.Key.Key_Escape)
    assert button.card is None
