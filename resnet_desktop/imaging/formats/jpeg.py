"""The structure of a JPEG file (ITU-T T.81): whether it is whole, and what kind it is.

libjpeg says nothing of damage through Pillow: it draws grey where it lost the thread. So it is looked for here, first
in the bytes (markers where none belong), then while decoding: the data of a sound picture lasts just as long as it has
rows to fill.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import ImageFile

_MARKER = re.compile(rb"\xff+[^\x00\xff]", re.DOTALL)
_PLAIN_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]", re.DOTALL)
_START, _END, _SCAN, _RESTARTS, _LINES, _HUFFMAN = 0xD8, 0xD9, 0xDA, 0xDD, 0xDC, 0xC4
_ZEROS = bytes(256)
_TABLES = frozenset({0xC4, 0xDB, 0xDD, 0xCC, 0xFE, *range(0xE0, 0xF0)})
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BASELINE = frozenset({0xC0, 0xC1})
_PROGRESSIVE = 0xC2
_READABLE = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})
_JPEG_LS = 0xF7
_TAIL = 16  # bytes of a scan that are held back while it is looked how far the rows have come
_CONTEXT = 4  # rows that the decoder holds back to smooth colours
_LEAST_BITS = 2  # of a block of coefficients
_LOOKAHEAD = 16  # bytes that the decoder may hold itself
_INK: dict[str, int | tuple[int, ...]] = {
    "L": 7,
    "RGB": (1, 254, 3, 255),
    "CMYK": (1, 254, 3, 9),
    "YCbCr": (1, 254, 3, 255),
}


@dataclass(slots=True)
class Structure:
    """What a walk through a JPEG file found.

    Attributes:
        frame: the second byte of its start-of-frame marker; 0 if it has none.
        bits: of a sample.
        size: width and height in pixels, before any turning.
        factors: horizontal and vertical sampling factors of each component.
        scans: how many there are.
        body: where the coded data of the first scan begins, and of the last one ends.
        complete: whether the end marker follows.
        broken: the place of the first byte of coded data that cannot belong there; 0 where there is none.
        restarts: whether the decoder can take up the thread again after damage.
        finest: whether the last bits of all coefficients have begun, in a progressive file.
        zeros_mean_flat: whether many zero bytes in a row can stand for a part of one colour.
    """

    frame: int = 0
    bits: int = 8
    size: tuple[int, int] = (0, 0)
    factors: tuple[tuple[int, int], ...] = ()
    scans: int = 0
    body: tuple[int, int] = (0, 0)
    complete: bool = False
    broken: int = 0
    restarts: bool = False
    finest: bool = False
    zeros_mean_flat: bool = True

    @property
    def is_readable(self) -> bool:
        """Whether libjpeg can decode such a file."""
        return self.frame in _READABLE and self.bits == 8

    @property
    def in_words(self) -> str:
        """What kind of JPEG it is, where libjpeg cannot decode it."""
        if self.frame == _JPEG_LS:
            return "a JPEG-LS picture"
        return f"a JPEG of {self.bits} bits" if self.bits != 8 else "a lossless or hierarchical JPEG"

    @property
    def is_plain(self) -> bool:
        """Whether one scan holds the whole picture, row after row."""
        return self.frame in _BASELINE and self.scans == 1

    @property
    def sound(self) -> float:
        """The share of the coded data before the damage."""
        start, end = self.body
        return (self.broken - start) / max(1, end - start) if self.broken else 1.0

    @property
    def unit(self) -> tuple[int, int]:
        """Width and height of what is coded together, in pixels."""
        return 8 * max(h for h, _ in self.factors), 8 * max(v for _, v in self.factors)

    @property
    def coefficient_bytes(self) -> int:
        """What libjpeg keeps of all coefficients where it cannot decode row by row."""
        if self.is_plain or not self.factors:
            return 0
        most = max(h for h, _ in self.factors) * max(v for _, v in self.factors)
        return 2 * self.size[0] * self.size[1] * sum(h * v for h, v in self.factors) // most


def structure(data: bytes, *, header_only: bool = False) -> Structure:
    """Walk through the bytes of a JPEG file; never raises."""
    found = Structure()
    at, fine = 2, set[int]()
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in (_END, _START):
            found.complete = marker == _END
            break
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        content = data[at + 4 : at + 2 + length]
        at += 2 + length
        if marker in _FRAMES or marker == _JPEG_LS:
            _read_frame(found, marker, content)
            if header_only:
                break
        elif marker == _HUFFMAN:
            _read_tables(found, content)
        elif marker == _RESTARTS:
            found.restarts = any(content[:2])
        elif marker == _SCAN:
            found.scans += 1
            _note_fineness(found, content, fine)
            at = _through_scan(found, data, at, content)
    else:
        found.complete = found.complete or data[at : at + 2] == b"\xff\xd9"
    return found


def mended(data: bytes, found: Structure) -> bytes:
    """A damaged JPEG of one scan as libjpeg can read it: up to the damage, or on from the next restart."""
    if not found.restarts:
        return data[: found.broken] + b"\xff\xd9"
    start, end = found.body
    return data[:start] + _PLAIN_MARKER.sub(b"\xff\0", data[start:end]) + data[end:]


class WatchedData(io.BytesIO):
    """The bytes of a JPEG file; calls ``look`` when all but the last few bytes of its scan have been read."""

    def __init__(self, data: bytes, end: int) -> None:
        super().__init__(data)
        self._stop = end - _TAIL
        self.look: Callable[[], object] | None = None

    def read(self, size: int | None = -1, /) -> bytes:
        """As io.BytesIO, but never across that place in one piece."""
        here = self.tell()
        if self.look is None or size is None or size < 0 or here > self._stop:
            return super().read(size)
        if here == self._stop:
            look, self.look = self.look, None
            look()
            return super().read(size)
        return super().read(min(size, self._stop - here))


class Watch:
    """Looks, while a JPEG of one scan is decoded, whether its data and its rows end together.

    Args:
        image: opened, drafted, not loaded.
        stream: what it reads.
        found: its structure.

    Attributes:
        damaged: whether they do not.
        height: of the image in pixels.
    """

    def __init__(self, image: ImageFile.ImageFile, stream: WatchedData, found: Structure) -> None:
        self.damaged = False
        self._image = image
        self._ink = _INK[image.mode]
        height = image.size[1]
        scale = max(1, round(found.size[1] / height))
        self._row = max(1, found.unit[1] // scale)
        across = -(-found.size[0] // found.unit[0])
        blocks = across * sum(h * v for h, v in found.factors)
        self._rows_left = 1 + 8 * (_TAIL + _LOOKAHEAD) // (_LEAST_BITS * blocks)  # that so few bytes can hold
        self.height = height
        top = min(height * 7 // 8, max(0, height - (self._rows_left + 2) * self._row))
        image.load_prepare()
        image.im.paste(self._ink, (0, top, *image.size))
        stream.look = self._look

    def rows_done(self) -> int:
        """How many rows of the picture have been decoded, counted from the bottom."""
        image = self._image
        ink = self._ink if isinstance(self._ink, int) else tuple(self._ink[: len(image.getbands())])
        left = image.size[1]
        while left and image.im.getpixel((0, left - 1)) == ink:
            left -= 1
        return left

    def _look(self) -> None:
        height = self._image.size[1]
        done = self.rows_done()
        self.damaged = done == height or done < height - self._rows_left * self._row - _CONTEXT


def _read_frame(found: Structure, marker: int, content: bytes) -> None:
    found.frame = marker
    if len(content) < 6:
        return
    found.bits = content[0]
    found.size = int.from_bytes(content[3:5], "big"), int.from_bytes(content[1:3], "big")
    pairs = [content[i + 1] for i in range(6, min(len(content) - 2, 6 + 3 * content[5]), 3)]
    found.factors = tuple((max(1, pair >> 4), max(1, pair & 15)) for pair in pairs)


def _read_tables(found: Structure, content: bytes) -> None:
    """Whether the code that ends a flat block is made of zeros in all tables: that of the first symbol always is."""
    at = 0
    while at + 18 <= len(content):
        if content[at] >> 4 and content[at + 17] != 0:
            found.zeros_mean_flat = False
        at += 17 + sum(content[at + 1 : at + 17])


def _note_fineness(found: Structure, content: bytes, fine: set[int]) -> None:
    """Whether, with this scan, the last bits of the higher coefficients of every component have begun."""
    if len(content) < 4 or found.frame != _PROGRESSIVE:
        return
    count = content[0]
    parts = content[1 + 2 * count :]
    if len(parts) >= 3 and parts[0] > 0 and parts[1] == 63 and parts[2] & 15 == 0:
        fine.add(content[1])
    found.finest = len(fine) >= max(1, len(found.factors))


def _through_scan(found: Structure, data: bytes, start: int, content: bytes) -> int:
    """The place of the marker that ends the scan whose coded data begins at ``start``; damage is noted."""
    first = found.scans == 1
    whole = first and found.frame in _BASELINE and content[:1] == bytes([len(found.factors)])
    allowed = {_END, _LINES} if whole else _TABLES | {_END, _SCAN, _LINES}
    marker, at, broken = _PLAIN_MARKER if found.restarts else _MARKER, start, None
    if whole:
        at = _without_markers(found, data, start)
    while hit := marker.search(data, at):
        if hit[0][-1] in allowed:
            break
        broken = hit.start() if broken is None else broken
        at = hit.end()
    end = hit.start() if hit else len(data)
    found.body = (start if first else found.body[0], end)
    zeros = _zeros(data, start, end) if whole and not found.zeros_mean_flat else -1
    if zeros >= 0:
        broken = min(zeros, end if broken is None else broken)
    if broken is not None and not found.broken:
        found.broken = broken
    return hit.end() - 2 if hit else end


def _without_markers(found: Structure, data: bytes, start: int) -> int:
    """From where on a marker must be searched: to look at all bytes at once is faster where there is none."""
    end = data.rfind(b"\xff\xd9", start)
    if end < 0:
        return start
    values = np.frombuffer(data, np.uint8, end - start + 1, start)
    after = values[np.flatnonzero(values[:-1] == 0xFF) + 1]
    fine = after == 0
    if found.restarts:
        fine |= (after >= 0xD0) & (after <= 0xD7)
    return end if fine.all() else start


def _zeros(data: bytes, start: int, end: int) -> int:
    """Where many zero bytes follow each other; -1 if they do nowhere."""
    values = np.frombuffer(data, np.uint8, end - start, start)
    step = len(_ZEROS) // 4
    hits = np.flatnonzero(values[: len(values) // step * step : step] == 0)
    if not (np.diff(hits) == 1).any():  # such a run holds three of these places or more
        return -1
    return data.find(_ZEROS, start, end)
