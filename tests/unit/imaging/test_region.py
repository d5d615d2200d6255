"""Regions of pictures, read as pictures of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from resnet_desktop.core.errors import ImageError
from resnet_desktop.imaging.decode import decode, decode_image
from resnet_desktop.imaging.region import Region

FileMaker = Callable[..., Path]


@pytest.mark.parametrize(
    ("bbox", "expected"),
    [
        ((0.25, 0.25, 0.2, 0.1), (25, 14, 45, 34)),  # the longer side, around the centre
        ((0.0, 0.0, 0.2, 0.1), (0, 0, 20, 20)),  # moved in from the corner
        ((0.9, 0.9, 0.1, 0.1), (90, 70, 100, 80)),
        ((0.0, 0.0, 1.0, 1.0), (0, 0, 100, 80)),  # the picture is not high enough for the square
        ((0.5, 0.5, 0.0, 0.0), (50, 40, 51, 41)),  # a point is a pixel
    ],
)
def test_the_square_around_a_box(bbox: tuple[float, float, float, float], expected: tuple[int, ...]) -> None:
    assert Region("photo.jpg", bbox).square(100, 80) == expected


def test_a_region_is_cut_from_the_pixels(photo_file: FileMaker) -> None:
    file = photo_file("photo.png", 100, 80)
    found = decode(Region(str(file), (0.25, 0.25, 0.2, 0.1)))
    assert np.array_equal(found.pixels, decode(file).pixels[14:34, 25:45])
    assert found.full_size == (20, 20)


def test_a_large_picture_is_read_large_enough_for_its_region(photo_file: FileMaker) -> None:
    file = photo_file("photo.jpg", 1600, 1200)
    assert min(decode(file, shorter_side=40).pixels.shape[:2]) < 1200
    image, full_size, _ = decode_image(Region(str(file), (0.5, 0.5, 0.05, 0.05)), shorter_side=40)
    assert (image.size, full_size) == ((80, 80), (80, 80))
    small, full_size, _ = decode_image(Region(str(file), (0.1, 0.1, 0.5, 0.5)), shorter_side=40)
    assert full_size == (800, 800)
    assert 40 <= small.width < 800


def test_a_region_is_of_the_upright_picture(tmp_path: Path) -> None:
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[:20, :20] = (255, 0, 0)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned right: the corner comes to the upper right
    Image.fromarray(pixels).save(tmp_path / "turned.png", exif=exif)
    corner = decode(Region(str(tmp_path / "turned.png"), (0.5, 0.0, 0.5, 0.25))).pixels
    assert corner.shape == (20, 20, 3)
    assert (corner == (255, 0, 0)).all()


def test_a_region_of_what_is_no_picture(tmp_path: Path) -> None:
    for wanted in (None, 40):
        with pytest.raises(ImageError, match=r"none\.jpg"):
            decode(Region(str(tmp_path / "none.jpg"), (0.0, 0.0, 0.5, 0.5)), shorter_side=wanted)


def test_a_region_of_a_picture_without_a_file(photo_file: FileMaker) -> None:
    file, box = photo_file("photo.png", 100, 80), (0.25, 0.25, 0.2, 0.1)
    region = Region("", box, data=file.read_bytes())
    assert np.array_equal(decode(region).pixels, decode(Region(str(file), box)).pixels)
    assert "data" not in repr(region), "it may have many megabytes"
    with pytest.raises(ImageError, match="The pasted picture"):
        decode(Region("", box, data=b"no picture"))


def test_the_box_as_the_end_of_an_address() -> None:
    assert Region("photo.jpg", (0.25, 0.1, 0.5, 1 / 3)).fragment == "xywh=percent:25,10,50,33.3333"
