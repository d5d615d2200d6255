"""What only imagecodecs can read, where it is installed (the extra ``science``): JPEG XL, JPEG of 12 bits, LERC."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.core.text.error_text import error_text

_DECODERS = {  # the function, what says whether it is there, what it reads
    "jpegxl": ("jpegxl_decode", "JPEGXL", "a JPEG XL picture"),
    "jpeg": ("jpeg_decode", "JPEG8", "a JPEG of 12 bits"),
    "jpeg2000": ("jpeg2k_decode", "JPEG2K", "a JPEG 2000 picture"),
    "jpegxr": ("jpegxr_decode", "JPEGXR", "a JPEG XR picture"),
    "lerc": ("lerc_decode", "LERC", "a LERC picture"),
}


class MissingDecoderError(Exception):
    """imagecodecs is not installed, or lacks this decoder; the text names what it would have read."""


def decode(name: str, data: bytes) -> NDArray[Any]:
    """Decode one picture: (height, width) or (height, width, channels).

    Raises:
        MissingDecoderError: as it says.
        ValueError: the data is damaged.
    """
    function, codec, title = _DECODERS[name]
    try:
        codecs = importlib.import_module("imagecodecs")
    except ImportError as error:
        raise MissingDecoderError(title) from error
    if not getattr(codecs, codec).available:
        raise MissingDecoderError(title)
    try:
        return np.asarray(getattr(codecs, function)(data))
    except RuntimeError as error:  # all errors of imagecodecs are of this kind
        raise ValueError(f"cannot be decoded: {error_text(error)}") from error
