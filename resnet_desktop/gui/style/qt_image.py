"""Arrays as Qt images. NumPy itself is not imported before there is an array to convert."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QByteArray, QIODevice
from PySide6.QtGui import QImage, QImageWriter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HEAT_SIDE = 512
"""Pixels along the longer side of a heatmap's image; Qt scales it on from there."""


def to_qimage(pixels: NDArray[np.uint8]) -> QImage:
    """uint8 (height, width, 3) RGB as an image that owns its memory."""
    height, width = pixels.shape[:2]
    data = pixels.tobytes()  # kept until the image has its own copy
    view = QImage(data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return view.convertToFormat(QImage.Format.Format_RGB32)


def heat_qimage(values: NDArray[np.float32], name: str, *, smooth: bool = True) -> QImage:
    """A map (h, w) from 0 to 1 in the colours ``name`` of ``imaging.heat.overlay.COLORMAPS``, enlarged.

    ``smooth``: bilinear, or in the map's own cells. The alpha channel is the value, so that cold places let the photo
    through, as ``imaging.heat.overlay.paint`` does it.
    """
    import numpy as np

    from resnet_desktop.imaging.heat.overlay import colormap, upsample

    height, width = values.shape
    scale = max(1, HEAT_SIDE // max(height, width))
    large = upsample(values, (width * scale, height * scale), smooth)
    levels = np.rint(np.clip(large, 0.0, 1.0) * 255).astype(np.uint8)
    rgba = np.dstack((colormap(name)[levels], levels))
    data = rgba.tobytes()
    view = QImage(data, width * scale, height * scale, 4 * width * scale, QImage.Format.Format_RGBA8888)
    return view.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)


def legend_qimage(name: str) -> QImage:
    """The colours ``name`` from cold to hot, one pixel high."""
    from resnet_desktop.imaging.heat.overlay import colormap

    table = colormap(name)
    return to_qimage(table.reshape(1, *table.shape))


def png_bytes(image: QImage) -> bytes:
    """An image from the clipboard or a drop as the bytes of a PNG file. For worker threads."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QImageWriter(buffer, QByteArray(b"png"))
    writer.setCompression(10)  # of 100: it is decoded again at once
    writer.write(image)
    return bytes(buffer.data().data())
