"""The samples of one picture in a TIFF file, strip by strip (TIFF 6.0; TechNotes 3 for floating-point prediction).

Pillow reads a TIFF whole, in 8 bits and few of its types. Here any type comes in strips of rows, so that a large one
takes little memory; the file is only ever read, never mapped, so that it may change meanwhile. LZW and its like are
unpacked by libtiff, each strip in the dress of a small grey picture.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from resnet_desktop.imaging.deep.samples import Samples
from resnet_desktop.imaging.formats import jpeg2000, png, science, tiff
from resnet_desktop.imaging.formats.error_messages import UnsupportedError
from resnet_desktop.imaging.formats.tiff import Page
from resnet_desktop.imaging.notes import Note

Array = NDArray[Any]

_NONE, _LZW, _DEFLATE, _OLD_DEFLATE, _PACKBITS = 1, 5, 8, 32946, 32773
_LIBTIFF = (_LZW, _PACKBITS, 34925, 50000)  # LZMA, Zstandard
_PICTURES = {
    34887: "lerc",
    50001: "webp",
    **dict.fromkeys((33003, 33005, 34712), "jpeg2000"),
    **dict.fromkeys((50002, 52546), "jpegxl"),
    34933: "png",
    **dict.fromkeys((34934, 22610), "jpegxr"),
}
_PILLOW = {"webp": "WEBP", "jpeg2000": "JPEG2000", "png": "PNG"}
_JPEG_2000_YCBCR = 33003  # of Aperio's scanners; 33004 holds that from libvips, RGB from Bio-Formats, and is not read
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _CMYK, _YCBCR = 0, 1, 2, 5, 6
_OF_CMYK = 4  # channels
_PHOTOMETRICS = {
    0: "grey",
    1: "grey",
    2: "RGB",
    3: "in a palette",
    5: "CMYK",
    6: "YCbCr",
    8: "Lab",
    9: "Lab",
    10: "Lab",
    32844: "LogL",
    32845: "LogLuv",
}
_COMPRESSIONS = {
    1: "no compression",
    5: "LZW compression",
    **dict.fromkeys((6, 7, 34892), "JPEG compression"),
    **dict.fromkeys((8, 32946), "Deflate compression"),
    32773: "PackBits compression",
    **dict.fromkeys((33003, 33004, 33005, 34712), "JPEG 2000 compression"),
    **dict.fromkeys((34934, 22610), "JPEG XR compression"),
}
_KINDS = {1: "u", 2: "i", 3: "f"}
_ODD_BITS = (10, 12, 14)
_MOST_SEGMENT = 256 << 20  # bytes of a strip or tile that is unpacked whole
_PIECE = 4 << 20


def can_read(page: Page) -> bool:
    """Whether ``samples_of`` reads such a page rather than Pillow.

    Such are more than 8 bits, signs, unusual compression; channels that Pillow drops without a word, or cannot read;
    values that stand for none.
    """
    bits, kind, photometric = page.values(tiff.BITS), page.number(tiff.FORMAT, 1), page.number(tiff.PHOTOMETRIC, 1)
    if photometric not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _CMYK):
        return photometric == _YCBCR and page.number(tiff.COMPRESSION, 1) == _JPEG_2000_YCBCR
    deep = any(depth > 8 for depth in bits) or kind in (2, 3)
    if deep or page.number(tiff.COMPRESSION, 1) in _PICTURES:
        return True
    return can_stream(page) and (page.shift > 0 or tiff.NO_DATA in page.entries or _has_more_channels(page))


def _has_more_channels(page: Page) -> bool:
    channels, extra = page.number(tiff.SAMPLES, 1), page.values(tiff.EXTRA_SAMPLES)
    colours = {_RGB: 3, _CMYK: 4}.get(page.number(tiff.PHOTOMETRIC, 1), 1)
    with_alpha = channels == colours + 1 and extra[:1] in ((1,), (2,)) and colours != _OF_CMYK
    return channels > colours and not with_alpha


def in_words(page: Page) -> str:
    """What kind of TIFF it is, where none of the readers knows it."""
    photometric, compression = page.number(tiff.PHOTOMETRIC, 1), page.number(tiff.COMPRESSION, 1)
    colours = _PHOTOMETRICS.get(photometric, f"of colour space {photometric}")
    packed = _COMPRESSIONS.get(compression, f"compression {compression}")
    bits = max(page.values(tiff.BITS) or (1,))
    kind = {2: " with a sign", 3: " as floating-point numbers"}.get(page.number(tiff.FORMAT, 1), "")
    channels = page.number(tiff.SAMPLES, 1)
    has = "1 channel" if channels == 1 else f"{channels} channels"
    return f"a TIFF of {has}, {bits} bits each{kind}, {colours}, with {packed}"


def can_stream(page: Page) -> bool:
    """Whether a page of 8 bits can be read in strips as well."""
    return (
        set(page.values(tiff.BITS)) == {8}
        and page.number(tiff.PHOTOMETRIC, 1) in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _CMYK)
        and page.number(tiff.COMPRESSION, 1) in (_NONE, _DEFLATE, _OLD_DEFLATE, *_LIBTIFF)
        and page.number(tiff.FILL_ORDER, 1) == 1
    )


def samples_of(page: Page) -> tuple[Samples, tuple[Note, ...]]:
    """The samples of a page.

    Raises:
        UnsupportedError: of a kind that is not read.
        MissingDecoderError: of a kind that only imagecodecs reads.
        ValueError: damaged; also while the strips are read.
    """
    channels, photometric = page.number(tiff.SAMPLES, 1), page.number(tiff.PHOTOMETRIC, _BLACK_IS_ZERO)
    if photometric == _BLACK_IS_ZERO and channels == 3 and tiff.EXTRA_SAMPLES not in page.entries:
        photometric = _RGB
    colours = {_RGB: 3, _YCBCR: 3, _CMYK: _OF_CMYK}.get(photometric, 1)
    layout = _Layout(page)
    if channels < colours or not layout.size[0] or not layout.size[1]:
        raise ValueError("its tags contradict each other")
    extra = page.values(tiff.EXTRA_SAMPLES)
    alpha: Literal["", "straight", "premultiplied"] = ""
    if channels == colours + 1 and extra[:1] in ((1,), (2,)) and colours != _OF_CMYK:
        alpha = "premultiplied" if extra[0] == 1 else "straight"
    notes: tuple[Note, ...] = ()
    unseen = channels - colours - bool(alpha)
    if unseen > 0:
        which = {1: "the first was", 3: "the first three were"}.get(colours, "the first four were")
        notes = (Note("more_channels", f"It has {channels} channels; {which} read."),)
    whole = layout.dtype.kind == "u"
    found = Samples(
        size=layout.size,
        strips=layout.strips(),
        colours=colours,
        alpha=alpha,
        inverted=photometric == _WHITE_IS_ZERO,
        bits=layout.bits if whole else 0,
        named=tiff.named_range(page),
        no_data=tiff.no_data(page),
        profile=page.data(tiff.PROFILE) or None,
        white=float((1 << layout.bits) - 1) if whole else 1.0,
        held=layout.held,
    )
    return found, notes


class _Layout:
    """How the samples of a page lie in its file."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.size = page.size
        bits = set(page.values(tiff.BITS)) or {1}
        kind = _KINDS.get(page.number(tiff.FORMAT, 1))
        self.compression = page.number(tiff.COMPRESSION, 1)
        if len(bits) != 1 or kind is None or page.number(tiff.FILL_ORDER, 1) != 1:
            raise UnsupportedError("a TIFF with an unusual sample format")
        self.bits = bits.pop()
        fits = self.bits in ((16, 32, 64) if kind == "f" else (8, 16, 32, 64))
        if not fits and not (kind == "u" and self.bits in _ODD_BITS):
            raise UnsupportedError(f"a TIFF with {self.bits} bits per sample")
        self.dtype = np.dtype(f"{kind}{self.bits // 8 if fits else 2}")
        self.packed = not fits
        channels = page.number(tiff.SAMPLES, 1)
        self.planes = channels if page.number(tiff.PLANAR, 1) == 2 and channels > 1 else 1
        self.channels = channels // self.planes
        self.predictor = page.number(tiff.PREDICTOR, 1)
        self.tiled = tiff.TILE_OFFSETS in page.entries
        where = (tiff.TILE_OFFSETS, tiff.TILE_LENGTHS) if self.tiled else (tiff.STRIP_OFFSETS, tiff.STRIP_LENGTHS)
        self.offsets, self.lengths = (page.values(tag) for tag in where)
        width, height = self.size
        self.across, self.down = width, max(1, min(height, page.number(tiff.ROWS_PER_STRIP, height)))
        if self.tiled:
            self.across, self.down = page.number(tiff.TILE_WIDTH), page.number(tiff.TILE_HEIGHT)
        if self.across < 1 or self.down < 1 or not 0 < channels <= 4096:
            raise ValueError("its tags contradict each other")
        self.row_bytes = -(-self.across * self.channels * self.bits // 8)
        self.unpack = self._unpacker()
        per_plane = -(-height // self.down) * -(-width // self.across)
        if len(self.offsets) < per_plane * self.planes:
            raise ValueError("truncated: strips are missing")
        if not self.lengths and self.compression == _NONE:
            self.lengths = (self.down * self.row_bytes,) * len(self.offsets)
        if len(self.lengths) < len(self.offsets):
            raise ValueError("truncated: strips are missing")

    def strips(self) -> Iterator[Array]:
        """All rows, ``(rows, width, channels)``."""
        planes = [self._plane(number) for number in range(self.planes)]
        for parts in zip(*planes, strict=True):
            yield parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)

    @property
    def held(self) -> int:
        """Bytes of strips and tiles that are in memory at once, packed and unpacked."""
        packed = self.tiled or self.compression in (*_LIBTIFF, *_PICTURES, tiff.JPEG)
        segment: int = self.down * self.row_bytes
        piece: int = segment if packed else min(segment, _PIECE)
        row = segment * -(-self.size[0] // self.across) * self.planes if self.tiled else piece * self.planes
        return 3 * int(max(self.lengths, default=0) if packed else _PIECE) + 3 * piece + 2 * row

    def _plane(self, number: int) -> Iterator[Array]:
        width, height = self.size
        columns = -(-width // self.across)
        first = number * columns * -(-height // self.down)
        for band in range(-(-height // self.down)):
            rows = min(self.down, height - band * self.down)
            if self.tiled:
                tiles = [next(self._segment(first + band * columns + i, self.down)) for i in range(columns)]
                yield np.concatenate(tiles, axis=1)[:rows, :width]
            else:
                yield from self._segment(first + band, rows)

    def _segment(self, index: int, rows: int) -> Iterator[Array]:
        """A strip or tile, in pieces of rows where that can be."""
        where, length = int(self.offsets[index]), int(self.lengths[index])
        picture = _PICTURES.get(self.compression) or ("jpeg" if self.compression == tiff.JPEG else None)
        if picture:
            values = _picture(picture, _read(self.page, where, length))
            if self.compression == _JPEG_2000_YCBCR and values.ndim == 3 and values.dtype == np.uint8:
                values = np.asarray(Image.frombytes("YCbCr", values.shape[1::-1], values.tobytes()).convert("RGB"))
            yield self._fitted(values, rows)
            return
        whole = self.tiled or self.compression in _LIBTIFF
        if rows * self.row_bytes > _MOST_SEGMENT and whole:
            raise UnsupportedError("a TIFF compressed in one piece that is too large to unpack")
        step = rows if whole else max(1, min(rows, _PIECE // self.row_bytes))
        pieces = self.unpack(where, length, rows * self.row_bytes, step * self.row_bytes)
        for top in range(0, rows, step):
            count = min(step, rows - top)
            data = next(pieces, b"")
            if len(data) < count * self.row_bytes:
                raise ValueError("truncated in a strip")
            yield self._array(data, count)

    def _array(self, data: bytes, rows: int) -> Array:
        shape = (rows, self.across, self.channels)
        if self.packed:
            bits = np.unpackbits(np.frombuffer(data, np.uint8, rows * self.row_bytes).reshape(rows, -1), axis=1)
            numbers = bits[:, : self.across * self.channels * self.bits].reshape(*shape, self.bits)
            return numbers @ (1 << np.arange(self.bits - 1, -1, -1, dtype=np.uint16))
        if self.predictor == 3 and self.dtype.kind == "f":
            return self._floats(data, rows)
        stored = np.frombuffer(data, self.dtype.newbyteorder(self.page.order), rows * self.across * self.channels)
        values = stored.astype(self.dtype, copy=False).reshape(shape)
        if self.predictor == 2:
            values = np.cumsum(values, axis=1, dtype=self.dtype)
        elif self.predictor != 1:
            raise UnsupportedError("a TIFF with an unknown predictor")
        return values

    def _floats(self, data: bytes, rows: int) -> Array:
        """Undo the prediction of floating-point numbers: differences of bytes, highest bytes first."""
        size = self.dtype.itemsize
        given = np.frombuffer(data, np.uint8, rows * self.row_bytes).reshape(rows, -1, self.channels)
        summed = np.cumsum(given, axis=1, dtype=np.uint8).reshape(rows, size, self.across * self.channels)
        big = np.ascontiguousarray(summed.transpose(0, 2, 1)).view(self.dtype.newbyteorder(">"))
        return big.astype(self.dtype).reshape(rows, self.across, self.channels)

    def _fitted(self, values: Array, rows: int) -> Array:
        values = values if values.ndim == 3 else values[..., None]
        if values.shape[0] < rows or values.shape[1] < self.across or values.shape[2] < self.channels:
            raise ValueError("a strip is smaller than its tags say")
        return values[:rows, : self.across, : self.channels].astype(self.dtype, copy=False)

    def _unpacker(self) -> Callable[[int, int, int, int], Iterator[bytes]]:
        if self.compression == _NONE:
            return self._plain
        if self.compression in (_DEFLATE, _OLD_DEFLATE):
            return self._inflated
        if self.compression in _LIBTIFF:
            return self._through_libtiff
        if self.compression in _PICTURES or self.compression == tiff.JPEG:
            return self._plain
        raise UnsupportedError(f"a TIFF with unknown compression ({self.compression})")

    def _plain(self, where: int, length: int, total: int, piece: int) -> Iterator[bytes]:
        for start in range(0, total, piece):
            yield _read(self.page, where + start, max(0, min(piece, total - start, length - start)))

    def _inflated(self, where: int, length: int, total: int, piece: int) -> Iterator[bytes]:
        unpacker, waiting, done = zlib.decompressobj(), b"", 0
        for start in range(0, total, piece):
            wanted, parts = min(piece, total - start), []
            while wanted and not unpacker.eof:
                if not waiting and done < length:
                    waiting = _read(self.page, where + done, min(_PIECE, length - done))
                    done += len(waiting)
                part = unpacker.decompress(waiting, wanted)
                waiting = unpacker.unconsumed_tail
                if not part and not waiting and done >= length:
                    break
                parts.append(part)
                wanted -= len(part)
            yield b"".join(parts)

    def _through_libtiff(self, where: int, length: int, total: int, piece: int) -> Iterator[bytes]:
        """Unpack a whole strip: as the strip of a grey picture whose rows have as many bytes."""
        assert total == piece
        data = _read(self.page, where, length)
        width, height = self.row_bytes, total // self.row_bytes
        numbers = {
            256: width,
            257: height,
            258: 8,
            259: self.compression,
            262: 1,
            273: 8,
            277: 1,
            278: height,
            279: length,
        }
        directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in numbers.items())
        tail = len(data) % 2
        at = 8 + len(data) + tail
        file = b"II\x2a\0" + struct.pack("<I", at) + data + bytes(tail) + struct.pack("<H", len(numbers)) + directory
        with Image.open(io.BytesIO(file + bytes(4)), formats=("TIFF",)) as image:
            image.load()
            yield image.tobytes()


def _read(page: Page, where: int, length: int) -> bytes:
    page.file.seek(where)
    data = page.file.read(length)
    if len(data) < length:
        raise ValueError("truncated in a strip")
    return data


def _picture(name: str, data: bytes) -> Array:
    """A strip or tile that is a picture file of its own."""
    if name in _PILLOW:
        with Image.open(io.BytesIO(data), formats=(_PILLOW[name],)) as image:
            if name == "jpeg2000" and jpeg2000.bits_of(data) > 8:
                return science.decode(name, data)
            if image.mode.startswith("I;16") or png.is_deep_colour(image):
                raise UnsupportedError("a TIFF with PNG of more than 8 bits")
            image.load()
            return np.asarray(image)
    return science.decode(name, data)
