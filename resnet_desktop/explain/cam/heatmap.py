"""What is explained and what comes out, and the latter as a file for those who go on computing with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.core.output import opened
from resnet_desktop.explain.cam.target import Target
from resnet_desktop.inference.classifier import Prediction

NO_LAYER = "input"
"""The layer of a map whose method looks at no layer."""


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A photo that is explained.

    Attributes:
        input: what the network saw of it, float32 ``(3, H, W)``.
        prediction: what it said.
    """

    input: NDArray[np.float32]
    prediction: Prediction


@dataclass(frozen=True, slots=True, eq=False)
class Heatmap:
    """The evidence for one class at one layer, on the layer's own grid.

    Attributes:
        cam: float32 ``(h, w)``, before ReLU and before scaling.
        layer: the layer's name, such as ``layer4.2``; ``input`` where the method looks at no layer.
        method: how the map was made, one of ``methods.METHODS``.
        target: the class index whose evidence it is, or those of a group's classes.
        activations: of the layer, float32 ``(C, h, w)``; None where the map is made of several runs.
        gradient: of the score with respect to them, float32 ``(C, h, w)``; may be read-only; None where the method
            needs none.
        against: the class or group that ``target`` is contrasted with, or None; the score is then the difference.
        seconds: what it took.
    """

    cam: NDArray[np.float32]
    layer: str
    method: str
    target: Target
    activations: NDArray[np.float32] | None
    gradient: NDArray[np.float32] | None
    against: Target | None = None
    seconds: float = 0.0

    @property
    def empty(self) -> bool:
        """Whether no cell has positive evidence, so that there is nothing to paint."""
        return not bool((self.cam > 0).any())


def save_map(path: Path, heatmap: Heatmap, logits: NDArray[np.float32]) -> None:
    """Write a raw map as NPZ, whole or not at all.

    It holds ``cam`` (h, w), ``logits`` before temperature and ``target``, an integer, or several for a group;
    ``against`` where the map contrasts two; and ``activations`` and ``gradient`` (C, h, w) where the method has them
    (not where a map is made of many runs).

    Raises:
        StorageError: the folder or the disk refuses.
    """
    arrays: dict[str, NDArray[np.generic]] = {
        "cam": heatmap.cam,
        "logits": logits,
        "target": np.array(heatmap.target, np.int64),
    }
    if heatmap.against is not None:
        arrays["against"] = np.array(heatmap.against, np.int64)
    if heatmap.activations is not None:
        arrays["activations"] = heatmap.activations
    if heatmap.gradient is not None:
        arrays["gradient"] = np.ascontiguousarray(heatmap.gradient)
    with opened(path) as file:
        np.savez(file, allow_pickle=False, **arrays)
