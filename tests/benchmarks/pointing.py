"""Does a heatmap lie on the thing that the photo shows? It is measured against a box drawn by a person.

Two measures: the pointing game (Zhang et al. 2016, arXiv:1608.00507) asks whether the hottest place is inside the box,
the energy-based pointing game (Wang et al. 2020, Score-CAM, arXiv:1910.01279) how much of the heat is. Things lie in
the middle of photos, so that both mean little without the same numbers of a blob in the middle that has seen nothing.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.imaging.heat.overlay import upsample
from resnet_desktop.imaging.transforms import Box

_FINE = 128
"""Cells a side at least, to which a map is enlarged to see how much of it a box covers."""
_Z95 = 1.959963984540054


def box_on_crop(box: Box, seen: Box) -> Box | None:
    """A box in pixels of the photo, as fractions of the square that the network sees; None if it lies outside.

    Args:
        box: left, top, right and bottom edges; for boxes that name their last pixel, that is one more.
        seen: ``Transforms.seen_box`` of the photo.
    """
    left, right = (min(1.0, max(0.0, (x - seen.left) / seen.width)) for x in (box.left, box.right))
    top, bottom = (min(1.0, max(0.0, (y - seen.top) / seen.height)) for y in (box.top, box.bottom))
    return Box(left, top, right, bottom) if right > left and bottom > top else None


def hottest_point(cam: NDArray[np.float32]) -> tuple[float, float]:
    """Where a map ``(h, w)`` is hottest: x and y as fractions of its width and height, in the middle of a cell.

    Smooth enlargement stays between the values of the cells around, so that this is where the enlarged map is hottest
    too. Of equal cells the one nearest to the middle counts, so that a flat map points there and not at a corner.
    """
    height, width = cam.shape
    rows, columns = np.nonzero(cam == cam.max())
    x, y = (columns + 0.5) / width, (rows + 0.5) / height
    nearest = int(np.argmin((x - 0.5) ** 2 + (y - 0.5) ** 2))
    return float(x[nearest]), float(y[nearest])


def pointing_hit(cam: NDArray[np.float32], box: Box, tolerance: float = 0.0) -> bool:
    """Whether the hottest place of a map lies in ``box`` (fractions of what the network sees), its border included.

    Args:
        cam: ``(h, w)``, before ReLU.
        box: from ``box_on_crop``.
        tolerance: how far beside the box still counts, as a fraction of the side. Zhang et al. allow 15 pixels; here
            there is none unless it is asked for, and the numbers in the README are without.
    """
    x, y = hottest_point(cam)
    beside_x = max(box.left - x, 0.0, x - box.right)
    beside_y = max(box.top - y, 0.0, y - box.bottom)
    return math.hypot(beside_x, beside_y) <= tolerance


def energy_inside(cam: NDArray[np.float32], box: Box) -> float | None:
    """The part of a map's positive heat that lies in ``box``, from 0 to 1; None if the map has none.

    The map ``(h, w)`` is enlarged smoothly, as it is shown; a pixel cut by the border counts by its share.
    """
    positive = np.maximum(cam, 0.0)
    width, height = (max(side, _FINE) for side in cam.shape[::-1])
    fine = upsample(positive, (width, height)).astype(np.float64)
    total = fine.sum()
    if not total > 0.0 or not math.isfinite(total):
        return None
    inside = _covered(box.top, box.bottom, height) @ fine @ _covered(box.left, box.right, width)
    return float(inside / total)


def centre_blob(side: int = 17) -> NDArray[np.float32]:
    """A map that knows nothing: a round Gaussian in the middle, a quarter of the side wide (one standard deviation).

    With an odd ``side`` its hottest cell is the very middle.
    """
    place = (np.arange(side) + 0.5) / side - 0.5
    row = np.exp(-0.5 * (place / 0.25) ** 2)
    return np.outer(row, row).astype(np.float32)


def wilson_interval(hits: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of a rate (Wilson 1927, JASA 22, 209-212), as fractions; (0, 1) without trials."""
    if not trials:
        return 0.0, 1.0
    rate, squared = hits / trials, _Z95**2
    middle = rate + squared / (2 * trials)
    reach = _Z95 * math.sqrt(rate * (1 - rate) / trials + squared / (4 * trials**2))
    scale = 1 + squared / trials
    return max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale)


def _covered(start: float, end: float, cells: int) -> NDArray[np.float64]:
    """How much of each of ``cells`` equal parts of 0 to 1 lies between ``start`` and ``end``."""
    edges = np.arange(cells, dtype=np.float64)
    covered: NDArray[np.float64] = np.clip(end * cells - edges, 0.0, 1.0) - np.clip(start * cells - edges, 0.0, 1.0)
    return covered
