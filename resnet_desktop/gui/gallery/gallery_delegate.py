"""How a row of the list of photos is painted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QGuiApplication, QPainter, QPainterPath, QPen, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from resnet_desktop.gui.background.thumbnails import Thumbnails
from resnet_desktop.gui.style import icons, theme, wording
from resnet_desktop.imaging.region import Region
from resnet_desktop.session.results import Failure, Result

if TYPE_CHECKING:
    from resnet_desktop.gui.gallery.gallery_model import Item
    from resnet_desktop.gui.gallery.photo_classes import Suggestion

THUMBNAIL = 48
BAR_HEIGHT = 3


class GalleryDelegate(QStyledItemDelegate):
    """Paints thumbnail, label, confidence and file name, or the reason why there is none."""

    def __init__(self, thumbnails: Thumbnails, item_role: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self._role = item_role
        self.labels_shown = False

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: ARG002 - Qt gives it
        """The same for all rows."""
        lines = QFontMetrics(theme.font()).height() + QFontMetrics(theme.font(0.9)).height() + BAR_HEIGHT + theme.S
        return QSize(160, max(THUMBNAIL, lines) + 2 * theme.S)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """One row."""
        item: Item = index.data(self._role)
        colours = theme.current()
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        row = QRectF(option.rect)
        paint_ground(painter, row, option, colours)
        top = row.top() + (row.height() - THUMBNAIL) / 2
        indent = theme.L if isinstance(item.source, Region) else 0
        picture = QRectF(row.left() + theme.M + indent, top, THUMBNAIL, THUMBNAIL)
        paint_thumbnail(painter, picture, item, self._thumbnails, colours)
        left = picture.right() + theme.M
        words = QRectF(left, row.top() + theme.S, row.right() - theme.M - left, row.height() - 2 * theme.S)
        self._paint_words(painter, words, item, colours)
        painter.restore()

    def carried(self, item: Item, count: int) -> QPixmap:
        """What goes with the pointer while ``count`` photos are dragged: one of them, and how many."""
        colours, side = theme.current(), THUMBNAIL + theme.S
        ratio = QGuiApplication.primaryScreen().devicePixelRatio()
        pixmap = QPixmap(QSize(side, side) * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        paint_thumbnail(painter, QRectF(0, theme.S, THUMBNAIL, THUMBNAIL), item, self._thumbnails, colours)
        if count > 1:
            small = theme.font(0.8, strong=True)
            width = max(18, QFontMetrics(small).horizontalAdvance(str(count)) + theme.S)
            badge = QRectF(side - width, 0, width, 18)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.accent))
            painter.drawRoundedRect(badge, 9, 9)
            painter.setFont(small)
            painter.setPen(QColor(colours.on_accent))
            painter.drawText(badge, int(Qt.AlignmentFlag.AlignCenter), str(count))
        painter.end()
        return pixmap

    def _paint_words(self, painter: QPainter, area: QRectF, item: Item, colours: theme.Theme) -> None:
        outcome = item.outcome
        small, strong = theme.font(0.9), theme.font(strong=True)
        title_height, small_height = QFontMetrics(strong).height(), QFontMetrics(small).height()
        content = title_height + small_height + (BAR_HEIGHT + theme.XS + 2 if isinstance(outcome, Result) else 0)
        top = area.top() + max(0.0, (area.height() - content) / 2)
        first = QRectF(area.left(), top, area.width(), title_height)
        second = QRectF(area.left(), first.bottom() + 1, area.width(), small_height)
        if isinstance(outcome, Result):
            confidence = wording.percent(outcome.headline.probability)
            font, colour = (strong, colours.text) if outcome.sure else (theme.font(), colours.secondary)
            width = QFontMetrics(font).horizontalAdvance(confidence)
            draw_text(painter, first, confidence, font, colours.secondary, right=True)
            draw_text(painter, first.adjusted(0, 0, -width - theme.S, 0), wording.answer(outcome), font, colour)
            self._paint_name(painter, second, item, item.name, colours)
            track = QRectF(area.left(), second.bottom() + theme.XS, area.width(), BAR_HEIGHT)
            _bar(painter, track, outcome.headline.probability, colours.track, colours.bar)
        elif isinstance(outcome, Failure):
            draw_text(painter, first, item.name, strong, colours.text)
            draw_text(painter, second, outcome.beside(item.name), small, colours.error)
        else:
            state = self.tr("Waiting…") if item.queued else self.tr("Not classified")
            draw_text(painter, first, item.name, theme.font(), colours.text)
            self._paint_name(painter, second, item, state, colours)

    def _paint_name(self, painter: QPainter, line: QRectF, item: Item, text: str, colours: theme.Theme) -> None:
        """The second line, with what the user says it is before it."""
        small = theme.font(0.9)
        if not self.labels_shown:
            draw_text(painter, line, text, small, colours.secondary)
            return
        guess = suggested(item)
        paint_label_mark(painter, line, item, colours)
        words = line.adjusted(16, 0, 0, 0)
        if item.label is not None:
            draw_text(painter, words, item.label.name, small, colours.text)
        elif guess is not None:
            share = wording.percent(guess.probability)
            draw_text(painter, words, share, small, colours.secondary, right=True)
            words.setRight(words.right() - painter.fontMetrics().horizontalAdvance(share) - theme.S)
            draw_text(painter, words, self.tr("{name}?").format(name=guess.label.name), small, colours.secondary)
        else:
            draw_text(painter, words, text, small, colours.secondary)


def suggested(item: Item) -> Suggestion | None:
    """The label that a photo may get, while it has none."""
    return item.suggestion if item.label is None else None


def paint_label_mark(painter: QPainter, line: QRectF, item: Item, colours: theme.Theme) -> None:
    """A disc in the colour of a photo's label; a ring where it is suggested only, or there is none."""
    guess = suggested(item)
    said = item.label if guess is None else guess.label
    painter.setPen(QPen(QColor(colours.border if said is None else said.colour), 1.4))
    painter.setBrush(Qt.BrushStyle.NoBrush if item.label is None else QColor(item.label.colour))
    painter.drawEllipse(QRectF(line.left() + 1, line.center().y() - 4, 8, 8))


