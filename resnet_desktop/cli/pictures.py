"""Heatmaps as picture files, and names for them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.core.output import Identity, identity
from resnet_desktop.imaging.decode import DecodedImage, Source, decode, encode_png
from resnet_desktop.imaging.heat.overlay import paint, scale_map
from resnet_desktop.imaging.transforms import Box
from resnet_desktop.inference.classifier import Classifier

HEATMAP_SIDE = 512
"""The shorter side of heatmap pictures is decoded at this size or larger."""

LONGEST_NAME = 255
"""Bytes of a file's name on the usual file systems."""


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
        seen = self._classifier
        box_of = partial(seen.bundle.metadata.transforms.seen_box, fit=seen.fit)
        read = partial(decode, max_pixels=seen.max_pixels, range=seen.range, page=seen.page)
        return painted(source, cam, box_of, read, self._colormap)


def painted(
    source: Source,
    cam: NDArray[np.float32],
    box_of: Callable[[int, int], Box],
    read: Callable[..., DecodedImage],
    colormap: str = "viridis",
) -> bytes:
    """A photo with a map over it, as the bytes of a PNG file.

    Args:
        source: the photo.
        cam: the map ``(h, w)``.
        box_of: where it lies in the photo, in pixels, at a width and height.
        read: ``imaging.decode.decode`` with the options by which the photo was classified.
        colormap: one of ``imaging.overlay.COLORMAPS``.

    Raises:
        ImageError: the photo cannot be read.
    """
    pixels = read(source, shorter_side=HEATMAP_SIDE).pixels
    box = box_of(pixels.shape[1], pixels.shape[0])
    return encode_png(paint(pixels, scale_map(cam).values, box, name=colormap))


class FreeNames:
    """Gives each photo of a run a file of its own in a folder.

    Args:
        folder: where the files are to lie.
        kept: files that must not be written over, such as the photos themselves.
    """

    def __init__(self, folder: Path, kept: Iterable[Path] = ()) -> None:
        self._folder = folder
        self._taken: set[str] = set()
        self._kept: set[str | Identity | None] = set()
        for path in kept:
            self._kept |= {_key(path), identity(path)}
        self._kept.discard(None)

    def take(self, photo: Path, ending: str) -> Path:
        """The photo's stem with ``ending``; numbered if that is taken (also where case does not count) or is kept.

        A stem that would make too long a name is cut.
        """
        path, number, own = self._named(photo, ending), 1, {_key(photo), identity(photo)} - {None}
        while (key := _key(path)) in self._taken or {key, identity(path)} & (self._kept | own):
            number += 1
            path = self._named(photo, f"-{number}{ending}")
        self._taken.add(key)
        return path

    def _named(self, photo: Path, ending: str) -> Path:
        stem = os.fsencode(photo.stem)
        longest = LONGEST_NAME - len(os.fsencode(ending))
        while len(stem) > longest:
            stem = os.fsencode(os.fsdecode(stem)[:-1])
        return self._folder / f"{os.fsdecode(stem)}{ending}"


def _key(path: Path) -> str:
    return os.path.realpath(path).casefold()
