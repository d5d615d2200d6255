"""Whether an image looks like nothing that the model was trained on, by the rule that its bundle carries.

Three rules are known: the largest softmax probability (Hendrycks & Gimpel 2017, arXiv:1610.02136), the free energy of
the logits (Liu et al. 2020, arXiv:2010.03759), and how near the pooled features come to those of the training pictures
(Sun et al. 2022, arXiv:2204.06507; here to prototypes of them, so that the file stays small). A bundle without a rule
never warns.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.core.errors import ModelError

Method = Literal["energy", "max_probability", "prototypes"]

MOST_VALUES = 2**25
"""Numbers in the prototypes of a rule that is believed."""


@dataclass(frozen=True, slots=True, eq=False)
class NoveltyRule:
    """A score that falls for unfamiliar images, and the value under which the app warns.

    Attributes:
        method: ``energy``: the score is ``T * log(sum(exp(logits / T)))``, the negative free energy;
            ``max_probability``: the score is the largest probability that the app shows;
            ``prototypes``: the score is the cosine between the features and the prototype that is nearest to them.
        threshold: an image is unfamiliar when its score is smaller.
        temperature: T of the energy, in the unit of the logits.
        layer: the tensor that ``prototypes`` looks at, ``(n, width)``; None for the other methods.
        prototypes: float32 ``(count, width)``, each of length 1; None for the other methods.
    """

    method: Method
    threshold: float
    temperature: float = 1.0
    layer: str | None = None
    prototypes: NDArray[np.float32] | None = None

    @classmethod
    def from_metadata(cls, fields: Mapping[str, Any] | None) -> NoveltyRule | None:
        """Read the ``novelty`` entry of a bundle; None if it has none.

        Raises:
            ModelError: ``bad_metadata``: an unknown method, a value that is not a finite number in range, or
                prototypes that are none.
        """
        if fields is None:
            return None
        method = fields.get("method")
        if method not in ("energy", "max_probability", "prototypes"):
            raise ModelError("bad_metadata", f"The model's novelty rule has an unknown method: {method!r}.")
        threshold = _number(fields, "threshold")
        if method == "prototypes":
            layer = fields.get("layer")
            if not isinstance(layer, str) or not layer:
                raise ModelError("bad_metadata", "The model's novelty rule names no layer.")
            return cls(method, threshold, layer=layer, prototypes=_prototypes(fields))
        temperature = _number(fields, "temperature") if "temperature" in fields else 1.0
        if temperature <= 0:
            raise ModelError("bad_metadata", "The model's novelty rule has a temperature that is not positive.")
        return cls(method, threshold, temperature)

    def score(
        self,
        logits: NDArray[np.float32],
        probabilities: NDArray[np.float32],
        features: NDArray[np.float32] | None = None,
    ) -> float:
        """The score of one image.

        Args:
            logits: ``(classes,)``, before temperature.
            probabilities: those that are shown, ``(classes,)``.
            features: of ``layer``, ``(width,)``, where the rule looks at one.
        """
        if self.prototypes is not None:
            assert features is not None, "the classifier fetches what the rule looks at"
            return float(similarity(features[None], self.prototypes)[0])
        if self.method == "max_probability":
            return float(probabilities.max())
        scaled = logits.astype(np.float64) / self.temperature
        peak = float(scaled.max())
        return self.temperature * (peak + math.log(float(np.exp(scaled - peak).sum())))

    def unfamiliar(
        self,
        logits: NDArray[np.float32],
        probabilities: NDArray[np.float32],
        features: NDArray[np.float32] | None = None,
    ) -> bool:
        """Whether the app should warn that the image is unlike the training pictures; arguments as for ``score``."""
        return self.score(logits, probabilities, features) < self.threshold


def similarity(features: NDArray[np.float32], prototypes: NDArray[np.float32]) -> NDArray[np.float64]:
    """The cosine between each row of features ``(n, width)`` and the prototype nearest to it, ``(n,)``.

    Features that are all 0 are like nothing: their cosine is 0.
    """
    found: NDArray[np.float64] = (unit_rows(features) @ prototypes.T).max(1).astype(np.float64)
    return found


def unit_rows(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows ``(n, width)`` scaled to length 1; rows of zeros stay."""
    lengths = np.linalg.norm(features.astype(np.float64), axis=1, keepdims=True)
    rows: NDArray[np.float32] = (features / np.maximum(lengths, 1e-30)).astype(np.float32)
    return rows


def pack(prototypes: NDArray[np.float32]) -> dict[str, Any]:
    """Prototypes ``(count, width)`` as a bundle carries them: one byte a number, for only directions count."""
    peaks = np.maximum(np.abs(prototypes).max(1, keepdims=True), 1e-30)
    values = np.rint(prototypes / peaks * 127).astype(np.int8)
    count, width = values.shape
    return {"count": count, "width": width, "values": base64.b64encode(values.tobytes()).decode("ascii")}


def _prototypes(fields: Mapping[str, Any]) -> NDArray[np.float32]:
    count, width, text = (fields.get(key) for key in ("count", "width", "values"))
    if not isinstance(text, str) or not all(type(n) is int and n > 0 for n in (count, width)):
        raise _no_prototypes()
    assert isinstance(count, int)
    assert isinstance(width, int)
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _no_prototypes() from error
    if count * width > MOST_VALUES or len(data) != count * width:
        raise _no_prototypes()
    rows = np.frombuffer(data, np.int8).reshape(count, width).astype(np.float32)
    return unit_rows(rows)


def _no_prototypes() -> ModelError:
    return ModelError("bad_metadata", "The model's novelty rule has no readable prototypes.")


def _number(fields: Mapping[str, Any], key: str) -> float:
    value = fields.get(key)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        with contextlib.suppress(OverflowError):  # JSON has whole numbers of any length
            number = float(value)
            if math.isfinite(number):
                return number
    raise ModelError("bad_metadata", f"The model's novelty rule has a {key} that is not a number in range.")
