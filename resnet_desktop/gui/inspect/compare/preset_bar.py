"""Buttons that fill the comparison."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from resnet_desktop.gui.inspect.compare.compare_presets import CLASSES, DEPTHS, METHODS
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.widgets.plain import plain_tip


class PresetBar(QWidget):
    """Signal: ``chosen`` (CLASSES, DEPTHS or METHODS)."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._buttons: dict[str, QToolButton] = {}
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.XS)
        for preset, title, tip in (
            (CLASSES, self.tr("Classes"), self.tr("The evidence for each of the top four classes")),
            (DEPTHS, self.tr("Depths"), self.tr("The same class from early to late layers")),
            (METHODS, self.tr("Methods"), self.tr("The same class and layer with four methods")),
        ):
            button = QToolButton()
            button.setText(title)
            button.setToolTip(plain_tip(tip))
            button.setCheckable(True)
            button.clicked.connect(partial(self._on_clicked, preset))
            self._buttons[preset] = button
            layout.addWidget(button)
        layout.addStretch(1)
        self._shown = ""

    def button(self, preset: str) -> QToolButton:
        """One of the buttons."""
        return self._buttons[preset]

    def show_preset(self, shown: str) -> None:
        """The cells are these; empty for none of them."""
        self._shown = shown
        for preset, button in self._buttons.items():
            button.setChecked(preset == shown)

    def _on_clicked(self, preset: str) -> None:
        self.show_preset(self._shown)  # until the cells are there
        self.chosen.emit(preset)
