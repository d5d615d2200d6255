"""What a picture file says of itself, for people: format, size, colours, camera, place. Nothing is decoded.

Metadata comes from anywhere: it is read by Pillow, cut to a length, and made printable; what cannot be understood is
left out. The place (GPS) is shown where somebody asks for it and goes nowhere else.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from PIL import ExifTags, Image, ImageCms, TiffImagePlugin

from resnet_desktop.core.text.printable import printable
from resnet_desktop.imaging import container
from resnet_desktop.imaging.container import Kind
from resnet_desktop.imaging.decode import identified
from resnet_desktop.imaging.formats import readers
from resnet_desktop.imaging.formats.error_messages import DECODER_ERRORS, in_words
from resnet_desktop.imaging.source import OpenSource, Source, opened

LONGEST = 200
"""Letters of a text out of a file."""
MOST_PROFILE = 16 << 20
_BITS = {"1": 1, "I": 32, "F": 32}
_COLOURS = {
    "1": "black and white",
    "L": "grey",
    "LA": "grey with transparency",
    "P": "palette",
    "PA": "palette with transparency",
    "RGB": "RGB",
    "RGBA": "RGB with transparency",
    "RGBX": "RGB",
    "CMYK": "CMYK",
    "YCbCr": "YCbCr",
    "LAB": "Lab",
    "I": "grey",
    "F": "grey",
}


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What is known of a picture file; empty or None where it does not say.

    Attributes:
        format: such as ``JPEG``.
        size: width and height in pixels, upright.
        bytes: of the file.
        changed: when it was last changed, local time; None for pasted pictures.
        bits: of each channel.
        colours: such as ``RGB``.
        profile: the name of its colour profile.
        taken: when it was taken, as the camera says.
        camera: maker and model.
        lens: its name.
        exposure: such as ``1/250 s, f/2.8, ISO 200, 50 mm``.
        place: latitude and longitude in degrees, north and east positive.
        software: what wrote it.
        author: author and rights.
        title: its description.
    """

    format: str
    size: tuple[int, int]
    bytes: int
    changed: datetime | None = None
    bits: int | None = None
    colours: str = ""
    profile: str = ""
    taken: str = ""
    camera: str = ""
    lens: str = ""
    exposure: str = ""
    place: tuple[float, float] | None = None
    software: str = ""
    author: str = ""
    title: str = ""


def about(source: Source) -> PictureFacts:
    """Read what a picture says of itself. Raises ImageError: it is no picture that can be read."""
    with opened(source) as file:
        kind = identified(file)
        with in_words(file, kind):
            size = readers.size_of(file, kind)
        found = PictureFacts(kind.title, size, file.size, _changed(source))
        return _with_metadata(found, file, kind)


def _with_metadata(found: PictureFacts, file: OpenSource, kind: Kind) -> PictureFacts:
    """With what Pillow finds; without it where that fails: the picture can still be looked at."""
    if kind is container.JXL:
        return found
    try:
        file.stream.seek(0)
        image = Image.open(file.stream, formats=(kind.name,))
        facts: dict[str, Any] = {"bits": _bits(image), "colours": _colours(image.mode), "profile": _profile(image)}
        return replace(found, **facts, **_of_exif(image.getexif()))
    except (*DECODER_ERRORS, MemoryError):
        return found


def _of_exif(exif: Image.Exif) -> dict[str, Any]:
    base = ExifTags.Base
    photo = exif.get_ifd(ExifTags.IFD.Exif)
    maker, model = _text(exif.get(base.Make)), _text(exif.get(base.Model))
    camera = model if model.casefold().startswith(maker.casefold()) else f"{maker} {model}".strip()
    return {
        "taken": _moment(_text(photo.get(base.DateTimeOriginal)) or _text(exif.get(base.DateTime))),
        "camera": camera,
        "lens": _text(photo.get(base.LensModel)),
        "exposure": _exposure(photo),
        "place": _place(exif.get_ifd(ExifTags.IFD.GPSInfo)),
        "software": _text(exif.get(base.Software)),
        "author": ", ".join(filter(None, (_text(exif.get(base.Artist)), _text(exif.get(base.Copyright))))),
        "title": _text(exif.get(base.ImageDescription)),
    }


