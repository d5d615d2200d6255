"""Heatmaps of many photos, each for its best class, at as little cost as the network allows."""

from __future__ import annotations

from resnet_desktop.explain.cam.explainer import Explainer
from resnet_desktop.explain.cam.heatmap import Heatmap
from resnet_desktop.imaging.decode import Source
from resnet_desktop.inference.classifier import Classifier, Prediction


class BestClassHeatmaps:
    """The heatmap of a photo's best class.

    It comes from the run that classified the photo where the model ends in pooling and one linear layer. Elsewhere the
    photo is run again, at the recommended layer, with the first method that works there.

    Args:
        classifier: the model; it keeps activations.

    Raises:
        LayerError: the model has no layer with height and width.
    """

    def __init__(self, classifier: Classifier) -> None:
        self._explainer = Explainer(classifier)
        self._method = None
        if self._explainer.classifier.bundle.features is None:
            self._method = self._explainer.methods(self._explainer.layer(None))[0]

    def __call__(self, source: Source, prediction: Prediction) -> Heatmap:
        """Of one photo. Raises AnswerError, ImageError."""
        if self._method is None:
            return self._explainer.heatmap(prediction, prediction.top.index)
        return self._explainer.explain(self._explainer.subject(source), prediction.top.index, method=self._method)
