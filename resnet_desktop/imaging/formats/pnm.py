"""Netpbm's pictures of more than 8 bits, as industrial cameras write them: PGM and PPM with their own maximum, PFM."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.imaging.deep.samples import Samples

_SPACE = rb"(?:\s|#[^\n\r]*[\n\r])+"
_HEADER = re.compile(rb"P([56fF])" + _SPACE + rb"(\d{1,9})" + _SPACE + rb"(\d{1,9})" + _SPACE + rb"([-+\d.eE]{1,20})\s")
_MOST_HEADER = 4096
_PIECE = 4 << 20


def samples_of(file: BinaryIO) -> Samples | None:
    """The samples of a binary picture with a maximum other than 255, or of floats; None: Pillow reads it as it is.

    The strips read on from ``file`` and raise ValueError where it ends too soon.
    """
    file.seek(0)
    found = _HEADER.match(file.read(_MOST_HEADER))
    if found is None:
        return None
    kind, width, height = found[1], int(found[2]), int(found[3])
    colours = 3 if kind in (b"6", b"F") else 1
    try:
        maximum = float(found[4])
    except ValueError:
        return None
    if kind in (b"f", b"F"):
        dtype = np.dtype("<f4" if maximum < 0 else ">f4")
        strips = _strips(file, found.end(), (width, height, colours), dtype, upward=True)
        return Samples((width, height), strips, colours)
    if not 0 < maximum <= 65535 or maximum == 255:
        return None
    whole = np.dtype(">u2" if maximum > 255 else "u1")
    strips = _strips(file, found.end(), (width, height, colours), whole, upward=False)
    return Samples((width, height), strips, colours, bits=8 * whole.itemsize, named=(0.0, maximum))


def _strips(
    file: BinaryIO, start: int, shape: tuple[int, int, int], dtype: np.dtype[Any], *, upward: bool
) -> Iterator[NDArray[Any]]:
    width, height, channels = shape
    row = width * channels * dtype.itemsize
    step = max(1, _PIECE // max(1, row))
    for top in range(0, height, step):
        rows = min(step, height - top)
        file.seek(start + row * (height - top - rows if upward else top))
        data = file.read(rows * row)
        if len(data) < rows * row:
            raise ValueError("truncated in its rows")
        values = np.frombuffer(data, dtype).astype(dtype.newbyteorder("=")).reshape(rows, width, channels)
        yield values[::-1] if upward else values