def _exposure(photo: Mapping[int, Any]) -> str:
    base = ExifTags.Base
    seconds, aperture = _number(photo.get(base.ExposureTime)), _number(photo.get(base.FNumber))
    speed, length = _number(photo.get(base.ISOSpeedRatings)), _number(photo.get(base.FocalLength))
    parts = []
    if seconds:
        parts.append(f"1/{round(1 / seconds)} s" if seconds < 0.5 else f"{seconds:.4g} s")
    if aperture:
        parts.append(f"f/{aperture:.3g}")
    if speed:
        parts.append(f"ISO {speed:.0f}")
    if length:
        parts.append(f"{length:.4g} mm")
    return ", ".join(parts)


def _place(gps: Mapping[int, Any]) -> tuple[float, float] | None:
    tags = ExifTags.GPS
    latitude = _degrees(gps.get(tags.GPSLatitude), gps.get(tags.GPSLatitudeRef), "S", 90.0)
    longitude = _degrees(gps.get(tags.GPSLongitude), gps.get(tags.GPSLongitudeRef), "W", 180.0)
    return None if latitude is None or longitude is None else (latitude, longitude)


def _degrees(value: object, side: object, negative: str, most: float) -> float | None:
    """Degrees, minutes and seconds as a number."""
    if not isinstance(value, tuple | list) or len(value) != 3:
        return None
    parts = [_number(part) for part in value]
    if any(part is None for part in parts):
        return None
    degrees = sum((part or 0.0) / 60**place for place, part in enumerate(parts))
    return None if degrees > most else -degrees if _text(side).upper().startswith(negative) else degrees


def _number(value: object) -> float | None:
    """A number that is not negative, out of what Pillow makes of a field; a list's first."""
    if isinstance(value, tuple | list):
        value = value[0] if value else None
    if isinstance(value, bool) or not isinstance(value, int | float | TiffImagePlugin.IFDRational):
        return None
    with contextlib.suppress(ArithmeticError, ValueError):
        number = float(value)
        return number if math.isfinite(number) and 0.0 <= number < 1e12 else None
    return None


def _text(value: object) -> str:
    """Text as it can be shown, in one line."""
    if isinstance(value, bytes):
        value = value[: 4 * LONGEST].decode("utf-8", "replace")
    if not isinstance(value, str):
        return ""
    line = " ".join(value[: 4 * LONGEST].split("\0")[0].split())
    shown = printable(line)
    return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}…"


def _moment(text: str) -> str:
    """``2024:05:03 14:20:11`` as ``2024-05-03 14:20:11``; empty where a camera has no clock."""
    try:
        return datetime.strptime(text[:19], "%Y:%m:%d %H:%M:%S").isoformat(" ")
    except ValueError:
        return "" if not any(letter in "123456789" for letter in text) else text


def _profile(image: Image.Image) -> str:
    data = image.info.get("icc_profile")
    if not isinstance(data, bytes) or not 0 < len(data) <= MOST_PROFILE:
        return ""
    try:
        return _text(ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(data))))
    except (ImageCms.PyCMSError, *DECODER_ERRORS):
        return ""


def _bits(image: Image.Image) -> int | None:
    """Of each channel, as the file has them where Pillow tells, else as Pillow holds them."""
    told = getattr(image, "tag_v2", {}).get(TiffImagePlugin.BITSPERSAMPLE)
    number = _number(told)
    if number:
        return int(number)
    tiles = getattr(image, "tile", None)
    raw = tiles[0][3] if tiles else ""
    name = raw[0] if isinstance(raw, tuple | list) and raw else raw
    if isinstance(name, str) and ";16" in name:
        return 16
    return 16 if image.mode.startswith("I;16") else _BITS.get(image.mode, 8)


def _colours(mode: str) -> str:
    return _COLOURS.get(mode.split(";")[0], mode)


def _changed(source: Source) -> datetime | None:
    if isinstance(source, bytes | bytearray | memoryview):
        return None
    try:
        return datetime.fromtimestamp(os.stat(source).st_mtime)  # noqa: PTH116 - any kind of path
    except (OSError, ValueError, OverflowError):
        return None
