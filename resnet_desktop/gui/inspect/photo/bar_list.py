"""A list of classes and groups, each with its probability as a number and a bar."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QMouseEvent, QPainter
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from resnet_desktop.gui.inspect.photo.answer_rows import AnswerRow
from resnet_desktop.gui.style import theme, wording

ROW_ROLE = int(Qt.ItemDataRole.UserRole)
_BAR = 6
_INDENT = 14


class BarList(QListView):
    """Shows the AnswerRow that its model has in ``ROW_ROLE``."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setItemDelegate(_BarDelegate(self))
        self.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setMinimumHeight(48)  # one row; the rest can be scrolled to in a low window

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The right button opens a menu, and chooses nothing."""
        if event.button() != Qt.MouseButton.RightButton:
            super().mousePressEvent(event)

    def sizeHint(self) -> QSize:
        """Five rows."""
        return QSize(240, 5 * 40)


class _BarDelegate(QStyledItemDelegate):
    """Label, probability and a bar."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: ARG002 - Qt gives it
        return QSize(160, QFontMetrics(theme.font()).height() + _BAR + theme.XS + 2 * theme.S - 4)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        row: AnswerRow = index.data(ROW_ROLE)
        colours = theme.current()
        state = option.state
        selected = bool(state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = QRectF(option.rect).adjusted(theme.S, 1, -theme.S, -1)
        if selected or state & QStyle.StateFlag.State_MouseOver:
            focused = selected and state & QStyle.StateFlag.State_HasFocus
            painter.setPen(QColor(colours.accent) if focused else Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.tint if selected else colours.hover))
            painter.drawRoundedRect(ground.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        indent = _INDENT if row.inside else 0
        area = ground.adjusted(theme.S + indent, theme.S - 2, -theme.S, -theme.S + 1)
        self._paint_words(painter, area, row, selected)
        track = QRectF(area.left(), area.bottom() - _BAR, area.width(), _BAR)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.track))
        painter.drawRoundedRect(track, _BAR / 2, _BAR / 2)
        painter.setBrush(QColor(_bar_colour(row, colours, selected=selected)))
        track.setWidth(max(float(_BAR), track.width() * row.listed.probability))
        painter.drawRoundedRect(track, _BAR / 2, _BAR / 2)
        painter.restore()

    def _paint_words(self, painter: QPainter, area: QRectF, row: AnswerRow, selected: bool) -> None:
        line = QRectF(area.left(), area.top(), area.width(), QFontMetrics(theme.font()).height())
        value = wording.percent(row.listed.probability, 1)
        painter.setFont(theme.font(strong=selected if row.present is None else row.present))
        painter.setPen(QColor(theme.current().secondary if row.present is False else theme.current().text))
        width = painter.fontMetrics().horizontalAdvance(value)
        painter.drawText(line, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), value)
        room = int(line.width()) - width - theme.M
        name = f"✓ {row.listed.label}" if row.present else row.listed.label
        label = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, room)
        left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(line, left, label)
        if isinstance(row.listed.target, tuple):
            count = self.tr("{count} classes").format(count=wording.number(len(row.listed.target)))
            used = painter.fontMetrics().horizontalAdvance(label) + theme.S
            painter.setFont(theme.font(0.9))
            if used + painter.fontMetrics().horizontalAdvance(count) <= room:
                painter.setPen(QColor(theme.current().secondary))
                painter.drawText(line.adjusted(used, 0, 0, 0), left, count)


def _bar_colour(row: AnswerRow, colours: theme.Theme, *, selected: bool) -> str:
    """Labels that count as present stand out, as does the row that is chosen."""
    if selected:
        return colours.accent
    return colours.bar if row.present is not False else colours.border
