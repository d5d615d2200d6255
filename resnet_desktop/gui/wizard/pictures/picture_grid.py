"""Photos of the data set as a sheet of small pictures with captions; decoded when they are first seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPixmap, QResizeEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.widgets.plain import plain_tip

if TYPE_CHECKING:
    from resnet_desktop.data.dataset import Sample, SampleReader

SIDE = 116
NAME_ROLE = int(Qt.ItemDataRole.UserRole)
IMAGE_ROLE = NAME_ROLE + 1
DETAIL_ROLE = NAME_ROLE + 2
MARK_ROLE = NAME_ROLE + 3
RENAMED_ROLE = NAME_ROLE + 4
GROUP_ROLE = NAME_ROLE + 5
MOST = 400
"""Pictures on one sheet; nobody looks at more at once."""
SETTLED_MS = 60
"""After so long without scrolling it is said which pictures are in view."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A photo on the sheet: its name in the data set, which says where it is, and two short lines below it.

    Photos of one ``group`` stand together on one ground, every other group's is shaded; ``grouped``: there are groups.
    """

    name: str
    caption: str
    detail: str
    group: int = 0
    grouped: bool = False


class PictureGrid(QListView):
    """Photos in rows.

    Signals: ``chosen_changed``; ``opened`` (name): asked for with a double click or Enter; ``view_changed``: other
    pictures are in view than before.
    """

    chosen_changed = Signal()
    opened = Signal(str)
    view_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = QStandardItemModel(self)
        self._loader = ThumbnailLoader(self)
        self._loader.loaded.connect(self._on_loaded)
        self._over: Callable[[str], QPixmap | None] | None = None
        self._settled = QTimer(self)
        self._settled.setSingleShot(True)
        self._settled.setInterval(SETTLED_MS)
        self._settled.timeout.connect(self.view_changed)
        self.verticalScrollBar().valueChanged.connect(lambda _value: self._settled.start())
        self.setModel(self._model)
        self.setItemDelegate(_PictureDelegate(self))
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setSelectionMode(QListView.SelectionMode.ExtendedSelection)
        self.setUniformItemSizes(True)
        self.setSpacing(theme.XS)
        self.setAccessibleName(self.tr("Photos"))
        self.selectionModel().selectionChanged.connect(lambda *_: self.chosen_changed.emit())
        self.activated.connect(lambda index: self.opened.emit(str(index.data(NAME_ROLE))))

    def show_pictures(self, pictures: Sequence[Picture], marks: Sequence[str] = ()) -> None:
        """Show these; ``marks`` are the names of those that are crossed out."""
        self._loader.forget()
        self._model.clear()
        crossed = set(marks)
        for picture in pictures[:MOST]:
            item = QStandardItem(picture.caption)
            item.setData(picture.name, NAME_ROLE)
            item.setData(picture.detail, DETAIL_ROLE)
            item.setData(picture.group, GROUP_ROLE)
            item.setData(picture.name in crossed, MARK_ROLE)
            item.setToolTip(plain_tip(f"{picture.name}\n{picture.caption}\n{picture.detail}".strip()))
            item.setEditable(False)
            self._model.appendRow(item)
            self._loader.load(picture)
        self.chosen_changed.emit()

    def mark(self, names: Sequence[str], renamed: Mapping[str, str] | None = None) -> None:
        """Cross out these and no others; ``renamed`` are those that belong to another class, which is said on them."""
        crossed = set(names)
        for row in range(self._model.rowCount()):
            item = self._model.item(row)
            name = item.data(NAME_ROLE)
            item.setData(name in crossed, MARK_ROLE)
            item.setData((renamed or {}).get(name), RENAMED_ROLE)

    def show_details(self, detail_of: Callable[[str], str]) -> None:
        """Say other things in the second line of each."""
        for row in range(self._model.rowCount()):
            item = self._model.item(row)
            item.setData(detail_of(str(item.data(NAME_ROLE))), DETAIL_ROLE)

    def show_over(self, picture_of: Callable[[str], QPixmap | None] | None) -> None:
        """Show other pictures in place of the photos, such as heatmaps: None where there is none (yet)."""
        self._over = picture_of
        self.viewport().update()

    def over(self, name: str) -> QPixmap | None:
        """What is shown in place of a photo, if anything is."""
        return self._over(name) if self._over is not None else None

    @property
    def in_view(self) -> list[str]:
        """The names of those that can be seen now."""
        area = self.viewport().rect()
        rows = range(self._model.rowCount())
        seen = (row for row in rows if self.visualRect(self._model.index(row, 0)).intersects(area))
        return [str(self._model.item(row).data(NAME_ROLE)) for row in seen]

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Others come into view."""
        super().resizeEvent(event)
        self._settled.start()

    @property
    def names(self) -> list[str]:
        """All that are on the sheet."""
        return [str(self._model.item(row).data(NAME_ROLE)) for row in range(self._model.rowCount())]

    @property
    def chosen(self) -> list[str]:
        """Those that are selected."""
        rows = sorted(index.row() for index in self.selectionModel().selectedIndexes())
        return [str(self._model.item(row).data(NAME_ROLE)) for row in rows]

    def close_loader(self) -> None:
        """Wait for the thread to end."""
        self._loader.close()

    def _on_loaded(self, name: str, image: QImage) -> None:
        start, pixmap = self._model.index(0, 0), QPixmap.fromImage(image)
        for index in self._model.match(start, NAME_ROLE, name, -1, Qt.MatchFlag.MatchExactly):
            self._model.setData(index, pixmap, IMAGE_ROLE)


