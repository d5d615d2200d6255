"""Sound pictures of unusual kinds: read, with a note on what is left out, or refused with the true reason."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from resnet_desktop.core.errors import ImageError
from resnet_desktop.imaging.decode import decode
from tests.conftest import make_photo
from tests.unit.imaging.test_deep import Array, codes, near, tiff

COLOUR = make_photo(60, 44, seed=3)


def refused(data: bytes) -> ImageError:
    """The error that reading ends with."""
    with pytest.raises(ImageError) as caught:
        decode(data)
    return caught.value


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("channels", [5, 7, 8])
def test_eight_bits_in_many_channels(channels: int, planar: str) -> None:
    values = np.dstack([COLOUR, *[COLOUR[..., 0]] * (channels - 3)])
    if planar == "separate":
        values = np.ascontiguousarray(values.transpose(2, 0, 1))
    decoded = decode(tiff(values, planarconfig=planar))
    assert codes(decoded) == ["more_channels"]
    assert near(decoded, COLOUR, 0)


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_grey_in_many_channels(channels: int) -> None:
    values = np.dstack([COLOUR[..., 0]] * channels)
    decoded = decode(tiff(values, photometric="minisblack", planarconfig="contig"))
    assert codes(decoded) == ["more_channels"]
    assert near(decoded, COLOUR[..., 0], 0)


@pytest.mark.parametrize("alpha", ["unassalpha", "assocalpha"])
def test_alpha_is_no_further_channel(alpha: str) -> None:
    values = np.dstack([COLOUR, np.full(COLOUR.shape[:2], 255, np.uint8)])
    decoded = decode(tiff(values, extrasamples=[alpha]))
    assert codes(decoded) == []
    assert near(decoded, COLOUR, 1)


def test_eight_bits_that_stand_for_no_value() -> None:
    values = COLOUR[..., 0].copy()
    values[:10] = 0
    decoded = decode(tiff(values, extratags=[(42113, 2, 0, "0", True)]))
    assert codes(decoded) == ["no_data"]
    assert decoded.pixels[:10].min() == 255
    assert near(decoded, np.where(values == 0, 255, values), 0)


def stored(bits: int, photometric: int, compression: int, kind: int = 1) -> bytes:
    """A TIFF whose tags say this."""
    data = bytes(4000)
    tags = {256: 8, 257: 8, 258: bits, 259: compression, 262: photometric, 273: 8, 277: 1, 278: 8, 279: 4000, 339: kind}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II\x2a\0" + struct.pack("<I", 8 + len(data)) + data + struct.pack("<H", len(tags)) + entries + bytes(4)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (stored(5, 1, 1), "5 bits"),
        (stored(16, 8, 8), "Lab"),
        (stored(32, 8, 1, 3), "floating-point"),
        (stored(8, 1, 65000), "compression 65000"),
        (stored(8, 2, 33004), "JPEG 2000"),
        (stored(12, 6, 7), "12 bits each, YCbCr, with JPEG compression"),
    ],
)
def test_what_is_not_supported_is_not_called_damaged(data: bytes, words: str) -> None:
    error = refused(data)
    assert error.code == "unsupported_image"
    assert words in error.message


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"8BPS\0\1", "a Photoshop picture"),
        (bytes(128) + b"DICM", "a DICOM picture"),
        (b"\x76\x2f\x31\x01", "an OpenEXR picture"),
        (b"SIMPLE  =                    T", "a FITS picture"),
        (b"qoif", "a QOI picture"),
        (b"%PDF-1.7", "a PDF document"),
    ],
)
def test_known_formats_that_are_not_read(head: bytes, words: str) -> None:
    error = refused(head + bytes(300))
    assert error.code == "unsupported_image"
    assert words in error.message
    assert "Supported formats" in (error.hint or "")


def test_a_png_inside_a_tiff() -> None:
    buffer = io.BytesIO()
    Image.fromarray(COLOUR).save(buffer, "PNG")
    assert near(decode(wrapped(buffer.getvalue(), 34933)), COLOUR, 0)


@pytest.mark.parametrize("compression", [33005, 34712])
def test_a_jpeg_2000_inside_a_tiff(compression: int) -> None:
    buffer = io.BytesIO()
    Image.fromarray(COLOUR).save(buffer, "JPEG2000", irreversible=False)
    assert near(decode(wrapped(buffer.getvalue(), compression)), COLOUR, 0)


def test_a_slide_in_jpeg_2000_holds_luma_and_chroma() -> None:
    """As Aperio's scanners write them."""
    buffer = io.BytesIO()
    ycc = Image.fromarray(COLOUR).convert("YCbCr")
    Image.frombytes("RGB", ycc.size, ycc.tobytes()).save(buffer, "JPEG2000", irreversible=False, no_jp2=True)
    assert near(decode(wrapped(buffer.getvalue(), 33003, photometric=6)), COLOUR, 4)


def wrapped(data: bytes, compression: int, photometric: int = 2) -> bytes:
    """A TIFF whose one strip is another picture file."""
    start = 8
    data += b"\0" * (len(data) % 2)
    tags = {
        256: (4, COLOUR.shape[1]),
        257: (4, COLOUR.shape[0]),
        258: (3, 8),
        259: (4, compression),
        262: (3, photometric),
        273: (4, start),
        277: (3, 3),
        278: (4, COLOUR.shape[0]),
        279: (4, len(data)),
    }
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, (kind, value) in tags.items())
    head = b"II\x2a\0" + struct.pack("<I", start + len(data))
    return head + data + struct.pack("<H", len(tags)) + entries + bytes(4)


def test_a_header_without_a_picture() -> None:
    assert refused(b"II*\0" + bytes(20)).code == "truncated_image"


def test_a_jpeg_2000_of_many_channels() -> None:
    buffer = io.BytesIO()
    Image.fromarray(COLOUR).save(buffer, "JPEG2000", no_jp2=True)
    data = bytearray(buffer.getvalue())
    data[40:42] = (5).to_bytes(2, "big")
    error = refused(bytes(data))
    assert (error.code, "5 channels" in error.message) == ("unsupported_image", True)


def test_an_animation_in_jpeg_xl() -> None:
    codecs = pytest.importorskip("imagecodecs")
    frames: Array = np.stack([COLOUR, 255 - COLOUR])
    data = bytes(codecs.jpegxl_encode(frames, lossless=True))
    assert codes(decode(data)) == ["more_pages"]
    assert near(decode(data), COLOUR, 0)
    assert near(decode(data, page=2), 255 - COLOUR, 0)
    with pytest.raises(ImageError, match="2 pages"):
        decode(data, page=3)


@pytest.mark.parametrize("compression", ["jpegxr", "jpegxl"])
def test_pictures_inside_a_tiff_that_an_extra_reads(compression: str) -> None:
    pytest.importorskip("imagecodecs")
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, COLOUR, photometric="rgb", compression=compression)
    assert near(decode(buffer.getvalue()), COLOUR, 12)
