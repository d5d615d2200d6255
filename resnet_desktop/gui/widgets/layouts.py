"""Rows of widgets, what scrolls, and widgets that come and go."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget


def beside(*widgets: QWidget | None) -> QWidget:
    """Widgets side by side; None is where the room goes that they leave."""
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        if widget is None:
            layout.addStretch(1)
        else:
            layout.addWidget(widget)
    return row


def scrolled(contents: QWidget) -> QScrollArea:
    """Contents as wide as there is room, scrolled where they are higher than that; without a frame."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidget(contents)
    return area


def emptied(layout: QVBoxLayout) -> None:
    """Take all widgets out of a layout, for good."""
    while layout.count():
        item = layout.takeAt(0)
        widget = None if item is None else item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
