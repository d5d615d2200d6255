"""One residual block as a drawing: x, F(x), the sum, and the way past it."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.widgets.canvas import charts
from resnet_desktop.gui.widgets.canvas.charts import ChartColours
from resnet_desktop.session.inspections import BlockSketch, Shape

_HEIGHT = 170
_MIDDLE = 66.0
"""The line on which x, F(x) and the sum lie."""
_SKIP = 136.0
"""The line of the skip below them."""
_MOST_CONVOLUTIONS = 3


class BlockDiagram(QWidget):
    """How one block is built, with its real shapes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sketch: BlockSketch | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Wide and low."""
        return QSize(400, _HEIGHT)

    def minimumSizeHint(self) -> QSize:
        """As narrow as its words allow."""
        return QSize(300, _HEIGHT)

    def show_block(self, sketch: BlockSketch) -> None:
        """Draw a block."""
        self._sketch = sketch
        self.setAccessibleName(self.tr("Structure of {name}").format(name=sketch.name))
        parts = [self._skip_words(sketch), "F(x): " + "; ".join(sketch.convolutions), self._shape(sketch.output)]
        self.setAccessibleDescription(". ".join(parts))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 - Qt gives it
        """Boxes and arrows."""
        if self._sketch is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(charts.SMALL))
        self._paint(painter, self._sketch, charts.colours())
        painter.end()

    def _paint(self, painter: QPainter, sketch: BlockSketch, found: ChartColours) -> None:
        width = min(float(self.width()), 520.0)
        start, total, end = 30.0, width * 0.68, width - 16.0
        has_relu = sketch.activation is not None
        relu = (total + end) / 2
        box = QRectF(start + 36, _MIDDLE - 36, total - start - 84, 72)
        fork = start + 16
        for a, b in ((start + 2, box.left()), (box.right(), total - 12), (total + 12, relu - 22 if has_relu else end)):
            _arrow(painter, [QPointF(a, _MIDDLE), QPointF(b, _MIDDLE)], found.first if b == total - 12 else found.quiet)
        if has_relu:
            _arrow(painter, [QPointF(relu + 22, _MIDDLE), QPointF(end, _MIDDLE)], found.quiet)
            self._paint_box(painter, QRectF(relu - 22, _MIDDLE - 13, 44, 26), sketch.activation or "", found)
        skip = [QPointF(fork, _MIDDLE), QPointF(fork, _SKIP), QPointF(total, _SKIP), QPointF(total, _MIDDLE + 12)]
        _arrow(painter, skip, found.second, dashed=not sketch.identity)
        self._paint_words(painter, QRectF(0, _MIDDLE - 10, start - 4, 20), "x", found, strong=True, right=True)
        self._paint_residual(painter, box, sketch, found)
        self._paint_sum(painter, QPointF(total, _MIDDLE), found)
        text = self._skip_words(sketch)
        room = QRectF(fork + 4, _SKIP + 4, total - fork - 8, 22)
        self._paint_words(painter, room, text, found, colour_of_skip=True)
        if sketch.source is not None:
            self._paint_words(painter, QRectF(0, 2, box.center().x(), 20), self._shape(sketch.source), found, left=True)
        output = QRectF(box.center().x(), 2, width - box.center().x(), 20)
        self._paint_words(painter, output, self._shape(sketch.output), found, right=True)

    def _paint_residual(self, painter: QPainter, box: QRectF, sketch: BlockSketch, found: ChartColours) -> None:
        painter.setPen(QPen(found.first, 1.5))
        painter.setBrush(found.chosen)
        painter.drawRoundedRect(box, 6, 6)
        line = QFontMetricsF(theme.font(charts.SMALL)).height()
        convolutions = sketch.convolutions
        if len(convolutions) > _MOST_CONVOLUTIONS:
            convolutions = (*convolutions[:2], self.tr("{count} more").format(count=len(convolutions) - 2))
        words = ["F(x)", *convolutions]
        top = box.center().y() - line * len(words) / 2
        for place, text in enumerate(words):
            room = QRectF(box.left() + 2, top + place * line, box.width() - 4, line)
            self._paint_words(painter, room, text, found, strong=place == 0)

    def _paint_box(self, painter: QPainter, box: QRectF, text: str, found: ChartColours) -> None:
        painter.setPen(QPen(found.quiet, 1.2))
        painter.setBrush(found.ground)
        painter.drawRoundedRect(box, 6, 6)
        self._paint_words(painter, box, text.replace("Relu", "ReLU"), found)

    def _paint_sum(self, painter: QPainter, centre: QPointF, found: ChartColours) -> None:
        painter.setPen(QPen(found.words, 1.5))
        painter.setBrush(found.ground)
        painter.drawEllipse(centre, 11, 11)
        painter.drawLine(QPointF(centre.x() - 5, centre.y()), QPointF(centre.x() + 5, centre.y()))
        painter.drawLine(QPointF(centre.x(), centre.y() - 5), QPointF(centre.x(), centre.y() + 5))

    def _paint_words(
        self,
        painter: QPainter,
        room: QRectF,
        text: str,
        found: ChartColours,
        *,
        strong: bool = False,
        left: bool = False,
        right: bool = False,
        colour_of_skip: bool = False,
    ) -> None:
        painter.setFont(theme.font(charts.SMALL, strong=strong))
        painter.setPen(found.second if colour_of_skip else found.words if strong else found.quiet)
        side = Qt.AlignmentFlag.AlignLeft if left else Qt.AlignmentFlag.AlignRight
        across = side if left or right else Qt.AlignmentFlag.AlignHCenter
        words = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(room.width()))
        painter.drawText(room, int(across | Qt.AlignmentFlag.AlignVCenter), words)

    def _skip_words(self, sketch: BlockSketch) -> str:
        if sketch.identity:
            return self.tr("skip: x itself (identity)")
        return self.tr("skip: projection of x")

    def _shape(self, shape: Shape) -> str:
        channels, height, width = shape
        return self.tr("{channels} channels, {width} × {height}").format(
            channels=wording.number(channels), width=width, height=height
        )


def _arrow(painter: QPainter, points: list[QPointF], colour: QColor, *, dashed: bool = False) -> None:
    """A line with rounded corners and a head at its end."""
    pen = QPen(colour, 1.6)
    if dashed:
        pen.setDashPattern([4, 2.5])
    path = QPainterPath(points[0])
    for place in range(1, len(points) - 1):
        corner, after = points[place], points[place + 1]
        path.lineTo(_before(points[place - 1], corner, 8))
        path.quadTo(corner, _before(after, corner, 8))
    path.lineTo(points[-1])
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPath(path)
    end, back = points[-1], _before(points[-2], points[-1], 7)
    side = QPointF(-(end.y() - back.y()), end.x() - back.x()) * 0.55
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawPolygon(QPolygonF([end, back + side, back - side]))


def _before(start: QPointF, end: QPointF, distance: float) -> QPointF:
    """The point on the way from ``start`` that is ``distance`` before ``end``."""
    way = QLineF(end, start)
    way.setLength(distance)
    return way.p2()
