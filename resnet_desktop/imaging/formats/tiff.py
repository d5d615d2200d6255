"""The directories of a TIFF file (TIFF 6.0; BigTIFF): which pictures it holds, and which of them is meant.

Raw photos of most cameras are TIFF files too, whose first picture is a thumbnail.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, Literal

import numpy as np

from resnet_desktop.imaging.formats.jpeg.structure import structure
from resnet_desktop.imaging.notes import Note

MOST_PAGES = 10_000
_MOST_ENTRIES = 4096
_MOST_BYTES = 64 << 20  # of one tag
_TYPES = {
    1: "u1",
    2: "S1",
    3: "u2",
    4: "u4",
    5: "u4",
    6: "i1",
    7: "u1",
    8: "i2",
    9: "i4",
    10: "i4",
    11: "f4",
    12: "f8",
    13: "u4",
    16: "u8",
    17: "i8",
    18: "u8",
}
_PAIRS = (5, 10)  # rationals

SUBFILE_TYPE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, DESCRIPTION = 254, 256, 257, 258, 259, 262, 270
STRIP_OFFSETS, ORIENTATION, SAMPLES, ROWS_PER_STRIP, STRIP_LENGTHS, PLANAR = 273, 274, 277, 278, 279, 284
PREDICTOR, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_LENGTHS, SUB_IFDS, EXTRA_SAMPLES = (
    317,
    322,
    323,
    324,
    325,
    330,
    338,
)
FORMAT, FILL_ORDER, PROFILE, NO_DATA = 339, 266, 34675, 42113
_JPEG_OFFSET, _JPEG_LENGTH = 513, 514
_SMALLEST, _LARGEST = (340, 280), (341, 281)
_REDUCED = 1
_MASK = 4
_RAW = (32803, 34892)  # colour filter array, linear raw
OLD_JPEG, JPEG = 6, 7
_LEAST_PREVIEW = 640  # pixels of the longer side: what is smaller than this is no photo, but its thumbnail


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """One picture in a TIFF file: where its directory lies, its tags, and how far behind them its pixels lie."""

    file: BinaryIO
    at: int
    order: Literal["<", ">"]
    is_sub: bool
    entries: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    shift: int = 0

    def values(self, tag: int) -> tuple[Any, ...]:
        """The numbers of a tag; empty where it is missing. Raises ValueError if the file ends before them."""
        if tag not in self.entries:
            return ()
        kind, count, at = self.entries[tag]
        dtype = np.dtype(self.order + _TYPES[kind])
        count *= 2 if kind in _PAIRS else 1
        if count * dtype.itemsize > _MOST_BYTES:
            raise ValueError("a tag is too large")
        self.file.seek(at)
        data = self.file.read(count * dtype.itemsize)
        if len(data) < count * dtype.itemsize:
            raise ValueError("truncated in a tag")
        found = np.frombuffer(data, dtype).tolist()
        return tuple(value + self.shift for value in found) if self.shift and tag == STRIP_OFFSETS else tuple(found)

    def data(self, tag: int) -> bytes:
        """The bytes of a tag of text or of no type; empty where it is missing. Raises ValueError."""
        values = self.values(tag)
        return bytes(values) if values and isinstance(values[0], int) else b"".join(values)

    def number(self, tag: int, default: int = 0) -> int:
        """The first number of a tag. Raises ValueError."""
        values = self.values(tag)
        return int(values[0]) if values and isinstance(values[0], int | float) else default

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, before any turning."""
        return self.number(WIDTH), self.number(HEIGHT)

    @property
    def area(self) -> int:
        """In pixels."""
        return self.size[0] * self.size[1]

    @property
    def is_raw(self) -> bool:
        """Whether it holds what a sensor measured, which is no picture yet."""
        return self.number(PHOTOMETRIC, 1) in _RAW

    @property
    def is_reduced(self) -> bool:
        """Whether it says of itself that it is a smaller version of another one."""
        return bool(self.number(SUBFILE_TYPE) & _REDUCED)

    @property
    def is_mask(self) -> bool:
        """Whether it says which part of another one is to be seen."""
        return bool(self.number(SUBFILE_TYPE) & _MASK)

    def jpeg(self) -> bytes | None:
        """The whole JPEG file that this page is, as raw photos hold their previews; None if it is none."""
        where = (_JPEG_OFFSET, _JPEG_LENGTH) if _JPEG_LENGTH in self.entries else (STRIP_OFFSETS, STRIP_LENGTHS)
        lengths = self.values(where[1])
        if (self.number(COMPRESSION, 1) not in (OLD_JPEG, JPEG) and where[0] == STRIP_OFFSETS) or len(lengths) != 1:
            return None
        if len(self.values(347)):  # JPEGTables: the strips are no files of their own
            return None
        self.file.seek(self.number(where[0]))
        data = self.file.read(int(lengths[0]))
        return data if data[:3] == b"\xff\xd8\xff" else None


