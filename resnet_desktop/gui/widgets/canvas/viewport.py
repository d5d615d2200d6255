"""Which part of a photo a view shows: arithmetic without a widget."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize

MAX_ZOOM = 16.0
LARGEST_ENLARGEMENT = 4.0
"""A small photo that fills the view is enlarged at most so much."""


class Viewport:
    """Zoom, and the point of the photo in the middle of the view. ``view`` is the rectangle of a view everywhere.

    Attributes:
        photo: the size of the photo, in its pixels.
        margin: what is left free around a photo that fits, in pixels of the view.
        zoom: times the size that fits.
        centre: the point in the middle of the view, as fractions of the photo.
    """

    def __init__(self, margin: float) -> None:
        self.photo, self.margin = QSize(), margin
        self.zoom, self.centre = 1.0, QPointF(0.5, 0.5)

    def fitting_scale(self, view: QRectF) -> float:
        """Pixels of the view for each of the photo, where the whole of it is shown."""
        room = view.adjusted(self.margin, self.margin, -self.margin, -self.margin)
        fitting = min(room.width() / self.photo.width(), room.height() / self.photo.height())
        return max(1e-3, min(fitting, LARGEST_ENLARGEMENT))

    def place(self, view: QRectF) -> QRectF:
        """Where the whole photo lies, in the view's coordinates."""
        scale = self.fitting_scale(view) * self.zoom
        width, height = self.photo.width() * scale, self.photo.height() * scale
        middle = view.center()
        return QRectF(middle.x() - self.centre.x() * width, middle.y() - self.centre.y() * height, width, height)

    def zoom_to(self, zoom: float, anchor: QPointF, view: QRectF) -> None:
        """Zoom, at most to ``MAX_ZOOM``; the place of the photo under ``anchor`` stays where it is."""
        fraction = fraction_of(anchor, self.place(view))
        self.zoom = min(zoom, MAX_ZOOM)
        size, off = self.place(view).size(), anchor - view.center()
        self.centre = fraction - QPointF(off.x() / size.width(), off.y() / size.height())
        self.keep_in(view)

    def move(self, by: QPointF, view: QRectF) -> None:
        """Drag the photo by so many pixels of the view, as far as it can be."""
        size = self.place(view).size()
        self.centre -= QPointF(by.x() / size.width(), by.y() / size.height())
        self.keep_in(view)

    def keep_in(self, view: QRectF) -> None:
        """Let no empty margin show on one side of a photo that is larger than the view."""
        size = self.place(view).size()
        half_x, half_y = view.width() / size.width() / 2, view.height() / size.height() / 2
        self.centre = QPointF(_clamped(self.centre.x(), half_x), _clamped(self.centre.y(), half_y))


def fraction_of(point: QPointF, target: QRectF) -> QPointF:
    """Where a point lies in a rectangle, as fractions of its width and height."""
    return QPointF((point.x() - target.left()) / target.width(), (point.y() - target.top()) / target.height())


def part_of(target: QRectF, part: QRectF) -> QRectF:
    """The rectangle that ``part``, in fractions of ``target``, takes up in it."""
    left, top = target.left() + part.left() * target.width(), target.top() + part.top() * target.height()
    return QRectF(left, top, part.width() * target.width(), part.height() * target.height())


def _clamped(centre: float, half: float) -> float:
    return 0.5 if half >= 0.5 else min(max(centre, half), 1.0 - half)
