"""The network as a row of boxes: what is frozen, what learns, and how fast."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QCoreApplication, QLineF, QLocale, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.widgets.canvas import charts

if TYPE_CHECKING:
    from resnet_desktop.jobs.launching.estimate import Part

State = Literal["frozen", "learns", "plain"]

LEARNING_STAGES = {"head": 0, "last-stage": 1, "last-two-stages": 2}
"""How many stages learn beside the head; all of them for any other choice."""
_TALL, _SHORT = 62.0, 26.0
_LEAST_WIDTH = 460


@dataclass(frozen=True, slots=True)
class Piece:
    """One box of the drawing.

    Attributes:
        name: as the network's layers are called.
        state: ``frozen``, ``learns``, or ``plain`` where there is nothing to learn.
        rate: of learning, as a fraction of the head's.
        total: its parameters; None while they are not counted.
    """

    name: str
    state: State
    rate: float = 0.0
    total: int | None = None


def pieces(train: str, stages: int, stage_rate: float, parts: Sequence[Part]) -> tuple[Piece, ...]:
    """The network from input to output, for a choice of what is trained.

    Args:
        train: as in the job.
        stages: how many stages there are between the stem and the pooling; 0 where nobody knows its parts.
        stage_rate: learning rate of each stage as a fraction of that of what follows it.
        parts: the trainer's count of the parameters, empty before it is known.
    """
    counted = {part.name: part for part in parts}
    names = ["conv1", *(f"layer{i + 1}" for i in range(stages))] if stages else [_tr("network")]
    learning = LEARNING_STAGES.get(train, len(names))
    scale = 1.0 if train == "scratch" else stage_rate
    found = []
    for place, name in enumerate(names):
        part = counted.get(name)
        learns = place >= len(names) - learning
        rate = scale ** (len(names) - place) if learns else 0.0
        found.append(Piece(name, "learns" if learns else "frozen", rate, None if part is None else part.total))
    head = counted.get("head")
    pooling = Piece("pooling", "plain")
    return (*found, pooling, Piece("head", "learns", 1.0, None if head is None else head.total))


def sentence(train: str, found: Sequence[Piece], *, norms_freeze: bool) -> str:
    """What the drawing shows, in words: what is frozen, what learns, at which rates, and the batch norms."""
    frozen = [piece for piece in found if piece.state == "frozen"]
    learning = [piece for piece in found if piece.state == "learns"]
    if train == "scratch":
        return _tr("Everything starts from random numbers and learns at the same rate{count}.").format(
            count=_count(learning)
        )
    words = []
    stages = [piece for piece in learning if piece.name != "head"]
    names = {"names": _span(stages), "count": _count(learning)}
    if frozen:
        words.append(_tr("Frozen: {names}{count}.").format(names=_span(frozen), count=_count(frozen)))
    if stages:
        text = _tr("Trained: {names} and the new head{count}.") if frozen else _tr("Everything is trained{count}.")
        words.append(text.format(**names))
        words.append(_rates(stages))
    else:
        words.append(_tr("Trained: only the new head{count}.").format(**names))
    if not stages or norms_freeze:
        words.append(_tr("All batch norms stay frozen."))
    elif frozen:
        words.append(_tr("Batch norms of the frozen part stay frozen."))
    return " ".join(words)


class NetworkDiagram(QWidget):
    """Draws the network."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pieces: tuple[Piece, ...] = ()
        self._fresh = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("The network, from the photo to the classes"))

    def sizeHint(self) -> QSize:
        """Wide and low."""
        return QSize(_LEAST_WIDTH, round(_TALL + 2 * self._line() + theme.S))

    def minimumSizeHint(self) -> QSize:
        """As narrow as its words allow."""
        return QSize(300, self.sizeHint().height())

    def show_pieces(self, found: Sequence[Piece], words: str, *, fresh: bool) -> None:
        """Draw; ``words`` say the same, ``fresh``: all starts from random numbers."""
        self._pieces, self._fresh = tuple(found), fresh
        self.setAccessibleDescription(words)
        self.update()

    @property
    def shown(self) -> tuple[Piece, ...]:
        """What is drawn."""
        return self._pieces

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 - Qt gives it
        """Boxes from left to right, smaller as the network's maps get smaller."""
        if not self._pieces:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        step = min(float(self.width()) / len(self._pieces), 112.0)
        box = min(step - 16.0, 72.0)
        middle = _TALL / 2 + 1
        colours = theme.current()
        for place, piece in enumerate(self._pieces):
            centre = QPointF(step * (place + 0.5), middle)
            if place:
                painter.setPen(QPen(QColor(colours.secondary), 1.4))
                start = centre.x() - step + box / 2 + 2
                _paint_arrow(painter, QLineF(start, middle, centre.x() - box / 2 - 2, middle))
            self._paint_piece(painter, piece, self._frame(place, centre, box), colours)
            self._paint_words(painter, piece, QRectF(centre.x() - step / 2, _TALL + theme.XS, step, 0), colours)
        painter.end()

    def _line(self) -> float:
        return float(self.fontMetrics().height()) * charts.SMALL + 1

    def _frame(self, place: int, centre: QPointF, width: float) -> QRectF:
        """Lower for later stages, whose maps are smaller."""
        steps = max(1, len(self._pieces) - 1)
        height = _TALL - (_TALL - _SHORT) * min(1.0, place / steps)
        return QRectF(centre.x() - width / 2, centre.y() - height / 2, width, height)

    def _paint_piece(self, painter: QPainter, piece: Piece, frame: QRectF, colours: theme.Theme) -> None:
        learns = piece.state == "learns"
        pen = QPen(QColor(colours.accent if learns else colours.border), 1.8 if learns else 1.2)
        if piece.state == "plain":
            pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen)
        fill = {"learns": colours.tint, "frozen": colours.track}.get(piece.state)
        painter.setBrush(Qt.BrushStyle.NoBrush if fill is None else QColor(fill))
        painter.drawRoundedRect(frame, 6, 6)
        if piece.state == "frozen":
            paint_snowflake(painter, frame.center(), 8.0, QColor(colours.secondary))
            return
        text = self._inside(piece)
        painter.setFont(theme.font(charts.SMALL, strong=learns))
        painter.setPen(QColor(colours.accent if learns else colours.secondary))
        painter.drawText(frame, int(Qt.AlignmentFlag.AlignCenter), text)

    def _inside(self, piece: Piece) -> str:
        if piece.state == "plain":
            return self.tr("mean")
        if self._fresh:
            return self.tr("random")
        return self.tr("new") if piece.name == "head" else f"× {_rate(piece.rate)}"

    def _paint_words(self, painter: QPainter, piece: Piece, top: QRectF, colours: theme.Theme) -> None:
        line = self._line()
        centre = int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter)
        painter.setFont(theme.font(charts.SMALL, strong=piece.state == "learns"))
        painter.setPen(QColor(colours.text if piece.state == "learns" else colours.secondary))
        painter.drawText(QRectF(top.left(), top.top(), top.width(), line), centre, piece.name)
        painter.setFont(theme.font(charts.SMALL))
        painter.setPen(QColor(colours.secondary))
        text = "–" if piece.state == "plain" else "…" if piece.total is None else short_number(piece.total)
        painter.drawText(QRectF(top.left(), top.top() + line, top.width(), line), centre, text)


