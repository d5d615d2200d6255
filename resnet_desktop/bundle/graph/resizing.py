"""Where the cells of a resized grid look: a matrix along each axis, as the ONNX operator Resize defines it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

COORDINATES = ("half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners")
NEAREST = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")


def matrix(size: int, count: int, scale: float, *, mode: str, coordinates: str, nearest: str) -> NDArray[np.float64]:
    """How much each of ``size`` cells adds to each of ``count``: ``(count, size)``; ``scale`` is count / size."""
    at = _coordinates(size, count, scale, coordinates)
    found = np.zeros((count, size))
    rows = np.arange(count)
    if mode == "nearest":
        found[rows, np.clip(_rounded(at, nearest), 0, size - 1)] = 1
        return found
    at = np.clip(at, 0, size - 1)
    low = np.floor(at).astype(int)
    np.add.at(found, (rows, low), 1 - (at - low))
    np.add.at(found, (rows, np.minimum(low + 1, size - 1)), at - low)
    return found


def _coordinates(size: int, count: int, scale: float, mode: str) -> NDArray[np.float64]:
    """Where in the input each cell of the output looks."""
    place = np.arange(count, dtype=np.float64)
    if mode == "align_corners":
        return place * (size - 1) / (count - 1) if count > 1 else place * 0
    if mode == "asymmetric":
        return place / scale
    if mode == "pytorch_half_pixel" and count == 1:
        return place * 0
    return (place + 0.5) / scale - 0.5


def _rounded(at: NDArray[np.float64], mode: str) -> NDArray[np.int64]:
    # As the runtime computes it, in float32: a number that should be whole must not fall below.
    at = at.astype(np.float32).astype(np.float64)
    match mode:
        case "floor":
            found = np.floor(at)
        case "ceil":
            found = np.ceil(at)
        case "round_prefer_ceil":
            found = np.floor(at + 0.5)
        case _:
            found = np.ceil(at - 0.5)
    return found.astype(np.int64)
