"""From activations and gradients to a class activation map.

Throughout, A are the activations of one layer for one image, float32 ``(C, h, w)``, and g is the gradient of the
explained score S with respect to them, of the same shape; k counts channels, i and j cells. S is the logit of a class,
or the difference of two logits. Every map is ``(h, w)``, not scaled, and before the ReLU that its paper ends with, so
that evidence against the class can be seen too; a ReLU inside a formula is part of the map and is said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.bundle.file.bundle import FeatureLayer
from resnet_desktop.imaging.heat.overlay import scale_map, upsample

Array = NDArray[np.float32]

_MOST_STEPS = 100
_SETTLED = 1e-7


def grad_cam(activations: Array, gradient: Array) -> Array:
    """Grad-CAM, Selvaraju et al. 2017 (arXiv:1610.02391), equations 1 and 2 without the ReLU.

    ``w_k = mean_ij g_kij``, shape ``(C,)``; ``cam_ij = sum_k w_k A_kij``.
    """
    return _weighted(gradient.mean(axis=(1, 2)), activations)


def grad_cam_pp(activations: Array, gradient: Array) -> Array:
    """Grad-CAM++, Chattopadhay et al. 2018 (arXiv:1710.11063), for the score ``Y = exp(S)`` that the paper assumes.

    With Y = exp(S), whose derivatives are exp(S) times powers of g, the paper's alphas become
    ``alpha_kij = g_kij² / (2 g_kij² + (sum_ab A_kab) g_kij³)``, shape ``(C, h, w)``, and the weights
    ``w_k = sum_ij alpha_kij ReLU(exp(S) g_kij)``; ``cam_ij = sum_k w_k A_kij``. The ReLU on the gradient is part of the
    formula. The factor exp(S) is the same everywhere and is left out: it would overflow, and scaling removes it.
    Where g or the denominator is 0, so is alpha.
    """
    # Divided through by g², which would underflow for the small gradients of early layers.
    below = 2.0 + activations.sum(axis=(1, 2), keepdims=True) * gradient
    counts = (gradient > 0) & (below != 0)
    weights = np.divide(gradient, below, out=np.zeros_like(gradient), where=counts).sum(axis=(1, 2))
    return _weighted(weights, activations)


def hires_cam(activations: Array, gradient: Array) -> Array:
    """HiResCAM, Draelos and Carin 2020 (arXiv:2011.08891): ``cam_ij = sum_k g_kij A_kij``.

    No averaging over cells: where only linear layers follow, each cell is its exact contribution to S.
    """
    return np.asarray(np.einsum("kij,kij->ij", gradient, activations), np.float32)


def xgrad_cam(activations: Array, gradient: Array) -> Array:
    """XGrad-CAM, Fu et al. 2020 (arXiv:2008.02312).

    ``w_k = sum_ij (A_kij / sum_ab A_kab) g_kij``, shape ``(C,)``; ``cam_ij = sum_k w_k A_kij``. A channel whose
    activations sum to 0 has no weight.
    """
    total = activations.sum(axis=(1, 2))
    weighted = np.einsum("kij,kij->k", activations, gradient)
    weights = np.divide(weighted, total, out=np.zeros_like(total), where=total != 0)
    return _weighted(weights, activations)


def layer_cam(activations: Array, gradient: Array) -> Array:
    """LayerCAM, Jiang et al. 2021 (doi 10.1109/TIP.2021.3089943): ``cam_ij = sum_k ReLU(g_kij) A_kij``.

    The ReLU on the gradient is part of the formula.
    """
    return np.asarray(np.einsum("kij,kij->ij", np.maximum(gradient, 0.0), activations), np.float32)


def eigen_cam(activations: Array) -> Array:
    """EigenCAM, Muhammad and Yeasin 2020 (arXiv:2008.00299): what varies most in this layer, of whatever class.

    With O the activations as a matrix ``(h·w, C)`` and its decomposition ``O = U Σ Vᵀ``, ``cam = O v_1``, shape
    ``(h·w,)``; as in the paper, O is not centred. A singular vector has no sign: the one is taken with which the map
    points the way of the mean activation of the cells (their inner product is not negative).
    """
    channels, height, width = activations.shape
    cells = np.nan_to_num(activations.reshape(channels, -1).astype(np.float64), posinf=0.0, neginf=0.0)
    cam = _first_direction(cells) @ cells
    if cam @ cells.mean(axis=0) < 0:
        cam = -cam
    return np.asarray(cam.reshape(height, width), np.float32)


def _first_direction(cells: NDArray[np.float64]) -> NDArray[np.float64]:
    """The first left singular vector ``(C,)`` of ``cells``, ``(C, n)``.

    By power iteration: activations have one direction far above the others, so that it takes a dozen small steps, where
    a decomposition takes long whenever other programs want the processor. Where two directions are nearly as strong it
    does not settle, and the decomposition is made.
    """
    direction = np.random.default_rng(0).standard_normal(len(cells))
    direction /= np.linalg.norm(direction)
    for _ in range(_MOST_STEPS):
        grown = cells @ (direction @ cells)
        size = np.linalg.norm(grown)
        if not size:
            return grown
        before, direction = direction, grown / size
        if np.linalg.norm(direction - before) < _SETTLED:
            return direction
    if len(cells) <= cells.shape[1]:  # the smaller one of the two squares
        return np.asarray(np.linalg.eigh(cells @ cells.T).eigenvectors[:, -1])
    direction = cells @ np.linalg.eigh(cells.T @ cells).eigenvectors[:, -1]
    return np.asarray(direction / np.linalg.norm(direction))


def fused(maps: Sequence[Array]) -> Array:
    """Maps of several depths in one: each through ReLU, peak scaled to 1, resampled to the finest grid; their maximum.

    After the fusion of LayerCAM (Jiang et al. 2021, section III), which besides lifts the small values of the early
    maps by a tanh; here every depth counts alike. Float32 from 0 to 1, of the shape of the largest map; a map without
    positive evidence adds nothing.

    Raises:
        ValueError: there is no map.
    """
    height, width = max((cam.shape for cam in maps), key=lambda shape: shape[0] * shape[1])
    scaled = [upsample(scale_map(cam).values, (width, height)) for cam in maps]
    return np.asarray(np.max(scaled, axis=0), np.float32)


GRADIENT_MAPS: dict[str, Callable[[Array, Array], Array]] = {
    "gradcam": grad_cam,
    "gradcam++": grad_cam_pp,
    "hirescam": hires_cam,
    "xgradcam": xgrad_cam,
    "layercam": layer_cam,
}
"""The methods that need one run of activations and gradient, by their names in ``methods``."""


def closed_form_weights(features: FeatureLayer, seed: Array) -> Array:
    """The gradient of a score with respect to every cell of each last-stage channel, float32 ``(C,)``.

    Behind the last stage come only the mean over h x w cells and one linear layer W, so that the gradient is
    ``(seed · W)[k] / (h * w)`` in every cell of channel k: no backward pass is needed.

    Args:
        features: the last stage of the model and the linear layer behind it.
        seed: the gradient of the score with respect to the logits, float32 ``(classes,)``; of one logit, 1 there.
    """
    used = np.flatnonzero(seed)
    weights = seed[used] @ features.fc_weight[used]
    return np.asarray(weights / (features.height * features.width), np.float32)


def closed_form(features: FeatureLayer, activations: Array, seed: Array) -> Array:
    """Grad-CAM of a score at the last stage, before ReLU and scaling.

    Selvaraju et al. 2017 (arXiv:1610.02391), equations 1 and 2: the weight of a channel is the mean of its gradient
    over the cells, which here is the same number in all of them. At this layer it equals CAM (Zhou et al. 2016,
    arXiv:1512.04150) up to the factor 1 / (h * w).

    Args:
        features: the last stage of the model and the linear layer behind it.
        activations: of one image, float32 ``(C, h, w)``.
        seed: as for ``closed_form_weights``.

    Returns:
        float32 ``(h, w)``; for one class its sum is the logit without the bias.

    Raises:
        ValueError: the activations are not of this layer.
    """
    shape = (features.channels, features.height, features.width)
    if activations.shape != shape:
        raise ValueError(f"the activations of {features.layer} have the shape {shape}, not {activations.shape}")
    return _weighted(closed_form_weights(features, seed), activations)


def _weighted(weights: Array, activations: Array) -> Array:
    """``sum_k w_k A_kij``."""
    return np.asarray(np.tensordot(weights, activations, axes=1), np.float32)
