"""Heatmaps are scaled honestly and lie where the network looked."""

from __future__ import annotations

import numpy as np
import pytest

from resnet_desktop.imaging.heat.overlay import COLORMAPS, colormap, paint, scale_map, upsample
from resnet_desktop.imaging.transforms import Box


@pytest.mark.parametrize("name", COLORMAPS)
def test_colormaps_have_256_colours_and_no_jumps(name: str) -> None:
    table = colormap(name)
    assert table.shape == (256, 3)
    assert table.dtype == np.uint8
    assert not table.flags.writeable
    assert np.abs(np.diff(table.astype(int), axis=0)).max() <= 9
    assert len(np.unique(table, axis=0)) > 240


def test_known_colours() -> None:
    assert colormap("viridis")[[0, 255]].tolist() == [[68, 1, 84], [253, 231, 37]]
    assert colormap("grey")[100].tolist() == [100, 100, 100]
    with pytest.raises(ValueError, match="viridis, inferno"):
        colormap("jet")


def test_only_what_speaks_for_the_class_is_kept() -> None:
    scaled = scale_map(np.array([[-3, 0], [1, 4]], np.float32))
    assert scaled.values.tolist() == [[0, 0], [0.25, 1]]
    assert scaled.values.dtype == np.float32
    assert (scaled.empty, scaled.peak) == (False, 4.0)


@pytest.mark.parametrize("value", [-1.0, 0.0, np.nan, -np.inf, 1e-45])
def test_a_map_without_evidence_is_empty_not_stretched(value: float) -> None:
    scaled = scale_map(np.full((7, 7), value, np.float32))
    assert scaled.empty
    assert scaled.peak == 0.0
    assert not scaled.values.any()


def test_one_bad_cell_spoils_nothing() -> None:
    scaled = scale_map(np.array([[np.nan, np.inf], [2, 1]], np.float32))
    assert scaled.values.tolist() == [[0, 0], [1, 0.5]]


def test_upsampling_is_smooth_or_in_blocks() -> None:
    cells = np.array([[0, 1], [0, 1]], np.float32)
    blocks, smooth = upsample(cells, (8, 4), smooth=False), upsample(cells, (8, 4))
    assert blocks.shape == smooth.shape == (4, 8)
    assert blocks[0].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert (np.diff(smooth[0]) >= 0).all()
    assert smooth[0, 3] == pytest.approx(1 - smooth[0, 4])
    assert len(np.unique(smooth)) > 4


def test_the_heatmap_stays_inside_its_box() -> None:
    photo = np.full((60, 100, 3), 90, np.uint8)
    painted = paint(photo, np.ones((4, 4), np.float32), Box(20.0, 0.0, 80.0, 60.0), opacity=1.0)
    assert (painted[:, :20] == 90).all()
    assert (painted[:, 80:] == 90).all()
    assert (painted[:, 20:80] == colormap("viridis")[255]).all()
    assert (photo == 90).all()


def test_cold_areas_keep_the_photo() -> None:
    photo = np.full((8, 8, 3), 200, np.uint8)
    values = np.zeros((2, 2), np.float32)
    values[0, 0] = 1.0
    painted = paint(photo, values, Box(0, 0, 8, 8), name="grey", opacity=0.5, smooth=False)
    assert (painted[4:] == 200).all()
    assert (painted[:4, :4] == 228).all()
    assert np.array_equal(paint(photo, values, Box(0, 0, 8, 8), opacity=0.0), photo)


def test_a_box_beyond_the_photo_is_cut_not_squeezed() -> None:
    """The whole of a wide photo lies in the middle of the square: the top and bottom rows of cells are padding."""
    values = np.repeat(np.array([[0], [1], [0], [0]], np.float32), 4, axis=1)
    painted = paint(
        np.zeros((50, 100, 3), np.uint8), values, Box(0, -25, 100, 75), opacity=1.0, smooth=False, name="grey"
    )
    assert (painted[:25] == 255).all()
    assert (painted[25:] == 0).all()


@pytest.mark.parametrize("box", [Box(200, 200, 300, 300), Box(10, 10, 10.2, 10.2), Box(-9, -9, -1, -1)])
def test_a_box_that_covers_no_pixel_paints_nothing(box: Box) -> None:
    photo = np.full((50, 50, 3), 7, np.uint8)
    assert np.array_equal(paint(photo, np.ones((3, 3), np.float32), box), photo)
