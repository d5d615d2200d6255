"""Where a model looks in a photo, ready to be shown, and what training changed in that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.explain.cam.explainer import Explainer
from resnet_desktop.imaging.decode import Source, decode, thumbnail
from resnet_desktop.imaging.heat.overlay import paint, scale_map, upsample
from resnet_desktop.imaging.transforms import Box
from resnet_desktop.inference.classifier import ClassScore

LOST, GAINED = (60, 130, 200), (224, 130, 40)
"""Red, green, blue of what there was before and of what is new: all common kinds of colour vision tell them apart."""
OPACITY = 0.65
"""Of the hottest place: these pictures are small, and nobody sets their opacity."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A photo as one model sees it.

    Attributes:
        score: the class whose evidence is shown, and its probability.
        said: the model's best class.
        layer: where it was looked.
        empty: nothing in the photo speaks for the class.
        photo: the photo, uint8 ``(height, width, 3)``.
        overlay: the same with the heatmap.
        values: the heatmap at every pixel of the photo, float32 ``(height, width)`` from 0 to 1; 0 where the network
            did not see it.
    """

    score: ClassScore
    said: ClassScore
    layer: str
    empty: bool
    photo: NDArray[np.uint8]
    overlay: NDArray[np.uint8]
    values: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """A photo as two models see it.

    Attributes:
        before: the class that was looked for with the first model.
        after: that of the second.
        overlay_before: the photo with the first model's heatmap, uint8 ``(height, width, 3)``.
        overlay_after: the same with the second's.
        difference: the photo in grey, orange where the second map is hotter, blue where it is colder.
        moved: the mean absolute difference of the two scaled maps over the photo, 0 to 1.
        looks: the first model's look, and the second's.
    """

    before: ClassScore
    after: ClassScore
    overlay_before: NDArray[np.uint8]
    overlay_after: NDArray[np.uint8]
    difference: NDArray[np.uint8]
    moved: float
    looks: tuple[Look, Look]


def compare(
    first: Explainer,
    second: Explainer,
    source: Source,
    side: int = 420,
    *,
    targets: tuple[int | None, int | None] = (None, None),
    layers: tuple[str | None, str | None] = (None, None),
    check: Callable[[], object] = lambda: None,
) -> Change:
    """Compare two models on one photo, shown with a longer side of at most ``side`` pixels.

    Where one of them finds nothing at its recommended layer, both look at their last one: there the cells of the map
    add up to the class's score, so that something speaks for a class that wins by its features.

    Args:
        first: the model before.
        second: the model after.
        source: the photo.
        side: in pixels.
        targets: the class index that is looked for with each; None is its best.
        layers: where it is looked in each; None is its recommended layer.
        check: called between two looks; what it raises ends the work.

    Raises:
        ImageError: the photo cannot be read.
        LayerError: one of the models has no heatmap, or no such layer.
        IndexError: one of them has no such class.
        ModelError, ProviderError: one of them does not run (any more).
    """
    photo = thumbnail(decode(source, shorter_side=side, range=first.classifier.range), side)

    def looks(layers: tuple[str | None, str | None]) -> tuple[Look, Look]:
        before = _look(first, source, photo, targets[0], layers[0])
        check()  # the first look of a model takes about a second: its graph is built
        return before, _look(second, source, photo, targets[1], layers[1])

    before, after = looks(layers)
    if layers == (None, None) and (before.empty or after.empty):
        before, after = looks((first.layers[-1].name, second.layers[-1].name))
    return _changed(before, after)


def _changed(before: Look, after: Look) -> Change:
    """What is different between two looks at one photo of one size."""
    change = after.values - before.values
    return Change(
        before=before.score,
        after=after.score,
        overlay_before=before.overlay,
        overlay_after=after.overlay,
        difference=_coloured(after.photo, change),
        moved=float(np.abs(change).mean()),
        looks=(before, after),
    )


def look(
    explainer: Explainer, source: Source, side: int = 420, *, target: int | None = None, layer: str | None = None
) -> Look:
    """One photo as one model sees it; arguments and errors as for ``compare``."""
    photo = thumbnail(decode(source, shorter_side=side, range=explainer.classifier.range), side)
    seen = _look(explainer, source, photo, target, layer)
    if seen.empty and layer is None:
        return _look(explainer, source, photo, target, explainer.layers[-1].name)
    return seen


def _look(
    explainer: Explainer, source: Source, photo: NDArray[np.uint8], target: int | None, layer: str | None
) -> Look:
    subject = explainer.subject(source)
    prediction, classifier = subject.prediction, explainer.classifier
    index = prediction.top.index if target is None else target
    heatmap = explainer.explain(subject, index, layer=layer)
    scaled = scale_map(heatmap.cam)
    box = classifier.bundle.metadata.transforms.seen_box(*prediction.full_size, classifier.fit)
    scale = photo.shape[1] / prediction.full_size[0]
    box = Box(box.left * scale, box.top * scale, box.right * scale, box.bottom * scale)
    label = classifier.bundle.metadata.categories[index]
    return Look(
        score=ClassScore(index, label, float(prediction.probabilities[index])),
        said=prediction.top,
        layer=heatmap.layer,
        empty=scaled.empty,
        photo=photo,
        overlay=paint(photo, scaled.values, box, opacity=OPACITY),
        values=_on_photo(scaled.values, box, photo.shape[:2]),
    )


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
    colour = np.where(change[..., None] > 0, np.array(GAINED, np.float32), np.array(LOST, np.float32))
    mixed: NDArray[np.uint8] = np.clip(grey * (1 - strength) + colour * strength, 0, 255).astype(np.uint8)
    return mixed