class ThumbnailLoader(QObject):
    """Signal: ``loaded`` (name, QImage; null where it cannot be read)."""

    loaded = Signal(str, QImage)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = Tasks(1, "sheet", self)
        self._waiting: list[Future[QImage]] = []
        self._reader: SampleReader | None = None  # touched by the worker alone

    def load(self, picture: Picture) -> None:
        """Ask for a photo."""
        name = picture.name
        self._waiting.append(self._tasks.run_task(lambda: self._read(picture.name), lambda f: self._done(name, f)))

    def forget(self) -> None:
        """What was asked for and is not there yet is no longer wanted."""
        for future in self._waiting:
            future.cancel()
        self._waiting.clear()

    def close(self) -> None:
        """Wait for the thread to end."""
        self.forget()
        self._tasks.drain()
        if self._reader is not None:
            self._reader.close()

    def _read(self, name: str) -> QImage:
        from resnet_desktop.data.dataset import SampleReader
        from resnet_desktop.gui.background.thumbnail_store import SMALL_SIDE, load_thumbnail
        from resnet_desktop.imaging.decode import DEFAULT_MAX_PIXELS

        if self._reader is None:
            self._reader = SampleReader()
        return load_thumbnail(self._reader.read(sample_of(name)), DEFAULT_MAX_PIXELS, side=SMALL_SIDE)

    def _done(self, name: str, future: Future[QImage]) -> None:
        try:
            image = future.result()
        except ResNetDesktopError:  # the finding that lists it says why
            image = QImage()
        self.loaded.emit(name, image)


def sample_of(name: str) -> Sample:
    """Where a photo of a data set is, by its name: a file, or a member of a zip file."""
    from resnet_desktop.data.dataset import Sample

    path = Path(name)
    if not path.is_file():
        for parent in path.parents:
            if parent.suffix.lower() == ".zip" and parent.is_file():
                return Sample(str(parent), path.relative_to(parent).as_posix(), -1)
    return Sample(name, None, -1)


class _PictureDelegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: ARG002
        return QSize(SIDE + 2 * theme.XS, SIDE + 2 * option.fontMetrics.height() + theme.M)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        colours = theme.current()
        whole = QRectF(option.rect)
        square = QRectF(whole.left() + theme.XS, whole.top() + theme.XS, SIDE, SIDE)
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        if (index.data(GROUP_ROLE) or 0) % 2:
            around = theme.XS / 2 + 1  # to the middle of the gap, so that neighbours share a ground
            painter.fillRect(whole.adjusted(-around, 0, around, 0), QColor(colours.track))
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.tint))
            painter.drawRoundedRect(whole, 6, 6)
        view = self.parent()
        over = view.over(str(index.data(NAME_ROLE))) if isinstance(view, PictureGrid) else None
        self._paint_picture(painter, square, over or index.data(IMAGE_ROLE), colours)
        renamed = index.data(RENAMED_ROLE)
        if renamed:
            self._paint_badge(painter, square, renamed, colours)
        if index.data(MARK_ROLE):
            painter.fillRect(square, QColor(0, 0, 0, 90))
            painter.setPen(QPen(QColor(255, 255, 255), 3))
            painter.drawLine(square.topLeft(), square.bottomRight())
            painter.drawLine(square.topRight(), square.bottomLeft())
        metrics = option.fontMetrics
        line = QRectF(square.left(), square.bottom() + theme.XS, SIDE, metrics.height())
        for text, colour in ((index.data(), colours.text), (index.data(DETAIL_ROLE), colours.secondary)):
            painter.setPen(QColor(colour))
            painter.drawText(line, metrics.elidedText(text or "", Qt.TextElideMode.ElideMiddle, SIDE))
            line.translate(0, metrics.height())
        painter.restore()

    @staticmethod
    def _paint_badge(painter: QPainter, square: QRectF, label: str, colours: theme.Theme) -> None:
        """The class that the picture is said to be of."""
        metrics = painter.fontMetrics()
        text = metrics.elidedText(f"→ {label}", Qt.TextElideMode.ElideRight, int(square.width()) - 2 * theme.S)
        width = metrics.horizontalAdvance(text) + 2 * theme.S
        height = metrics.height() + theme.XS
        badge = QRectF(square.left() + 2, square.bottom() - height - 2, width, height)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.accent))
        painter.drawRoundedRect(badge, 4, 4)
        painter.setPen(QColor(colours.on_accent))
        painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, text)

    @staticmethod
    def _paint_picture(painter: QPainter, square: QRectF, pixmap: QPixmap | None, colours: theme.Theme) -> None:
        painter.fillRect(square, QColor(colours.track))
        if pixmap is None or pixmap.isNull():
            return
        size = pixmap.size().scaled(square.size().toSize(), Qt.AspectRatioMode.KeepAspectRatio)
        left = square.left() + (square.width() - size.width()) / 2
        top = square.top() + (square.height() - size.height()) / 2
        painter.drawPixmap(QRectF(left, top, size.width(), size.height()), pixmap, QRectF(pixmap.rect()))