def paint_snowflake(painter: QPainter, at: QPointF, radius: float, colour: QColor) -> None:
    """Six arms with a pair of twigs each."""
    pen = QPen(colour, 1.3)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(pen)
    for arm in range(6):
        angle = math.pi / 3 * arm + math.pi / 6
        painter.drawLine(QLineF(at, _beside(at, angle, radius)))
        fork = _beside(at, angle, radius * 0.55)
        for side in (-1, 1):
            painter.drawLine(QLineF(fork, _beside(fork, angle + side * math.pi / 3.2, radius * 0.36)))


def short_number(value: int) -> str:
    """``23508032`` as ``23.5 M``, ``4098`` as ``4,098``."""
    if value >= 999_500:
        return f"{QLocale().toString(value / 1e6, 'f', 1)} M"
    return f"{QLocale().toString(value / 1e3, 'f', 0)} k" if value >= 10_000 else wording.number(value)


def spelt_number(value: int) -> str:
    """``23508032`` as ``23.5 million``, ``4098`` as ``4,098``."""
    if value < 999_500:
        return wording.number(value)
    return _tr("{number} million").format(number=QLocale().toString(value / 1e6, "f", 1))


def _paint_arrow(painter: QPainter, line: QLineF) -> None:
    painter.drawLine(line)
    for side in (-3.0, 3.0):
        painter.drawLine(QLineF(line.p2(), QPointF(line.x2() - 4, line.y2() + side)))


def _beside(at: QPointF, angle: float, distance: float) -> QPointF:
    return QPointF(at.x() + math.cos(angle) * distance, at.y() + math.sin(angle) * distance)


def _rate(rate: float) -> str:
    return charts.number(rate, 2)


def _rates(stages: Sequence[Piece]) -> str:
    """How fast the stages learn beside the head."""
    if all(piece.rate == 1.0 for piece in stages):
        return _tr("All layers learn at the same rate.")
    if len(stages) == 1:
        return _tr("{name} learns at {rate} of the head's rate.").format(
            name=stages[0].name, rate=_rate(stages[0].rate)
        )
    rates = ", ".join(f"{piece.name} {_rate(piece.rate)}" for piece in reversed(stages))
    return _tr("Earlier layers learn more slowly, as fractions of the head's rate: {rates}.").format(rates=rates)


def _span(found: Sequence[Piece]) -> str:
    """``conv1 to layer3``."""
    if not found:
        return ""
    first, last = found[0].name, found[-1].name
    return first if first == last else _tr("{first} to {last}").format(first=first, last=last)


def _count(found: Sequence[Piece]) -> str:
    """``, 8.5 million weights``; nothing while they are not counted."""
    totals: Mapping[str, int] = {piece.name: piece.total for piece in found if piece.total is not None}
    if len(totals) < len(found):
        return ""
    return _tr(", {number} weights").format(number=spelt_number(sum(totals.values())))


def _tr(text: str) -> str:
    return QCoreApplication.translate("network_diagram", text)
