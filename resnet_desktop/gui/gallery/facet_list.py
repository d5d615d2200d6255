"""What photos there are, and how many of each kind; a click on a kind shows these alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from resnet_desktop.gui.gallery.gallery_delegate import draw_text
from resnet_desktop.gui.gallery.gallery_model import AnyIndex
from resnet_desktop.gui.style import icons, theme, wording
from resnet_desktop.gui.widgets.plain import plain_tip

ROW = 26
MOST_ROWS = 6
_FACET = int(Qt.ItemDataRole.UserRole)
_NO_INDEX = QModelIndex()


@dataclass(frozen=True, slots=True)
class Facet:
    """A kind of photos.

    Attributes:
        key: a state or the name of a class.
        title: what is shown.
        count: how many photos are of this kind.
        chosen: whether these alone are seen.
        is_class: a class, or a state.
        first: whether a line parts it from what is above.
    """

    key: str
    title: str
    count: int
    chosen: bool
    is_class: bool
    first: bool = False


class FacetList(QListView):
    """Signal: ``toggled`` (Facet): clicked, or Space or Enter."""

    toggled = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._facets = _Facets(self)
        self.setModel(self._facets)
        self.setItemDelegate(_FacetDelegate(self))
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(self.tr("Kinds of photos"))
        self.clicked.connect(lambda index: self.toggled.emit(index.data(_FACET)))

    @property
    def facets(self) -> Sequence[Facet]:
        """What is shown."""
        return self._facets.facets

    def show_facets(self, facets: Sequence[Facet]) -> None:
        """Show these kinds."""
        if list(facets) == list(self.facets):
            return
        row, place = self.currentIndex().row(), self.verticalScrollBar().value()
        self._facets.show_facets(facets)
        if 0 <= row < len(facets):
            self.setCurrentIndex(self._facets.index(row))
        self.setFixedHeight(ROW * min(max(1, len(facets)), MOST_ROWS) + 2)
        self.verticalScrollBar().setValue(place)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space and Enter are clicks."""
        keys = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if event.key() in keys and self.currentIndex().isValid():
            self.toggled.emit(self.currentIndex().data(_FACET))
        else:
            super().keyPressEvent(event)


class _Facets(QAbstractListModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.facets: Sequence[Facet] = ()

    def show_facets(self, facets: Sequence[Facet]) -> None:
        self.beginResetModel()
        self.facets = tuple(facets)
        self.endResetModel()

    def rowCount(self, parent: AnyIndex = _NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self.facets)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Facet | str | None:
        if not index.isValid() or index.row() >= len(self.facets):
            return None
        facet = self.facets[index.row()]
        if role == _FACET:
            return facet
        text = self.tr("{name}: {count} photos").format(name=facet.title, count=wording.number(facet.count))
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return text
        return plain_tip(text) if role == Qt.ItemDataRole.ToolTipRole else None


class _FacetDelegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:  # noqa: ARG002 - Qt gives it
        return QSize(120, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        facet: Facet = index.data(_FACET)
        colours, row = theme.current(), QRectF(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if facet.first:
            painter.fillRect(
                QRectF(row.left() + theme.M, row.top(), row.width() - 2 * theme.M, 1), QColor(colours.border)
            )
        ground = row.adjusted(theme.XS + 0.5, 1.5, -theme.XS - 0.5, -0.5)
        flags, focused = QStyle.StateFlag, bool(option.state & QStyle.StateFlag.State_HasFocus)
        if facet.chosen or focused or option.state & flags.State_MouseOver:
            painter.setPen(QColor(colours.accent) if focused else Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.tint if facet.chosen else colours.hover))
            painter.drawRoundedRect(ground, 5, 5)
        line = row.adjusted(theme.M, 0, -theme.M, 0)
        if facet.chosen:
            tick = icons.pixmap("check", 14, colours.accent)
            painter.drawPixmap(QRectF(line.left(), line.center().y() - 7, 14, 14), tick, QRectF(tick.rect()))
        count, small = wording.number(facet.count), theme.font(0.9)
        draw_text(painter, line, count, small, colours.secondary, right=True)
        room = QFontMetrics(small).horizontalAdvance(count) + theme.S
        colour = colours.text if facet.count or facet.chosen else colours.disabled
        draw_text(painter, line.adjusted(20, 0, -room, 0), facet.title, theme.font(0.95), colour)
        painter.restore()
