"""What training changed: where two models look in the same photo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.explain.explainer import Explainer
from resnet_desktop.imaging.decode import Source, decode, thumbnail
from resnet_desktop.imaging.overlay import paint, scale_map, upsample
from resnet_desktop.imaging.transforms import Box
from resnet_desktop.inference.classifier import ClassScore

_LOST, _GAINED = np.array((60, 130, 200), np.float32), np.array((224, 130, 40), np.float32)
"""Blue and orange are told apart by all common kinds of colour vision."""


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """A photo as two models see it, each with its best class at its recommended layer.

    Attributes:
        before: the best class of the first model.
        after: that of the second.
        overlay_before: the photo with the first model's heatmap, uint8 ``(height, width, 3)``.
        overlay_after: the same with the second's.
        difference: the photo in grey, orange where the second map is hotter, blue where it is colder.
        moved: the mean absolute difference of the two scaled maps over the photo, 0 to 1.
    """

    before: ClassScore
    after: ClassScore
    overlay_before: NDArray[np.uint8]
    overlay_after: NDArray[np.uint8]
    difference: NDArray[np.uint8]
    moved: float


def compare(first: Explainer, second: Explainer, source: Source, side: int = 420) -> Change:
    """Compare two models on one photo, shown with a longer side of at most ``side`` pixels.

    Raises:
        ImageError: the photo cannot be read.
        LayerError: one of the models has no heatmap.
    """
    photo = thumbnail(decode(source, shorter_side=side), side)
    looks = [_look(explainer, source, photo) for explainer in (first, second)]
    (before, painted_before, map_before), (after, painted_after, map_after) = looks
    change = map_after - map_before
    return Change(before, after, painted_before, painted_after, _coloured(photo, change), float(np.abs(change).mean()))


def _look(
    explainer: Explainer, source: Source, photo: NDArray[np.uint8]
) -> tuple[ClassScore, NDArray[np.uint8], NDArray[np.float32]]:
    subject = explainer.subject(source)
    prediction = subject.prediction
    heatmap = explainer.explain(subject, prediction.top.index)
    values = scale_map(heatmap.cam).values
    classifier = explainer.classifier
    seen = classifier.bundle.metadata.transforms.seen_box(*prediction.full_size, classifier.fit)
    scale = photo.shape[1] / prediction.full_size[0]
    box = Box(seen.left * scale, seen.top * scale, seen.right * scale, seen.bottom * scale)
    return prediction.top, paint(photo, values, box), _on_photo(values, box, photo.shape[:2])


def _on_photo(values: NDArray[np.float32], box: Box, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The map at every pixel of the photo, 0 where the network did not see it."""
    left, top = round(box.left), round(box.top)
    width, height = max(1, round(box.width)), max(1, round(box.height))
    enlarged = upsample(values, (width, height))
    result = np.zeros(shape[:2], np.float32)
    x, y = max(0, left), max(0, top)
    piece = enlarged[y - top : shape[0] - top, x - left : shape[1] - left]
    result[y : y + piece.shape[0], x : x + piece.shape[1]] = piece
    return result


def _coloured(photo: NDArray[np.uint8], change: NDArray[np.float32]) -> NDArray[np.uint8]:
    grey = photo.astype(np.float32).mean(axis=2, keepdims=True) * 0.6 + 60
    strength = np.clip(np.abs(change), 0, 1)[..., None] * 0.85
    colour = np.where(change[..., None] > 0, _GAINED, _LOST)
    mixed: NDArray[np.uint8] = np.clip(grey * (1 - strength) + colour * strength, 0, 255).astype(np.uint8)
    return mixed
