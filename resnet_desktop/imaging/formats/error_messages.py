"""What goes wrong while a picture is decoded, in words: every error of a decoder becomes an ImageError."""

from __future__ import annotations

import contextlib
import re
import struct
import warnings
import zlib
from collections.abc import Iterator

from PIL import Image

from resnet_desktop.core.errors import ImageError
from resnet_desktop.imaging import container
from resnet_desktop.imaging.container import Kind
from resnet_desktop.imaging.formats.science import MissingDecoderError
from resnet_desktop.imaging.source import OpenSource, read_error

_DECODER_MODULES = re.compile(r"PIL\.|pi_heif")
_EXTRA = "Install the “science” extra (pip install 'resnet-desktop[science]'), or save the picture as JPEG or PNG."

# What Pillow's readers are known to raise on damaged content. Named one by one: an error that is not among them is
# ours, and must be seen.
DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    AssertionError,
    EOFError,
    RuntimeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


class UnsupportedError(Exception):
    """A picture is sound, as far as can be seen, but of a kind that is not read; the text names it: "a … picture"."""


@contextlib.contextmanager
def in_words(file: OpenSource, kind: Kind) -> Iterator[None]:
    """Turn whatever a decoder raises on ``file`` into an ImageError."""
    try:
        yield
    except MemoryError as error:
        raise ImageError("read_failed", f"Not enough memory to decode {file.name}.") from error
    except UnsupportedError as error:
        message = f"{file.name} is {error}, which is not supported."
        raise ImageError("unsupported_image", message, "Save it as JPEG or PNG.") from error
    except MissingDecoderError as error:
        message = f"{file.name} contains {error}, and the library for that is not installed."
        raise ImageError("decoder_missing", message, _EXTRA) from error
    except Image.DecompressionBombError as error:
        raise ImageError("too_many_pixels", f"{file.name} would decompress to far too many pixels.") from error
    except DECODER_ERRORS as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise read_error(file.name, error) from error
        raise _diagnosis(file, kind, error) from error


def no_decoder(kind: Kind, name: str) -> ImageError:
    """The error where what reads ``kind`` is missing."""
    message = f"{name} is a {kind.title} picture, and the library for that format is not installed."
    hint = f"Install {kind.plugin}, or save the picture as JPEG."
    return ImageError("decoder_missing", message, _EXTRA if kind is container.JXL else hint)


def ignore_decoder_warnings() -> None:
    """Keep Pillow's remarks on odd metadata off standard error; checked anew, as others may reset the filters.

    Not warnings.catch_warnings: it swaps state that all threads share.
    """
    if not any(entry[3] == _DECODER_MODULES for entry in warnings.filters):
        warnings.filterwarnings("ignore", module=_DECODER_MODULES.pattern)


def _diagnosis(file: OpenSource, kind: Kind, error: Exception) -> ImageError:
    short = "truncated" in str(error).lower()
    with contextlib.suppress(OSError, ValueError, struct.error):
        short = short or container.is_cut_short(kind, file.stream, file.size)
    if short:
        message = f"{file.name} is incomplete: the end of the file is missing."
        return ImageError("truncated_image", message, "Copy or download it again.")
    return ImageError("damaged_image", f"{file.name} is damaged: it starts like a {kind.title} but cannot be decoded.")
