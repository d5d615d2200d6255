"""How the heatmap looks: opacity, colours, cells, contour, swipe, and what part of the photo the network sees."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QSlider, QWidget

from resnet_desktop.core.settings import COLORMAP, FIT
from resnet_desktop.gui.inspect.heatmap.heat_painter import HeatStyle
from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.widgets.choice import Choice
from resnet_desktop.gui.widgets.plain import PlainLabel, plain_tip
from resnet_desktop.gui.widgets.view_switch import ViewSwitch

SMOOTH, CELLS = range(2)


class HeatLook(QWidget):
    """Controls that change no number, only what is seen.

    Signals:
        style_changed: HeatStyle.
        opacity_changed: 0 to 1.
        swipe_changed: whether a divider splits the photo.
        fit_changed: ``crop`` or ``whole``.
    """

    style_changed = Signal(object)
    opacity_changed = Signal(float)
    swipe_changed = Signal(bool)
    fit_changed = Signal(str)

    def __init__(self, style: HeatStyle, opacity: float, fit: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._wheel = WheelGuard(self)
        self.opacity = self._slider(round(opacity * 100), self.tr("Opacity of the heatmap"))
        self.contour = self._slider(round(style.contour * 100), self.tr("Contour, as a fraction of the peak; 0 is off"))
        self._opacity_text, self._contour_text = PlainLabel(), PlainLabel()
        self.colormap, self._fit = self._colormap_box(style.colormap), self._fit_box(fit)
        tips = (
            (self.tr("Smooth"), self.tr("Smooth transitions between cells (U)")),
            (self.tr("Cells"), self.tr("The layer's cells as they are (U)")),
        )
        self._cells = ViewSwitch(tips, self.tr("How the heatmap is enlarged"), stretch=True)
        self._cells.choose(SMOOTH if style.smooth else CELLS)
        tip = self.tr("Drag the divider: the plain photo is on its left, the heatmap on its right (W)")
        self._swipe = ViewSwitch(
            ((self.tr("Off"), tip), (self.tr("Divider"), tip)), self.tr("Swipe between photo and heatmap"), stretch=True
        )
        self._build()
        self._connect()
        self._show_numbers()

    @property
    def style_of_heat(self) -> HeatStyle:
        """What is chosen."""
        return HeatStyle(str(self.colormap.currentData()), self._cells.place == SMOOTH, self.contour.value() / 100)

    @property
    def swipes(self) -> bool:
        """Whether a divider splits the photo."""
        return bool(self._swipe.place)

    def set_smooth(self, smooth: bool) -> None:
        """Blended from cell to cell, or in the layer's own cells."""
        if smooth != (self._cells.place == SMOOTH):
            self._cells.choose(SMOOTH if smooth else CELLS)
            self.style_changed.emit(self.style_of_heat)

    def set_swipe(self, on: bool) -> None:
        """Split the photo by a divider, or no longer."""
        if on != self.swipes:
            self._swipe.choose(int(on))
            self.swipe_changed.emit(on)

    def set_heat_enabled(self, shown: bool) -> None:
        """Grey out what has no effect while the heatmap is off."""
        for widget in (
            *(self.opacity, self._opacity_text, self.colormap, self._cells),
            *(self.contour, self._contour_text, self._swipe),
        ):
            widget.setEnabled(shown)

    def _connect(self) -> None:
        self.opacity.valueChanged.connect(self._on_opacity)
        self.contour.valueChanged.connect(self._on_style)
        self.colormap.currentIndexChanged.connect(self._on_style)
        self._cells.chosen.connect(self._on_style)
        self._swipe.chosen.connect(lambda place: self.swipe_changed.emit(bool(place)))
        self._fit.currentIndexChanged.connect(lambda: self.fit_changed.emit(str(self._fit.currentData())))

    def _build(self) -> None:
        form = QGridLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setColumnStretch(1, 1)
        form.setHorizontalSpacing(theme.M)
        form.setVerticalSpacing(theme.S)
        rows: tuple[tuple[str, QWidget, QLabel | None], ...] = (
            (self.tr("Opacity"), self.opacity, self._opacity_text),
            (self.tr("Colours"), self.colormap, None),
            (self.tr("Style"), self._cells, None),
            (self.tr("Contour"), self.contour, self._contour_text),
            (self.tr("Swipe"), self._swipe, None),
            (self.tr("Network sees"), self._fit, None),
        )
        for row, (text, widget, value) in enumerate(rows):
            label = PlainLabel(text)
            label.setProperty("tone", "secondary")
            label.setBuddy(widget)
            form.addWidget(label, row, 0)
            form.addWidget(widget, row, 1, 1, 1 if value is not None else 2)
            if value is not None:
                value.setFixedWidth(self.fontMetrics().horizontalAdvance(wording.percent(1.0)) + 2)
                value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                form.addWidget(value, row, 2)
        form.setRowStretch(len(rows), 1)

    def _slider(self, value: int, name: str) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(0, 100)
        slider.setValue(value)
        slider.setAccessibleName(name)
        slider.setToolTip(plain_tip(name))
        slider.installEventFilter(self._wheel)
        return slider

    def _colormap_box(self, colormap: str) -> Choice:
        titles = {
            "viridis": self.tr("Viridis"),
            "inferno": self.tr("Inferno"),
            "turbo": self.tr("Turbo"),
            "grey": self.tr("Grey"),
        }
        box = Choice()
        for name in COLORMAP.choices:
            box.addItem(titles.get(name, name), name)
        box.setCurrentIndex(box.findData(colormap))
        box.setAccessibleName(self.tr("Colours of the heatmap"))
        box.installEventFilter(self._wheel)
        return box

    def _fit_box(self, fit: str) -> Choice:
        box = Choice()
        tips = {
            "crop": (self.tr("Centre of the photo"), self.tr("The square in the middle, as in training")),
            "whole": (self.tr("Whole photo"), self.tr("The whole photo, scaled to fit the square with margins")),
        }
        for name in FIT.choices:
            title, tip = tips.get(name, (name, ""))
            box.addItem(title, name)
            box.setItemData(box.count() - 1, plain_tip(tip), Qt.ItemDataRole.ToolTipRole)
        box.setCurrentIndex(box.findData(fit))
        box.setAccessibleName(self.tr("What the network sees of a photo"))
        box.installEventFilter(self._wheel)
        return box

    def _show_numbers(self) -> None:
        self._opacity_text.setText(wording.percent(self.opacity.value() / 100))
        level = self.contour.value() / 100
        self._contour_text.setText(wording.percent(level) if level else self.tr("off"))

    def _on_opacity(self, value: int) -> None:
        self._show_numbers()
        self.opacity_changed.emit(value / 100)

    def _on_style(self) -> None:
        self._show_numbers()
        self.style_changed.emit(self.style_of_heat)


class WheelGuard(QObject):
    """Lets the wheel scroll the panel, and not change what lies under the pointer, unless that has the keyboard."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Pass the wheel on to the panel."""
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(watched, event)
