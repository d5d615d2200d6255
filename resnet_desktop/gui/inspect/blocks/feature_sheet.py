"""Feature maps of one layer as a contact sheet, those that speak most for the class first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from resnet_desktop.gui.style.qt_image import to_qimage
from resnet_desktop.gui.widgets.canvas import charts
from resnet_desktop.gui.widgets.canvas.tiles import Tile, Tiles

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from resnet_desktop.explain.residual.analysis import FeatureSheet

SIDE = 64


class FeatureSheetView(Tiles):
    """The sheet: the number of each channel, its part in the score of the class, and a bar of it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(SIDE, parent=parent)
        self.setAccessibleName(self.tr("Feature maps"))

    def show_sheet(self, sheet: FeatureSheet | None) -> None:
        """Show a sheet, or none."""
        if sheet is None:
            self.show_tiles(())
            return
        most = max((abs(float(weight)) for weight in sheet.weights), default=0.0) or 1.0
        decimals = max(0, 1 - math.floor(math.log10(most)))  # two digits of the greatest, in every caption
        tiles = []
        for channel, values, weight in zip(sheet.channels, sheet.maps, sheet.weights, strict=True):
            part, peak = float(weight), float(values.max())
            note = self.tr("Channel {channel}: {part} of the class score; strongest activation {peak}").format(
                channel=int(channel), part=charts.signed(part, 3), peak=charts.number(peak)
            )
            image = map_image(values, "grey")
            lines = (f"+{part:.{decimals}f}" if part > 0 else f"{part:.{decimals}f}".replace("-", "−"),)
            tiles.append(Tile(image, str(int(channel)), lines, part=part / most, note=note))
        self.show_tiles(tiles)


def map_image(values: NDArray[np.float32], name: str) -> QImage:
    """A map (h, w), whatever its unit, in the colours ``name``, a pixel for each cell.

    Its least value (or 0) becomes the first colour, its greatest (or 0) the last. What is not finite counts as 0.
    """
    import numpy as np

    from resnet_desktop.imaging.heat.overlay import colormap

    clean = np.where(np.isfinite(values), values, 0.0)
    low, high = min(0.0, float(clean.min())), max(0.0, float(clean.max()))
    levels = np.rint((clean - low) / ((high - low) or 1.0) * 255).astype(np.uint8)
    return to_qimage(colormap(name)[levels])
