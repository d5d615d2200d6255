"""Colours that are no sRGB and have no profile: converted where that is simple, else told of."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from resnet_desktop.imaging.decode import decode
from resnet_desktop.imaging.formats.jpegxl import Header, header
from tests.conftest import make_photo
from tests.unit.imaging.test_deep import codes, near
from tests.unit.imaging.test_deep import png as png_of_sixteen_bits

COLOUR = make_photo(60, 44, seed=3)


def saved(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    """As a file without loss."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **({"quality": 100} if kind == "AVIF" else {}))
    return buffer.getvalue()


def with_chunk(png: bytes, name: bytes, data: bytes) -> bytes:
    """A PNG with one more chunk behind its header."""
    chunk = struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return png[:33] + chunk + png[33:]


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ((9, 16), ["colour_space"]),
        ((9, 18), ["colour_space"]),
        ((12, 13), ["colour_space"]),
        ((1, 13), []),
        ((1, 1), []),
    ],
)
def test_code_points_in_png(points: tuple[int, int], said: list[str]) -> None:
    data = with_chunk(saved(COLOUR), b"cICP", bytes([*points, 0, 1]))
    assert codes(decode(data)) == said


def linear(levels: np.ndarray) -> np.ndarray:
    """Light, 0 to 1, of levels of sRGB."""
    share = levels / 255.0
    return np.asarray(np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4))


@pytest.mark.parametrize("exponent", [1.0, 0.55556])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_the_exponent_of_a_png_is_undone(exponent: float, mode: str) -> None:
    expected = np.asarray(Image.fromarray(COLOUR).convert(mode))
    stored = np.rint(linear(expected) ** exponent * 255).astype(np.uint8)
    if mode == "RGBA":
        stored[..., 3] = 255
    decoded = decode(with_chunk(saved(stored), b"gAMA", struct.pack(">I", round(exponent * 100000))))
    bright = expected[..., :3] if mode != "L" else np.repeat(expected[..., None], 3, axis=2)
    assert float(np.abs(decoded.pixels.astype(int) - bright)[bright > 60].max()) <= 5
    assert codes(decoded) == []


def test_an_exponent_with_sixteen_bits() -> None:
    stored = np.rint(linear(COLOUR[..., :1]) * 65535).astype(np.uint16)
    decoded = decode(with_chunk(png_of_sixteen_bits(stored), b"gAMA", struct.pack(">I", 100000)))
    bright = np.repeat(COLOUR[..., :1], 3, axis=2)
    assert float(np.abs(decoded.pixels.astype(int) - bright)[bright > 60].max()) <= 5


def test_the_usual_exponent_changes_nothing() -> None:
    assert near(decode(with_chunk(saved(COLOUR), b"gAMA", struct.pack(">I", 45455))), COLOUR, 0)
    both = with_chunk(with_chunk(saved(COLOUR), b"gAMA", struct.pack(">I", 100000)), b"sRGB", b"\0")
    assert near(decode(both), COLOUR, 0)


@pytest.mark.parametrize(("points", "said"), [((9, 16), ["colour_space"]), ((1, 13), [])])
def test_code_points_in_avif(points: tuple[int, int], said: list[str]) -> None:
    data = saved(COLOUR, "AVIF")
    at = data.find(b"colrnclx") + 8
    assert at > 8
    assert codes(decode(data[:at] + struct.pack(">HH", *points) + data[at + 4 :])) == said


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_wholly_transparent_is_told_of(mode: str) -> None:
    image = Image.fromarray(COLOUR).convert(mode)
    image.putalpha(0)
    assert codes(decode(saved(np.asarray(image)))) == ["transparent"]
    image.putpixel((3, 4), (1, 255) if mode == "LA" else (1, 2, 3, 255))
    assert codes(decode(saved(np.asarray(image)))) == []


def bits(*pairs: tuple[int, int]) -> bytes:
    """Numbers of so many bits each, lowest first, behind the mark of a JPEG XL."""
    value, at = 0, 0
    for number, count in pairs:
        value |= number << at
        at += count
    return b"\xff\x0a" + value.to_bytes(at // 8 + 9, "little")


SIZE = ((0, 1), (0, 2), (43, 9), (0, 3), (0, 2), (59, 9))
DEPTH = ((0, 1), (0, 1), (0, 1), (2, 2), (1, 1), (0, 2), (1, 1))  # not as usual, nothing more, 12 bits, no channel, XYB


def test_the_header_of_a_jpeg_xl() -> None:
    assert header(bits(*SIZE, (1, 1))) == Header(8)
    assert header(bits(*SIZE, *DEPTH, (1, 1))) == Header(12)
    assert header(bits(*SIZE, *DEPTH, (0, 1), (1, 1))) == Header(12, "an ICC profile")
    colours = ((0, 1), (0, 1), (0, 2), (1, 2), (2, 2), (7, 4), (0, 1), (2, 2), (14, 4))  # RGB, D65, 2100, PQ
    assert header(bits(*SIZE, *DEPTH, *colours)) == Header(12, "BT.2100 PQ (HDR)")
    assert header(b"\xff\x0a") == header(b"") == Header()
