"""The pointing game and the energy inside a box, on maps whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from resnet_desktop.imaging.transforms import Box, Transforms
from tests.benchmarks.pointing import (
    box_on_crop,
    centre_blob,
    energy_inside,
    hottest_point,
    pointing_hit,
    wilson_interval,
)

WHOLE = Box(0.0, 0.0, 1.0, 1.0)


def test_a_box_of_the_photo_on_what_the_network_sees() -> None:
    # 200 x 100 pixels: the shorter side becomes 256, and 224 of it, so 87.5 pixels of the photo, are seen.
    seen = Transforms(resize=256, crop=224).seen_box(200, 100)
    assert (seen.width, seen.height) == pytest.approx((87.5, 87.5))
    found = box_on_crop(Box(seen.left + 87.5 / 4, seen.top, seen.left + 87.5 / 2, 200.0), seen)
    assert found is not None
    assert (found.left, found.top, found.right, found.bottom) == pytest.approx((0.25, 0.0, 0.5, 1.0))
    assert box_on_crop(Box(0.0, 0.0, seen.left, 100.0), seen) is None
    assert box_on_crop(Box(-50.0, -50.0, 500.0, 500.0), seen) == WHOLE


def test_a_whole_photo_with_padding() -> None:
    seen = Transforms(resize=64, crop=64).seen_box(64, 32, "whole")
    found = box_on_crop(Box(0.0, 0.0, 64.0, 32.0), seen)
    assert found is not None
    assert (found.left, found.top, found.right, found.bottom) == pytest.approx((0.0, 0.25, 1.0, 0.75))


@pytest.mark.parametrize("row", [0, 2, 3])
@pytest.mark.parametrize("column", [0, 1, 3])
def test_the_hottest_place_is_the_middle_of_its_cell(row: int, column: int) -> None:
    cam = np.random.default_rng(0).normal(size=(4, 4)).astype(np.float32)
    cam[row, column] = 9.0
    assert hottest_point(cam) == ((column + 0.5) / 4, (row + 0.5) / 4)


def test_equal_places_point_to_the_middle() -> None:
    x, y = hottest_point(np.zeros((5, 7), np.float32))
    assert (x, y) == (0.5, 0.5)
    corners = np.zeros((5, 5), np.float32)
    corners[0, 0] = corners[4, 3] = 1.0
    assert hottest_point(corners) == pytest.approx((0.7, 0.9))


def test_the_pointing_game_and_its_tolerance() -> None:
    cam = np.zeros((4, 4), np.float32)
    cam[1, 2] = 1.0  # at (0.625, 0.375)
    assert pointing_hit(cam, WHOLE)
    assert pointing_hit(cam, Box(0.625, 0.375, 0.9, 0.9))
    assert not pointing_hit(cam, Box(0.63, 0.3, 0.9, 0.9))
    assert not pointing_hit(cam, Box(0.0, 0.0, 0.6, 0.3), tolerance=0.075)
    assert pointing_hit(cam, Box(0.0, 0.0, 0.6, 0.3), tolerance=0.08)
    assert pointing_hit(cam - 5, WHOLE)  # without positive evidence the map still has a hottest place


def test_the_energy_of_a_flat_map_is_the_area_of_the_box() -> None:
    flat = np.full((4, 4), 2.0, np.float32)
    assert energy_inside(flat, WHOLE) == pytest.approx(1.0)
    assert energy_inside(flat, Box(0.1, 0.2, 0.333, 0.777)) == pytest.approx(0.233 * 0.577, rel=1e-5)


def test_the_energy_leaves_out_what_speaks_against_the_class() -> None:
    cam = np.full((8, 8), -3.0, np.float32)
    assert energy_inside(cam, WHOLE) is None
    cam[:, :4] = 1.0
    assert energy_inside(cam, WHOLE) == pytest.approx(1.0)
    left = energy_inside(cam, Box(0.0, 0.0, 0.5, 1.0))
    assert left is not None
    assert 0.85 < left < 1.0  # smooth enlargement lets some heat over the border
    assert energy_inside(np.full((4, 4), np.nan, np.float32), WHOLE) is None


def test_the_energy_of_a_fine_map_by_counting() -> None:
    rng = np.random.default_rng(3)
    cam = np.maximum(rng.normal(size=(128, 128)), 0).astype(np.float32)
    expected = cam[32:64, 16:128].sum() / cam.sum()
    assert energy_inside(cam, Box(16 / 128, 0.25, 1.0, 0.5)) == pytest.approx(expected, rel=1e-4)


def test_the_blob_lies_in_the_middle() -> None:
    blob = centre_blob()
    assert hottest_point(blob) == (0.5, 0.5)
    np.testing.assert_array_equal(blob, blob[::-1, ::-1])
    np.testing.assert_array_equal(blob, blob.T)
    middle, corner = energy_inside(blob, Box(0.25, 0.25, 0.75, 0.75)), energy_inside(blob, Box(0.0, 0.0, 0.5, 0.5))
    # Within one standard deviation each way lie 68.3 % of a Gaussian, 95.4 % of which is on the map.
    assert middle == pytest.approx((0.6827 / 0.9545) ** 2, abs=0.01)
    assert corner == pytest.approx(0.25, abs=0.005)


def test_the_interval_of_a_rate() -> None:
    # Worked out by hand from Wilson's formula.
    assert wilson_interval(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson_interval(0, 20)[0] == 0.0
    assert wilson_interval(20, 20)[1] == pytest.approx(1.0)
    assert wilson_interval(0, 0) == (0.0, 1.0)
