"""Every map against its formula, written out term by term in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from resnet_desktop.explain.cam import activation_maps as cams

Maps = tuple[NDArray[np.float32], NDArray[np.float32]]


def _arrays(shape: tuple[int, int, int] = (5, 3, 4), *, seed: int = 0, signed: bool = False) -> Maps:
    """Activations, sparse as behind a ReLU unless signed, and a gradient."""
    rng = np.random.default_rng(seed)
    activations = rng.standard_normal(shape)
    if not signed:
        activations = np.maximum(activations, 0.0)
    return activations.astype(np.float32), (0.1 * rng.standard_normal(shape)).astype(np.float32)


def _sum_of(weights: list[float], activations: NDArray[np.float32]) -> NDArray[np.float64]:
    channels, height, width = activations.shape
    expected = np.zeros((height, width))
    for i in range(height):
        for j in range(width):
            for k in range(channels):
                expected[i, j] += weights[k] * float(activations[k, i, j])
    return expected


def _same(found: NDArray[np.float32], expected: NDArray[np.float64]) -> None:
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("signed", [False, True])
def test_grad_cam(signed: bool) -> None:
    activations, gradient = _arrays(signed=signed)
    weights = [sum(float(g) for g in channel.flat) / channel.size for channel in gradient]
    _same(cams.grad_cam(activations, gradient), _sum_of(weights, activations))


@pytest.mark.parametrize("signed", [False, True])
def test_grad_cam_pp(signed: bool) -> None:
    activations, gradient = _arrays(signed=signed)
    weights = []
    for channel, slopes in zip(activations, gradient, strict=True):
        total = sum(float(a) for a in channel.flat)
        weight = 0.0
        for g in (float(value) for value in slopes.flat):
            alpha = g**2 / (2 * g**2 + total * g**3)
            weight += alpha * max(g, 0.0)
        weights.append(weight)
    _same(cams.grad_cam_pp(activations, gradient), _sum_of(weights, activations))


def test_grad_cam_pp_is_the_general_formula_with_the_derivatives_of_the_exponential() -> None:
    activations, gradient = _arrays(seed=3)
    score = 1.7
    first, second, third = (math.exp(score) * gradient.astype(np.float64) ** power for power in (1, 2, 3))
    alpha = second / (2 * second + activations.sum(axis=(1, 2), keepdims=True) * third)
    weights = (alpha * np.maximum(first, 0)).sum(axis=(1, 2)) / math.exp(score)
    _same(cams.grad_cam_pp(activations, gradient), _sum_of(list(weights), activations))


def test_grad_cam_pp_of_tiny_gradients_does_not_vanish() -> None:
    activations, gradient = _arrays()
    tiny = gradient * np.float32(1e-20)  # its square is 0 in float32
    assert np.abs(cams.grad_cam_pp(activations, tiny)).max() > 0
    assert not cams.grad_cam_pp(activations, np.zeros_like(gradient)).any()


def test_hires_cam() -> None:
    activations, gradient = _arrays()
    expected = np.zeros((3, 4))
    for k, i, j in np.ndindex(activations.shape):
        expected[i, j] += float(gradient[k, i, j]) * float(activations[k, i, j])
    _same(cams.hires_cam(activations, gradient), expected)


def test_xgrad_cam() -> None:
    activations, gradient = _arrays()
    activations[2] = 0.0
    weights = []
    for channel, slopes in zip(activations, gradient, strict=True):
        total = sum(float(a) for a in channel.flat)
        share = [float(a) / total if total else 0.0 for a in channel.flat]
        weights.append(sum(s * float(g) for s, g in zip(share, slopes.flat, strict=True)))
    assert weights[2] == 0.0
    _same(cams.xgrad_cam(activations, gradient), _sum_of(weights, activations))


def test_layer_cam() -> None:
    activations, gradient = _arrays()
    expected = np.zeros((3, 4))
    for k, i, j in np.ndindex(activations.shape):
        if gradient[k, i, j] > 0:
            expected[i, j] += float(gradient[k, i, j]) * float(activations[k, i, j])
    _same(cams.layer_cam(activations, gradient), expected)


def test_where_all_cells_of_a_channel_share_a_gradient_three_methods_agree() -> None:
    activations, gradient = _arrays()
    gradient[:] = gradient[:, :1, :1]  # as in front of a global average pooling
    expected = cams.grad_cam(activations, gradient)
    _same(cams.hires_cam(activations, gradient), expected.astype(np.float64))
    _same(cams.xgrad_cam(activations, gradient), expected.astype(np.float64))


@pytest.mark.parametrize("shape", [(3, 4, 5), (40, 3, 4), (12, 3, 4)])
@pytest.mark.parametrize("signed", [False, True])
def test_eigen_cam(shape: tuple[int, int, int], signed: bool) -> None:
    activations, _ = _arrays(shape, signed=signed)
    cells = activations.reshape(shape[0], -1).T.astype(np.float64)
    _, _, right = np.linalg.svd(cells)
    expected = cells @ right[0]
    if expected @ cells.mean(axis=1) < 0:
        expected = -expected
    found = cams.eigen_cam(activations)
    _same(found, expected.reshape(shape[1:]))
    if not signed:  # what never is negative has a first direction without a sign change
        assert found.min() >= -1e-6
        assert found.max() > 0


@pytest.mark.parametrize("channels", [12, 30])
def test_eigen_cam_where_two_directions_are_nearly_as_strong(channels: int) -> None:
    rng = np.random.default_rng(5)
    left, right = (np.linalg.qr(rng.standard_normal((count, 12)))[0] for count in (channels, 12))
    strength = np.array([1.0, 0.999, *np.linspace(0.5, 0.1, 10)])
    cells = (left * strength) @ right.T
    found = cams.eigen_cam(cells.reshape(channels, 3, 4).astype(np.float32)).reshape(-1)
    assert abs(found @ right[:, 0]) == pytest.approx(1.0, abs=1e-3)
    assert abs(found @ right[:, 1]) < 1e-3


def test_eigen_cam_of_nothing() -> None:
    assert not cams.eigen_cam(np.zeros((4, 2, 2), np.float32)).any()


def test_fused_maps() -> None:
    coarse = np.array([[4.0]], np.float32)
    fine = np.array([[1.0, 2.0], [-3.0, 0.5]], np.float32)
    nothing = np.full((1, 1), -1.0, np.float32)
    np.testing.assert_allclose(cams.fused([fine, nothing]), [[0.5, 1.0], [0.0, 0.25]])
    np.testing.assert_allclose(cams.fused([coarse, fine, nothing]), np.ones((2, 2)))
    assert cams.fused([nothing]).tolist() == [[0.0]]
    with pytest.raises(ValueError, match="empty"):
        cams.fused([])


def test_fused_maps_lie_on_the_finest_grid() -> None:
    ramp = np.tile(np.arange(4, dtype=np.float32), (4, 1))
    dot = np.zeros((8, 8), np.float32)
    dot[0, 0] = 7.0
    found = cams.fused([ramp, dot])
    assert found.shape == (8, 8)
    assert found[0, 0] == found[0, 7] == 1.0
    assert np.all(np.diff(found[4]) >= 0)
    assert np.array_equal(found, cams.fused([dot, ramp]))
