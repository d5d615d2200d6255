"""Pictures of more than 8 bits that use a small part of their range, or some pixels of which lie far outside of it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from resnet_desktop.imaging.decode import decode
from tests.conftest import make_photo
from tests.unit.imaging.test_deep import Array, codes, near, png, tiff

PHOTO = make_photo(120, 90, seed=5)
DARK, BRIGHT = np.percentile(PHOTO, (2, 98), axis=(0, 1))
COLOUR = np.clip((PHOTO - DARK) / (BRIGHT - DARK) * 255, 0, 255).astype(np.uint8)  # uses its range
GREY = COLOUR[..., 1]
TWELVE = COLOUR.astype(np.uint16) * 16


def with_hot_pixel() -> Array:
    """12 bits in 16, one pixel full."""
    values: Array = TWELVE.copy()
    values[40, 50] = 65535
    return values


def with_bar() -> Array:
    """12 bits in 16, a scale bar of 2 % burnt in."""
    values: Array = TWELVE.copy()
    values[80:86, 60:100] = 65535
    return values


def saturated() -> Array:
    """12 bits in 16, what is white saturated at the end of the type."""
    values: Array = TWELVE.copy()
    values[COLOUR >= 250] = 65535
    return values


def with_border(values: Array, value: float) -> Array:
    """Some rows without a value that no tag names."""
    changed: Array = values.copy()
    changed[:8] = value
    return changed


ALL = np.ones(GREY.shape, np.bool_)
REST = ALL.copy()
REST[:8] = False
REST[40, 50] = False
REST[80:86, 60:100] = False


@pytest.mark.parametrize(
    ("values", "said", "tolerance"),
    [
        ((COLOUR / 255 * 0.06).astype(np.float32), "range_stretched", 2),
        ((32768 + COLOUR.astype(np.uint16) * 8), "range_stretched", 2),
        ((28000 + GREY.astype(np.uint16) * 15), "range_stretched", 4),
        (with_border(28000 + GREY.astype(np.uint16) * 15, 0), "range_stretched", 4),
        (with_hot_pixel(), "range_assumed", 1),
        (with_bar(), "range_assumed", 1),
        (saturated(), "range_assumed", 6),
        ((COLOUR / 255 * 30000).astype(np.float32), "range_assumed", 25),
        ((290 + GREY / 255 * 20).astype(np.float32), "range_stretched", 4),
        (with_border((290 + GREY / 255 * 20).astype(np.float32), -9999), "range_stretched", 4),
        (with_border((GREY / 255).astype(np.float32), 1e20), "range_assumed", 1),
    ],
    ids=["share", "offset", "thermal", "border", "hot", "bar", "saturated", "half", "kelvin", "-9999", "1e20"],
)
def test_a_small_part_of_a_range(values: Array, said: str, tolerance: int) -> None:
    decoded = decode(tiff(values))
    expected = COLOUR if values.ndim == 3 else np.repeat(GREY[..., None], 3, axis=2)
    assert codes(decoded) == [said]
    assert int(np.abs(decoded.pixels.astype(int) - expected)[REST].max()) <= tolerance


@pytest.mark.parametrize("make", [with_hot_pixel, with_bar, lambda: 32768 + COLOUR.astype(np.uint16) * 8])
def test_png_in_colour_is_judged_by_all_its_bits(make: object) -> None:
    assert callable(make)
    decoded = decode(png(make()))
    assert len(codes(decoded)) == 1
    assert int(np.abs(decoded.pixels.astype(int) - COLOUR)[REST].max()) <= 2


@pytest.mark.parametrize("make", [with_hot_pixel, with_bar, saturated])
def test_stretched_leaves_out_what_lies_far_outside(make: object) -> None:
    assert callable(make)
    decoded = decode(tiff(make()), range="stretched")
    assert float(np.abs(decoded.pixels.astype(int) - COLOUR)[REST].mean()) < 3


def test_scattered_hot_pixels_are_told_of() -> None:
    """They could be lamps in a dark picture of true 16 bits: it stays dark, with a note."""
    values, chance = make_photo(400, 300).astype(np.uint16) * 16, np.random.default_rng(2)
    values[chance.random((300, 400)) < 5e-4] = chance.integers(5000, 65535)
    places = np.argwhere(values.max(axis=2) > 4095)
    for y, x in places:
        values[y, x] = chance.integers(5000, 65535)
    assert codes(decode(tiff(values))) == ["range_narrow"]


def test_a_small_part_in_the_middle_of_a_range() -> None:
    decoded = decode(tiff(20000 + GREY.astype(np.uint16) * 50))
    assert codes(decoded) == ["range_narrow"]
    assert near(decoded, (20000 + GREY.astype(int) * 50) >> 8)


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        (COLOUR.astype(np.int16) * 128, COLOUR),
        ((COLOUR // 2).astype(np.int8), COLOUR),
        ((COLOUR.astype(np.float64) / 255) ** 4 * 65535, (COLOUR / 255.0) ** 4 * 255),
        (np.where(GREY > 128, 65535, 0), np.where(GREY > 128, 255, 0)),
        (np.full(GREY.shape, 40000), np.full(GREY.shape, 156)),
    ],
    ids=["int16", "int8", "dark", "mask", "flat"],
)
def test_what_is_no_question(values: Array, levels: Array) -> None:
    """Whole types with a sign; a dark picture that has highlights; masks; one colour."""
    given = values if values.dtype.kind == "i" and values.itemsize < 8 else values.astype(np.uint16)
    decoded = decode(tiff(given))
    assert codes(decoded) == []
    assert near(decoded, levels, 2)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.int16])
def test_one_colour_cannot_be_stretched(dtype: type[np.generic]) -> None:
    assert decode(tiff(np.full((20, 30), 1000, dtype)), range="stretched").pixels.std() == 0


def test_pixels_without_a_value_are_no_part_of_the_range() -> None:
    values = with_border(with_hot_pixel()[..., 0], 65535)
    decoded = decode(tiff(values, extratags=[(42113, 2, 0, "65535", True)]))
    assert codes(decoded) == ["range_assumed", "no_data"]


def jpeg2000(values: Array) -> bytes:
    """Colour in JPEG 2000 whose header says 16 bits: what Pillow writes of 8 bits says 8."""
    codecs = pytest.importorskip("imagecodecs")
    return bytes(codecs.jpeg2k_encode(values, level=0, codecformat="jp2"))


def test_twelve_bits_in_a_jpeg_2000_in_colour() -> None:
    data = jpeg2000(TWELVE)
    for wanted, said in (("tags", ["range_assumed"]), ("stretched", [])):
        decoded = decode(data, range=wanted)  # type: ignore[arg-type]
        assert codes(decoded) == said
        assert near(decoded, COLOUR, 3)
    assert decode(data, range="stored").pixels.max() <= 16
    assert codes(decode(data, shorter_side=12)) == ["range_assumed"]


def test_a_jpeg_2000_of_which_only_high_bits_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without imagecodecs there are 16 levels left; what is known is told, and they are spread."""
    from resnet_desktop.imaging.formats import jpeg2000 as module

    image = Image.fromarray((COLOUR >> 4).astype(np.uint8))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG2000", irreversible=False)
    monkeypatch.setattr(module, "bits_of", lambda _: 16)
    decoded = decode(buffer.getvalue())
    assert codes(decoded) == ["range_assumed"]
    assert float(np.abs(decoded.pixels.astype(int) - COLOUR).mean()) < 16


def test_the_bits_of_a_jpeg_2000() -> None:
    from resnet_desktop.imaging.formats.jpeg2000 import bits_of

    buffer = io.BytesIO()
    Image.fromarray(COLOUR).save(buffer, "JPEG2000")
    assert bits_of(buffer.getvalue()) == 8
    assert bits_of(b"\xff\x4f\xff\x51") == bits_of(b"") == 0
