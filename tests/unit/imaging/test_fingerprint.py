"""The hash brings copies together and keeps different pictures apart; brightness and sharpness say what they should."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter

from resnet_desktop.core.errors import ImageError
from resnet_desktop.imaging.decode import encode_jpeg, encode_png
from resnet_desktop.imaging.fingerprint import HASH_BYTES, NEAR, Fingerprint, fingerprint, measured
from tests.conftest import FileMaker, PhotoMaker


def of(image: Image.Image) -> Fingerprint:
    return measured(np.array(image.convert("RGB")), image.size)


def apart(one: Fingerprint, other: Fingerprint) -> int:
    assert one.hash is not None
    assert other.hash is not None
    return (int.from_bytes(one.hash) ^ int.from_bytes(other.hash)).bit_count()


def recompressed(image: Image.Image) -> Image.Image:
    return Image.open(io.BytesIO(encode_jpeg(np.array(image), 30)))


@pytest.fixture
def photos(photo: PhotoMaker) -> list[Image.Image]:
    return [Image.fromarray(photo(320, 240, seed)) for seed in range(6)]


def test_copies_are_near(photos: list[Image.Image]) -> None:
    for image in photos:
        whole = of(image)
        edges = image.crop((3, 3, image.width - 3, image.height - 3))
        for copy in (recompressed(image), image.resize((160, 120)), image.resize((640, 480)), edges):
            assert apart(whole, of(copy)) <= NEAR
        for enhanced in (ImageEnhance.Brightness(image).enhance(0.7), ImageEnhance.Contrast(image).enhance(1.2)):
            assert apart(whole, of(enhanced)) <= NEAR


def test_different_pictures_are_far(photos: list[Image.Image]) -> None:
    seen = [of(image) for image in photos]
    assert min(apart(a, b) for i, a in enumerate(seen) for b in seen[:i]) > NEAR


def test_real_photos_are_far_from_each_other(shared_photos: dict[str, bytes]) -> None:
    seen = [fingerprint(data) for data in list(shared_photos.values())[:60]]
    assert min(apart(a, b) for i, a in enumerate(seen) for b in seen[:i]) > NEAR
    assert min(s.sharpness for s in seen) > 0.25


def test_the_bits_are_those_of_the_lowest_frequencies() -> None:
    """Against the definition, written out in floating point for one picture of 32 by 32 grey values."""
    grey = np.random.default_rng(1).integers(0, 256, (32, 32), dtype=np.uint8)
    found = measured(np.repeat(grey[..., None], 3, axis=2), (32, 32)).hash
    places = np.arange(32)
    cosines = np.cos(np.pi * (places + 0.5) * places[:, None] / 32)
    frequencies = cosines @ grey.astype(float) @ cosines.T
    waves = sorted((r + c, max(r, c), r, c) for r in range(32) for c in range(32))[1:129]
    assert found == np.packbits([frequencies[r, c] > 0 for _, _, r, c in waves]).tobytes()
    assert len(found) == HASH_BYTES


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_picture_of_one_colour_has_no_hash(level: int) -> None:
    seen = measured(np.full((100, 80, 3), level, np.uint8), (80, 100))
    assert seen.hash is None
    assert seen.sharpness == 0
    assert seen.brightness == pytest.approx(level / 255)
    assert (seen.width, seen.height) == (80, 100)


def test_blur_is_told_from_sharpness_whatever_the_size(photo: PhotoMaker) -> None:
    pattern = np.kron(np.random.default_rng(0).integers(0, 2, (60, 80)), np.ones((8, 8)))
    for width in (200, 640):
        image = Image.fromarray((pattern * 200 + 20).astype(np.uint8)).resize((width, width * 3 // 4))
        assert of(image).sharpness > 0.4
        assert of(image.filter(ImageFilter.GaussianBlur(0.02 * width))).sharpness < 0.25


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (3, 2), (2000, 3)])
def test_odd_sizes_are_measured(size: tuple[int, int]) -> None:
    pixels: NDArray[np.uint8] = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    seen = fingerprint(encode_png(pixels))
    assert (seen.width, seen.height) == size
    assert 0 <= seen.brightness <= 1
    assert np.isfinite(seen.sharpness)


def test_files_are_measured_upright_at_their_full_size(photo_file: FileMaker, tmp_path: Path) -> None:
    assert (fingerprint(photo_file("large.jpg", 1200, 900)).width, fingerprint(tmp_path / "large.jpg").height) == (
        1200,
        900,
    )
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(tmp_path / "large.jpg") as image:
        image.save(tmp_path / "turned.jpg", exif=exif)
    assert fingerprint(tmp_path / "turned.jpg").width == 900


def test_what_is_no_picture_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    with pytest.raises(ImageError) as caught:
        fingerprint(tmp_path / "a.jpg")
    assert caught.value.code == "not_an_image"
