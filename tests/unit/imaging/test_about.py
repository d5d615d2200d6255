"""What a picture says of itself: read where it is well-formed, left out where it is not, never more than text."""

from __future__ import annotations

import contextlib
import io
import random
from pathlib import Path

import pytest
from PIL import ExifTags, Image, ImageCms
from PIL.TiffImagePlugin import IFDRational

from resnet_desktop.core.errors import ImageError
from resnet_desktop.imaging.about import LONGEST, about
from tests.conftest import make_photo

BASE, GPS = ExifTags.Base, ExifTags.GPS


def jpeg(exif: Image.Exif | None = None, profile: bytes | None = None, kind: str = "JPEG") -> bytes:
    out = io.BytesIO()
    extra = {} if profile is None else {"icc_profile": profile}
    Image.fromarray(make_photo(60, 40)).save(out, kind, exif=exif or Image.Exif(), **extra)
    return out.getvalue()


def with_camera() -> Image.Exif:
    exif = Image.Exif()
    exif[BASE.Make], exif[BASE.Model] = "Canon", "Canon EOS 5D"
    exif[BASE.Artist], exif[BASE.Software] = "Ada", "Editor 3"
    photo = exif.get_ifd(ExifTags.IFD.Exif)
    photo[BASE.DateTimeOriginal], photo[BASE.LensModel] = "2024:05:03 14:20:11", "EF 50mm"
    photo[BASE.ExposureTime], photo[BASE.FNumber] = IFDRational(1, 250), IFDRational(28, 10)
    photo[BASE.ISOSpeedRatings], photo[BASE.FocalLength] = 200, IFDRational(50, 1)
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps[GPS.GPSLatitudeRef], gps[GPS.GPSLongitudeRef] = "S", "E"
    gps[GPS.GPSLatitude], gps[GPS.GPSLongitude] = (33.0, 51.0, 36.0), (151.0, 12.0, 0.0)
    return exif


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_camera_place_and_date(kind: str) -> None:
    found = about(jpeg(with_camera(), kind=kind))
    assert (found.size, found.bits, found.colours) == ((60, 40), 8, "RGB")
    assert (found.camera, found.lens, found.taken) == ("Canon EOS 5D", "EF 50mm", "2024-05-03 14:20:11")
    assert found.exposure == "1/250 s, f/2.8, ISO 200, 50 mm"
    assert found.place == pytest.approx((-33.86, 151.2))
    assert (found.author, found.software) == ("Ada", "Editor 3")


def test_file_and_profile(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg(profile=profile))
    found = about(path)
    assert (found.format, found.bytes) == ("JPEG", path.stat().st_size)
    assert "sRGB" in found.profile
    assert found.changed is not None
    assert (found.camera, found.place, found.taken) == ("", None, "")


def test_size_is_upright_and_bits_are_the_files() -> None:
    exif = Image.Exif()
    exif[BASE.Orientation] = 6
    assert about(jpeg(exif)).size == (40, 60)
    out = io.BytesIO()
    Image.new("I;16", (5, 4)).save(out, "PNG")
    assert (about(out.getvalue()).bits, about(out.getvalue()).colours) == (16, "grey")


def test_hostile_words_are_text_of_one_line() -> None:
    exif = Image.Exif()
    exif[BASE.Make] = "\x1b[31m<b>evil</b>\u202e\n\n" + "x" * 5000
    exif[BASE.Model] = "\0hidden"
    exif[BASE.DateTime] = "0000:00:00 00:00:00"
    found = about(jpeg(exif))
    assert found.camera.isprintable()
    assert "<b>evil</b>" in found.camera
    assert len(found.camera) < 2 * LONGEST
    assert found.taken == ""


@pytest.mark.parametrize("place", [(91.0, 0.0, 0.0), (1.0,), (IFDRational(1, 0), 0.0, 0.0)])
def test_places_that_are_none(place: object) -> None:
    exif = with_camera()
    exif.get_ifd(ExifTags.IFD.GPSInfo)[GPS.GPSLatitude] = place
    assert about(jpeg(exif)).place is None


def test_damage_is_left_out_or_said() -> None:
    whole, chance = jpeg(with_camera()), random.Random(1)
    known = 0
    for _ in range(200):
        data = bytearray(whole)
        for _ in range(8):
            data[chance.randrange(20, 700)] = chance.randrange(256)
        with contextlib.suppress(ImageError):
            known += bool(about(bytes(data)).camera)
    assert known > 20, "most of the damage hits only a part"


def test_what_is_no_picture() -> None:
    for data in (b"", b"no picture", whole_but_short()):
        with pytest.raises(ImageError):
            about(data)


def whole_but_short() -> bytes:
    return jpeg()[:30]
