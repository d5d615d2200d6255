"""Decoding stays within its budget of memory: measured in child processes, of the worst that each format allows."""

from __future__ import annotations

import contextlib
import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from resnet_desktop.imaging import demand
from resnet_desktop.imaging.formats.request import Wanted
from tests.conftest import make_photo

LIMIT = 1.5e9
SIDE = 14_140  # 199.9 megapixels
_CHILD = """
import sys
from pathlib import Path
from resnet_desktop.core.errors import ImageError
from resnet_desktop.imaging.decode import decode
path, side = sys.argv[1], int(sys.argv[2]) or None
try:
    decoded = decode(Path(path), shorter_side=side)
    said = f"{decoded.full_size[0]}x{decoded.full_size[1]} {decoded.width}x{decoded.height}"
except ImageError as error:
    said = error.code
import resource
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
print(peak * 1024, said)
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")


def decoded_in_child(path: Path, side: int) -> tuple[int, str]:
    """The peak of a process that decodes a file, in bytes, and what came of it."""
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(path), str(side)], capture_output=True, text=True, check=True, timeout=240
    )
    peak, said = done.stdout.strip().split(" ", 1)
    return int(peak), said


def _png(path: Path, depth: int, kind: int, channels: int) -> None:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    packer, parts = zlib.compressobj(1), []
    rows = bytes((SIDE * channels * depth // 8 + 1) * 70)
    for _ in range(SIDE // 70):
        parts.append(packer.compress(rows))
    body = b"".join(parts) + packer.flush()
    head = struct.pack(">IIBBBBB", SIDE, SIDE, depth, kind, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b""))


def _tiff(path: Path, bits: int, channels: int, compression: int, kind: int = 1, rows: int = 70) -> None:
    """All strips are the same one; uncompressed ones lie in a hole of the file."""
    size = SIDE * channels * bits // 8 * rows
    strips = SIDE // rows
    data = zlib.compress(bytes(size), 1) if compression == 8 else b""
    length = len(data) or size
    tags: dict[int, tuple[int, ...]] = {256: (SIDE,), 257: (SIDE,), 258: (bits,) * channels, 259: (compression,)}
    tags |= {262: (2 if channels == 3 else 1,), 277: (channels,), 278: (rows,), 339: (kind,)}
    at = 8 + 2 + 12 * 10 + 4
    tail = struct.pack(f"<{channels}I", *[bits] * channels) + struct.pack(f"<{strips}I", *[length] * strips)
    begin = at + len(tail) + 4 * strips
    tags |= {273: (at + 4 * channels + 4 * strips,) if strips > 1 else (begin,), 279: (at + 4 * channels,)}
    tail += struct.pack(f"<{strips}I", *[begin] * strips)
    entries = b""
    for tag in sorted(tags):
        count = {258: channels, 273: strips, 279: strips}.get(tag, 1)
        value = tags[tag][0] if count == 1 or tag != 258 else at
        value = length if tag == 279 and strips == 1 else value
        entries += struct.pack("<HHII", tag, 4, count, value)
    with path.open("wb") as file:
        file.write(b"II\x2a\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4) + tail)
        file.seek(begin)
        file.write(data)
        file.truncate(begin + length)


def _saved(path: Path, mode: str, kind: str, side: int = SIDE, **options: object) -> None:
    Image.new(mode, (side, side)).save(path, kind, **options)


WORST: dict[str, Callable[[Path], None]] = {
    "png": lambda path: _png(path, 8, 6, 4),
    "png-16": lambda path: _png(path, 16, 0, 1),
    "png-16-rgb": lambda path: _png(path, 16, 2, 3),
    "tiff-8": lambda path: _tiff(path, 8, 3, 1),
    "tiff-16": lambda path: _tiff(path, 16, 1, 1),
    "tiff-16-rgb": lambda path: _tiff(path, 16, 3, 8),
    "tiff-float": lambda path: _tiff(path, 32, 1, 1, 3),
    "tiff-float-rgb-one-strip": lambda path: _tiff(path, 32, 3, 8, 3, rows=7070),
    "jpeg": lambda path: _saved(path, "RGB", "JPEG"),
    "jpeg-progressive": lambda path: _saved(path, "RGB", "JPEG", progressive=True, subsampling=0),
    "bmp": lambda path: _saved(path, "RGB", "BMP"),
    "gif": lambda path: _saved(path, "P", "GIF"),
    "ppm": lambda path: _saved(path, "RGB", "PPM"),
    "tga": lambda path: _saved(path, "RGB", "TGA", compression="tga_rle"),
}


IN_CI = ("png", "tiff-8", "jpeg", "gif")
"""A format of each road through the decoders; the others take minutes and are part of ``make torture``."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [name if name in IN_CI else pytest.param(name, marks=pytest.mark.torture) for name in WORST]
)
def test_the_worst_of_each_format_stays_below_the_limit(name: str, tmp_path: Path) -> None:
    path = tmp_path / "large"
    WORST[name](path)
    for side in (256, 0):
        peak, said = decoded_in_child(path, side)
        assert peak < LIMIT, (side, said)
        assert said.startswith(f"{SIDE}x{SIDE}") or said == "too_many_pixels"
        if side:
            assert said.startswith(f"{SIDE}x{SIDE}") or name == "png-16-rgb"


