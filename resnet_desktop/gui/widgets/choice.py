"""A combo box in the app's own dress."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox, QStylePainter, QWidget

from resnet_desktop.gui.style import icons, theme

_ARROW = 16


class Choice(QComboBox):
    """With the app's own arrow (the style sheet takes the style's away), as narrow as there is room."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 - Qt gives it
        """The box, and the arrow over it."""
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        room = self.width() - _ARROW - 2 * theme.S
        whole = option.currentText
        option.currentText = self.fontMetrics().elidedText(whole, Qt.TextElideMode.ElideRight, room)
        painter = QStylePainter(self)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        colours = theme.current()
        colour = colours.secondary if self.isEnabled() else colours.disabled
        painter.drawPixmap(self.width() - 22, (self.height() - 16) // 2, icons.pixmap("chevron", 16, colour))
        painter.end()
