"""How the evidence is shown: on or off, how strongly, in which colours, and of which part of the photo."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from resnet_desktop.core.settings import COLORMAP, FIT
from resnet_desktop.gui import icons, theme, wording
from resnet_desktop.gui.results import Evidence


class HeatmapPanel(QWidget):
    """Controls below the predictions.

    Signals: ``opacity_changed`` (0 to 1), ``colormap_changed`` (its name), ``fit_changed`` (``crop`` or ``whole``).
    """

    opacity_changed = Signal(float)
    colormap_changed = Signal(str)
    fit_changed = Signal(str)

    def __init__(self, opacity: float, colormap: str, fit: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = QLabel(self.tr("Evidence"))
        self._note = QLabel()
        self._note.setWordWrap(True)
        self._note.setProperty("tone", "secondary")
        self._legend = Legend()
        self._opacity = self._opacity_slider(opacity)
        self._opacity_text = QLabel()
        self._colormap = self._colormap_box(colormap)
        self._fit = self._fit_box(fit)
        self._build()
        self._on_opacity_changed(self._opacity.value())
        self.clear_evidence()

    @property
    def note(self) -> str:
        """What is said about the evidence that is shown."""
        return self._note.text()

    @property
    def opacity_slider(self) -> QSlider:
        """The slider, in percent."""
        return self._opacity

    def show_evidence(self, evidence: Evidence) -> None:
        """Say what the colours on the photo mean."""
        self._title.setText(self.tr("Evidence for {label}").format(label=evidence.label))
        if evidence.values is None:
            self._note.setText(self.tr("This model has no direct heatmap."))
        elif evidence.empty:
            self._note.setText(
                self.tr("No positive evidence for this class at this layer ({layer}).").format(layer=evidence.layer)
            )
        else:
            self._note.setText(self.tr("Found at the last stage ({layer}).").format(layer=evidence.layer))

    def clear_evidence(self) -> None:
        """There is nothing to explain."""
        self._title.setText(self.tr("Evidence"))
        self._note.setText(self.tr("Nothing to show yet."))
        self._legend.show_colours(QImage())

    def show_legend(self, colours: QImage) -> None:
        """The colours of the legend, cold to hot."""
        self._legend.show_colours(colours)

    def set_heat_enabled(self, shown: bool) -> None:
        """Grey out what has no effect while the heatmap is off."""
        for widget in (self._opacity, self._opacity_text, self._colormap, self._legend):
            widget.setEnabled(shown)

    def refresh_fonts(self) -> None:
        """Follow the app's font."""
        self._title.setFont(theme.font(strong=True))

    def _build(self) -> None:
        self.refresh_fonts()
        self._title.setWordWrap(True)
        slider_row = QHBoxLayout()
        slider_row.setSpacing(theme.S)
        slider_row.addWidget(self._opacity, 1)
        slider_row.addWidget(self._opacity_text)
        self._opacity_text.setFixedWidth(self.fontMetrics().horizontalAdvance("100 %") + 2)
        self._opacity_text.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        form = QGridLayout()
        form.setColumnStretch(1, 1)
        form.setHorizontalSpacing(theme.M)
        form.setVerticalSpacing(theme.S)
        for row, text in enumerate((self.tr("Opacity"), self.tr("Colours"), self.tr("Network sees"))):
            label = QLabel(text)
            label.setProperty("tone", "secondary")
            form.addWidget(label, row, 0)
        form.addLayout(slider_row, 0, 1)
        form.addWidget(self._colormap, 1, 1)
        form.addWidget(self._fit, 2, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.L, theme.M, theme.L, theme.L)
        layout.setSpacing(theme.S)
        for widget in (self._title, self._note, self._legend):
            layout.addWidget(widget)
        layout.addLayout(form)

    def _opacity_slider(self, opacity: float) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(0, 100)
        slider.setValue(round(opacity * 100))
        slider.setAccessibleName(self.tr("Opacity of the heatmap"))
        slider.valueChanged.connect(self._on_opacity_changed)
        return slider

    def _colormap_box(self, colormap: str) -> QComboBox:
        titles = {
            "viridis": self.tr("Viridis"),
            "inferno": self.tr("Inferno"),
            "turbo": self.tr("Turbo"),
            "grey": self.tr("Grey"),
        }
        box = _Choice()
        for name in COLORMAP.choices:
            box.addItem(titles.get(name, name), name)
        box.setCurrentIndex(box.findData(colormap))
        box.setAccessibleName(self.tr("Colours of the heatmap"))
        box.currentIndexChanged.connect(lambda: self.colormap_changed.emit(str(box.currentData())))
        return box

    def _fit_box(self, fit: str) -> QComboBox:
        box = _Choice()
        tips = {
            "crop": (self.tr("Centre of the photo"), self.tr("The square in the middle, as it was trained to")),
            "whole": (self.tr("Whole photo"), self.tr("The whole photo, scaled into the square with margins")),
        }
        for name in FIT.choices:
            title, tip = tips.get(name, (name, ""))
            box.addItem(title, name)
            box.setItemData(box.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        box.setCurrentIndex(box.findData(fit))
        box.setAccessibleName(self.tr("What the network sees of a photo"))
        box.currentIndexChanged.connect(lambda: self.fit_changed.emit(str(box.currentData())))
        return box

    def _on_opacity_changed(self, value: int) -> None:
        self._opacity_text.setText(wording.percent(value / 100))
        self.opacity_changed.emit(value / 100)


class _Choice(QComboBox):
    """A combo box with the app's own arrow (the style sheet takes the style's away), as narrow as there is room."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        colours = theme.current()
        colour = colours.secondary if self.isEnabled() else colours.disabled
        painter.drawPixmap(self.width() - 22, (self.height() - 16) // 2, icons.pixmap("chevron", 16, colour))
        painter.end()


class Legend(QWidget):
    """The colours from little to much evidence."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colours = QImage()
        self._low, self._high = self.tr("low"), self.tr("high")
        self.setAccessibleName(self.tr("Colours of the heatmap, from low to high evidence"))

    def sizeHint(self) -> QSize:
        """One line."""
        return QSize(160, self.fontMetrics().height())

    def minimumSizeHint(self) -> QSize:
        """One line."""
        return QSize(100, self.fontMetrics().height())

    def show_colours(self, colours: QImage) -> None:
        """One pixel high, cold to hot."""
        self._colours = colours
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 - Qt gives it
        """The two words and the colours between them."""
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.setPen(self.palette().placeholderText().color())
        metrics = self.fontMetrics()
        left, right = metrics.horizontalAdvance(self._low) + theme.S, metrics.horizontalAdvance(self._high) + theme.S
        middle = int(Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(self.rect(), middle | int(Qt.AlignmentFlag.AlignLeft), self._low)
        painter.drawText(self.rect(), middle | int(Qt.AlignmentFlag.AlignRight), self._high)
        bar = QRectF(left, self.height() / 2 - 4, self.width() - left - right, 8)
        shape = QPainterPath()
        shape.addRoundedRect(bar, 4, 4)
        painter.setClipPath(shape)
        painter.setOpacity(1.0 if self.isEnabled() else 0.35)
        painter.fillRect(bar, self.palette().mid())
        if not self._colours.isNull():
            painter.drawImage(bar, self._colours)
        painter.end()
