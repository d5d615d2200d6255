"""The new head: one linear layer, or a hidden layer before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.widgets.inputs import calm
from resnet_desktop.gui.widgets.plain import PlainLabel
from resnet_desktop.gui.wizard.model.network_diagram import spelt_number
from resnet_desktop.gui.wizard.page import secondary

HIDDEN = 256
"""Units of the lesson's Dense layer."""
DROPOUT = 0.3
"""With a hidden layer; a linear one takes none unless it is set."""
LESSON_GRID = 7
"""Cells along a side of the last stage's maps for photos of 224 pixels, as the lesson flattens them."""


class HeadChoice(QWidget):
    """Signal: ``changed``."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._linear = QRadioButton(self.tr("Linear"))
        self._hidden = QRadioButton(self.tr("Hidden layer and dropout"))
        self._linear_words, self._hidden_words, self._why = secondary(), secondary(), secondary()
        self._units, self._dropout = QSpinBox(), QDoubleSpinBox()
        self._settings = QWidget()
        self._linear.setChecked(True)
        self._build()
        self.describe(2048, None)
        self._show_settings()

    @property
    def summary(self) -> str:
        """The choice in a few words."""
        if self._linear.isChecked():
            return self.tr("linear")
        text = self.tr("hidden layer of {units}, dropout {dropout}")
        return text.format(units=self._units.value(), dropout=self._dropout.text())

    def values(self) -> dict[str, Any]:
        """The job's ``head``; empty for the plain linear layer."""
        if self._linear.isChecked():
            return {}
        return {"hidden": self._units.value(), "dropout": round(self._dropout.value(), 2)}

    def show_values(self, head: Mapping[str, Any]) -> None:
        """Show a job's ``head``."""
        hidden = head.get("hidden")
        for widget in (self._linear, self._hidden, self._units, self._dropout):
            widget.blockSignals(True)
        (self._linear if hidden is None else self._hidden).setChecked(True)
        self._units.setValue(HIDDEN if hidden is None else int(hidden))
        self._dropout.setValue(DROPOUT if hidden is None else float(head.get("dropout", 0.0)))
        for widget in (self._linear, self._hidden, self._units, self._dropout):
            widget.blockSignals(False)
        self._show_settings()
        self.describe(self._features, self._classes)

    def choose(self, *, hidden: bool) -> None:
        """Choose as the user would."""
        (self._hidden if hidden else self._linear).setChecked(True)

    def describe(self, features: int, classes: int | None) -> None:
        """Say what each costs for a base with so many pooled features, and so many classes (None: not known yet)."""
        self._features, self._classes = features, classes
        units = self._units.value()
        number = wording.number
        text = self.tr("One weight for each feature and class. Usually best.")
        if classes is not None:
            text = self.tr("One weight for each feature and class: {features} × {classes} = {weights}. Usually best.")
            weights = number(features * classes)
            text = text.format(features=number(features), classes=number(classes), weights=weights)
        self._linear_words.setText(text)
        text = self.tr(
            "The lesson's Flatten → Dense({units}) → softmax, with average pooling in place of Flatten. It can weigh "
            "features against each other; dropout hides a share of them in each step, so that it relies on no single "
            "one. Worth trying with a few hundred photos per class."
        )
        self._hidden_words.setText(text.format(units=number(units)))
        text = self.tr(
            "Why pooling replaces Flatten: {features} × {units} = {few} weights here, where Flatten would need "
            "{side} · {side} · {features} × {units} = {many}. With fewer weights it memorises fewer photos, and "
            "an object counts wherever it is in the photo."
        )
        few, many = features * units, LESSON_GRID * LESSON_GRID * features * units
        numbers = {"few": spelt_number(few), "many": spelt_number(many)}
        self._why.setText(text.format(features=number(features), units=number(units), side=LESSON_GRID, **numbers))

    def _build(self) -> None:
        self._units.setRange(1, 4096)
        self._units.setSingleStep(64)
        self._units.setValue(HIDDEN)
        self._dropout.setRange(0.0, 0.9)
        self._dropout.setSingleStep(0.05)
        self._dropout.setValue(DROPOUT)
        group = QButtonGroup(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.XS)
        grid = QGridLayout(self._settings)
        grid.setContentsMargins(theme.XL, theme.XS, 0, theme.XS)
        grid.setHorizontalSpacing(theme.S)
        row = QHBoxLayout()
        row.setSpacing(theme.S)
        for title, box in ((self.tr("Units"), self._units), (self.tr("Dropout"), self._dropout)):
            label = PlainLabel(title)
            label.setBuddy(box)
            box.setAccessibleName(title)
            box.setMinimumWidth(90)
            calm(box)
            row.addWidget(label)
            row.addWidget(box)
            row.addSpacing(theme.L)
        row.addStretch(1)
        grid.addLayout(row, 0, 0)
        grid.addWidget(self._why, 1, 0)
        for button, words in ((self._linear, self._linear_words), (self._hidden, self._hidden_words)):
            group.addButton(button)
            words.setContentsMargins(theme.XL, 0, 0, theme.XS)
            layout.addWidget(button)
            layout.addWidget(words)
        layout.addWidget(self._settings)
        self._hidden.toggled.connect(self._on_changed)
        self._units.valueChanged.connect(self._on_changed)
        self._dropout.valueChanged.connect(self._on_changed)

    def _on_changed(self) -> None:
        self._show_settings()
        self.describe(self._features, self._classes)
        self.changed.emit()

    def _show_settings(self) -> None:
        self._settings.setVisible(self._hidden.isChecked())
