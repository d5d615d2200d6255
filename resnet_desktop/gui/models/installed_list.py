"""The list of installed models: a name, where it comes from, and which one is in use."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from resnet_desktop.gui.models.knowledge import Installed
from resnet_desktop.gui.style import icons, theme, wording
from resnet_desktop.gui.widgets.plain import plain_tip

_MODEL = int(Qt.ItemDataRole.UserRole)
_DETAIL = _MODEL + 1
_USED = _MODEL + 2
_TICK = 16


class InstalledList(QListWidget):
    """Signal: ``model_chosen`` (Installed, or None): another one is looked at."""

    model_chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setItemDelegate(_Delegate(self))
        self.setAccessibleName(self.tr("Installed models"))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.currentItemChanged.connect(lambda item, _before: self.model_chosen.emit(_model(item)))

    @property
    def chosen(self) -> Installed | None:
        """The model that is looked at."""
        return _model(self.currentItem())

    def show_models(self, models: Sequence[Installed], in_use: str, looked_at: str) -> None:
        """Show these; ``in_use`` (a name) is ticked, ``looked_at`` (a name) is selected if it is there."""
        blocked = self.blockSignals(True)
        self.clear()
        for model in models:
            item = QListWidgetItem(model.name)
            origin = self.tr("built in") if model.ours else self.tr("yours")
            detail = self.tr("{origin}, {size}").format(origin=origin, size=wording.file_size(model.size))
            used = model.name == in_use
            item.setData(_MODEL, model)
            item.setData(_DETAIL, detail)
            item.setData(_USED, used)
            item.setToolTip(plain_tip(f"{model.name}\n{model.path}"))
            state = self.tr("in use") if used else ""
            item.setData(Qt.ItemDataRole.AccessibleTextRole, ", ".join(filter(None, (model.name, detail, state))))
            self.addItem(item)
        names = [model.name for model in models]
        wanted = next((name for name in (looked_at, in_use) if name in names), None)
        self.setCurrentRow(names.index(wanted) if wanted is not None else 0 if names else -1)
        self.blockSignals(blocked)
        self.model_chosen.emit(self.chosen)


class _Delegate(QStyledItemDelegate):
    """Two lines and a tick."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: ARG002 - Qt gives it
        lines = QFontMetrics(theme.font()).height() + QFontMetrics(theme.font(0.9)).height()
        return QSize(160, lines + 2 * theme.S + 2)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        colours, row = theme.current(), QRectF(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        if selected or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.tint if selected else colours.hover))
            painter.drawRoundedRect(row.adjusted(theme.XS, 1, -theme.XS, -1), 6, 6)
        used = bool(index.data(_USED))
        left, right = row.left() + theme.M, row.right() - theme.M - (_TICK + theme.S if used else 0)
        if used:
            tick = icons.pixmap("check", _TICK, colours.accent)
            painter.drawPixmap(round(row.right()) - theme.M - _TICK, round(row.center().y()) - _TICK // 2, tick)
        top = row.top() + theme.S
        for text, font, colour in (
            (str(index.data(Qt.ItemDataRole.DisplayRole)), theme.font(strong=used), colours.text),
            (str(index.data(_DETAIL)), theme.font(0.9), colours.secondary),
        ):
            metrics = QFontMetrics(font)
            painter.setFont(font)
            painter.setPen(QColor(colour))
            words = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, round(right - left))
            line = QRectF(left, top, right - left, metrics.height())
            painter.drawText(line, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), words)
            top += metrics.height() + 2
        painter.restore()


def _model(item: QListWidgetItem | None) -> Installed | None:
    found = None if item is None else item.data(_MODEL)
    return found if isinstance(found, Installed) else None
