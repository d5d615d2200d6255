"""Calibration against independent computations."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from resnet_desktop.runs.evaluation import calibrate


def fitted(logits: torch.Tensor, labels: torch.Tensor) -> float:
    return calibrate.fit_temperature(logits.numpy(), labels.numpy())


def test_the_temperature_of_overconfident_logits_is_found() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(20_000, 5, generator=generator)
    labels = torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]
    assert fitted(logits * 3, labels) == pytest.approx(3.0, rel=0.05)


def test_the_temperature_is_where_the_loss_is_lowest() -> None:
    generator = torch.Generator().manual_seed(1)
    logits, labels = torch.randn(500, 4, generator=generator), torch.randint(4, (500,), generator=generator)
    best = fitted(logits + 2 * functional.one_hot(labels, 4), labels)
    grid = [math.exp(x) for x in np.linspace(math.log(0.05), math.log(20), 2000)]
    shifted = logits + 2 * functional.one_hot(labels, 4)
    likelihood = [-float(functional.cross_entropy(shifted / t, labels, reduction="sum")) for t in grid]
    posterior = np.array(likelihood) + [-((math.log(t) / 0.5) ** 2) / 2 for t in grid]
    assert best == pytest.approx(grid[int(np.argmax(posterior))], rel=0.01)
    assert best == pytest.approx(grid[int(np.argmax(likelihood))], rel=0.05)


def test_a_handful_of_photos_makes_nothing_certain() -> None:
    labels = torch.arange(8) % 2
    logits = 2.0 * functional.one_hot(labels, 2)
    right = fitted(logits, labels)
    assert 0.6 < right < 1.0, "all rightly named: surer, but not certain"
    assert 1.0 < fitted(logits, 1 - labels) < 3.0, "all wrongly named"
    assert fitted(logits[:1], labels[:1]) == pytest.approx(1.0, abs=0.1)
    many = fitted(logits.repeat(500, 1), labels.repeat(500))
    assert many < 0.3, "4,000 photos say so"


def test_calibration_error_by_hand() -> None:
    # Two bins: confidence 0.95 twice with one right, confidence 0.55 twice with both right.
    p = np.array([[0.95, 0.05], [0.95, 0.05], [0.55, 0.45], [0.45, 0.55]], np.float32)
    labels = np.array([0, 1, 0, 1])
    expected = 0.5 * abs(0.95 - 0.5) + 0.5 * abs(0.55 - 1.0)
    assert calibrate.expected_calibration_error(p, labels) == pytest.approx(expected, abs=1e-6)


def test_perfect_confidence_has_no_error() -> None:
    assert calibrate.expected_calibration_error(np.eye(4, dtype=np.float32), np.arange(4)) == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("correct", "count", "low", "high"), [(50, 100, 0.4038, 0.5962), (10, 10, 0.7225, 1.0), (0, 10, 0.0, 0.2775)]
)
def test_wilson_intervals_of_the_tables(correct: int, count: int, low: float, high: float) -> None:
    found = calibrate.wilson_interval(correct, count)
    assert found == pytest.approx((low, high), abs=1e-3)


def test_nothing_measured_means_nothing_known() -> None:
    assert calibrate.wilson_interval(0, 0) == (0.0, 1.0)
