"""Small charts as SVG text, for reports that must work without scripts and on paper.

Colours come from the page: the classes ``c1``, ``c2``, ``c3`` for what is drawn, ``axis`` for lines and text.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from resnet_desktop.imaging.files import printable

_LEFT, _RIGHT, _TOP = 52, 20, 10
_DIGIT_WIDTH = 6.2


@dataclass(frozen=True, slots=True)
class Line:
    """A curve: its name in the key, its values at equal steps (None leaves a gap), and 1 to 3 for its colour."""

    name: str
    values: Sequence[float | None]
    colour: int
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """The vertical axis: what it shows, and from where to where; ``log``: in powers of ten."""

    title: str
    low: float
    high: float
    log: bool = False
    percent: bool = False

    @staticmethod
    def around(title: str, values: Sequence[float | None], *, log: bool = False, percent: bool = False) -> Axis:
        """An axis on which all ``values`` fit: from 0, or from a power of ten to another."""
        found = [v for v in values if v is not None and math.isfinite(v)]
        if log:
            positive = [v for v in found if v > 0]
            low = math.floor(math.log10(min(positive, default=1.0)))
            high = math.ceil(math.log10(max(positive, default=10.0)))
            return Axis(title, 10.0**low, 10.0 ** max(high, low + 1), log=True)
        most = 1.0 if percent else max(found, default=1.0)
        return Axis(title, 0.0, _round_up(most) if most > 0 else 1.0, percent=percent)

    def place(self, value: float) -> float:
        """Where ``value`` lies between the ends, from 0 to 1; what is beyond an end is put on it."""
        if self.log:
            value = math.log10(max(value, self.low))
            low, high = math.log10(self.low), math.log10(self.high)
        else:
            low, high = self.low, self.high
        return min(1.0, max(0.0, (value - low) / (high - low)))

    def ticks(self) -> list[tuple[float, str]]:
        """Values to be marked, with their text."""
        if self.log:
            first, last = round(math.log10(self.low)), round(math.log10(self.high))
            step = max(1, math.ceil((last - first) / 4))
            return [(10.0**power, f"1e{power}") for power in range(first, last + 1, step)]
        values = [self.low + (self.high - self.low) * i / 4 for i in range(5)]
        return [(v, f"{v * 100:.0f} %" if self.percent else f"{v:.3g}") for v in values]


def line_chart(
    axis: Axis, lines: Sequence[Line], names: Sequence[str], *, title: str, width: int = 360, height: int = 220
) -> Markup:
    """Curves over equal steps; ``names`` (as many as values, some may be empty) stand below them."""
    bottom = _bottom(names)
    count = max(2, len(names))
    xs = [_LEFT + (width - _LEFT - _RIGHT) * i / (count - 1) for i in range(count)]
    parts = [_frame(axis, width, height, bottom), _below(names, xs, height, bottom)]
    for line in lines:
        dash = ' stroke-dasharray="5 4"' if line.dashed else ""
        for piece in _pieces(line.values):
            points = " ".join(f"{xs[i]:.1f},{_y(axis, v, height, bottom):.1f}" for i, v in piece)
            parts.append(f'<polyline class="line c{line.colour}"{dash} points="{points}"/>')
    return Markup(_svg(title, width, height, parts) + _key(lines))


def bar_chart(
    axis: Axis,
    values: Sequence[float | None],
    names: Sequence[str],
    *,
    title: str,
    mark: float | None = None,
    width: int = 740,
    height: int = 190,
) -> Markup:
    """A bar for each value (none where it is None), and a dashed line across at ``mark``."""
    bottom = _bottom(names)
    step = (width - _LEFT - _RIGHT) / max(1, len(values))
    xs = [_LEFT + step * (i + 0.5) for i in range(len(values))]
    parts = [_frame(axis, width, height, bottom), _below(names, xs, height, bottom)]
    for x, value, name in zip(xs, values, names, strict=True):
        if value is not None and math.isfinite(value):
            y = _y(axis, value, height, bottom)
            box = f'x="{x - step * 0.35:.1f}" y="{y:.1f}" width="{step * 0.7:.1f}" height="{height - bottom - y:.1f}"'
            parts.append(f'<rect class="bar c1" {box}><title>{text(f"{name}: {value:.4g}")}</title></rect>')
    if mark is not None:
        y = _y(axis, mark, height, bottom)
        ends = f'x1="{_LEFT}" x2="{width - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"'
        parts.append(f'<line class="line c2" stroke-dasharray="5 4" {ends}/>')
    return Markup(_svg(title, width, height, parts))


def text(words: str) -> str:
    """Words as they can stand in HTML and SVG, whatever is in them."""
    return html.escape(printable(words))


def _frame(axis: Axis, width: int, height: int, bottom: int) -> str:
    parts = []
    for value, label in axis.ticks():
        y = _y(axis, value, height, bottom)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{width - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="axis" x="{_LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{text(label)}</text>')
    middle = (_TOP + height - bottom) / 2
    turned = f'transform="translate(11 {middle:.0f}) rotate(-90)" text-anchor="middle"'
    return "".join([*parts, f'<text class="axis" {turned}>{text(axis.title)}</text>'])


def _below(names: Sequence[str], xs: Sequence[float], height: int, bottom: int) -> str:
    y = height - bottom + 14
    turned = bottom > 24
    parts = []
    for x, name in zip(xs, names, strict=False):
        if name and turned:
            parts.append(
                f'<text class="axis" text-anchor="end" transform="translate({x + 4:.1f} {y - 6}) rotate(-60)">'
                f"{text(name)}</text>"
            )
        elif name:
            parts.append(f'<text class="axis" text-anchor="middle" x="{x:.1f}" y="{y}">{text(name)}</text>')
    return "".join(parts)


def _bottom(names: Sequence[str]) -> int:
    """Room for the names below: in one line if they are short, else slanted."""
    longest = max((len(name) for name in names), default=0)
    if longest <= 5:
        return 22
    return 26 + min(90, round(longest * _DIGIT_WIDTH))


def _y(axis: Axis, value: float, height: int, bottom: int) -> float:
    return height - bottom - axis.place(value) * (height - bottom - _TOP)


def _pieces(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """Runs of values without a gap, with their numbers."""
    pieces: list[list[tuple[int, float]]] = [[]]
    for i, value in enumerate(values):
        if value is not None and math.isfinite(value):
            pieces[-1].append((i, value))
        elif pieces[-1]:
            pieces.append([])
    return [piece for piece in pieces if piece]


def _svg(title: str, width: int, height: int, parts: Sequence[str]) -> str:
    head = f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{text(title)}">'
    return f"{head}<title>{text(title)}</title>{''.join(parts)}</svg>"


def _key(lines: Sequence[Line]) -> str:
    items = []
    for line in lines:
        dash = ' stroke-dasharray="5 4"' if line.dashed else ""
        sample = f'<line class="line c{line.colour}" x1="0" x2="26" y1="4" y2="4"{dash}/>'
        items.append(f'<span class="key"><svg viewBox="0 0 26 8" class="sample">{sample}</svg>{text(line.name)}</span>')
    return f'<div class="keys">{"".join(items)}</div>'


def _round_up(value: float) -> float:
    """The next of 1, 2, 4, 6, 8 times a power of ten."""
    unit = 10.0 ** math.floor(math.log10(value))
    return next(unit * step for step in (1, 2, 4, 6, 8, 10) if unit * step >= value * (1 - 1e-9))
