"""How a photo of the grid is painted, and the header of a group."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from resnet_desktop.gui.background.thumbnails import Thumbnails
from resnet_desktop.gui.gallery.gallery_delegate import (
    draw_text,
    paint_ground,
    paint_label_mark,
    paint_thumbnail,
    suggested,
)
from resnet_desktop.gui.gallery.gallery_model import ITEM_ROLE, Item
from resnet_desktop.gui.gallery.shown_photos import Group
from resnet_desktop.gui.style import theme, wording
from resnet_desktop.session.results import Failure, Result


class GridDelegate(QStyledItemDelegate):
    """A square of the photo, and below it the answer, or the name where there is none; ``side`` in pixels."""

    def __init__(self, thumbnails: Thumbnails, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self.side = 128
        self.labels_shown = False

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: ARG002 - Qt gives it
        """The same for all photos."""
        return QSize(self.side + theme.S, self.side + theme.S + QFontMetrics(theme.font(0.9)).height() + theme.S)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """One photo."""
        item: Item = index.data(ITEM_ROLE)
        colours, cell = theme.current(), QRectF(option.rect)
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        paint_ground(painter, cell, option, colours)
        picture = QRectF(cell.center().x() - self.side / 2, cell.top() + theme.XS, self.side, self.side)
        paint_thumbnail(painter, picture, item, self._thumbnails, colours)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colours.accent), 2.5))
            painter.drawRoundedRect(picture.adjusted(1, 1, -1, -1), 6, 6)
        line = QRectF(picture.left() + 2, picture.bottom() + 2, self.side - 4, cell.bottom() - picture.bottom() - 4)
        self._paint_words(painter, line, item, colours)
        painter.restore()

    def _paint_words(self, painter: QPainter, line: QRectF, item: Item, colours: theme.Theme) -> None:
        small, outcome = theme.font(0.9), item.outcome
        guess = suggested(item) if self.labels_shown else None
        if self.labels_shown:
            paint_label_mark(painter, line, item, colours)
            line = line.adjusted(14, 0, 0, 0)
        if self.labels_shown and item.label is not None:
            draw_text(painter, line, item.label.name, small, colours.text)
        elif guess is not None:
            words = self.tr("{name}?").format(name=guess.label.name)
            _paint_with_share(painter, line, words, guess.probability, colours.secondary)
        elif isinstance(outcome, Result):
            colour = colours.text if outcome.sure else colours.secondary
            _paint_with_share(painter, line, wording.answer(outcome), outcome.headline.probability, colour)
        else:
            colour = colours.error if isinstance(outcome, Failure) else colours.secondary
            draw_text(painter, line, item.name, small, colour)


def _paint_with_share(painter: QPainter, line: QRectF, words: str, probability: float, colour: str) -> None:
    """What it is, and how sure that is where there is room for both."""
    small, share, secondary = theme.font(0.9), wording.percent(probability), theme.current().secondary
    width = QFontMetrics(small).horizontalAdvance(share)
    if line.width() > 2.2 * width:
        draw_text(painter, line, share, small, secondary, right=True)
        line = line.adjusted(0, 0, -width - theme.XS, 0)
    draw_text(painter, line, words, small, colour)


def paint_header(painter: QPainter, place: QRect, group: Group) -> None:
    """The words above a group, and how many photos it has."""
    colours, strong, small = theme.current(), theme.font(strong=True), theme.font(0.9)
    line = QRectF(place).adjusted(theme.M, theme.XS, -theme.M, 0)
    count = wording.number(group.count)
    room = line.width() - QFontMetrics(small).horizontalAdvance(count) - theme.S
    words = QRectF(
        line.left(), line.top(), min(room, QFontMetrics(strong).horizontalAdvance(group.title) + 2), line.height()
    )
    painter.save()
    draw_text(painter, words, group.title, strong, colours.text)
    draw_text(painter, line.adjusted(words.width() + theme.S, 1, 0, 0), count, small, colours.secondary)
    painter.restore()


def paint_nothing(painter: QPainter, place: QRect, text: str) -> None:
    """What is said where no photo is seen."""
    painter.setFont(theme.font())
    painter.setPen(QColor(theme.current().secondary))
    flags = int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop) | int(Qt.TextFlag.TextWordWrap)
    painter.drawText(QRectF(place).adjusted(theme.M, theme.XL, -theme.M, 0), flags, text)
