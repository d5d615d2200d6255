"""Pictures of more than 8 bits, or too large to be held whole: read in strips of rows, averaged, brought to 8 bits.

Which of their values is black and which is white is often not said. ``Range`` chooses: ``tags`` takes what the file
names, else what its values suggest; ``stored`` the range of the type; ``stretched`` all but the darkest and the
brightest thousandth of the values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from resnet_desktop.imaging.deep.limits import MOST_SAMPLED, Range, Seen, limits
from resnet_desktop.imaging.notes import Note

Strip = NDArray[Any]

_NO_VALUE = 1e30  # what is further from zero than this is no measurement
_WORK = 4_000_000  # samples that are averaged at once


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """A picture as its samples, from the top down.

    Attributes:
        size: width and height in pixels.
        strips: arrays ``(rows, width, channels)`` of one type, together as high as the picture; consumed once.
        colours: 1 (grey), 3 (RGB) or 4 (CMYK) channels of colour come first.
        alpha: what the channel after them is: ``straight`` or ``premultiplied``; "" where there is none.
        inverted: whether the least value is white.
        bits: of a sample, where it is a whole number without a sign; else 0.
        named: the values that the file names as black and white.
        no_data: the value that stands for no value.
        profile: an ICC profile.
        white: the largest value of alpha.
        held: bytes that reading the strips takes beside them, at the most.
    """

    size: tuple[int, int]
    strips: Iterable[Strip]
    colours: int = 1
    alpha: Literal["", "straight", "premultiplied"] = ""
    inverted: bool = False
    bits: int = 0
    named: tuple[float, float] | None = None
    no_data: float | None = None
    profile: bytes | None = None
    white: float = 1.0
    held: int = 0


def to_image(samples: Samples, factor: int, wanted: Range) -> tuple[Image.Image, tuple[Note, ...]]:
    """The picture averaged by a whole ``factor``, in 8 bits: mode L, LA, RGB, RGBA or CMYK, its profile in ``info``.

    Raises what the strips raise, and ValueError if they are too few.
    """
    seen = Seen()
    colour, alpha = _averaged(samples, factor, seen)
    black, white, note = limits(seen, wanted, bits=samples.bits, named=samples.named)
    pixels = _eight_bits(colour, black, white)
    del colour
    if samples.inverted:
        np.subtract(255, pixels, out=pixels)
    image = Image.fromarray(pixels[..., 0] if samples.colours == 1 else pixels[..., :3])
    if samples.colours == 4:
        image = Image.frombytes("CMYK", image.size, pixels.tobytes())
    if alpha is not None and samples.colours != 4:
        image.putalpha(Image.fromarray(np.rint(alpha * 255).astype(np.uint8)))
    if samples.profile:
        image.info["icc_profile"] = samples.profile
    notes = [note] if note else []
    if seen.gaps and samples.no_data is not None:
        notes.append(Note("no_data", f"The file marks {samples.no_data:g} as “no data”; those pixels are shown white."))
    return image, tuple(notes)


def _averaged(samples: Samples, factor: int, seen: Seen) -> tuple[Strip, NDArray[np.float32] | None]:
    """Colour ``(rows, columns, colours)`` and weight 0 to 1 ``(rows, columns)`` or None; ``seen`` is filled in."""
    width, height = samples.size
    shape = (-(-height // factor), -(-width // factor))
    colour: Strip | None = None
    weight: NDArray[np.float32] | None = None
    row = 0
    for strip in _grouped(samples.strips, factor, max(1, _WORK // max(1, width))):
        values, weights = _looked_at(strip, samples, seen)
        if factor > 1:
            values, weights = _blocks(values, weights, factor)
        if colour is None:
            colour = np.zeros((*shape, samples.colours), values.dtype)
        rows = min(len(values), shape[0] - row)
        colour[row : row + rows] = values[:rows]
        if weights is not None and weight is None:
            weight = np.ones(shape, np.float32)
        if weight is not None and weights is not None:
            weight[row : row + rows] = weights[:rows]
        row += rows
    if colour is None or row < shape[0]:
        raise ValueError("truncated: rows are missing")
    return colour, weight


def _grouped(strips: Iterable[Strip], factor: int, most: int) -> Iterator[Strip]:
    """The same rows in strips of about ``most``, each but the last a multiple of ``factor`` high."""
    height = max(1, most // factor) * factor
    waiting: list[Strip] = []
    rows = 0
    for strip in strips:
        at = 0
        while at < len(strip):
            piece = strip[at : at + height - rows]
            waiting.append(piece)
            rows += len(piece)
            at += len(piece)
            if rows == height:
                yield waiting[0] if len(waiting) == 1 else np.concatenate(waiting)
                waiting, rows = [], 0
    if waiting:
        yield waiting[0] if len(waiting) == 1 else np.concatenate(waiting)


def _looked_at(strip: Strip, samples: Samples, seen: Seen) -> tuple[Strip, NDArray[np.float32] | None]:
    """The strip's colours, without what is no number, and how much each pixel weighs; their range is noted."""
    values = strip[..., : samples.colours]
    valid: NDArray[Any] | None = None
    if values.dtype.kind == "f":
        values = values.astype(np.float64 if values.dtype.itemsize == 8 else np.float32)
        fine = np.isfinite(values) & (np.abs(values) < _NO_VALUE)
        valid = None if fine.all() else fine
    if samples.no_data is not None:
        given = _differs(values, samples.no_data)
        if not given.all():
            valid = given if valid is None else valid & given
            seen.gaps = True
    known = values if valid is None else values[valid]
    if known.size:
        seen.low, seen.high = min(seen.low, float(known.min())), max(seen.high, float(known.max()))
    if values.dtype.kind == "i":
        seen.whole = float(np.iinfo(values.dtype).max)
    weights: NDArray[Any] | None = None
    if valid is not None:
        values = np.where(valid, values, np.asarray(0).astype(values.dtype))
        if samples.no_data is not None:
            weights = np.asarray(valid.all(axis=-1), np.float32)
    if samples.alpha and strip.shape[-1] > samples.colours:
        alpha = np.clip(strip[..., samples.colours].astype(np.float32) / samples.white, 0, 1).astype(np.float32)
        if samples.alpha == "premultiplied":
            values = values / np.maximum(alpha, np.float32(1e-6))[..., None]
        weights = alpha if weights is None else (weights * alpha).astype(np.float32)
    _sample(seen, values, valid, weights, samples)
    if values.dtype.itemsize > 4 or (values.dtype.kind != "f" and values.dtype.itemsize > 2):
        values = values.astype(np.float64 if seen.high > 1e30 else np.float32)
    return values, weights


