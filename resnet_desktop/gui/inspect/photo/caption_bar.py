"""The line above the photo: its name, the value under the pointer, the zoom, and which view is shown."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from resnet_desktop.gui.inspect.heatmap.contour import value_at
from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.widgets.elided_label import ElidedLabel
from resnet_desktop.gui.widgets.plain import PlainLabel
from resnet_desktop.gui.widgets.view_switch import ViewSwitch
from resnet_desktop.session.results import Evidence

PHOTO, COMPARE, BLOCKS = range(3)


class CaptionBar(QWidget):
    """Name and value share the room that the rest leaves."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._caption, self._value, self._zoom = ElidedLabel(), ElidedLabel(), PlainLabel()
        self._notes = ElidedLabel()
        self.switch = ViewSwitch(
            (
                (self.tr("Photo"), self.tr("The photo with its heatmap (Ctrl+1)")),
                (self.tr("Compare"), self.tr("Heatmaps side by side (Ctrl+2, C)")),
                (self.tr("Blocks"), self.tr("What the residual blocks do (Ctrl+3, B)")),
            ),
            self.tr("View"),
        )
        for label in (self._caption, self._notes, self._zoom, self._value):
            label.setProperty("tone", "secondary")
        self._value.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._value.hide()
        self._notes.hide()
        self._notes.setFont(theme.font(0.85))
        names = QVBoxLayout()
        names.setSpacing(0)
        names.addWidget(self._caption)
        names.addWidget(self._notes)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(theme.M, theme.XS, theme.S, theme.XS)
        layout.setSpacing(theme.S)
        layout.addLayout(names, 2)
        layout.addWidget(self._value, 3)
        for widget in (self._zoom, self.switch):
            layout.addWidget(widget)

    @property
    def value(self) -> str:
        """What is said of the place under the pointer."""
        return self._value.text()

    @property
    def caption(self) -> str:
        """The photo's name and size."""
        return self._caption.text()

    @property
    def notes(self) -> str:
        """How the photo was read, where that is to be known."""
        return self._notes.text()

    def show_caption(self, text: str, notes: str = "") -> None:
        """The photo's name and size, and below it in small print how it was read."""
        self._caption.setText(text)
        self._notes.setText(notes)
        self._notes.setVisible(bool(notes))

    def show_value(self, text: str) -> None:
        """The value under the pointer; empty for none."""
        self._value.setText(text)
        self._value.setVisible(bool(text))

    def show_place(self, evidence: Evidence | None, where: QPointF | None, *, smooth: bool) -> None:
        """The heatmap's value at ``where``, fractions of its box; nothing outside it or where there is no heatmap."""
        if where is None or evidence is None or evidence.values is None or evidence.raw is None:
            self.show_value("")
            return
        share, raw = (value_at(map_, where.x(), where.y(), smooth=smooth) for map_ in (evidence.values, evidence.raw))
        self.show_value(self.tr("{share} of the peak, {raw}").format(share=wording.percent(share), raw=f"{raw:.3g}"))

    def show_zoom(self, zoom: float) -> None:
        """Times the size that fits."""
        self._zoom.setText("" if zoom == 1.0 else f"× {zoom:.1f}")
