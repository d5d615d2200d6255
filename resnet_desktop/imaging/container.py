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
HEIF = Kind("HEIF", "HEIC", "pi_heif", whole=True)
JP2 = Kind("JPEG2000", "JPEG 2000", "PIL.Jpeg2KImagePlugin", whole=True)
PNM = Kind("PPM", "PNM", "PIL.PpmImagePlugin")
TGA = Kind("TGA", "TGA", "PIL.TgaImagePlugin")
ICO = Kind("ICO", "ICO", "PIL.IcoImagePlugin", whole=True)
JXL = Kind("JXL", "JPEG XL", "imagecodecs", whole=True)
RAW = Kind("RAW", "raw photo", "")
KINDS: tuple[Kind, ...] = (JPEG, PNG, WEBP, AVIF, HEIF, TIFF, JP2, BMP, GIF, PNM, TGA, ICO, JXL)

IMAGE_SUFFIXES: frozenset[str] = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".avif", ".heic", ".heif", ".hif", ".tif", ".tiff"}
    | {".bmp", ".dib", ".gif", ".jp2", ".j2k", ".j2c", ".jpx", ".jxl", ".tga"}
    | {".pnm", ".pbm", ".pgm", ".ppm", ".pfm"}
)

LONE_SUFFIXES: frozenset[str] = frozenset(
    {".dng", ".cr2", ".nef", ".nrw", ".arw", ".sr2", ".pef", ".srw", ".3fr", ".iiq", ".ico"}
)
"""Raw photos, of which a preview is read, and icons: pictures of a folder where no other one has the same name."""

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
    (b"\0\0\0\x0cjP  \r\n\x87\n", JP2),
    (b"\xff\x4f\xff\x51", JP2),
    (b"\0\0\0\x0cJXL \r\n\x87\n", JXL),
    (b"\xff\x0a", JXL),
    *((prefix, RAW) for prefix in (b"IIRO", b"IIRS", b"IIU\0", b"FUJIFILMCCD-RAW", b"FOVb", b"\0MRM")),
)
_OTHERS: tuple[tuple[int, bytes, str], ...] = (  # pictures that are not read: where their mark lies, and what they are
    (0, b"8BPS", "a Photoshop picture"),
    (128, b"DICM", "a DICOM picture"),
    (0, b"\x76\x2f\x31\x01", "an OpenEXR picture"),
    (0, b"SIMPLE  =", "a FITS picture"),
    (0, b"#?RADIANCE", "a Radiance HDR picture"),
    (0, b"qoif", "a QOI picture"),
    (0, b"II\xbc\x01", "a JPEG XR picture"),
    (0, b"\x01\xda\x00\x01", "an SGI picture"),
    (0, b"\x01\xda\x01\x01", "an SGI picture"),
    (0, b"\x0a\x05\x01\x08", "a PCX picture"),
    (0, b"gimp xcf", "a GIMP picture"),
    (0, b"AT&TFORM", "a DjVu document"),
    (0, b"%PDF-", "a PDF document"),
)
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"})
_PNG_END = b"IEND"
_GIF_END = b"\x3b"
_JPEG_END = b"\xff\xd9"
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
    found = next((kind for prefix, kind in _PREFIXES if head.startswith(prefix)), None)
    if found is not None:
        return found
    if head[:1] == b"P" and head[1:2] in b"123456fF" and head[2:3] in b" \t\r\n#" and len(head) > 7:
        return PNM
    if len(head) > 9 and head[:4] == b"\0\0\1\0" and 0 < head[4] + 256 * head[5] <= 64 and head[9] == 0:
        return ICO
    return TGA if _looks_like_tga(head) else None


def unsupported(head: bytes) -> str:
    """What a picture or page is in words, whose format is known but not read; else ""."""
    return next((title for at, mark, title in _OTHERS if head[at : at + len(mark)] == mark), "")


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


def jpeg2000_levels(head: bytes) -> int:
    """How many times a JPEG 2000 that begins with ``head`` can be halved while it is decoded (ISO 15444-1, COD)."""
    at = head.find(b"\xff\x52")
    return head[at + 9] if 0 <= at < len(head) - 9 and head[at + 9] <= 32 else 0


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
    if kind is ICO:
        entries = [head[at : at + 16] for at in range(6, min(len(head), 6 + 16 * head[4]), 16)]
        ends = [sum(int.from_bytes(entry[at : at + 4], "little") for at in (8, 12)) for entry in entries]
        return max(ends, default=size + 1) > size
    if kind not in (JPEG, GIF, JP2):
        return False
    file.seek(max(0, size - TAIL_BYTES))
    tail = file.read(TAIL_BYTES)
    return _JPEG_END not in tail if kind in (JPEG, JP2) else not tail.rstrip(b"\0").endswith(_GIF_END)


def _looks_like_tga(head: bytes) -> bool:
    """A TGA file has no mark of its own at the beginning, but few headers can be one (Truevision TGA, 2.0)."""
    if len(head) < 18:
        return False
    has_map, kind, map_bits, depth, flags = head[1], head[2], head[7], head[16], head[17]
    size = int.from_bytes(head[12:14], "little"), int.from_bytes(head[14:16], "little")
    if not all(size) or flags & 0xC0:
        return False
    if kind in (1, 9):
        return has_map == 1 and depth == 8 and map_bits in (15, 16, 24, 32)
    depths = {2: (16, 24, 32), 10: (16, 24, 32), 3: (8, 16), 11: (8, 16)}.get(kind, ())
    return has_map == 0 and depth in depths and head[3:8] == bytes(5)


def _identify_brands(head: bytes) -> Kind | None:
    length = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12]} | {head[at : at + 4] for at in range(16, length - 3, 4)}
    if head[8:12] == b"crx ":
        return RAW
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
