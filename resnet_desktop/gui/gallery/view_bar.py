"""How the photos are laid out: list or grid, by class or not, small or large."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSlider, QToolButton, QWidget

from resnet_desktop.gui.gallery.gallery_canvas import LARGEST, SMALLEST, STEP
from resnet_desktop.gui.style import icons, theme
from resnet_desktop.gui.widgets.plain import plain_tip
from resnet_desktop.gui.widgets.view_switch import ViewSwitch


class ViewBar(QWidget):
    """Signals, each when the user has chosen: ``grid_chosen``, ``grouped_chosen`` (bool); ``side_chosen`` (pixels)."""

    grid_chosen = Signal(bool)
    grouped_chosen = Signal(bool)
    side_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        views = ((self.tr("List"), self.tr("A row for each photo (G)")), (self.tr("Grid"), self.tr("Thumbnails (G)")))
        self.switch = ViewSwitch(views, self.tr("Layout of the photos"))
        self.group, self.slider = QToolButton(), QSlider(Qt.Orientation.Horizontal)
        self.group.setCheckable(True)
        self.group.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.group.setAccessibleName(self.tr("Group by class"))
        self.group.setToolTip(plain_tip(self.tr("Group by class (Shift+G)")))
        self.slider.setRange(SMALLEST, LARGEST)
        self.slider.setSingleStep(STEP)
        self.slider.setPageStep(2 * STEP)
        self.slider.setMinimumWidth(40)
        self.slider.setAccessibleName(self.tr("Size of the thumbnails"))
        self.slider.setToolTip(plain_tip(self.tr("Size of the thumbnails (Ctrl+wheel)")))
        self.switch.chosen.connect(lambda place: self.grid_chosen.emit(place == 1))
        self.group.clicked.connect(self.grouped_chosen)
        self.slider.valueChanged.connect(self.side_chosen)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(theme.S, theme.XS, theme.M, theme.XS)
        layout.setSpacing(theme.XS)
        layout.addWidget(self.switch)
        layout.addWidget(self.group)
        layout.addStretch(1)
        layout.addWidget(self.slider, 4)
        self.refresh()

    def refresh(self) -> None:
        """Follow the app's colours."""
        self.group.setIcon(icons.icon("group"))

    def show_grid(self, grid: bool) -> None:
        """Which of the two it is."""
        self.switch.choose(int(grid))
        self.slider.setVisible(grid)

    def show_side(self, side: int) -> None:
        """How large thumbnails are; says nothing."""
        blocked = self.slider.blockSignals(True)
        self.slider.setValue(side)
        self.slider.blockSignals(blocked)
