"""Whether an image looks like nothing that the model was trained on, by the rule that its bundle carries.

Two rules are known: the largest softmax probability (Hendrycks & Gimpel 2017, arXiv:1610.02136) and the free energy of
the logits (Liu et al. 2020, arXiv:2010.03759). A bundle without a rule never warns.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.core.errors import ModelError


@dataclass(frozen=True, slots=True)
class NoveltyRule:
    """A score that falls for unfamiliar images, and the value under which the app warns.

    Attributes:
        method: ``energy``: the score is ``T * log(sum(exp(logits / T)))``, the negative free energy;
            ``max_probability``: the score is the largest probability that the app shows.
        threshold: an image is unfamiliar when its score is smaller.
        temperature: T of the energy, in the unit of the logits.
    """

    method: Literal["energy", "max_probability"]
    threshold: float
    temperature: float = 1.0

    @classmethod
    def from_metadata(cls, fields: Mapping[str, Any] | None) -> NoveltyRule | None:
        """Read the ``novelty`` entry of a bundle; None if it has none.

        Raises:
            ModelError: ``bad_metadata``: an unknown method or a value that is not a finite number in range.
        """
        if fields is None:
            return None
        method = fields.get("method")
        if method not in ("energy", "max_probability"):
            raise ModelError("bad_metadata", f"The model's novelty rule has an unknown method: {method!r}.")
        threshold = _number(fields, "threshold")
        temperature = _number(fields, "temperature") if "temperature" in fields else 1.0
        if temperature <= 0:
            raise ModelError("bad_metadata", "The model's novelty rule has a temperature that is not positive.")
        return cls(method, threshold, temperature)

    def score(self, logits: NDArray[np.float32], probabilities: NDArray[np.float32]) -> float:
        """The score of one image from its logits ``(classes,)`` before temperature and its shown probabilities."""
        if self.method == "max_probability":
            return float(probabilities.max())
        scaled = logits.astype(np.float64) / self.temperature
        peak = float(scaled.max())
        return self.temperature * (peak + math.log(float(np.exp(scaled - peak).sum())))

    def unfamiliar(self, logits: NDArray[np.float32], probabilities: NDArray[np.float32]) -> bool:
        """Whether the app should warn that the image is unlike the training pictures."""
        return self.score(logits, probabilities) < self.threshold


def _number(fields: Mapping[str, Any], key: str) -> float:
    value = fields.get(key)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        with contextlib.suppress(OverflowError):  # JSON has whole numbers of any length
            number = float(value)
            if math.isfinite(number):
                return number
    raise ModelError("bad_metadata", f"The model's novelty rule has a {key} that is not a number in range.")
