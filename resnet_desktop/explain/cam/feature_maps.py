"""Feature maps: what single channels of a layer answer to in a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.explain.cam.target import Target


@dataclass(frozen=True, slots=True, eq=False)
class FeatureSheet:
    """A layer's feature maps for one picture, those that speak most for a class first.

    Attributes:
        layer: the layer's name.
        target: the class index, or those of a group's classes.
        channels: int64 ``(n,)``: which channels these are.
        maps: their activations as they are, float32 ``(n, h, w)``.
        weights: float32 ``(n,)``: each channel's part in the class's logit, to first order; negative ones speak
            against the class.
    """

    layer: str
    target: Target
    channels: NDArray[np.int64]
    maps: NDArray[np.float32]
    weights: NDArray[np.float32]


def strongest(
    layer: str, target: Target, activations: NDArray[np.float32], gradient: NDArray[np.float32], count: int
) -> FeatureSheet:
    """The ``count`` channels with the greatest sums over cells of gradient × activation.

    In a first-order expansion of the logit around a silent layer that sum is the channel's share (gradient × input:
    Shrikumar et al. 2016, arXiv:1605.01713).

    Args:
        layer: the layer's name.
        target: the class index whose logit it is.
        activations: of the layer, float32 ``(C, h, w)``.
        gradient: of the logit with respect to them, float32 ``(C, h, w)``.
        count: how many at most.
    """
    weights = np.einsum("chw,chw->c", activations, gradient, dtype=np.float64)
    # A stable sort, so that equal channels come in the network's order.
    order = np.argsort(-weights, kind="stable")[:count]
    return FeatureSheet(
        layer=layer,
        target=target,
        channels=order.astype(np.int64),
        maps=np.array(activations[order], np.float32),
        weights=weights[order].astype(np.float32),
    )