@pytest.mark.torture
@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [
        ("WEBP", "RGB", {}),
        ("WEBP", "RGBA", {"lossless": True}),
        ("AVIF", "RGB", {"speed": 10}),
        ("AVIF", "RGBA", {"speed": 10, "subsampling": "4:4:4"}),
        ("HEIF", "RGB", {}),
        ("JPEG2000", "RGB", {}),
        ("JPEG2000", "RGB", {"irreversible": True}),
        ("PNG", "RGBA", {}),
        ("JPEG", "RGB", {"progressive": True, "subsampling": 0}),
        ("JPEG", "CMYK", {}),
        ("ICO", "RGBA", {}),
        ("PPM", "RGB", {}),
        ("TGA", "RGB", {"compression": "tga_rle"}),
        ("GIF", "P", {}),
        ("BMP", "RGB", {}),
        ("TIFF", "RGB", {"compression": "jpeg"}),
        ("TIFF", "RGB", {"compression": "tiff_lzw"}),
    ],
    ids=str,
)
@pytest.mark.parametrize("side", [64, 0])
def test_what_decoding_takes_is_what_was_reserved(
    kind: str, mode: str, options: dict[str, object], side: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a size that is quick to make; at the limit of pixels the same figures hold in proportion."""
    width, height = (256, 256) if kind == "ICO" else (4000, 3000)
    buffer = io.BytesIO()
    image = Image.fromarray(make_photo(width, height)).convert(mode)
    if kind == "HEIF":
        import pillow_heif

        pillow_heif.from_pillow(image).save(buffer, quality=60)
    else:
        image.save(buffer, kind, **({"sizes": [(width, height)]} if kind == "ICO" else options))
    path = tmp_path / "picture"
    path.write_bytes(buffer.getvalue())
    small = tmp_path / "small"
    small.write_bytes(_small(kind, mode, options))
    base, _ = decoded_in_child(small, side)
    peak, said = decoded_in_child(path, side)
    assert said.startswith(f"{width}x{height}")
    reserved: list[int] = []

    def hold(_: Wanted, needed: int) -> contextlib.AbstractContextManager[None]:
        reserved.append(needed)
        return contextlib.nullcontext()

    monkeypatch.setattr(Wanted, "hold", hold)
    from resnet_desktop.imaging.decode import decode

    decode(path, shorter_side=side or None)
    assert peak - base <= max(reserved), f"{(peak - base) / width / height:.1f} bytes a pixel"


def _small(kind: str, mode: str, options: dict[str, object]) -> bytes:
    buffer = io.BytesIO()
    image = Image.fromarray(make_photo(64, 64)).convert(mode)
    if kind == "HEIF":
        import pillow_heif

        pillow_heif.from_pillow(image).save(buffer)
        return buffer.getvalue()
    image.save(buffer, kind, **({} if kind == "ICO" else options))
    return buffer.getvalue()


def test_a_higher_limit_of_pixels_allows_more_memory() -> None:
    assert demand.most_bytes(50_000_000) == demand.most_bytes(200_000_000) == demand.MOST_BYTES
    assert demand.most_bytes(400_000_000) == 2 * demand.MOST_BYTES
    assert np.iinfo(np.int64).max > demand.most_bytes(2_000_000_000)


_CHANGING = """
import os, sys, threading, time
from pathlib import Path
from resnet_desktop.core.errors import ImageError
from resnet_desktop.imaging import source
from resnet_desktop.imaging.decode import decode
path = Path(sys.argv[1])
reads = 0
plain = source.PatientReader.read
def read(self, size=-1, /):
    global reads
    reads += 1
    if reads == int(sys.argv[2]):
        os.truncate(path, 4096)
    return plain(self, size)
source.PatientReader.read = read
try:
    decode(path, shorter_side=64)
    print("ok")
except ImageError as error:
    print(error.code)
"""


@pytest.mark.parametrize("compression", [1, 8])
@pytest.mark.parametrize("reads", [1, 5, 40])
def test_a_file_that_is_cut_off_while_it_is_decoded_is_an_error(compression: int, reads: int, tmp_path: Path) -> None:
    """A large TIFF used to be mapped into memory by libtiff, which ended the whole process."""
    path = tmp_path / "large.tif"
    _tiff(path, 16, 3, compression)
    if compression != 1:  # its strips lie beyond a hole, so that the file is large
        with path.open("r+b") as file:
            file.truncate(400_000_000)
    done = subprocess.run([sys.executable, "-c", _CHANGING, str(path), str(reads)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in ("truncated_image", "damaged_image", "read_failed")
