"""A control for each kind of setting: from its declaration alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QCoreApplication, QObject, Signal
from PySide6.QtWidgets import QCheckBox, QDoubleSpinBox, QFileDialog, QLineEdit, QPushButton, QSpinBox, QWidget

from resnet_desktop.core.settings import FOLDER, Setting, Value
from resnet_desktop.gui.widgets.choice import Choice
from resnet_desktop.gui.widgets.inputs import calm
from resnet_desktop.gui.widgets.layouts import beside

WIDTH = 240
"""Of a control, in pixels."""


class Field(QObject):
    """The control of one setting. ``put`` shows a value. Signal: ``changed`` (the value), by the user."""

    changed = Signal(object)

    def __init__(self, setting: Setting, widget: QWidget, put: Callable[[Value], None]) -> None:
        super().__init__(widget)
        self.setting, self.widget, self._put = setting, widget, put
        widget.setAccessibleName(setting.title)
        widget.setAccessibleDescription(setting.help)

    def put(self, value: Value) -> None:
        """Show a value."""
        self._put(value)


def field_for(setting: Setting) -> Field:
    """The control that its type, choices and bounds call for."""
    if setting.choices:
        return choice_field(setting, tuple(zip(setting.choices, setting.words or setting.choices, strict=True)))
    if setting.kind == FOLDER:
        return _folder(setting)
    if isinstance(setting.default, bool):
        return _check(setting)
    if isinstance(setting.default, int):
        return _whole(setting)
    if isinstance(setting.default, float):
        return _number(setting)
    return _text(setting)


def choice_field(setting: Setting, options: Sequence[tuple[str, str]]) -> Field:
    """One of some values, each with its words; one that is not among them is added as it is."""
    box = Choice()
    calm(box)
    box.setFixedWidth(WIDTH)

    def put(value: Value) -> None:
        if box.findData(value) < 0:
            box.addItem(str(value), value)
        box.setCurrentIndex(box.findData(value))

    for value, words in options:
        box.addItem(words, value)
    field = Field(setting, box, put)
    box.activated.connect(lambda _index: field.changed.emit(box.currentData()))
    return field


def _check(setting: Setting) -> Field:
    box = QCheckBox()
    field = Field(setting, box, lambda value: box.setChecked(bool(value)))
    box.clicked.connect(lambda _checked=False: field.changed.emit(box.isChecked()))
    return field


def _whole(setting: Setting) -> Field:
    box = QSpinBox()
    calm(box)
    box.setRange(int(setting.minimum or 0), int(setting.maximum or 1_000_000))
    box.setSuffix(f" {setting.unit}" if setting.unit else "")
    box.setSpecialValueText(setting.words[0] if setting.words else "")
    box.setKeyboardTracking(False)
    box.setFixedWidth(WIDTH)
    field = Field(setting, box, lambda value: _quietly(box, int(value)))
    box.valueChanged.connect(field.changed.emit)
    return field


def _number(setting: Setting) -> Field:
    box = QDoubleSpinBox()
    calm(box)
    box.setRange(setting.minimum or 0.0, setting.maximum or 1.0)
    box.setSingleStep(0.05)
    box.setKeyboardTracking(False)
    box.setFixedWidth(WIDTH)
    field = Field(setting, box, lambda value: _quietly(box, float(value)))
    box.valueChanged.connect(lambda value: field.changed.emit(round(value, box.decimals())))
    return field


def _quietly(box: QSpinBox | QDoubleSpinBox, value: float) -> None:
    box.blockSignals(True)
    box.setValue(value)  # type: ignore[arg-type]
    box.blockSignals(False)


def _text(setting: Setting) -> Field:
    line = QLineEdit()
    line.setFixedWidth(WIDTH)
    field = Field(setting, line, lambda value: line.setText(str(value)))
    line.editingFinished.connect(lambda: field.changed.emit(line.text()))
    return field


def _folder(setting: Setting) -> Field:
    """A line that can be typed into and emptied, and a button that asks."""
    line, button = QLineEdit(), QPushButton(_tr("Choose…"))
    line.setClearButtonEnabled(True)
    line.setAccessibleName(setting.title)
    button.setAccessibleName(_tr("Choose: {title}").format(title=setting.title))
    row = beside(line, button)
    row.setFixedWidth(WIDTH)
    field = Field(setting, row, lambda value: line.setText(str(value)))

    def tell() -> None:
        field.changed.emit(line.text().strip())

    def ask() -> None:
        dialog = QFileDialog(row.window(), setting.title, line.text())
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(line.setText)
        dialog.fileSelected.connect(lambda _name: tell())
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    line.editingFinished.connect(tell)
    line.textChanged.connect(lambda text: tell() if not text else None)
    button.clicked.connect(ask)
    return field


def _tr(text: str) -> str:
    return QCoreApplication.translate("settings", text)
