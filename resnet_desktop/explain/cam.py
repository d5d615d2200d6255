"""From activations and gradients to a class activation map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.bundle.bundle import FeatureLayer


def closed_form_weights(features: FeatureLayer, target: int) -> NDArray[np.float32]:
    """The gradient of logit ``target`` with respect to every cell of each last-stage channel, float32 ``(C,)``.

    Behind the last stage come only the mean over h x w cells and one linear layer W, so that the gradient is
    ``W[target, k] / (h * w)`` in every cell of channel k: no backward pass is needed.

    Raises:
        IndexError: there is no such class.
    """
    if not 0 <= target < len(features.fc_weight):
        raise IndexError(f"there is no class {target} among {len(features.fc_weight)}")
    cells = features.height * features.width
    return np.asarray(features.fc_weight[target] / cells, np.float32)


def closed_form(features: FeatureLayer, activations: NDArray[np.float32], target: int) -> NDArray[np.float32]:
    """Grad-CAM of logit ``target`` at the last stage, before ReLU and scaling.

    Selvaraju et al. 2017 (arXiv:1610.02391), equations 1 and 2: the weight of a channel is the mean of its gradient
    over the cells, which here is the same number in all of them. At this layer it equals CAM (Zhou et al. 2016,
    arXiv:1512.04150) up to the factor 1 / (h * w).

    Args:
        features: the last stage of the model and the linear layer behind it.
        activations: of one image, float32 ``(C, h, w)``.
        target: a class index.

    Returns:
        float32 ``(h, w)``; its sum is the logit without the bias.

    Raises:
        ValueError: the activations are not of this layer.
        IndexError: there is no such class.
    """
    shape = (features.channels, features.height, features.width)
    if activations.shape != shape:
        raise ValueError(f"the activations of {features.layer} have the shape {shape}, not {activations.shape}")
    weights = closed_form_weights(features, target)
    return np.asarray(np.tensordot(weights, activations, axes=1), np.float32)