def read_pages(file: BinaryIO, head: bytes) -> list[Page]:
    """All pictures of a TIFF file that begins with ``head``, those in sub-directories last; read from anywhere.

    Raises:
        ValueError: the first directory is cut short.
        OSError: the file cannot be read.
    """
    order: Literal["<", ">"] = ">" if head[:2] == b"MM" else "<"
    is_big = 43 in head[2:4]
    waiting = [(_number(head[8:16] if is_big else head[4:8], order), False)]
    seen: set[int] = set()
    main: list[Page] = []
    subs: list[Page] = []
    while waiting and len(seen) < MOST_PAGES:
        at, is_sub = waiting.pop()
        if at == 0 or at in seen:
            continue
        seen.add(at)
        try:
            page, following = _directory(file, at, order, is_big, is_sub)
            below = page.values(SUB_IFDS)
        except ValueError:
            if not main:
                raise
            continue
        (subs if is_sub else main).append(page)
        waiting += [(int(place), True) for place in below if isinstance(place, int)][:64]
        waiting.append((following, is_sub))  # last, so that it is taken next
    return _stacked(main) + subs


def _stacked(main: list[Page]) -> list[Page]:
    """The pages of a stack with one directory: as ImageJ writes files of over 4 GB, and tifffile such as are to grow.

    Their pixels follow each other, and only the description says how many there are.
    """
    if len(main) != 1 or main[0].number(COMPRESSION, 1) != 1 or TILE_OFFSETS in main[0].entries:
        return main
    page, text = main[0], _text(main[0])
    bits = page.number(BITS, 1) * page.number(SAMPLES, 1) * page.area
    images = re.search(r"^images=(\d{1,9})$", text, re.MULTILINE) if text.startswith("ImageJ=") else None
    shape = re.match(r'\{"shape": \[([\d, ]{1,99})\].*"truncated": true', text)
    if bits % 8 or not bits or not (images or shape):
        return main
    count = int(images[1]) if images else 0
    if shape:
        count = math.prod(int(number) for number in shape[1].split(",") if number.strip())
        count //= page.area * page.number(SAMPLES, 1)
    start, size = page.number(STRIP_OFFSETS), bits // 8
    there = (page.file.seek(0, 2) - start) // size
    return [page, *(replace(page, shift=size * number) for number in range(1, min(count, there, MOST_PAGES)))]


def main_page(pages: Sequence[Page], wanted: int | None) -> tuple[Page, tuple[Note, ...]]:
    """The page that is meant, and what is to be said of that choice.

    It is number ``wanted`` (from 1) of the pages that are no sub-directories; else the first; but the largest one where
    the first is a smaller version of another, as in raw photos.

    Raises:
        IndexError: there is no such page; LookupError: there is nothing but a thumbnail.
    """
    main = [page for page in pages if not page.is_sub and not page.is_mask] or list(pages)
    if wanted is not None:
        if not 1 <= wanted <= len(main):
            raise IndexError(len(main))
        return main[wanted - 1], ()
    first = pages[0]
    shown = [page for page in pages if not page.is_raw and not page.is_mask and page.area]
    if any(page.is_raw for page in pages) or first.is_reduced or not first.area or _is_thumbnail(first, shown):
        return _largest(pages)
    return first, _on_others(first, [page for page in main if not page.is_reduced])


def named_range(page: Page) -> tuple[float, float] | None:
    """The values that the file names as black and white, if it does."""
    found = re.search(r"^min=(\S+)\s+max=(\S+)", _text(page), re.MULTILINE) if _is_imagej(page) else None
    try:
        if found:
            low, high = float(found[1]), float(found[2])
        else:
            named = [
                next((page.values(tag) for tag in tags if tag in page.entries), ()) for tags in (_SMALLEST, _LARGEST)
            ]
            if not named[1]:
                return None
            low, high = min(map(float, named[0] or (0.0,))), max(map(float, named[1]))
    except (ValueError, TypeError):
        return None
    return (low, high) if np.isfinite([low, high]).all() and low < high else None


