"""Heatmaps as pictures to keep: a photo in its own size with its map, or several side by side. For worker threads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QBuffer, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QImageWriter, QPainter

from resnet_desktop.core import output
from resnet_desktop.core.errors import StorageError
from resnet_desktop.gui.inspect.heatmap.heat_painter import HeatStyle, heat_layer
from resnet_desktop.gui.inspect.photo.image_view import placed
from resnet_desktop.gui.style.qt_image import to_qimage
from resnet_desktop.session.results import Evidence, Source

CELL_SIDE = 1200
"""The longer side of each photo, in pixels, where several stand in one picture."""
_PAPER, _INK, _QUIET = QColor("#ffffff"), QColor("#1d2126"), QColor("#5c636d")
_SEEN_PEN = 640.0
"""On a photo of so many pixels a contour is as wide as on the screen."""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """One heatmap as it is seen: the photo, or where to read it from; the map; and two lines of words below it."""

    photo: QImage | Source
    evidence: Evidence
    title: str
    detail: str


@dataclass(frozen=True, slots=True)
class Dress:
    """How pictures look: the map's style and opacity, the font of captions; without captions where that is None."""

    style: HeatStyle
    opacity: float
    font: QFont | None


def photo_picture(shown: Shown, dress: Dress, max_pixels: int) -> QImage:
    """The photo in the size of its file, with its heatmap, and with its caption below it. Raises ImageError."""
    photo = shown.photo
    if not isinstance(photo, QImage):
        from resnet_desktop.imaging.decode import decode

        photo = to_qimage(decode(photo, max_pixels=max_pixels).pixels)
    return _cell(photo, shown, dress)


def grid_picture(cells: Sequence[Shown], dress: Dress) -> QImage:
    """Several heatmaps, two in a row, as large as on a good screen."""
    pictures = []
    for shown in cells:
        assert isinstance(shown.photo, QImage)
        size = shown.photo.size().scaled(QSize(CELL_SIDE, CELL_SIDE), Qt.AspectRatioMode.KeepAspectRatio)
        smooth = Qt.TransformationMode.SmoothTransformation
        photo = shown.photo.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, smooth)
        pictures.append(_cell(photo, shown, dress))
    columns = 1 if len(pictures) == 1 else 2
    width = max(picture.width() for picture in pictures)
    heights = [
        max(picture.height() for picture in pictures[row : row + columns]) for row in range(0, len(pictures), columns)
    ]
    gap = CELL_SIDE // 50
    result = QImage(
        columns * width + (columns + 1) * gap, sum(heights) + (len(heights) + 1) * gap, QImage.Format.Format_RGB32
    )
    result.fill(_PAPER)
    painter = QPainter(result)
    for place, picture in enumerate(pictures):
        row, column = divmod(place, columns)
        painter.drawImage(gap + column * (width + gap), gap + sum(heights[:row]) + row * gap, picture)
    painter.end()
    return result


def write_png(path: Path, picture: QImage) -> None:
    """Write a picture, whole or not at all. Raises StorageError."""
    content = QBuffer()
    writer = QImageWriter(content, b"png")
    if not writer.write(picture):
        raise StorageError("write_failed", f"{path} could not be written: {writer.errorString()}.")
    output.write_bytes(path, bytes(content.data().data()))


def _cell(photo: QImage, shown: Shown, dress: Dress) -> QImage:
    """A photo with its heatmap and caption."""
    lines = _caption(shown, photo.width(), dress.font) if dress.font is not None else []
    band = sum(QFontMetricsF(font).height() for _text, font, _colour in lines)
    margin = photo.width() / 60 if lines else 0.0
    result = QImage(photo.width(), round(photo.height() + band + 2 * margin), QImage.Format.Format_RGB32)
    if result.isNull():
        raise StorageError("write_failed", "The picture is too large for the available memory.")
    result.fill(_PAPER)
    painter = QPainter(result)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.drawImage(0, 0, photo)
    target = QRectF(0, 0, photo.width(), photo.height())
    layer = heat_layer(shown.evidence, dress.style)
    if layer is not None:
        place = placed(shown.evidence.box, target)
        layer.paint(painter, place, place.intersected(target), dress.opacity, max(1.0, photo.width() / _SEEN_PEN))
    top = photo.height() + margin
    for text, font, colour in lines:
        painter.setFont(font)
        painter.setPen(colour)
        row = QRectF(margin, top, photo.width() - 2 * margin, QFontMetricsF(font).height())
        painter.drawText(row, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), text)
        top += row.height()
    painter.end()
    return result


def _caption(shown: Shown, width: int, font: QFont) -> list[tuple[str, QFont, QColor]]:
    """Text, font and colour of each line, sized to be read beside the photo and cut where it is too long."""
    lines = []
    for text, share, weight, colour in (
        (shown.title, 36, QFont.Weight.DemiBold, _INK),
        (shown.detail, 44, QFont.Weight.Normal, _QUIET),
    ):
        sized = QFont(font)
        sized.setPixelSize(max(11, width // share))
        sized.setWeight(weight)
        short = QFontMetricsF(sized).elidedText(text, Qt.TextElideMode.ElideRight, width * 0.96)
        lines.append((short, sized, colour))
    return lines
