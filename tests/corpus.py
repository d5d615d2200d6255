"""More than two hundred damaged pictures, made here: cut, flipped, lying about their size, or no picture at all.

``CASES`` lists them without making them; ``Case.make`` writes one into a folder and gives what to decode.
"""

from __future__ import annotations

import functools
import io
import os
import random
import socket
import struct
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pillow_heif
from PIL import Image

from resnet_desktop.imaging.source import MAX_READS, Source
from tests.conftest import make_photo

CUTS = (1, 3, 7, 12, 20, 33, 0.1, 0.3, 0.5, 0.75, 0.9, 0.98, -16, -1)
FLIP_SEEDS = range(8)
HUGE = 60_000  # pixels a side: 3.6 gigapixels


@dataclass(frozen=True)
class Case:
    """One picture. ``codes``: the only outcomes allowed (``ok`` is a picture), or None where any single one will do."""

    name: str
    make: Callable[[Path], Source]
    codes: frozenset[str] | None = None


@functools.cache
def sound(kind: str) -> bytes:
    """An undamaged small file of each kind."""
    image = Image.fromarray(make_photo())
    buffer = io.BytesIO()
    if kind == "heic":
        pillow_heif.from_pillow(image).save(buffer, quality=70)
        return buffer.getvalue()
    if kind == "jpeg-exif":
        exif = Image.Exif()
        exif[0x0112], exif[0x010F] = 6, "Maker"
        exif.get_ifd(0x8769)[0x9003] = "2024:01:01 00:00:00"
        image.save(buffer, "JPEG", exif=exif)
        return buffer.getvalue()
    name, mode, options = _RECIPES[kind]
    image.convert(mode).save(buffer, name, **options)
    return buffer.getvalue()


_RECIPES: dict[str, tuple[str, str, dict[str, object]]] = {
    "jpeg": ("JPEG", "RGB", {}),
    "jpeg-progressive": ("JPEG", "RGB", {"progressive": True}),
    "jpeg-cmyk": ("JPEG", "CMYK", {}),
    "png": ("PNG", "RGB", {}),
    "png-palette": ("PNG", "P", {"transparency": 3}),
    "png-16": ("PNG", "I;16", {}),
    "gif": ("GIF", "P", {}),
    "tiff": ("TIFF", "RGB", {}),
    "tiff-lzw": ("TIFF", "RGB", {"compression": "tiff_lzw"}),
    "tiff-jpeg": ("TIFF", "RGB", {"compression": "jpeg"}),
    "bmp": ("BMP", "RGB", {}),
    "webp": ("WEBP", "RGB", {}),
    "webp-lossless": ("WEBP", "RGBA", {"lossless": True}),
    "avif": ("AVIF", "RGB", {}),
    "jpeg2000": ("JPEG2000", "RGB", {}),
    "ppm": ("PPM", "RGB", {}),
    "tga": ("TGA", "RGB", {"compression": "tga_rle"}),
    "ico": ("ICO", "RGB", {"sizes": [(64, 48)], "bitmap_format": "bmp"}),
    "tiff-16": ("TIFF", "I;16", {}),
}
KINDS = (*_RECIPES, "jpeg-exif", "heic")


def _data(name: str, content: Callable[[], bytes], *codes: str) -> Case:
    def make(folder: Path) -> Path:
        path = folder / "picture.bin"
        path.write_bytes(content())
        return path

    return Case(name, make, frozenset(codes) or None)


def _cut(kind: str, at: float) -> bytes:
    data = sound(kind)
    return data[: int(len(data) * at)] if isinstance(at, float) else data[:at]


def _flipped(kind: str, seed: int, within: int | None, count: int) -> bytes:
    data, chance = bytearray(sound(kind)), random.Random(f"{kind} {seed} {within}")
    for _ in range(count):
        data[chance.randrange(min(len(data), within or len(data)))] ^= 1 << chance.randrange(8)
    return bytes(data)


def _png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _png(width: int, height: int, *extra: bytes, data: bytes = b"") -> bytes:
    header = _png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = b"".join(extra) + _png_chunk(b"IDAT", zlib.compress(data)) + _png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + body


