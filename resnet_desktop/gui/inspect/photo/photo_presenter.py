"""The photo in the view: asked for, shown, and of a part of it, the whole with the part framed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QRect, QRectF, Signal
from PySide6.QtGui import QImage

from resnet_desktop.gui.background.pictures import Photos
from resnet_desktop.gui.gallery.gallery_model import GalleryModel, Item
from resnet_desktop.gui.inspect.heatmap.heat_painter import HeatStyle
from resnet_desktop.gui.inspect.photo.image_view import ImageView
from resnet_desktop.imaging.region import Region
from resnet_desktop.session.results import Evidence, Failure, whole_of

if TYPE_CHECKING:
    from resnet_desktop.imaging.transforms import Box


class PhotoPresenter(QObject):
    """Signals: ``shown`` (the photo that is looked at is in the view); ``part_chosen`` (its number)."""

    shown = Signal()
    part_chosen = Signal(int)

    def __init__(self, view: ImageView, photos: Photos, model: GalleryModel, parent: QObject) -> None:
        super().__init__(parent)
        self._view, self._photos, self._model = view, photos, model
        self._item: Item | None = None
        self._in_view: Item | None = None  # of which the picture in the view is, or of whose whole
        self._image = QImage()
        self._parts: list[Item] = []
        photos.photo_ready.connect(self._on_ready)
        photos.photo_failed.connect(self._on_failed)
        view.part_tool.clicked.connect(self._on_clicked)
        for changed in (model.rowsInserted, model.rowsRemoved):
            changed.connect(self._refresh_parts)

    def look_at(self, item: Item) -> None:
        """Show the photo of a row."""
        before, self._item = self._in_view, item
        if before is None or whole_of(before.source) != whole_of(item.source):
            self._view.clear()
            self._in_view, self._image = None, QImage()
        if self._in_view is None or self._in_view.number != item.number:
            self._photos.request(item.number, item.source)
        if self._in_view is not None:
            self._in_view = item
        self._refresh_parts()

    def forget(self) -> None:
        """No photo is looked at, or it cannot be read."""
        self._photos.drop_request()
        self._item = self._in_view = None
        self._image = QImage()
        self._view.clear()
        self._refresh_parts()

    def read_again(self) -> None:
        """The file may have changed."""
        self._in_view, self._image = None, QImage()

    def picture(self) -> QImage:
        """What is classified, as far as it is there: the photo, or the part of it."""
        item = self._in_view
        if item is None or not isinstance(item.source, Region) or self._image.isNull():
            return self._image
        left, top, right, bottom = item.source.square(self._image.width(), self._image.height())
        return self._image.copy(QRect(left, top, right - left, bottom - top))

    def show_evidence(self, evidence: Evidence, style: HeatStyle) -> None:
        """Lay a heatmap over what the network saw of the photo."""
        item = self._in_view
        if item is not None and isinstance(item.source, Region) and not self._image.isNull():
            evidence = replace(evidence, box=_in_whole(evidence.box, item.source, self._image))
        self._view.show_evidence(evidence, style)

    def _refresh_parts(self) -> None:
        item = self._item
        self._parts = [] if item is None else self._model.parts_of(item.source)
        numbers = [part.number for part in self._parts]
        current = None if item is None or item.number not in numbers else numbers.index(item.number)
        boxes = [QRectF(*part.source.bbox) for part in self._parts if isinstance(part.source, Region)]
        self._view.part_tool.show_parts(boxes, current)

    def _on_clicked(self, place: int) -> None:
        self.part_chosen.emit(self._parts[place].number)

    def _on_ready(self, number: int, image: QImage) -> None:
        item = self._item
        if item is None or item.number != number:
            return
        known, self._in_view, self._image = self._in_view is not None, item, image
        if known:  # the same photo, sharper or less so
            self._view.replace_photo(image)
        else:
            self._view.show_photo(image)
        self.shown.emit()

    def _on_failed(self, number: int, failure: Failure) -> None:
        if self._item is not None and self._item.number == number:
            self._in_view, self._image = None, QImage()
            self._view.show_failure(failure)


def _in_whole(box: Box, part: Region, image: QImage) -> Box:
    """Fractions of what was cut out, as fractions of the whole photo."""
    from resnet_desktop.imaging.transforms import Box  # brings in NumPy: not before the window is up

    wide, high = image.width(), image.height()
    left, top, right, bottom = part.square(wide, high)
    across, down = (right - left) / wide, (bottom - top) / high
    return Box(
        left / wide + box.left * across,
        top / high + box.top * down,
        left / wide + box.right * across,
        top / high + box.bottom * down,
    )
