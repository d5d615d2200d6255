"""The choices behind the presets: each is left to them until it is set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QGridLayout, QLabel, QSpinBox, QWidget

from resnet_desktop.gui import theme
from resnet_desktop.gui.choice import Choice
from resnet_desktop.gui.wizard.page import secondary

Box = QSpinBox | QDoubleSpinBox | QComboBox


class AdvancedPanel(QWidget):
    """Signal: ``changed``."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._boxes: dict[str, Box] = {}
        self._layout = QGridLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setHorizontalSpacing(theme.L)
        self._layout.setVerticalSpacing(theme.S)
        self._layout.setColumnStretch(2, 1)
        tr = self.tr
        self._whole("epochs", tr("Epochs"), 1, 1000, tr("Rounds through all photos"))
        self._whole("batch_size", tr("Batch size"), 1, 1024, tr("Photos in one step; found automatically"))
        self._small("learning_rate", tr("Learning rate"), 1.0, 5, tr("The largest step size; the schedule lowers it"))
        self._whole("input_size", tr("Input size"), 32, 512, tr("Pixels along a side; by default the base's own"))
        self._whole("seed", tr("Seed"), 1, 2**31 - 1, tr("The same seed and photos give the same model"))
        self._whole("head.hidden", tr("Hidden layer"), 1, 4096, tr("Units between the features and the classes"))
        self._small("head.dropout", tr("Dropout"), 0.9, 2, tr("Share of the head's inputs dropped while training"))
        smooth = tr("Keeps the network from being too sure")
        self._small("recipe.label_smoothing", tr("Label smoothing"), 0.5, 2, smooth)
        self._small("recipe.weight_decay", tr("Weight decay"), 0.2, 5, tr("Pulls the weights towards zero"))
        self._small("recipe.mixup", tr("Mixup"), 1.0, 2, tr("Blends pairs of photos; not for a frozen network"))
        self._small("recipe.cutmix", tr("CutMix"), 1.0, 2, tr("Pastes parts of photos into others"))
        device = tr("Where to train; automatic takes a graphics card that works")
        self._choice("device", tr("Device"), ("cpu", "cuda", "mps"), device)

    def values(self) -> dict[str, Any]:
        """Keys of the job that were set, nested as in the job file."""
        found: dict[str, Any] = {}
        for key, box in self._boxes.items():
            value = _value(box)
            if value is None:
                continue
            where, *rest = key.split(".")
            if rest:
                found.setdefault(where, {})[rest[0]] = value
            else:
                found[where] = value
        return found

    def show_values(self, values: Mapping[str, Any]) -> None:
        """Show what is set."""
        for key, box in self._boxes.items():
            where, *rest = key.split(".")
            value = values.get(where)
            if rest:
                value = value.get(rest[0]) if isinstance(value, Mapping) else None
            _show(box, value)

    def _whole(self, key: str, title: str, low: int, high: int, text: str) -> None:
        box = QSpinBox()
        box.setRange(low - 1, high)
        box.setSpecialValueText(self.tr("automatic"))
        box.setValue(low - 1)
        box.valueChanged.connect(lambda _value: self.changed.emit())
        self._add(key, title, box, text)

    def _small(self, key: str, title: str, high: float, decimals: int, text: str) -> None:
        box = QDoubleSpinBox()
        step = 10.0**-decimals
        box.setDecimals(decimals)
        box.setRange(-step, high)
        box.setSingleStep(step if decimals > 3 else 0.05)
        box.setSpecialValueText(self.tr("automatic"))
        box.setValue(-step)
        box.valueChanged.connect(lambda _value: self.changed.emit())
        self._add(key, title, box, text)

    def _choice(self, key: str, title: str, names: tuple[str, ...], text: str) -> None:
        box = Choice()
        box.addItem(self.tr("automatic"), None)
        for name in names:
            box.addItem(name, name)
        box.currentIndexChanged.connect(lambda _index: self.changed.emit())
        self._add(key, title, box, text)

    def _add(self, key: str, title: str, box: Box, text: str) -> None:
        row = len(self._boxes)
        label = QLabel(title)
        label.setBuddy(box)
        box.setAccessibleName(title)
        box.setMinimumWidth(130)
        self._layout.addWidget(label, row, 0)
        self._layout.addWidget(box, row, 1)
        self._layout.addWidget(secondary(text), row, 2)
        self._boxes[key] = box


def _value(box: Box) -> Any:  # noqa: ANN401 - a number or a text, None for automatic
    if isinstance(box, QComboBox):
        return box.currentData()
    if box.value() <= box.minimum():
        return None
    return round(box.value(), 6)


def _show(box: Box, value: Any) -> None:  # noqa: ANN401
    box.blockSignals(True)
    if isinstance(box, QComboBox):
        box.setCurrentIndex(max(0, box.findData(value)))
    elif isinstance(box, QSpinBox):
        box.setValue(box.minimum() if value is None else int(value))
    else:
        box.setValue(box.minimum() if value is None else float(value))
    box.blockSignals(False)