def _jpeg_of(width: int, height: int, kind: str = "jpeg") -> bytes:
    data = bytearray(sound(kind))
    marker = data.find(b"\xff\xc2" if kind == "jpeg-progressive" else b"\xff\xc0")
    data[marker + 5 : marker + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def _patched(kind: str, at: int, content: bytes) -> bytes:
    data = bytearray(sound(kind))
    data[at : at + len(content)] = content
    return bytes(data)


def _tiff_of(width: int, height: int) -> bytes:
    data = bytearray(sound("tiff-lzw"))
    at = struct.unpack_from("<I", data, 4)[0]
    for entry in range(at + 2, at + 2 + 12 * struct.unpack_from("<H", data, at)[0], 12):
        tag = struct.unpack_from("<H", data, entry)[0]
        if tag in (256, 257):
            struct.pack_into("<HII", data, entry + 2, 4, 1, width if tag == 256 else height)
    return bytes(data)


def _ispe(kind: str) -> bytes:
    data = bytearray(sound(kind))
    at = data.find(b"ispe")
    while at >= 0:
        data[at + 8 : at + 16] = struct.pack(">II", HUGE, HUGE)
        at = data.find(b"ispe", at + 1)
    return bytes(data)


def _many_scans() -> bytes:
    """A progressive JPEG of 100 megapixels whose last scan comes thousands of times."""
    data = _jpeg_of(10_000, 10_000, "jpeg-progressive")
    scan = data[data.rfind(b"\xff\xda") : -2]
    return data[:-2] + scan * 3000 + data[-2:]


def _endless_header() -> bytes:
    return sound("jpeg")[:2] + b"\xff\xe0\x00\x02" + b"\0" * (MAX_READS + 1000)


def _bombs() -> list[Case]:
    line = b"\0" * (3 * 20_000 + 1)
    webp = b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + (16382).to_bytes(3, "little") * 2 + b"VP8 \0\0\0\0"
    text = _png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"\0" * 80_000_000, 9))
    profile = _png_chunk(b"iCCP", b"icc\0\0" + zlib.compress(b"\0" * 80_000_000, 9))
    return [
        _data("bomb-png-header", lambda: _png(2**31 - 1, 2**31 - 1), "too_many_pixels"),
        _data("bomb-png-packed", lambda: _png(20_000, 20_000, data=line * 2000), "too_many_pixels"),
        _data("bomb-png-one-line", lambda: _png(300_000_000, 1), "too_many_pixels"),
        _data("bomb-png-text", lambda: _png(4, 4, text), "damaged_image"),
        _data("bomb-png-profile", lambda: _png(4, 4, profile, data=b"\0" * 52), "damaged_image"),
        _data("bomb-png-many-chunks", lambda: _png(4, 4, _png_chunk(b"teSt", b"") * 30_000, data=b"\0" * 52), "ok"),
        _data("bomb-jpeg", lambda: _jpeg_of(65_000, 65_000), "too_many_pixels"),
        _data("bomb-jpeg-many-scans", _many_scans, "damaged_image"),
        _data("bomb-jpeg-header", _endless_header, "damaged_image", "truncated_image"),
        _data("bomb-gif", lambda: _patched("gif", 6, struct.pack("<HH", 65535, 65535)), "too_many_pixels"),
        _data("bomb-bmp", lambda: _patched("bmp", 18, struct.pack("<ii", HUGE, HUGE)), "too_many_pixels"),
        _data("bomb-bmp-upside", lambda: _patched("bmp", 18, struct.pack("<ii", HUGE, -HUGE)), "too_many_pixels"),
        _data("bomb-tiff", lambda: _tiff_of(HUGE, HUGE), "too_many_pixels"),
        _data("bomb-tiff-within-limit", lambda: _tiff_of(9000, 9000)),
        _data("bomb-webp", lambda: webp, "too_many_pixels"),
        _data("bomb-heic", lambda: _ispe("heic"), "too_many_pixels", "damaged_image"),
        _data("bomb-avif", lambda: _ispe("avif"), "too_many_pixels", "damaged_image"),
    ]


def _not_pictures() -> list[Case]:
    texts = {
        "text": b"Just a few words.\n",
        "html": b"<!doctype html><html><body>404 Not Found</body></html>",
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(ls) run\n",
        "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        "zip": b"PK\x03\x04" + b"\0" * 60,
        "cursor": b"\0\0\2\0\1\0\1\1\0\0\1\0\x20\0\x30\0\0\0\x16\0\0\0" + b"\0" * 48,
        "psd": b"8BPS\0\1" + b"\0" * 40,
        "mp4": b"\0\0\0\x18ftypisom\0\0\0\1isommp41" + b"\0" * 40,
        "zeros": b"\0" * 5000,
        "elf": b"\x7fELF" + b"\2\1\1" + b"\0" * 60,
        "noise": random.Random(1).randbytes(4000),
    }
    known = {"pdf", "psd"}
    return [
        _data(f"not-{name}", functools.partial(bytes, text), "unsupported_image" if name in known else "not_an_image")
        for name, text in texts.items()
    ]


