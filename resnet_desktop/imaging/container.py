"""What kind of picture a file is, told by its first bytes, and whether its end is missing, told by its structure.

A file's name is never trusted: the content decides. Only the formats named here are ever handed to Pillow, so that
plugins which nobody asked for (EPS starts Ghostscript) cannot be reached by a crafted file.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO, Literal

HEAD_BYTES = 256
TAIL_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Kind:
    """A format: ``name`` as Pillow calls it, ``title`` as people do, the plugin module that reads it.

    ``whole``: its decoder holds the complete file in memory.
    """

    name: str
    title: str
    plugin: str
    whole: bool = False


JPEG = Kind("JPEG", "JPEG", "PIL.JpegImagePlugin")
PNG = Kind("PNG", "PNG", "PIL.PngImagePlugin")
GIF = Kind("GIF", "GIF", "PIL.GifImagePlugin")
BMP = Kind("BMP", "BMP", "PIL.BmpImagePlugin")
TIFF = Kind("TIFF", "TIFF", "PIL.TiffImagePlugin")
WEBP = Kind("WEBP", "WebP", "PIL.WebPImagePlugin", whole=True)
AVIF = Kind("AVIF", "AVIF", "PIL.AvifImagePlugin", whole=True)
HEIF = Kind("HEIF", "HEIC", "pillow_heif", whole=True)
KINDS: tuple[Kind, ...] = (JPEG, PNG, WEBP, AVIF, HEIF, TIFF, BMP, GIF)

IMAGE_SUFFIXES: frozenset[str] = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".avif", ".heic", ".heif", ".hif", ".tif", ".tiff"}
    | {".bmp", ".dib", ".gif"}
)

_PREFIXES: tuple[tuple[bytes, Kind], ...] = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"BM", BMP),
    (b"II\x2a\x00", TIFF),
    (b"MM\x00\x2a", TIFF),
    (b"II\x2b\x00", TIFF),
    (b"MM\x00\x2b", TIFF),
)
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"})
_PNG_END = b"IEND"
_GIF_END = b"\x3b"
_JPEG_END = b"\xff\xd9"
_JPEG_SCAN = b"\xff\xda"
_BLOCK = 1 << 20
_TIFF_OFFSETS = frozenset({273, 324})  # of strips, of tiles
_TIFF_LENGTHS = frozenset({279, 325})
_TIFF_WIDTHS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}  # bytes of a type


def identify(head: bytes) -> Kind | None:
    """The format that a file beginning with ``head`` (``HEAD_BYTES`` of it, or all there is) claims to be."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WEBP
    if head[4:8] == b"ftyp":
        return _identify_brands(head)
    return next((kind for prefix, kind in _PREFIXES if head.startswith(prefix)), None)


def webp_canvas(head: bytes) -> tuple[int, int] | None:
    """Width and height in pixels from the first chunk of a WebP file (RFC 9649), or None where it cannot be told.

    Pillow's plugin allocates the canvas as soon as it opens such a file, so the size must be known before.
    """
    chunk = head[12:16]
    if chunk == b"VP8X" and len(head) >= 30:
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    if chunk == b"VP8L" and len(head) >= 25:
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 " and len(head) >= 30:
        width, height = struct.unpack_from("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def count_scans(file: BinaryIO) -> int:
    """How many scans a JPEG has (start-of-scan markers; compressed data never looks like one). Keeps the position."""
    before = file.tell()
    file.seek(0)
    scans, last = 0, b""
    while block := file.read(_BLOCK):
        scans += (last + block).count(_JPEG_SCAN)
        last = block[-1:]
    file.seek(before)
    return scans


def is_cut_short(kind: Kind, file: BinaryIO, size: int) -> bool:
    """Whether the structure of a file that could not be decoded shows that its end is missing.

    ``file`` is read from anywhere; ``size`` is its length in bytes. Raises OSError if it cannot be read.
    """
    file.seek(0)
    head = file.read(HEAD_BYTES)
    if kind is PNG:
        return _png_lacks_end(file, size)
    if kind in (AVIF, HEIF):
        return _boxes_lack_end(file, size)
    if kind is WEBP:
        return len(head) < 8 or int.from_bytes(head[4:8], "little") + 8 > size
    if kind is BMP:
        return len(head) < 6 or int.from_bytes(head[2:6], "little") > size
    if kind is TIFF:
        return _tiff_lacks_end(file, head, size)
    file.seek(max(0, size - TAIL_BYTES))
    tail = file.read(TAIL_BYTES)
    return _JPEG_END not in tail if kind is JPEG else not tail.rstrip(b"\0").endswith(_GIF_END)


def _identify_brands(head: bytes) -> Kind | None:
    length = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12]} | {head[at : at + 4] for at in range(16, length - 3, 4)}
    if brands & _AVIF_BRANDS:
        return AVIF
    return HEIF if brands & _HEIF_BRANDS else None


def _png_lacks_end(file: BinaryIO, size: int) -> bool:
    at = 8
    while at + 12 <= size:
        file.seek(at)
        length, name = struct.unpack(">I4s", file.read(8))
        at += length + 12
        if name == _PNG_END:
            return bool(at > size)
    return True


def _boxes_lack_end(file: BinaryIO, size: int) -> bool:
    at, described = 0, False
    while at < size:
        file.seek(at)
        header = file.read(16)
        if len(header) < 8:
            return True
        described = described or header[4:8] == b"meta"
        length = int.from_bytes(header[:4], "big")
        if length == 0:  # the last box may reach to the end of the file (ISO/IEC 14496-12, 4.2)
            return False
        if length == 1 and len(header) == 16:
            length = int.from_bytes(header[8:], "big")
        if length < 8:
            return False
        at += length
    return at > size or not described


def _tiff_lacks_end(file: BinaryIO, head: bytes, size: int) -> bool:
    order: Literal["big", "little"] = "big" if head[:2] == b"MM" else "little"
    is_big_tiff = 43 in head[2:4]
    at = int.from_bytes(head[8:16] if is_big_tiff else head[4:8], order)
    if len(head) < 16 or at + 2 > size:
        return True
    file.seek(at)
    entries = int.from_bytes(file.read(2), order)
    if is_big_tiff:
        return False
    directory = file.read(12 * entries)
    return len(directory) < 12 * entries or _tiff_data_end(file, directory, order) > size


def _tiff_data_end(file: BinaryIO, directory: bytes, order: Literal["big", "little"]) -> int:
    """Where the last thing ends that a TIFF's first directory (12 bytes an entry) points to (TIFF 6.0, section 2)."""
    ends = [0]
    numbers: dict[int, list[int]] = {}
    for at in range(0, len(directory), 12):
        tag, kind = (int.from_bytes(directory[at + i : at + i + 2], order) for i in (0, 2))
        width, count = _TIFF_WIDTHS.get(kind, 0), int.from_bytes(directory[at + 4 : at + 8], order)
        values = directory[at + 8 : at + 12]
        if width * count > len(values):
            pointer = int.from_bytes(values, order)
            ends.append(pointer + width * count)
            file.seek(pointer)
            values = file.read(min(width * count, _BLOCK)) if tag in _TIFF_OFFSETS | _TIFF_LENGTHS else b""
        if width in (2, 4):
            places = range(0, min(width * count, len(values) - width + 1), width)
            numbers[tag] = [int.from_bytes(values[i : i + width], order) for i in places]
    starts = [number for tag in _TIFF_OFFSETS for number in numbers.get(tag, [])]
    lengths = [number for tag in _TIFF_LENGTHS for number in numbers.get(tag, [])]
    return max(ends + [start + length for start, length in zip(starts, lengths, strict=False)])
