"""The structure of a JPEG file (ITU-T T.81): whether it is whole, and what kind it is.

libjpeg says nothing of damage through Pillow: it draws grey where it lost the thread. So it is looked for in the bytes
(markers where none belong) here, and while they are decoded (``watch``).
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field

import numpy as np

_MARKER = re.compile(rb"\xff+[^\x00\xff]", re.DOTALL)
_PLAIN_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]", re.DOTALL)
_START, _END, _SCAN, _RESTARTS, _LINES, _HUFFMAN = 0xD8, 0xD9, 0xDA, 0xDD, 0xDC, 0xC4
_ZEROS = bytes(256)
_TABLES = frozenset({0xC4, 0xDB, 0xDD, 0xCC, 0xFE, *range(0xE0, 0xF0)})
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BASELINE = frozenset({0xC0, 0xC1})
_PROGRESSIVE = 0xC2
_READABLE = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})
_HUFFMAN_CODED = frozenset({0xC0, 0xC1, 0xC2})
_JPEG_LS = 0xF7
_MOST_WATCHED = 1000  # scans


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
        bodies: of every scan: its piece of coded data, and where the markers in it are that restart the decoder.
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
    bodies: list[tuple[int, int, tuple[int, ...]]] = field(default_factory=list)
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
    def can_be_watched(self) -> bool:
        """Whether the decoder shows how far it has come: with Huffman codes, and no damage that is known already."""
        return self.frame in _HUFFMAN_CODED and 0 < self.scans <= _MOST_WATCHED and not self.broken

    def coded(self, most: int) -> list[tuple[int, int]]:
        """Pieces of coded data between markers, from the first on; if there are more than ``most``, of whole scans."""
        if sum(1 + len(restarts) for _, _, restarts in self.bodies) > most:
            return [(start, end) for start, end, _ in self.bodies]
        pieces = []
        for start, end, restarts in self.bodies:
            edges = [start, *itertools.chain.from_iterable((at, at + 2) for at in restarts), end]
            pieces += list(zip(edges[::2], edges[1::2], strict=True))
        return pieces

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
    found.bodies.append((start, end, _restarts(found, data, start, end)))
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


def _restarts(found: Structure, data: bytes, start: int, end: int) -> tuple[int, ...]:
    """The places of the markers that restart the decoder."""
    if not found.restarts or end <= start:
        return ()
    values = np.frombuffer(data, np.uint8, end - start, start)
    return tuple((np.flatnonzero((values[:-1] == 0xFF) & (values[1:] >> 3 == 0xD0 >> 3)) + start).tolist())


def _zeros(data: bytes, start: int, end: int) -> int:
    """Where many zero bytes follow each other; -1 if they do nowhere."""
    values = np.frombuffer(data, np.uint8, end - start, start)
    step = len(_ZEROS) // 4
    hits = np.flatnonzero(values[: len(values) // step * step : step] == 0)
    if not (np.diff(hits) == 1).any():  # such a run holds three of these places or more
        return -1
    return data.find(_ZEROS, start, end)
