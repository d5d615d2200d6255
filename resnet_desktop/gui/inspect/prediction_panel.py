"""What the network says: the answer in large, and every class as a bar that shows its evidence when it is chosen."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from resnet_desktop.gui import theme, wording
from resnet_desktop.gui.plain import PlainLabel, plain_tip
from resnet_desktop.gui.results import Failure, Result

SCORE_ROLE = int(Qt.ItemDataRole.UserRole)
_BAR = 6


class PredictionPanel(QWidget):
    """The predictions of the photo that is looked at.

    Signal: ``class_chosen`` (class index): its evidence is wanted.
    """

    class_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = PlainLabel()
        self._title.setWordWrap(True)
        self._title.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._subtitle = PlainLabel()
        self._subtitle.setWordWrap(True)
        self._subtitle.setProperty("tone", "secondary")
        self._unfamiliar = _unfamiliar_notice(self.tr("This photo may show something the model was not taught."))
        self._model = QStandardItemModel(self)
        self._bars = _BarList(self)
        self._bars.setModel(self._model)
        self._bars.setItemDelegate(_BarDelegate(self._bars))
        self._bars.selectionModel().currentChanged.connect(self._on_bar_changed)
        self._bars.setAccessibleName(self.tr("Predictions"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, theme.M, 0, theme.XS)
        layout.setSpacing(theme.XS)
        heading = QVBoxLayout()
        heading.setContentsMargins(theme.L, 0, theme.L, theme.S)
        heading.setSpacing(2)
        for widget in (self._title, self._subtitle):
            heading.addWidget(widget)
        heading.addSpacing(theme.XS)
        heading.addWidget(self._unfamiliar)
        layout.addLayout(heading)
        layout.addWidget(self._bars, 1)
        self._unfamiliar.hide()
        self._quiet = False

    @property
    def title(self) -> str:
        """The answer that is shown."""
        return self._title.text()

    @property
    def warns_unfamiliar(self) -> bool:
        """Whether the notice about an unfamiliar photo is up."""
        return not self._unfamiliar.isHidden()

    @property
    def bars(self) -> QListView:
        """The list of bars."""
        return self._bars

    def show_waiting(self, text: str) -> None:
        """Nothing is known yet; ``text`` says why."""
        self._clear()
        self._set_heading(text, "")

    def show_failure(self, failure: Failure) -> None:
        """There is no prediction."""
        self._clear()
        self._set_heading(self.tr("Not classified"), failure.message)

    def show_result(self, result: Result, target: int | None = None) -> None:
        """Show a prediction; ``target`` is the class whose evidence is on the photo, by default the best one."""
        self._clear()
        sure = self.tr("{percent} sure").format(percent=wording.percent(result.top.probability, 1))
        self._set_heading(result.top.label, sure)
        self._unfamiliar.setVisible(result.unfamiliar)
        wanted = result.top.index if target is None else target
        self._quiet = True
        for row, score in enumerate(result.scores):
            item = QStandardItem(f"{score.label}, {wording.percent(score.probability, 1)}")
            item.setData(score, SCORE_ROLE)
            item.setToolTip(
                plain_tip(self.tr("Show where the network found evidence for {label}").format(label=score.label))
            )
            self._model.appendRow(item)
            if score.index == wanted:
                self._bars.setCurrentIndex(self._model.index(row, 0))
        self._quiet = False

    def refresh_fonts(self) -> None:
        """Follow the app's font."""
        self._title.setFont(theme.font(1.55, strong=True))

    def _clear(self) -> None:
        self._quiet = True
        self._model.clear()
        self._quiet = False
        self._unfamiliar.hide()

    def _set_heading(self, title: str, subtitle: str) -> None:
        self.refresh_fonts()
        self._title.setText(title)
        self._subtitle.setText(subtitle)
        self._subtitle.setVisible(bool(subtitle))

    def _on_bar_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        score = current.data(SCORE_ROLE)
        if score is not None and not self._quiet:
            self.class_chosen.emit(score.index)


def _unfamiliar_notice(text: str) -> QFrame:
    frame = QFrame()
    frame.setProperty("notice", "true")
    words = PlainLabel(text)
    words.setWordWrap(True)
    layout = QVBoxLayout(frame)
    layout.setContentsMargins(theme.M, theme.S, theme.M, theme.S)
    layout.addWidget(words)
    return frame


class _BarList(QListView):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setMinimumHeight(48)  # one row; the rest can be scrolled to in a low window

    def sizeHint(self) -> QSize:
        return QSize(240, 5 * 40)


class _BarDelegate(QStyledItemDelegate):
    """Label, probability and a bar."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: ARG002 - Qt gives it
        return QSize(160, QFontMetrics(theme.font()).height() + _BAR + theme.XS + 2 * theme.S - 4)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        score = index.data(SCORE_ROLE)
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
        area = ground.adjusted(theme.S, theme.S - 2, -theme.S, -theme.S + 1)
        line = QRectF(area.left(), area.top(), area.width(), QFontMetrics(theme.font()).height())
        value = wording.percent(score.probability, 1)
        painter.setFont(theme.font(strong=selected))
        painter.setPen(QColor(colours.text))
        width = painter.fontMetrics().horizontalAdvance(value)
        painter.drawText(line, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), value)
        room = int(line.width()) - width - theme.M
        label = painter.fontMetrics().elidedText(score.label, Qt.TextElideMode.ElideRight, room)
        painter.drawText(line, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), label)
        track = QRectF(area.left(), area.bottom() - _BAR, area.width(), _BAR)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.track))
        painter.drawRoundedRect(track, _BAR / 2, _BAR / 2)
        painter.setBrush(QColor(colours.accent if selected else colours.bar))
        track.setWidth(max(float(_BAR), track.width() * score.probability))
        painter.drawRoundedRect(track, _BAR / 2, _BAR / 2)
        painter.restore()
