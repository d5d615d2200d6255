"""Structural similarity and rank correlation, against the libraries that define them for everybody."""

from __future__ import annotations

import numpy as np
import pytest

from resnet_desktop.explain.checks.similarity import rank_correlation, ssim


@pytest.mark.parametrize(("shape", "seed"), [((11, 11), 0), ((64, 64), 1), ((40, 23), 2)])
def test_ssim_is_that_of_scikit_image(shape: tuple[int, int], seed: int) -> None:
    metrics = pytest.importorskip("skimage.metrics", reason="the comparison needs scikit-image")
    rng = np.random.default_rng(seed)
    a = rng.random(shape)
    for noise in (0.0, 0.1, 1.0):
        b = np.clip(a + noise * rng.standard_normal(shape), 0, 1)
        expected = metrics.structural_similarity(
            a, b, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        assert ssim(a.astype(np.float32), b.astype(np.float32)) == pytest.approx(expected, abs=1e-5)


def test_ssim_by_hand() -> None:
    flat, brighter = np.full((16, 16), 0.2), np.full((16, 16), 0.6)
    assert ssim(flat, flat) == pytest.approx(1.0)
    # Nothing varies, so that only the means count: (2 · 0.2 · 0.6 + c1) / (0.2² + 0.6² + c1).
    assert ssim(flat, brighter) == pytest.approx((0.24 + 1e-4) / (0.40 + 1e-4))
    ramp = np.tile(np.linspace(0, 1, 32), (32, 1))
    assert ssim(ramp, ramp[:, ::-1]) < 0.0
    assert ssim(ramp, ramp[:, ::-1]) == ssim(ramp[:, ::-1], ramp)


def test_ssim_refuses_what_it_cannot_compare() -> None:
    with pytest.raises(ValueError, match="one shape"):
        ssim(np.zeros((16, 16)), np.zeros((16, 17)))
    with pytest.raises(ValueError, match="11 x 11"):
        ssim(np.zeros((10, 16)), np.zeros((10, 16)))


@pytest.mark.parametrize("levels", [3, 20, 10**6])
def test_rank_correlation_is_that_of_scipy(levels: int) -> None:
    stats = pytest.importorskip("scipy.stats", reason="the comparison needs SciPy")
    rng = np.random.default_rng(levels)
    for _ in range(5):
        a = rng.integers(0, levels, (7, 7)).astype(np.float32)
        b = (a + rng.integers(0, levels, (7, 7))).astype(np.float32)
        expected = stats.spearmanr(a.reshape(-1), b.reshape(-1)).statistic
        assert rank_correlation(a, b) == pytest.approx(expected, abs=1e-12)


def test_rank_correlation_looks_at_order_alone() -> None:
    a = np.random.default_rng(0).standard_normal((4, 4))
    assert rank_correlation(a, np.exp(3 * a)) == pytest.approx(1.0)
    assert rank_correlation(a, -a) == pytest.approx(-1.0)


def test_maps_without_differences() -> None:
    flat, ramp = np.zeros((3, 3)), np.arange(9.0).reshape(3, 3)
    assert rank_correlation(flat, flat + 2) == 1.0
    assert rank_correlation(flat, ramp) == 0.0
    with pytest.raises(ValueError, match="one shape"):
        rank_correlation(flat, np.zeros((3, 4)))
