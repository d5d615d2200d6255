"""The cells of the comparison, laid out, and zoomed and moved together."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QGridLayout, QWidget

from resnet_desktop.gui.inspect.compare.compare_cell import CompareCell
from resnet_desktop.gui.inspect.heatmap.heat_painter import HeatStyle
from resnet_desktop.gui.style import theme
from resnet_desktop.session.results import EvidenceRequest


class CompareGrid(QWidget):
    """One cell alone, two side by side, else two by two.

    Signals:
        hovered: Evidence, and the place under the pointer as fractions of its box (None outside it).
        zoom_changed: times the size that fits.
        class_asked: every class is to be seen; what is called with the one that is picked.
        request_changed: a cell, and the EvidenceRequest that is wanted in it.
        removal_asked: a cell.
    """

    hovered = Signal(object, object)
    zoom_changed = Signal(float)
    class_asked = Signal(object)
    request_changed = Signal(object, object)
    removal_asked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cells: list[CompareCell] = []
        self._style, self._opacity, self._heat_shown = HeatStyle(), 0.5, True
        self._count = 0
        self._layout = QGridLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(theme.M)

    def add(self, request: EvidenceRequest, image: QImage) -> CompareCell:
        """A new cell for a heatmap of a photo; ``lay_out`` shows it."""
        self._count += 1
        cell = CompareCell(f"compare {self._count}", request)
        cell.set_style(self._style)
        cell.view.set_opacity(self._opacity)
        cell.view.set_heat_shown(self._heat_shown)
        cell.show_photo(image)
        cell.view.view_changed.connect(lambda zoom, centre: self._move_together(cell, zoom, centre))
        cell.view.hovered.connect(lambda place: self.hovered.emit(cell.evidence, place))
        cell.request_changed.connect(lambda request: self.request_changed.emit(cell, request))
        cell.class_asked.connect(self.class_asked)
        cell.removed.connect(lambda: self.removal_asked.emit(cell))
        self.cells.append(cell)
        return cell

    def take_away(self, cell: CompareCell) -> None:
        """The others stay where they are until ``lay_out``."""
        self.cells.remove(cell)
        self._layout.removeWidget(cell)
        cell.hide()
        cell.deleteLater()

    def lay_out(self) -> None:
        """Show all cells, each with the same part of the photo."""
        columns = 1 if len(self.cells) == 1 else 2
        for place, cell in enumerate(self.cells):
            self._layout.addWidget(cell, place // columns, place % columns)
            cell.show()
        for line in range(2):
            self._layout.setColumnStretch(line, 1 if line < columns and self.cells else 0)
            self._layout.setRowStretch(line, 1 if line * columns < len(self.cells) else 0)
        if self.cells:
            self._move_together(self.cells[0], self.cells[0].view.zoom, self.cells[0].view.centre)

    def set_style(self, style: HeatStyle) -> None:
        """Shared by all cells."""
        self._style = style
        for cell in self.cells:
            cell.set_style(style)

    def set_opacity(self, opacity: float) -> None:
        """Shared by all cells."""
        self._opacity = opacity
        for cell in self.cells:
            cell.view.set_opacity(opacity)

    def set_heat_shown(self, shown: bool) -> None:
        """Switch all heatmaps on or off."""
        self._heat_shown = shown
        for cell in self.cells:
            cell.view.set_heat_shown(shown)

    def refresh_theme(self) -> None:
        """Follow colours and font."""
        for cell in self.cells:
            cell.refresh_theme()

    def _move_together(self, moved: CompareCell, zoom: float, centre: QPointF) -> None:
        for cell in self.cells:
            if cell is not moved:
                cell.view.set_view(zoom, centre)
        self.zoom_changed.emit(zoom)
