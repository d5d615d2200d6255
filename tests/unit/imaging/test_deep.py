"""Pictures of more than 8 bits: the right values where they can be known, else a note."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from resnet_desktop.core.errors import ImageError
from resnet_desktop.imaging.decode import DecodedImage, Range, decode, probe_size
from tests.conftest import make_photo

Array = NDArray[Any]
COLOUR = make_photo(60, 44, seed=3)
GREY = np.asarray(Image.fromarray(COLOUR).convert("L"))


def tiff(array: Array, **options: Any) -> bytes:
    """An array as a TIFF file."""
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, **({"photometric": "rgb" if array.ndim == 3 else "minisblack"} | options))
    return buffer.getvalue()


def png(array: Array) -> bytes:
    """A uint16 array as a PNG file of 16 bits a channel."""
    height, width, channels = array.shape

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in array)
    head = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def codes(image: DecodedImage) -> list[str]:
    """Of its notes."""
    for note in image.notes:
        assert note.message.endswith(".")
    return [note.code for note in image.notes]


def near(image: DecodedImage, expected: Array, tolerance: int = 1) -> bool:
    """Whether no level differs by more than ``tolerance``; grey is compared with all three channels."""
    expected = expected if expected.ndim == 3 else np.repeat(expected[..., None], 3, axis=2)
    return int(np.abs(image.pixels.astype(int) - expected).max()) <= tolerance


def scaled(levels: Array, white: float, dtype: type[np.generic]) -> Array:
    """8-bit levels as numbers up to ``white``."""
    values = levels * (white / 255.0)
    return (values if np.dtype(dtype).kind == "f" else np.rint(values)).astype(dtype)


@pytest.mark.parametrize(
    ("dtype", "white", "said"),
    [
        (np.uint16, 65535, []),
        (np.uint16, 4095, ["range_assumed"]),
        (np.uint16, 1023, ["range_assumed"]),
        (np.uint16, 255, ["range_assumed"]),
        (np.uint32, 2**32 - 1, []),
        (np.uint32, 65535, []),
        (np.int32, 65535, []),
        (np.float32, 1, []),
        (np.float32, 255, []),
        (np.float32, 4095, ["range_assumed"]),
        (np.float32, 65535, []),
        (np.float16, 1, []),
        (np.float64, 1, []),
        (np.float64, 255, []),
    ],
)
@pytest.mark.parametrize("levels", [GREY, COLOUR], ids=["grey", "rgb"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_every_type_is_scaled_by_what_its_values_suggest(
    levels: Array, dtype: type[np.generic], white: float, said: list[str], order: str
) -> None:
    levels = levels.copy()
    levels[0, 0] = 255
    decoded = decode(tiff(scaled(levels, white, dtype), byteorder=order))
    assert near(decoded, levels)
    assert codes(decoded) == said
    assert decoded.full_size == (60, 44)


@pytest.mark.parametrize(
    ("dtype", "white"), [(np.uint16, 65535), (np.uint32, 2**32 - 1), (np.float32, 1), (np.float32, 65535)]
)
def test_white_is_zero(dtype: type[np.generic], white: float) -> None:
    levels = GREY.copy()
    levels[0, 0] = 255
    assert near(decode(tiff(scaled(levels, white, dtype), photometric="miniswhite")), 255 - levels)


def test_numbers_with_a_sign_do_not_wrap_round() -> None:
    values = GREY.astype(np.int16) - 128
    for dtype in (np.int8, np.int16, np.int32):
        decoded = decode(tiff(values.astype(dtype)))
        low, high = int(values.min()), int(values.max())
        assert near(decoded, (values - low) * 255.0 / (high - low))
        assert codes(decoded) == ["range_stretched"]


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "zlib"},
        {"compression": "zlib", "predictor": True},
        {"tile": (16, 16)},
        {"tile": (32, 16), "compression": "zlib", "predictor": True},
        {"rowsperstrip": 5},
        {"planarconfig": "separate"},
        {"bigtiff": True},
        {"compression": "packbits"},
    ],
    ids=str,
)
@pytest.mark.parametrize(("dtype", "white"), [(np.uint16, 65535), (np.float32, 1)])
def test_every_layout_holds_the_same_picture(options: dict[str, Any], dtype: type[np.generic], white: float) -> None:
    levels = COLOUR.copy()
    levels[0, 0] = 255
    given = scaled(levels, white, dtype)
    if options.get("planarconfig"):
        given = np.ascontiguousarray(given.transpose(2, 0, 1))
    if options.get("compression") == "packbits" or (options.get("predictor") and white == 1):
        pytest.importorskip("imagecodecs")
    assert near(decode(tiff(given, **options)), levels)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_packed_sixteen_bits(compression: str) -> None:
    """As Pillow writes them, through libtiff."""
    values = GREY.astype(np.uint16) * 257
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "TIFF", compression=compression)
    assert near(decode(buffer.getvalue()), GREY)


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_packed_bits(bits: int) -> None:
    values = scaled(GREY, (1 << bits) - 1, np.uint16)
    rows = np.unpackbits(values.astype(">u2").view(np.uint8).reshape(*GREY.shape, 2), axis=2)[..., 16 - bits :]
    data = np.packbits(rows.reshape(GREY.shape[0], -1), axis=1).tobytes()
    tags = {256: GREY.shape[1], 257: GREY.shape[0], 258: bits, 259: 1, 262: 1, 273: 8, 277: 1, 278: 44, 279: len(data)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    at = struct.pack("<I", 8 + len(data))
    file = b"II\x2a\0" + at + data + struct.pack("<H", len(tags)) + entries + bytes(4)
    decoded = decode(file)
    assert near(decoded, GREY)
    assert codes(decoded) == []


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize(("white", "said"), [(65535, []), (4095, ["range_assumed"]), (16000, ["range_narrow"])])
def test_png_of_sixteen_bits(channels: int, white: int, said: list[str]) -> None:
    levels = COLOUR if channels > 2 else GREY[..., None]
    levels = levels.copy()
    levels[0, 0] = 255
    values = scaled(levels, white, np.uint16)
    if channels in (2, 4):
        values = np.concatenate([values, np.full((*GREY.shape, 1), 65535, np.uint16)], axis=2)
    decoded = decode(png(values))
    expected = levels if said != ["range_narrow"] else levels * (white / 65535)
    assert near(decoded, np.broadcast_to(expected, COLOUR.shape))
    assert codes(decoded) == said
    stored = decode(png(values), range="stored")
    assert near(stored, np.broadcast_to(levels * (white / 65535), COLOUR.shape))
    assert codes(stored) == []


@pytest.mark.parametrize("wanted", ["stored", "stretched", "tags"])
def test_the_range_can_be_chosen(wanted: Range) -> None:
    values = (1000 + GREY.astype(np.uint16) * 4).astype(np.uint16)
    decoded = decode(tiff(values), range=wanted)
    low, high = np.percentile(values, (0.1, 99.9))
    black, white = {"stored": (0, 65535), "stretched": (low, high), "tags": (0, 4095)}[wanted]
    assert near(decoded, np.clip((values - black) * 255.0 / (white - black), 0, 255))


def test_the_range_of_eight_bits_is_no_question() -> None:
    dark = GREY // 16
    for wanted in ("stored", "stretched", "tags"):
        assert near(decode(tiff(dark), range=wanted), dark, 0)


@pytest.mark.parametrize(
    "options",
    [
        {"extratags": [(341, 3, 1, 3000, True)]},
        {"extratags": [(281, 3, 1, 3000, True), (280, 3, 1, 0, True)]},
        {"imagej": True, "metadata": {"min": 0.0, "max": 3000.0}},
    ],
    ids=["SMaxSampleValue", "MaxSampleValue", "ImageJ"],
)
def test_the_range_that_the_file_names(options: dict[str, Any]) -> None:
    levels = GREY.copy()
    levels[0, 0] = 255
    options = dict(options)
    if options.get("imagej"):
        options.pop("photometric", None)
    decoded = decode(tiff(scaled(levels, 3000, np.uint16), **options))
    assert codes(decoded) == ["range_from_tags"]
    assert near(decoded, levels)


@pytest.mark.parametrize("missing", [-9999.0, 65535.0])
def test_what_has_no_value_is_left_out_of_the_range(missing: float) -> None:
    levels = GREY.copy()
    levels[0, 0] = 255
    values = scaled(levels, 4095, np.float32 if missing < 0 else np.uint16)
    values[10:20, 10:20] = missing
    decoded = decode(tiff(values, extratags=[(42113, 2, 0, f"{missing:g}", True)]))
    levels[10:20, 10:20] = 255
    assert near(decoded, levels)
    assert codes(decoded) == ["range_assumed", "no_data"]


def test_reduced_scale_averages_before_it_rounds() -> None:
    photo = np.asarray(Image.fromarray(make_photo(403, 301)).convert("L"))
    values = scaled(photo, 4095, np.uint16)
    decoded = decode(tiff(values), shorter_side=20)
    box = (0, 0, 80.6, 60.2)
    expected = np.asarray(Image.fromarray(photo).reduce(5).resize((81, 60), Image.Resampling.BICUBIC, box))
    assert decoded.full_size == (403, 301)
    assert decoded.pixels.shape == (60, 81, 3)
    assert float(np.abs(decoded.pixels[..., 0].astype(int) - expected).mean()) < 1


def test_deep_alpha_lies_over_white() -> None:
    values = np.zeros((30, 30, 4), np.uint16)
    values[..., 0], values[..., 3] = 65535, 32768
    decoded = decode(tiff(values, extrasamples=["unassalpha"]))
    assert near(decoded, np.broadcast_to([255, 127, 127], (30, 30, 3)))


def test_many_channels() -> None:
    values = np.random.default_rng(1).integers(0, 65536, (20, 20, 7), np.uint16)
    decoded = decode(tiff(values, photometric="minisblack", planarconfig="contig"))
    assert codes(decoded) == ["more_channels"]
    assert near(decoded, values[..., 0] >> 8)


@pytest.mark.parametrize(
    ("header", "dtype", "white"),
    [
        (b"P5\n# camera\n60 44\n4095\n", ">u2", 4095),
        (b"P5 60 44 1023\n", ">u2", 1023),
        (b"P6\n60 44\n65535\n", ">u2", 65535),
        (b"P6\n60 44\n100\n", "u1", 100),
        (b"P6\n60 44\n255\n", "u1", 255),
        (b"P5\n60 44\n255\n", "u1", 255),
    ],
)
def test_pnm(header: bytes, dtype: str, white: int) -> None:
    levels = COLOUR if header[1:2] == b"6" else GREY
    data = header + np.rint(levels * (white / 255)).astype(dtype).tobytes()
    decoded = decode(data)
    assert near(decoded, levels, 2)
    assert probe_size(data) == decoded.full_size == (60, 44)
    with pytest.raises(ImageError, match="is incomplete"):
        decode(data[:-100])


@pytest.mark.parametrize("header", [b"Pf\n60 44\n-1.0\n", b"PF\n60 44\n1.0\n"])
def test_pfm(header: bytes) -> None:
    levels = COLOUR if header[1:2] == b"F" else GREY
    order = "<f4" if b"-1" in header else ">f4"
    assert near(decode(header + (levels[::-1] / 255).astype(order).tobytes()), levels)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_deep_tiffs_come_upright(orientation: int) -> None:
    plain = tiff(COLOUR, extratags=[(274, 3, 1, orientation, True)])
    deep = tiff(COLOUR.astype(np.uint16) * 257, extratags=[(274, 3, 1, orientation, True)])
    assert near(decode(deep), decode(plain).pixels, 0)
    assert probe_size(deep) == decode(deep).full_size == probe_size(plain)
