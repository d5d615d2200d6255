"""The predictions of the last few photos, with the activations that their heatmaps need."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resnet_desktop.inference.classifier import Classifier, Prediction
    from resnet_desktop.session.results import Source

KEPT_PREDICTIONS = 32
"""How many are kept (0.4 MB each for a ResNet-50 at 224 pixels)."""


class Recent:
    """Belongs to one classifier and is dropped with it."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        self._kept: OrderedDict[int, Prediction] = OrderedDict()

    def __contains__(self, number: int) -> bool:
        return number in self._kept

    def keep(self, number: int, prediction: Prediction) -> None:
        """Remember the prediction of a photo; those seen longest ago are forgotten."""
        self._kept[number] = prediction
        self._kept.move_to_end(number)
        while len(self._kept) > KEPT_PREDICTIONS:
            self._kept.popitem(last=False)

    def prediction(self, number: int, source: Source) -> Prediction:
        """The prediction of a photo, remembered or made anew. Raises ImageError, ProviderError, ModelError."""
        found = self._kept.get(number)
        if found is None:
            found = self._classifier.classify(source)
        self.keep(number, found)
        return found

    def clear(self) -> None:
        """What the network sees of the photos has changed."""
        self._kept.clear()