def paint_ground(painter: QPainter, row: QRectF, option: QStyleOptionViewItem, colours: theme.Theme) -> None:
    """What lies below a photo that is selected, looked at or pointed at."""
    state = option.state
    selected = bool(state & QStyle.StateFlag.State_Selected)
    if not selected and not state & QStyle.StateFlag.State_MouseOver:
        return
    inside = row.adjusted(theme.XS, 1, -theme.XS, -1)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colours.tint if selected else colours.hover))
    painter.drawRoundedRect(inside, 6, 6)
    if selected and state & QStyle.StateFlag.State_HasFocus:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QColor(colours.accent))
        painter.drawRoundedRect(inside.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)


def paint_thumbnail(
    painter: QPainter, target: QRectF, item: Item, thumbnails: Thumbnails, colours: theme.Theme
) -> None:
    """The middle of a photo, or a sign that it cannot be read; what is not there yet is asked for."""
    shape = QPainterPath()
    shape.addRoundedRect(target, 6, 6)
    pixmap = thumbnails.get(item.number, item.source)
    painter.fillPath(shape, QColor(colours.track))
    if pixmap is not None:
        painter.save()
        painter.setClipPath(shape)
        painter.drawPixmap(target, pixmap, _centre_square(pixmap))
        painter.restore()
        if isinstance(item.source, Region):
            _paint_mark(painter, target, colours)
    elif isinstance(item.outcome, Failure):
        mark = icons.pixmap("warning", 22, colours.error)
        centre = target.center()
        painter.drawPixmap(QRectF(centre.x() - 11, centre.y() - 11, 22, 22), mark, QRectF(mark.rect()))


def _paint_mark(painter: QPainter, target: QRectF, colours: theme.Theme) -> None:
    """The sign of a part of a photo, in the upper left corner."""
    ground = QColor(colours.raised)
    ground.setAlpha(225)
    badge = QRectF(target.left() + 2, target.top() + 2, 17, 17)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(badge, 4, 4)
    mark = icons.pixmap("part", 13, colours.text)
    painter.drawPixmap(badge.adjusted(2, 2, -2, -2), mark, QRectF(mark.rect()))


def draw_text(painter: QPainter, area: QRectF, text: str, font: QFont, colour: str, *, right: bool = False) -> None:
    """One line of text, cut where it is too long."""
    painter.setFont(font)
    painter.setPen(QColor(colour))
    shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(area.width()))
    side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
    painter.drawText(area, int(side | Qt.AlignmentFlag.AlignVCenter), shown)


def _bar(painter: QPainter, track: QRectF, fraction: float, ground: str, colour: str) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    radius = track.height() / 2
    painter.setBrush(QColor(ground))
    painter.drawRoundedRect(track, radius, radius)
    painter.setBrush(QColor(colour))
    filled = QRectF(track.left(), track.top(), max(track.height(), track.width() * fraction), track.height())
    painter.drawRoundedRect(filled, radius, radius)


def _centre_square(pixmap: QPixmap) -> QRectF:
    side = min(pixmap.width(), pixmap.height())
    return QRectF((pixmap.width() - side) / 2, (pixmap.height() - side) / 2, side, side)
