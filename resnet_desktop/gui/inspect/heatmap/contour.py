"""Reading a map: the line around its hottest places, and the value at one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GRID = 112
"""Cells along the longer side in which a smooth contour is traced."""

# Marching squares: for each pattern of corners that are inside (1 top left, 2 top right, 4 bottom right, 8 bottom
# left), the pairs of edges (0 top, 1 right, 2 bottom, 3 left) that a line joins. In the two saddles (5 and 10) the
# inside corners are kept apart.
_SEGMENTS = {
    1: ((3, 0),),
    2: ((0, 1),),
    3: ((3, 1),),
    4: ((1, 2),),
    5: ((3, 0), (1, 2)),
    6: ((0, 2),),
    7: ((3, 2),),
    8: ((2, 3),),
    9: ((2, 0),),
    10: ((0, 1), (2, 3)),
    11: ((2, 1),),
    12: ((1, 3),),
    13: ((1, 0),),
    14: ((0, 3),),
}


def contour_lines(values: NDArray[np.float32], threshold: float, *, smooth: bool = True) -> tuple[QLineF, ...]:
    """The line at ``threshold`` (0 to 1) around the hot places of a map (h, w), as fractions of its width and height.

    Traced by marching squares (Lorensen and Cline 1987, in two dimensions) on the map as it is shown; in the map's own
    cells it follows their edges.
    """
    import numpy as np

    from resnet_desktop.imaging.heat.overlay import upsample

    height, width = values.shape
    if not smooth:
        return _cell_edges(values >= threshold)
    scale = max(1, GRID // max(height, width))
    grid = upsample(values, (width * scale, height * scale))
    padded = np.pad(grid, 1, constant_values=-1.0)  # so that lines close at the border
    inside = padded >= threshold
    pattern = inside[:-1, :-1] * 1 + inside[:-1, 1:] * 2 + inside[1:, 1:] * 4 + inside[1:, :-1] * 8
    lines: list[QLineF] = []
    for row, column in np.argwhere((pattern > 0) & (pattern < 15)):
        corners = padded[row : row + 2, column : column + 2]
        for first, second in _SEGMENTS[int(pattern[row, column])]:
            ends = [_crossing(edge, corners, threshold) for edge in (first, second)]
            # Padded sample (r, c) is the middle of cell (r - 1, c - 1); its place as a fraction of the whole:
            points = [((column + x - 0.5) / grid.shape[1], (row + y - 0.5) / grid.shape[0]) for x, y in ends]
            lines.append(QLineF(*_clamped(points[0]), *_clamped(points[1])))
    return tuple(lines)


def value_at(values: NDArray[np.float32], x: float, y: float, *, smooth: bool = True) -> float:
    """The value of a map (h, w) at a place given as fractions of its width and height, as it is shown."""
    import numpy as np

    height, width = values.shape
    if not smooth:
        return float(values[min(int(y * height), height - 1), min(int(x * width), width - 1)])
    row, column = np.clip(y * height - 0.5, 0, height - 1), np.clip(x * width - 0.5, 0, width - 1)
    top, left = int(row), int(column)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    down, across = row - top, column - left
    upper = values[top, left] * (1 - across) + values[top, right] * across
    lower = values[bottom, left] * (1 - across) + values[bottom, right] * across
    return float(upper * (1 - down) + lower * down)


def _crossing(edge: int, corners: NDArray[np.float32], threshold: float) -> tuple[float, float]:
    """Where the line crosses an edge of a square whose corners have these values (2, 2), in its own coordinates."""
    pairs = {0: ((0, 0), (0, 1)), 1: ((0, 1), (1, 1)), 2: ((1, 0), (1, 1)), 3: ((0, 0), (1, 0))}
    start, end = pairs[edge]
    low, high = float(corners[start]), float(corners[end])
    share = 0.5 if low == high else min(max((threshold - low) / (high - low), 0.0), 1.0)
    y, x = (a + share * (b - a) for a, b in zip(start, end, strict=True))
    return x, y


def _clamped(point: tuple[float, float]) -> tuple[float, float]:
    return min(max(point[0], 0.0), 1.0), min(max(point[1], 0.0), 1.0)


def _cell_edges(inside: NDArray[np.bool_]) -> tuple[QLineF, ...]:
    import numpy as np

    height, width = inside.shape
    padded = np.pad(inside, 1)
    lines = [
        QLineF(x / width, y / height, (x + 1) / width, y / height)
        for y, x in np.argwhere(padded[:-1, 1:-1] != padded[1:, 1:-1])
    ]
    lines += [
        QLineF(x / width, y / height, x / width, (y + 1) / height)
        for y, x in np.argwhere(padded[1:-1, :-1] != padded[1:-1, 1:])
    ]
    return tuple(lines)