def _only_beginnings() -> list[Case]:
    """The first bytes of each kind and then nothing that belongs there."""
    fillings = {"zeros": b"\0" * 4000, "ones": b"\xff" * 4000, "noise": random.Random(2).randbytes(4000)}
    return [
        _data(f"begins-{kind}-then-{name}", functools.partial(lambda k, f: sound(k)[:16] + f, kind, filling))
        for kind in ("jpeg", "png", "gif", "tiff", "bmp", "webp", "avif", "heic")
        for name, filling in fillings.items()
    ]


def _wrong_names() -> list[Case]:
    suffixes = {
        "jpeg": ".png",
        "png": ".jpg",
        "gif": ".tiff",
        "webp": ".jpg",
        "tiff": ".heic",
        "bmp": ".gif",
        "heic": ".jpg",
    }

    def maker(kind: str, suffix: str) -> Callable[[Path], Source]:
        def make(folder: Path) -> Path:
            path = folder / f"picture{suffix}"
            path.write_bytes(sound(kind))
            return path

        return make

    return [Case(f"{kind}-as{suffix}", maker(kind, suffix), frozenset({"ok"})) for kind, suffix in suffixes.items()]


def _fifo(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.jpg")
    return folder / "pipe.jpg"


def _socket(folder: Path) -> Path:
    here = Path.cwd()
    os.chdir(folder)  # the name of a socket may have 107 bytes at most
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("socket.jpg")
    finally:
        os.chdir(here)
    return folder / "socket.jpg"


def _link(folder: Path, to: str) -> Path:
    (folder / "link.jpg").symlink_to(to)
    return folder / "link.jpg"


def _denied(folder: Path) -> Path:
    path = folder / "secret.jpg"
    path.write_bytes(sound("jpeg"))
    path.chmod(0)
    return path


def _not_utf8(folder: Path) -> bytes | Path:
    path = Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9\n.jpg"))
    path.write_bytes(sound("jpeg"))
    return path


def _files() -> list[Case]:
    def case(name: str, make: Callable[[Path], Source], code: str) -> Case:
        return Case(name, make, frozenset({code}))

    cases = [
        _data("empty", bytes, "empty_file"),
        case("empty-bytes", lambda _: b"", "empty_file"),
        case("bytes", lambda _: sound("jpeg"), "ok"),
        case("missing", lambda folder: folder / "none.jpg", "missing_file"),
        case("no-name", lambda _: "", "missing_file"),
        case("nul-in-name", lambda folder: f"{folder}/a\0b.jpg", "missing_file"),
        case("surrogate-in-name", lambda folder: f"{folder}/\ud800.jpg", "missing_file"),
        case("long-name", lambda folder: folder / ("x" * 5000), "missing_file"),
        case("below-a-file", lambda _: Path(__file__) / "x.jpg", "missing_file"),
        case("folder", lambda folder: folder, "is_a_folder"),
    ]
    if sys.platform != "win32":
        cases += [
            case("fifo", _fifo, "not_a_regular_file"),
            case("socket", _socket, "not_a_regular_file"),
            case("device-zero", lambda _: "/dev/zero", "not_a_regular_file"),
            case("device-terminal", lambda _: "/dev/tty", "not_a_regular_file"),
            case("dangling-link", lambda folder: _link(folder, "nowhere.jpg"), "missing_file"),
            case("circular-link", lambda folder: _link(folder, "link.jpg"), "read_failed"),
        ]
    if sys.platform == "linux":  # macOS refuses to create such a name
        cases.append(case("not-utf8", _not_utf8, "ok"))
    if hasattr(os, "geteuid") and os.geteuid() != 0:  # root may read everything
        cases.append(case("no-permission", _denied, "no_permission"))
    return cases


def _cases() -> list[Case]:
    cases = [_data(f"sound-{kind}", functools.partial(sound, kind), "ok") for kind in KINDS]
    cases += [_data(f"cut-{kind}-{at}", functools.partial(_cut, kind, at)) for kind in KINDS for at in CUTS]
    for kind in KINDS:
        for seed in FLIP_SEEDS:
            cases.append(_data(f"flip-{kind}-{seed}", functools.partial(_flipped, kind, seed, None, 1 + seed)))
            cases.append(_data(f"flip-head-{kind}-{seed}", functools.partial(_flipped, kind, seed, 64, 1 + seed // 2)))
    return cases + _bombs() + _not_pictures() + _only_beginnings() + _wrong_names() + _files()


CASES: tuple[Case, ...] = tuple(_cases())
