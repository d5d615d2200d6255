"""What can be told of a picture without a network: its size, brightness, sharpness, and a hash that survives copying.

The hash is the sign of the 128 lowest frequencies of the picture as 32 × 32 grey values: the DCT hash of C. Zauner,
"Implementation and Benchmarking of Perceptual Image Hash Functions" (2010), with more frequencies and zero in the place
of the median. It is computed in whole numbers, so that every machine finds the same bits.

``NEAR`` was chosen on 400 photos and 24,446 small ones (Tiny ImageNet). Of the photos' own copies these lie within it:
recompressed at quality 30, resized to a quarter, brightened 1.4 times, darkened, of more contrast, 1 % cropped off each
side: all; 2 % off each: 99.8 %; 3 %: 97 %; 5 %: 37 % (``python -m tests.benchmarks.scan --photos DIR``). The nearest
two different photos are 41 bits apart; of the 299 million pairs of small ones a single one lies within 26, the same
picture twice, and four more within 28. The better known difference hash of as many bits finds as many copies at a
distance of 20, and there takes 235 pairs for the same.

``NEAR_TURNED``: copies that were mirrored or turned in all seven ways, reduced to 70 % and recompressed at quality 60,
are at most 10 bits from 397 photos of ants and bees, and of 100 small photos all but one in 700 within 16. Of the 2.8
million pairs of 33,334 small photos within their classes, each in seven positions, none is within 16; three are within
22, and one of them at least is by chance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from resnet_desktop.imaging.budget import DecodeBudget
from resnet_desktop.imaging.decode import decode
from resnet_desktop.imaging.source import Source

HASH_BYTES = 16
NEAR = 26
"""Bits of the hash, of 128, by which copies of one picture differ at the most."""
NEAR_TURNED = 16
"""Likewise of copies that are mirrored or turned by right angles: there are seven more ways to be alike by chance."""

_GRID = 32
_SIDE = 128  # pixels of the shorter side at which sharpness is measured, so that a large file is not a sharp one
_DECODE_SIDE = 64
_FLATTEST = 4.0  # grey levels of standard deviation; below it the signs of the frequencies are noise
_TILES = 4
_SCALE = 4096  # of the whole numbers that stand for cosines


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What was measured of one picture.

    Attributes:
        width: of the upright picture, in pixels.
        height: likewise.
        hash: ``HASH_BYTES`` bytes; None for a picture that is of one colour.
        brightness: mean grey value, 0 black to 1 white.
        sharpness: the strength of edges in the sharpest sixteenth against the contrast of the whole; photos have 0.4 to
            4, blurred by a Gaussian of 1 % of the shorter side 0.1 to 0.4, of 2 % under 0.2; 0 for one colour.
    """

    width: int
    height: int
    hash: bytes | None
    brightness: float
    sharpness: float


def fingerprint(source: Source, budget: DecodeBudget | None = None) -> Fingerprint:
    """Decode a picture (at reduced scale where it is large) and measure it. Raises ImageError."""
    picture = decode(source, shorter_side=_DECODE_SIDE, budget=budget)
    return measured(picture.pixels, picture.full_size)


def measured(pixels: NDArray[np.uint8], full_size: tuple[int, int]) -> Fingerprint:
    """Measure decoded pixels, uint8 (height, width, 3); ``full_size`` is the (width, height) to be reported."""
    grey = Image.fromarray(pixels).convert("L")
    values = _at_side(grey)
    contrast = float(values.std())
    return Fingerprint(
        width=full_size[0],
        height=full_size[1],
        hash=_hash(grey) if contrast >= _FLATTEST else None,
        brightness=float(values.mean()) / 255,
        sharpness=_edges(values) / contrast if contrast >= 1 else 0.0,
    )


def turned(hashes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The hashes of pictures as those of the same pictures mirrored and turned by right angles.

    A mirrored picture has the same frequencies with the sign of every other one changed, a transposed one has them in
    other places; so nothing is read again. At most one bit, whose partner lies beyond the lowest 128, is guessed.

    Args:
        hashes: uint8 (n, ``HASH_BYTES``).

    Returns:
        uint8 (8, n, ``HASH_BYTES``); the first are the hashes themselves.
    """
    bits = np.unpackbits(hashes, axis=1)
    rows, columns = np.divmod(_LOWEST, _GRID)
    made = []
    for places in (np.arange(len(_LOWEST)), _TRANSPOSED):
        for odd in (0 * rows, rows, columns, rows + columns):
            made.append(np.packbits(np.take(bits, places, axis=1) ^ (odd % 2).astype(np.uint8), axis=1))
    return np.ascontiguousarray(made)


def _hash(grey: Image.Image) -> bytes:
    values = np.asarray(grey.resize((_GRID, _GRID), Image.Resampling.BOX)).astype(np.int64)
    frequencies = (_COSINES @ values @ _COSINES.T).ravel()[_LOWEST]
    return np.packbits(frequencies > 0).tobytes()


def _at_side(grey: Image.Image) -> NDArray[np.float32]:
    scale = _SIDE / min(grey.size)
    if scale < 1:
        size = (max(1, round(grey.width * scale)), max(1, round(grey.height * scale)))
        grey = grey.resize(size, Image.Resampling.BOX)
    return np.asarray(grey).astype(np.float32)


def _edges(values: NDArray[np.float32]) -> float:
    """The root mean square of the Laplacian in the tile of a 4 × 4 grid where it is largest, in grey levels."""
    padded = np.pad(values, 1, mode="edge")
    edges = padded[1:-1, :-2] + padded[1:-1, 2:] + padded[:-2, 1:-1] + padded[2:, 1:-1] - 4 * values
    height, width = (max(1, side // _TILES) for side in edges.shape)
    tall, wide = min(_TILES, edges.shape[0]) * height, min(_TILES, edges.shape[1]) * width
    tiles = (edges[:tall, :wide] ** 2).reshape(tall // height, height, wide // width, width)
    return float(np.sqrt(tiles.mean((1, 3)).max()))


def _cosines() -> NDArray[np.int64]:
    places = np.arange(_GRID)
    cosines: NDArray[np.int64] = np.rint(np.cos(np.pi * (places + 0.5) * places[:, None] / _GRID) * _SCALE).astype(
        np.int64
    )
    return cosines


def _lowest() -> NDArray[np.intp]:
    """The places of the 128 lowest frequencies but the mean, by the sum of their two wave numbers."""
    rows, columns = np.mgrid[0:_GRID, 0:_GRID]
    order = np.lexsort((rows.ravel(), np.maximum(rows, columns).ravel(), (rows + columns).ravel()))
    lowest: NDArray[np.intp] = order[1 : 1 + 8 * HASH_BYTES]
    return lowest


def _transposed() -> NDArray[np.intp]:
    """For each of the lowest frequencies, which of them has rows and columns exchanged (itself, if none has)."""
    place = {int(frequency): i for i, frequency in enumerate(_LOWEST)}
    return np.array([place.get(f % _GRID * _GRID + f // _GRID, i) for i, f in enumerate(_LOWEST.tolist())])


_COSINES = _cosines()
_LOWEST = _lowest()
_TRANSPOSED = _transposed()
