"""Sound pictures come out as they look."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from resnet_desktop.core.errors import ImageError
from resnet_desktop.imaging.decode import DecodeBudget, decode, encode_jpeg, encode_png, probe_size, thumbnail
from resnet_desktop.imaging.transforms import Transforms
from tests.conftest import make_photo
from tests.corpus import KINDS, sound

ORIENTATIONS = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
    8: lambda a: np.rot90(a, 1),
}


def encoded(pixels: NDArray[np.uint8], kind: str = "PNG", **options: object) -> bytes:
    """Pixels as the bytes of a file made by Pillow."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def distance(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """The mean difference in levels."""
    return float(np.abs(one.astype(np.int16) - other.astype(np.int16)).mean())


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "jpeg-exif"])
def test_every_kind_shows_the_same_picture(kind: str) -> None:
    decoded = decode(sound(kind))
    expected = make_photo()
    if kind in ("png-16", "tiff-16"):
        expected = np.repeat(np.asarray(Image.fromarray(expected).convert("L"))[..., None], 3, axis=2)
    assert decoded.full_size == probe_size(sound(kind)) == (64, 48)
    assert (decoded.width, decoded.height) == (64, 48)
    tolerance = {"gif": 20.0, "png-palette": 20.0, "jpeg-cmyk": 12.0}.get(kind, 8.0)
    assert distance(decoded.pixels, expected) < tolerance


@pytest.mark.parametrize("value", ORIENTATIONS)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_pictures_come_upright(kind: str, value: int) -> None:
    pixels = make_photo(40, 24)
    exif = Image.Exif()
    exif[0x0112] = value
    options: dict[str, dict[str, object]] = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}
    data = encoded(pixels, kind, exif=exif, **options.get(kind, {}))
    decoded, expected = decode(data), ORIENTATIONS[value](pixels)
    assert decoded.pixels.shape == expected.shape
    assert decoded.full_size == probe_size(data) == (expected.shape[1], expected.shape[0])
    assert distance(decoded.pixels, expected) < (2 if kind == "JPEG" else 0.1)
    assert decoded.pixels.flags.c_contiguous


def test_a_large_picture_is_upright_at_reduced_scale() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    decoded = decode(encoded(make_photo(800, 603), "JPEG", exif=exif), shorter_side=64)
    assert decoded.full_size == (603, 800)
    assert 3 * 64 <= decoded.width < 603
    assert decoded.height / decoded.width == pytest.approx(800 / 603, rel=0.01)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("size", [(1600, 1200), (1599, 1201), (1203, 1607)])
def test_reduced_scale_hardly_changes_what_the_network_sees(kind: str, size: tuple[int, int]) -> None:
    data = encoded(make_photo(*size, seed=4), kind)
    transforms = Transforms(resize=128, crop=112)
    reduced = decode(data, shorter_side=transforms.decode_side)
    assert min(reduced.width, reduced.height) < min(size) / 1.9
    full_view, view = transforms.view(decode(data).pixels), transforms.view(reduced.pixels, full_size=size)
    assert distance(full_view, view) < 0.6
    assert np.abs(full_view.astype(np.int16) - view).max() <= 16


def test_reduced_scale_hardly_changes_real_photos(shared_photos: dict[str, bytes]) -> None:
    transforms = Transforms(resize=40, crop=36)
    compared = [name for name, data in shared_photos.items() if min(probe_size(data)) >= 6 * 40][::5]
    assert len(compared) > 10
    for name in compared:
        data = shared_photos[name]
        full, reduced = decode(data), decode(data, shorter_side=transforms.resize)
        assert full.full_size == reduced.full_size == (full.width, full.height)
        assert reduced.pixels.size < full.pixels.size, name
        view = transforms.view(reduced.pixels, full_size=reduced.full_size)
        assert distance(transforms.view(full.pixels), view) < 1.2, name


def test_small_pictures_are_not_reduced() -> None:
    data = encode_jpeg(make_photo(512, 384))
    assert np.array_equal(decode(data, shorter_side=256).pixels, decode(data).pixels)


def test_the_limit_counts_pixels_from_the_header() -> None:
    data = encode_png(make_photo(100, 50))
    assert decode(data, max_pixels=5000).full_size == (100, 50)
    with pytest.raises(ImageError, match="megapixels") as caught:
        decode(data, max_pixels=4999)
    assert caught.value.code == "too_many_pixels"


def test_a_picture_larger_than_pillows_own_limit_is_read_without_a_warning(recwarn: pytest.WarningsRecorder) -> None:
    data = encoded(np.zeros((9500, 9500), np.uint8))
    assert decode(data, shorter_side=100).full_size == (9500, 9500)
    assert not recwarn


def test_a_picture_is_decoded_within_the_budget() -> None:
    budget = DecodeBudget(1)
    assert decode(encode_png(make_photo()), budget=budget).width == 64
    with pytest.raises(ImageError):
        decode(sound("jpeg")[:700], budget=budget)
    assert budget.used == 0


def test_paths_of_every_type_are_read(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(sound("jpeg"))
    assert decode(path).full_size == decode(str(path)).full_size == decode(path.read_bytes()).full_size


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux allows any bytes in a name")
def test_a_name_that_is_not_utf8_is_read_and_shown(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jpg"))
    path.write_bytes(sound("jpeg"))
    assert decode(path).full_size == (64, 48)
    path.write_bytes(b"")
    with pytest.raises(ImageError, match=r"caf\\xe9\.jpg is empty"):
        decode(path)


def test_the_last_bit_of_a_changed_argument_is_no_damage() -> None:
    with pytest.raises(ValueError, match="shorter_side"):
        decode(sound("jpeg"), shorter_side=0)


def test_thumbnails_are_never_enlarged() -> None:
    decoded = decode(encode_png(make_photo(300, 100)))
    assert thumbnail(decoded, 96).shape == (32, 96, 3)
    assert thumbnail(decoded.pixels, 1000) is decoded.pixels
    assert thumbnail(np.zeros((500, 1, 3), np.uint8), 64).shape == (64, 1, 3)


def test_encoding_is_lossless_or_nearly_so() -> None:
    pixels = make_photo(90, 70)
    assert np.array_equal(decode(encode_png(pixels)).pixels, pixels)
    assert distance(decode(encode_jpeg(pixels, 95)).pixels, pixels) < 4


def test_heic_is_not_loaded_before_it_is_needed() -> None:
    code = "import sys; import resnet_desktop.imaging.decode; print([m for m in sys.modules if 'heif' in m])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
