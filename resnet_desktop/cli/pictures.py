"""Heatmaps as picture files, and names for them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.imaging.decode import Source, decode, encode_png
from resnet_desktop.imaging.overlay import paint, scale_map
from resnet_desktop.inference.classifier import Classifier

HEATMAP_SIDE = 512
"""The shorter side of heatmap pictures is decoded at this size or larger."""


class Painter:
    """Paints heatmaps over photos, over the part that the network saw.

    Args:
        classifier: what it sees of a photo.
        colormap: one of ``imaging.overlay.COLORMAPS``.
    """

    def __init__(self, classifier: Classifier, colormap: str = "viridis") -> None:
        self._classifier = classifier
        self._colormap = colormap

    def png(self, source: Source, cam: NDArray[np.float32]) -> bytes:
        """The photo with the map ``(h, w)`` over it, as the bytes of a PNG file. Raises ImageError."""
        pixels = decode(source, shorter_side=HEATMAP_SIDE, max_pixels=self._classifier.max_pixels).pixels
        transforms = self._classifier.bundle.metadata.transforms
        box = transforms.seen_box(pixels.shape[1], pixels.shape[0], self._classifier.fit)
        return encode_png(paint(pixels, scale_map(cam).values, box, name=self._colormap))


class FreeNames:
    """Gives each photo of a run a file of its own in a folder.

    Args:
        folder: where the files are to lie.
        kept: files that must not be written over, such as the photos themselves.
    """

    def __init__(self, folder: Path, kept: Iterable[Path] = ()) -> None:
        self._folder = folder
        self._taken = {_key(path) for path in kept}

    def take(self, photo: Path, ending: str) -> Path:
        """The photo's stem with ``ending``; numbered if that is taken (also where case does not count) or the photo."""
        path, number = self._folder / f"{photo.stem}{ending}", 1
        own = _key(photo)
        while (key := _key(path)) in self._taken or key == own:
            number += 1
            path = self._folder / f"{photo.stem}-{number}{ending}"
        self._taken.add(key)
        return path


def _key(path: Path) -> str:
    return os.path.realpath(path).casefold()
