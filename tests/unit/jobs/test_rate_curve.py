"""Reading a learning-rate range test."""

from __future__ import annotations

import math
import random

import pytest

from resnet_desktop.jobs.rate_curve import FEWEST, ceiling, has_ended, smoothed, suggested

RATES = [10 ** (-5 + 5 * i / 74) for i in range(75)]


def fall_and_rise(steepest: float, bottom: float) -> list[float]:
    """A loss that falls most steeply at one rate, is lowest at another, and runs away behind it."""
    losses = []
    for rate in RATES:
        falling = 0.7 - 0.4 / (1 + math.exp(-4 * math.log10(rate / steepest)))
        losses.append(falling + (3 * math.log10(rate / bottom) ** 2 if rate > bottom else 0))
    return losses


@pytest.mark.parametrize("steepest", [1e-4, 7e-4, 3e-3])
def test_the_suggestion_is_where_the_loss_falls_most(steepest: float) -> None:
    found = suggested(RATES, fall_and_rise(steepest, 10 * steepest))
    assert found is not None
    assert abs(math.log10(found / steepest)) < 0.2


def test_noise_does_not_lead_astray() -> None:
    noise = random.Random(0)
    losses = [loss + noise.gauss(0, 0.01) for loss in fall_and_rise(5e-4, 5e-3)]
    found = suggested(RATES, losses)
    assert found is not None
    assert abs(math.log10(found / 5e-4)) < 0.4


def test_a_fall_behind_the_first_turn_does_not_count() -> None:
    losses = fall_and_rise(3e-4, 2e-3)
    wild = [loss if rate < 1e-2 else 0.05 for rate, loss in zip(RATES, losses, strict=True)]
    assert suggested(RATES, wild) == suggested(RATES, losses)


def test_a_dip_just_before_the_bottom_is_too_near_to_it() -> None:
    losses = fall_and_rise(4e-4, 8e-3)
    dipped = [loss - 0.15 * (5e-3 < rate < 8e-3) for rate, loss in zip(RATES, losses, strict=True)]
    found = suggested(RATES, dipped)
    assert found is not None
    assert found < 8e-3 / 10**0.4


def test_no_fall_no_suggestion() -> None:
    assert suggested(RATES, [0.7] * len(RATES)) is None
    assert suggested(RATES, [0.7 + 0.1 * i for i in range(len(RATES))]) is None, "too high from the start"
    assert suggested(RATES[: FEWEST - 1], fall_and_rise(1e-5, 1e-4)[: FEWEST - 1]) is None


def test_where_the_loss_only_rises_the_rate_stays_well_below() -> None:
    """As of a head that was fitted before: it begins at the bottom."""
    found = suggested(RATES, [0.3 + max(0.0, math.log10(rate / 1e-2)) for rate in RATES])
    assert found is not None
    assert abs(math.log10(found / 1e-3)) < 0.2


def test_smoothing_keeps_what_is_smooth_and_bounds_what_is_wild() -> None:
    assert smoothed([], []) == []
    assert smoothed(RATES, [0.5] * len(RATES)) == pytest.approx([0.5] * len(RATES))
    wild = [0.5] * 60 + [math.inf, math.nan] + [100.0] * 13
    found = smoothed(RATES, wild)
    assert max(found) <= ceiling(wild) == 1.0
    assert found[40] == pytest.approx(0.5, abs=1e-6)


def test_a_test_ends_when_nothing_more_can_be_seen() -> None:
    losses = fall_and_rise(3e-4, 2e-3)
    ends = [i for i in range(1, len(losses)) if has_ended(losses[:i])]
    assert ends
    assert RATES[ends[0]] > 3e-3, "not before the loss has turned up"
    assert not any(has_ended([0.7 - 0.005 * i for i in range(n)]) for n in range(1, 75)), "while it falls it goes on"
    assert not any(has_ended([0.7] * n) for n in range(1, 75))
    assert has_ended([0.7] * 20 + [5.0] * 6)