def _sample(
    seen: Seen, values: Strip, valid: NDArray[Any] | None, weights: NDArray[np.float32] | None, samples: Samples
) -> None:
    """Keep some of the values that are seen."""
    if 0 < samples.bits <= 8:
        return
    width, height = samples.size
    step = max(1, int(np.sqrt(width * height / MOST_SAMPLED)))
    some = values[::step, ::step]
    shown = np.ones(some.shape, np.bool_) if valid is None else valid[::step, ::step]
    if weights is not None:
        shown = shown & (weights[::step, ::step, None] > 0)
    seen.parts.append(some[shown])


def _differs(values: Strip, other: float) -> NDArray[Any]:
    """Where values are not ``other``, if their type has it at all."""
    if values.dtype.kind != "f":
        limits = np.iinfo(values.dtype)
        if not np.isfinite(other) or other != int(other) or not limits.min <= other <= limits.max:
            return np.ones(values.shape, np.bool_)
    different: NDArray[Any] = values != np.asarray(other).astype(values.dtype)
    return different


def _blocks(
    values: Strip, weights: NDArray[np.float32] | None, factor: int
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """Weighted means of ``factor`` × ``factor`` pixels; those at the right and lower edge may be of fewer."""
    if weights is None:
        return _means(values, factor), None
    weight = _means(weights[..., None], factor)
    means = _means(values * weights[..., None], factor)
    means /= np.maximum(weight, np.float32(1e-6))
    return means, weight[..., 0]


def _means(values: Strip, factor: int) -> NDArray[np.float32]:
    planes = [np.ascontiguousarray(values[..., channel], np.float32) for channel in range(values.shape[2])]
    return np.stack([np.asarray(Image.fromarray(plane).reduce(factor)) for plane in planes], axis=-1)


def _eight_bits(colour: Strip, black: float, white: float) -> NDArray[np.uint8]:
    """uint8 of the same shape, in strips so that little memory is taken."""
    pixels = np.empty(colour.shape, np.uint8)
    step = max(1, _WORK // max(1, colour.shape[1] * colour.shape[2]))
    for top in range(0, len(colour), step):
        part = colour[top : top + step]
        if (black, white) == (0.0, 255.0) and part.dtype == np.uint8:
            pixels[top : top + step] = part
        elif (black, white) == (0.0, 65535.0):
            # the high byte, as Pillow does for 16 bits a channel in colour
            pixels[top : top + step] = np.clip(part, 0, 65535).astype(np.uint16) >> 8
        else:
            scaled = (part.astype(np.float64) - black) * (255.0 / max(white - black, np.finfo(np.float64).tiny))
            pixels[top : top + step] = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    return pixels
