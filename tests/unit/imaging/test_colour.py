"""Every way of storing colour comes out as sRGB over white."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from resnet_desktop.imaging.decode import decode, encode_jpeg
from tests.conftest import make_photo


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """An image as the bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def colour(image: Image.Image, kind: str = "PNG", **options: object) -> tuple[int, ...]:
    """The colour in which the middle of an image comes out."""
    pixels = decode(encoded(image, kind, **options)).pixels
    return tuple(int(value) for value in pixels[pixels.shape[0] // 2, pixels.shape[1] // 2])


def near(given: tuple[int, ...], expected: tuple[int, ...], tolerance: int = 3) -> bool:
    """Whether no channel differs by more than ``tolerance`` levels."""
    return all(abs(a - b) <= tolerance for a, b in zip(given, expected, strict=True))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize(("value", "grey"), [(0, 0), (65535, 255), (32768, 128), (1000, 3)])
def test_sixteen_bits_are_scaled_not_clipped(kind: str, value: int, grey: int) -> None:
    pixels = decode(encoded(Image.fromarray(np.full((8, 8), value, np.uint16)), kind), range="stored").pixels
    assert tuple(pixels[4, 4]) == (grey,) * 3


@pytest.mark.parametrize(
    ("values", "middle"),
    [
        (np.array([[0.0, 0.5, 1.0]], np.float32), 128),
        (np.array([[0.0, 127.0, 255.0]], np.float32), 127),
        (np.array([[-4.0, 0.0, 4.0]], np.float32), 128),
        (np.array([[0.0, 5e5, 1e6]], np.float32), 128),
        (np.array([[np.nan, 0.5, np.inf]], np.float32), 128),
        (np.array([[0.0, 2.0, 40.0]], np.float32), 2),
        (np.array([[0, 32768, 65535]], np.int32), 128),
        (np.array([[-100, 0, 100]], np.int32), 128),
        (np.array([[0, 2**30, 2**31 - 1]], np.int32), 128),
    ],
)
def test_deep_grey_is_scaled_by_its_range(values: NDArray[np.generic], middle: int) -> None:
    assert near(colour(Image.fromarray(values), "TIFF"), (middle,) * 3, 1)


def test_simple_modes() -> None:
    assert colour(Image.new("L", (8, 8), 77)) == (77, 77, 77)
    assert colour(Image.new("1", (8, 8), 1)) == (255, 255, 255)
    palette = Image.new("RGB", (8, 8), (10, 200, 30)).quantize(4)
    assert near(colour(palette), (10, 200, 30))
    assert near(colour(palette, "GIF"), (10, 200, 30))
    assert near(colour(Image.new("YCbCr", (8, 8), (128, 128, 128)), "TIFF"), (128, 128, 128))
    assert near(colour(Image.new("LAB", (8, 8), (255, 128, 128)), "TIFF"), (255, 255, 255))


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
@pytest.mark.parametrize(
    ("ink", "expected"),
    [((0, 0, 0, 0), (255, 255, 255)), ((0, 0, 0, 255), (0, 0, 0)), ((0, 255, 255, 0), (255, 0, 0))],
)
def test_cmyk_comes_out_right_whether_stored_inverted_or_not(
    kind: str, ink: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    """Pillow writes JPEG as Adobe does, inverted, and TIFF plain."""
    assert near(colour(Image.new("CMYK", (16, 16), ink), kind), expected, 4)


def test_alpha_lies_over_white() -> None:
    assert colour(Image.new("RGBA", (8, 8), (0, 0, 0, 0))) == (255, 255, 255)
    assert near(colour(Image.new("RGBA", (8, 8), (255, 0, 0, 128))), (255, 127, 127))
    assert near(colour(Image.new("LA", (8, 8), (0, 51))), (204, 204, 204))
    assert colour(Image.new("RGBA", (8, 8), (9, 8, 7, 255)), "WEBP", lossless=True) == (9, 8, 7)
    see_through = Image.new("P", (8, 8), 1)
    see_through.putpalette([0, 0, 0, 255, 0, 0])
    assert colour(see_through, transparency=1) == (255, 255, 255)
    assert colour(see_through, "GIF", transparency=1) == (255, 255, 255)
    assert colour(see_through, transparency=b"\xff\x80") == (255, 127, 127)
    assert colour(Image.new("RGB", (8, 8), (1, 2, 3)), transparency=(1, 2, 3)) == (255, 255, 255)
    assert colour(Image.new("L", (8, 8), 5), transparency=5) == (255, 255, 255)
    assert colour(Image.fromarray(np.full((8, 8), 500, np.uint16)), transparency=500) == (255, 255, 255)


def test_reducing_a_picture_with_alpha_keeps_hidden_colours_out() -> None:
    image = Image.new("RGBA", (600, 600), (0, 255, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 300, 600))
    reduced = decode(encoded(image), shorter_side=20).pixels
    assert reduced.shape[0] < 600
    assert not ((reduced[..., 1] > reduced[..., 0]) & (reduced[..., 1] > reduced[..., 2])).any()


def wide_gamut() -> bytes:
    """A profile unlike sRGB: linear light, made by exchanging the curve of Pillow's sRGB profile for gamma 1.0."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for tag in (b"rTRC", b"gTRC", b"bTRC"):
        entry = profile.find(tag, 128, 512)
        at = int.from_bytes(profile[entry + 4 : entry + 8], "big")
        profile[at : at + 16] = b"para" + b"\0" * 8 + (1 << 16).to_bytes(4, "big")
    return bytes(profile)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "AVIF"])
def test_an_embedded_profile_is_converted(kind: str) -> None:
    linear = Image.new("RGB", (16, 16), (55, 55, 55))  # 0.2157 of the light, which sRGB writes as 128
    assert near(colour(linear, kind, icc_profile=wide_gamut()), (128, 128, 128), 4)


def test_a_grey_picture_in_an_rgb_space_is_converted() -> None:
    assert near(colour(Image.new("L", (8, 8), 55), icc_profile=wide_gamut()), (128, 128, 128))


def test_a_profile_keeps_alpha() -> None:
    given = colour(Image.new("RGBA", (8, 8), (55, 55, 55, 128)), icc_profile=wide_gamut())
    assert near(given, (191, 191, 191))


def test_an_srgb_profile_changes_no_level() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    pixels = make_photo(60, 40)
    assert np.array_equal(decode(encoded(Image.fromarray(pixels), icc_profile=profile)).pixels, pixels)


@pytest.mark.parametrize("profile", [b"no profile", b"\0" * 200, wide_gamut()[:300], b"x" * 3_000_000])
def test_a_bad_profile_is_ignored(profile: bytes) -> None:
    assert colour(Image.new("RGB", (8, 8), (10, 20, 30)), "TIFF", icc_profile=profile) == (10, 20, 30)


def test_a_profile_for_other_inks_is_ignored() -> None:
    assert near(colour(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", icc_profile=wide_gamut()), (255, 0, 0), 4)


def test_the_first_frame_of_an_animation_counts() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255))]
    for kind in ("GIF", "WEBP", "PNG", "TIFF", "AVIF"):
        assert near(colour(frames[0], kind, save_all=True, append_images=frames[1:]), (255, 0, 0), 6), kind


def test_bad_exif_data_is_ignored() -> None:
    data = encode_jpeg(make_photo())
    exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\xff\xff" + b"\xfe" * 60
    damaged = data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data[2:]
    assert decode(damaged).full_size == (64, 48)
