"""One of three views of the photo, below its caption: the photo, heatmaps side by side, or the residual blocks."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from resnet_desktop.gui.inspect.blocks.block_page import BlockPage
from resnet_desktop.gui.inspect.compare.compare_view import CompareView
from resnet_desktop.gui.inspect.photo.caption_bar import BLOCKS, COMPARE, PHOTO, CaptionBar
from resnet_desktop.gui.inspect.photo.image_view import ImageView
from resnet_desktop.gui.widgets.canvas.zoom_view import ZoomView


class ViewsPanel(QWidget):
    """Signal: ``view_changed`` (PHOTO, COMPARE or BLOCKS)."""

    view_changed = Signal(int)

    def __init__(
        self, photo: ImageView, compare: CompareView, blocks: BlockPage, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._photo, self._compare = photo, compare
        self.bar, self._stack = CaptionBar(), QStackedWidget()
        for view in (photo, compare, blocks):
            self._stack.addWidget(view)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.bar)
        layout.addWidget(self._stack, 1)
        self.bar.switch.chosen.connect(self.show_view)
        photo.zoom_changed.connect(self.bar.show_zoom)
        compare.grid.zoom_changed.connect(self.bar.show_zoom)

    @property
    def place(self) -> int:
        """The view that is shown: PHOTO, COMPARE or BLOCKS."""
        return self._stack.currentIndex()

    def show_view(self, place: int) -> None:
        """PHOTO, COMPARE or BLOCKS."""
        self._stack.setCurrentIndex(place)
        self.bar.switch.choose(place)
        self.bar.show_value("")
        self.bar.show_zoom(1.0 if place == BLOCKS else self._zoomed.zoom)
        self.view_changed.emit(place)

    def toggle_view(self, place: int) -> None:
        """Show a view, or the photo again."""
        self.show_view(PHOTO if self.place == place else place)

    def fit(self) -> None:
        """The whole photo, in the view that is shown."""
        self._zoomed.fit()

    def zoom_by(self, factor: float) -> None:
        """Zoom the view that is shown."""
        self._zoomed.zoom_by(factor)

    def show_actual_size(self) -> None:
        """A pixel of the photo for each of the screen, in the view that is shown."""
        self._zoomed.show_actual_size()

    @property
    def _zoomed(self) -> ZoomView:
        """Cells of the comparison are zoomed together."""
        cells = self._compare.grid.cells if self.place == COMPARE else []
        return cells[0].view if cells else self._photo
