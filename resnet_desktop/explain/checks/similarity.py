"""How alike two maps are: structural similarity and rank correlation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SIGMA = 1.5
_RADIUS = 5
_K1, _K2 = 0.01, 0.03


def ssim(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """The mean structural similarity of two maps (h, w) with values from 0 to 1: 1 for equal maps, 0 for strangers.

    Wang et al. 2004 (IEEE Transactions on Image Processing 13, 600-612), equation 13, with the paper's Gaussian window
    (sigma 1.5, 11 × 11 cells) and constants (0.01², 0.03²), averaged over the places where the whole window fits.

    Raises:
        ValueError: the shapes differ, or a side is shorter than the window.
    """
    if a.shape != b.shape or a.ndim != 2 or min(a.shape) < 2 * _RADIUS + 1:
        raise ValueError(f"two maps of one shape, {2 * _RADIUS + 1} x {2 * _RADIUS + 1} at least: {a.shape}, {b.shape}")
    x, y = a.astype(np.float64), b.astype(np.float64)
    mean_x, mean_y = _windowed(x), _windowed(y)
    var_x = _windowed(x * x) - mean_x**2
    var_y = _windowed(y * y) - mean_y**2
    covariance = _windowed(x * y) - mean_x * mean_y
    c1, c2 = _K1**2, _K2**2
    alike = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    alike /= (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    return float(alike.mean())


def rank_correlation(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Spearman's rank correlation of two maps of one shape: 1 where they order their cells alike, -1 where reversed.

    Equal values share the mean of their ranks. A map without differences orders nothing: two such maps are alike (1),
    one beside a map that does order its cells is not (0).

    Raises:
        ValueError: the shapes differ.
    """
    if a.shape != b.shape:
        raise ValueError(f"two maps of one shape, not {a.shape} and {b.shape}")
    x, y = _ranks(a), _ranks(b)
    x -= x.mean()
    y -= y.mean()
    norm_x, norm_y = float(np.sqrt(x @ x)), float(np.sqrt(y @ y))
    if not norm_x or not norm_y:
        return float(norm_x == norm_y)
    return float(np.clip((x @ y) / (norm_x * norm_y), -1.0, 1.0))


def _ranks(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """The rank of each value, flat, from 0; equal ones share the mean of theirs."""
    _, group, count = np.unique(values.reshape(-1), return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    ranks: NDArray[np.float64] = (last - (count + 1) / 2.0)[group.reshape(-1)]
    return ranks


def _windowed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weighted mean around each place where the whole window fits."""
    offsets = np.arange(-_RADIUS, _RADIUS + 1)
    weights = np.exp(-(offsets**2) / (2 * _SIGMA**2))
    weights /= weights.sum()
    rows = np.lib.stride_tricks.sliding_window_view(values, 2 * _RADIUS + 1, axis=0) @ weights
    smooth: NDArray[np.float64] = np.lib.stride_tricks.sliding_window_view(rows, 2 * _RADIUS + 1, axis=1) @ weights
    return smooth