def no_data(page: Page) -> float | None:
    """The value that stands for no value (GDAL's tag), if there is one."""
    try:
        return float(page.data(NO_DATA).split(b"\0")[0].decode("ascii").strip())
    except (ValueError, TypeError):
        return None


def _number(data: bytes, order: str) -> int:
    return int.from_bytes(data, "big" if order == ">" else "little")


def _directory(file: BinaryIO, at: int, order: Literal["<", ">"], is_big: bool, is_sub: bool) -> tuple[Page, int]:
    """The directory at ``at`` and the place of the next one."""
    counted, entry, pointer = (8, 20, 8) if is_big else (2, 12, 4)
    file.seek(at)
    count = _number(file.read(counted), order)
    if not 0 < count <= _MOST_ENTRIES:
        raise ValueError("truncated before its directory" if count == 0 else "a directory is too large")
    data = file.read(count * entry + pointer)
    if len(data) < count * entry:
        raise ValueError("truncated in a directory")
    page = Page(file, at, order, is_sub)
    for place in range(0, count * entry, entry):
        tag, kind = (_number(data[place + i : place + i + 2], order) for i in (0, 2))
        if kind not in _TYPES:
            continue
        number = _number(data[place + 4 : place + 4 + pointer], order)
        size = number * np.dtype(_TYPES[kind]).itemsize * (2 if kind in _PAIRS else 1)
        inside = place + 4 + pointer
        where = at + counted + inside if size <= pointer else _number(data[inside : inside + pointer], order)
        page.entries[tag] = (kind, number, where)
    return page, _number(data[count * entry :], order)


def _is_thumbnail(first: Page, shown: Sequence[Page]) -> bool:
    """Whether another page is the same picture at twice the size or more, by its proportions."""
    width, height = first.size
    for page in shown:
        skew = abs(page.size[0] * height - page.size[1] * width)
        if page.area >= 4 * first.area > 0 and skew * 50 < page.size[0] * height:
            return True
    return False


def _largest(pages: Sequence[Page]) -> tuple[Page, tuple[Note, ...]]:
    sizes = [(_shown_size(page), page) for page in pages]
    size, best = max(sizes, key=lambda pair: pair[0][0] * pair[0][1])
    largest = max(page.area for page in pages)
    if not all(size) or (size[0] * size[1] * 4 < largest and max(size) < _LEAST_PREVIEW):
        raise LookupError("only a thumbnail" if all(size) else "no preview")
    if any(page.is_raw for page in pages):
        return best, (Note("preview", "This is a raw photo; its largest embedded preview is shown."),)
    if best is pages[0]:
        return best, ()
    return best, (
        Note("preview", f"It holds {len(pages)} pictures, the first of them a thumbnail; the largest is shown."),
    )


def _shown_size(page: Page) -> tuple[int, int]:
    """Of a page that can be shown: width and height, which a preview may hold itself; zeros of another."""
    if page.is_raw or page.is_mask:
        return 0, 0
    data = page.jpeg()
    if data is None:
        return (0, 0) if page.number(COMPRESSION) == OLD_JPEG else page.size
    found = structure(data, header_only=True)
    return found.size if found.is_readable else (0, 0)


def _on_others(first: Page, main: Sequence[Page]) -> tuple[Note, ...]:
    if len(main) < 2:
        return ()
    text = _text(first)
    found = re.search(r'SizeC="(\d+)"', text) or re.search(r"^channels=(\d+)", text, re.MULTILINE)
    found = found or re.search(r'"shape": \[(\d+).*"axes": "C', text)
    if found and int(found[1]) > 1:
        message = f"It holds {int(found[1])} channels as pages; only the first is shown. Use --page to choose another."
        return (Note("channels_as_pages", message),)
    return (Note("more_pages", f"It has {len(main)} pages; the first is shown. Use --page to choose another."),)


def _text(page: Page) -> str:
    try:
        return page.data(DESCRIPTION).decode("utf-8", "replace")
    except (ValueError, TypeError):
        return ""


def _is_imagej(page: Page) -> bool:
    return _text(page).startswith("ImageJ=")
