"""Photos that look alike to the network: the angle between their features in front of the last layer.

The features come from the run that classifies a photo, so that finding costs no further one. A network whose head is
more than pooling and one layer gives none; there the logits stand in for them, less their mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from resnet_desktop.inference.classifier import Prediction

MOST = 200
"""So many are found at most."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """A photo by its number in the list, and the cosine of the angle between its features and what is looked for."""

    number: int
    cosine: float


class Features:
    """The features of the photos that one model has seen; 2 to 4 KB for each."""

    def __init__(self) -> None:
        self._kept: dict[int, NDArray[np.float16]] = {}

    def __contains__(self, number: int) -> bool:
        return number in self._kept

    def add(self, number: int, prediction: Prediction) -> None:
        """Remember those of a photo."""
        maps = prediction.activations
        if maps is not None:
            found = maps.mean(axis=(1, 2), dtype=np.float32)
        else:
            found = prediction.logits - prediction.logits.mean()
        length = float(np.linalg.norm(found))
        self._kept[number] = (found / length if length > 0 else found).astype(np.float16)

    def clear(self) -> None:
        """The network sees something else of the photos now."""
        self._kept.clear()

    def near(self, wanted: Iterable[int], among: Sequence[int]) -> tuple[Likeness, ...]:
        """The photos nearest to ``wanted`` (to their mean direction) of those ``among``, the nearest first.

        Photos without features are passed over, and so are the wanted ones.
        """
        own = set(wanted)
        vectors = [self._kept[number] for number in own if number in self._kept]
        others = [number for number in among if number in self._kept and number not in own]
        if not vectors or not others:
            return ()
        middle = np.mean(np.stack(vectors).astype(np.float32), axis=0)
        middle /= max(float(np.linalg.norm(middle)), 1e-12)
        cosines = np.stack([self._kept[number] for number in others]).astype(np.float32) @ middle
        order = np.argsort(-cosines, kind="stable")[:MOST]
        return tuple(Likeness(others[place], float(np.clip(cosines[place], -1, 1))) for place in order)
