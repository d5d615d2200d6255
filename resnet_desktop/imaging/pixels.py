"""From Pillow's images to NumPy's arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# In one piece Pillow packs an image into small byte strings and joins them to a second copy, and for a large image the
# system must find fresh pages for both. A band of this many RGB pixels stays below the size (128 KiB) from which the C
# library asks the system for memory anew each time: two to five times as fast. Small images are faster in one piece.
_BAND_PIXELS = 40_000
_SMALL_PIXELS = 400_000


def to_array(image: Image.Image) -> NDArray[np.uint8]:
    """An RGB image as a uint8 array (height, width, 3), C-contiguous, not writable (threads share it)."""
    width, height = image.size
    if width * height <= _SMALL_PIXELS:
        return np.asarray(image)
    pixels = np.empty((height, width, 3), np.uint8)
    rows = max(1, _BAND_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        pixels[top:bottom] = np.asarray(image.crop((0, top, width, bottom)))
    pixels.flags.writeable = False
    return pixels
