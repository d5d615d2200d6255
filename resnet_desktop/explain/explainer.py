"""Heatmaps: where the network found its evidence for a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.bundle.bundle import FeatureLayer
from resnet_desktop.core.errors import LayerError
from resnet_desktop.explain.cam import closed_form, closed_form_weights
from resnet_desktop.inference.classifier import Classifier, Prediction

Method = Literal["gradcam"]


@dataclass(frozen=True, slots=True, eq=False)
class Heatmap:
    """The evidence for one class at one layer, on the layer's own grid.

    Attributes:
        cam: float32 ``(h, w)``, before ReLU and before scaling.
        layer: the layer's name, such as ``layer4.2``.
        method: how the map was made.
        target: the class index whose evidence it is.
        activations: of the layer, float32 ``(C, h, w)``.
        gradient: of logit ``target`` with respect to them, float32 ``(C, h, w)``; may be read-only.
    """

    cam: NDArray[np.float32]
    layer: str
    method: Method
    target: int
    activations: NDArray[np.float32]
    gradient: NDArray[np.float32]

    @property
    def empty(self) -> bool:
        """Whether no cell has positive evidence, so that there is nothing to paint."""
        return not bool((self.cam > 0).any())


class Explainer:
    """Explains the predictions of one classifier."""

    def __init__(self, classifier: Classifier) -> None:
        self.classifier = classifier

    @property
    def features(self) -> FeatureLayer | None:
        """The last stage, where a heatmap costs nothing; None if the network does not end in pooling and one layer."""
        return self.classifier.bundle.features

    def heatmap(self, prediction: Prediction, target: int) -> Heatmap:
        """Grad-CAM at the last stage for class ``target``, from the same run as the prediction.

        Raises:
            LayerError: ``no_closed_form``: the network does not end in pooling and one linear layer, or the prediction
                was made without keeping activations.
            IndexError: there is no such class.
        """
        features = self.features
        if features is None:
            message = "This model does not end in average pooling and one linear layer, so it has no direct heatmap."
            raise LayerError("no_closed_form", message)
        if prediction.activations is None:
            raise LayerError("no_closed_form", "This prediction was made without keeping what its heatmap needs.")
        weights = closed_form_weights(features, target)
        return Heatmap(
            cam=closed_form(features, prediction.activations, target),
            layer=features.layer,
            method="gradcam",
            target=target,
            activations=prediction.activations,
            gradient=np.broadcast_to(weights[:, None, None], prediction.activations.shape),
        )
