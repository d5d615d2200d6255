"""Where photos and the headers of their groups lie: plain arithmetic, as quick for a million rows as for ten."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRect


@dataclass(frozen=True, slots=True)
class _Part:
    """A group: its first row, how many rows, where its header begins and where its photos do, in pixels."""

    first: int
    count: int
    top: int
    body: int


class GalleryLayout:
    """Photos line by line, all of one size; each group begins a line, below its header.

    Args:
        counts: photos of each group; one group without a header where ``header`` is 0.
        columns: photos in a line.
        cell: width and height of a photo with its words, in pixels.
        header: height of a group's header, in pixels.
    """

    def __init__(self, counts: Sequence[int], columns: int, cell: tuple[float, int], header: int = 0) -> None:
        self.columns = max(1, columns)
        self._width, self._line = cell[0], max(1, cell[1])
        self.header = header
        self._parts: list[_Part] = []
        top = first = 0
        for count in counts:
            body = top + header
            self._parts.append(_Part(first, count, top, body))
            top = body + -(-count // self.columns) * self._line
            first += count
        self.height, self.rows = top, first
        self._firsts = [part.first for part in self._parts]
        self._tops = [part.top for part in self._parts]

    def rect(self, row: int) -> QRect:
        """Where a photo lies."""
        part = self._part_of(row)
        line, column = divmod(row - part.first, self.columns)
        left = round(column * self._width)
        return QRect(left, part.body + line * self._line, round((column + 1) * self._width) - left, self._line)

    def row_at(self, x: int, y: int) -> int | None:
        """The photo at a place; None in a header, in a gap or outside."""
        found = bisect_right(self._tops, y) - 1
        if found < 0 or x < 0:
            return None
        part = self._parts[found]
        column = int(x // self._width)
        if y < part.body or column >= self.columns:
            return None
        place = (y - part.body) // self._line * self.columns + column
        return part.first + place if place < part.count else None

    def rows_between(self, top: int, bottom: int) -> Iterator[int]:
        """The photos of which something lies between two heights."""
        for part in self._parts_between(top, bottom):
            first = max(0, (top - part.body) // self._line) * self.columns
            end = min(part.count, max(0, (bottom - part.body) // self._line + 1) * self.columns)
            yield from range(part.first + first, part.first + end)

    def headers_between(self, top: int, bottom: int) -> Iterator[tuple[int, QRect]]:
        """The groups of which the header is seen between two heights, and where it lies."""
        if self.header:
            width = round(self.columns * self._width)
            for part in self._parts_between(top, bottom):
                if part.body > top:
                    yield self._firsts.index(part.first), QRect(0, part.top, width, self.header)

    def above(self, row: int) -> int:
        """The photo one line higher; the same in the first line."""
        part = self._part_of(row)
        if row - part.first >= self.columns:
            return row - self.columns
        before = self._parts.index(part) - 1
        if before < 0:
            return row
        other = self._parts[before]
        last_line = (other.count - 1) // self.columns * self.columns
        return other.first + min(other.count - 1, last_line + row - part.first)

    def below(self, row: int) -> int:
        """The photo one line lower; the same in the last line."""
        part = self._part_of(row)
        place = row - part.first
        if place // self.columns < (part.count - 1) // self.columns:
            return part.first + min(place + self.columns, part.count - 1)
        after = self._parts.index(part) + 1
        if after == len(self._parts):
            return row
        other = self._parts[after]
        return other.first + min(place % self.columns, other.count - 1)

    def page_from(self, row: int, room: int, *, down: bool) -> int:
        """The photo about ``room`` pixels further, in the same column; at least one line, where there is one."""
        start = at = self.rect(row).top()
        while abs(at - start) < max(1, room - self._line):
            further = self.below(row) if down else self.above(row)
            if further == row:
                break
            row, at = further, self.rect(further).top()
        return row

    def _part_of(self, row: int) -> _Part:
        return self._parts[bisect_right(self._firsts, row) - 1]

    def _parts_between(self, top: int, bottom: int) -> Sequence[_Part]:
        return self._parts[max(0, bisect_right(self._tops, top) - 1) : bisect_right(self._tops, bottom)]
