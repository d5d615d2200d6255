"""Boxes for values that are left to the preset until somebody sets them, and go back to it at a click.

While a box is left alone it says what the preset takes, such as “automatic (60)”.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QSpinBox, QWidget

from resnet_desktop.gui.widgets.choice import Choice

StepEnabled = QAbstractSpinBox.StepEnabledFlag
_TEXT_MARGIN = 5


class WholeBox(QSpinBox):
    """A whole number from ``low`` to ``high``, or none, which is called ``unset``. Signal: ``changed``."""

    changed = Signal()

    def __init__(self, low: int, high: int, parent: QWidget | None = None, *, unset: str = "") -> None:
        super().__init__(parent)
        self._default: float | None = None
        self._unset = unset or automatic(None)
        calm(self)
        self.setRange(low - 1, high)
        self.setValue(low - 1)
        self.setSpecialValueText(self._unset)
        self.valueChanged.connect(lambda _value: self.changed.emit())

    @property
    def chosen(self) -> int | None:
        """What was set; None for automatic."""
        return None if self.value() <= self.minimum() else self.value()

    def choose(self, value: Any) -> None:  # noqa: ANN401 - out of a job file
        """Set it; None for automatic."""
        self.setValue(self.minimum() if value is None else int(value))

    def show_default(self, value: Any) -> None:  # noqa: ANN401 - a number or None
        """Say what automatic comes to; None where that is not known."""
        self._default = value if isinstance(value, (int, float)) else None
        self.setSpecialValueText(self._unset if value is None else automatic(self.locale().toString(int(value))))

    def stepBy(self, steps: int) -> None:
        """From automatic, a step leads on from what that comes to."""
        if self.chosen is None and self._default is not None:
            self.setValue(max(self.minimum() + 1, int(self._default) + steps))
        else:
            super().stepBy(steps)

    def stepEnabled(self) -> QAbstractSpinBox.StepEnabledFlag:
        """Both ways from automatic, where a step starts from a number."""
        if self.chosen is None and self._default is not None:
            return StepEnabled.StepUpEnabled | StepEnabled.StepDownEnabled
        return super().stepEnabled()


class NumberBox(QDoubleSpinBox):
    """A number from ``low`` to ``high``, or none. Signal: ``changed``."""

    changed = Signal()

    def __init__(self, low: float, high: float, decimals: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._default: float | None = None
        step = 10.0**-decimals
        calm(self)
        self.setDecimals(decimals)
        self.setRange(low - step, high)
        self.setValue(low - step)
        if decimals > 3:
            self.setStepType(QAbstractSpinBox.StepType.AdaptiveDecimalStepType)
        else:
            self.setSingleStep(max(step, 0.05 if high > 0.3 else step))
        self.setSpecialValueText(automatic(None))
        self.valueChanged.connect(lambda _value: self.changed.emit())

    @property
    def chosen(self) -> float | None:
        """What was set; None for automatic."""
        return None if self.value() <= self.minimum() else round(self.value(), self.decimals())

    def choose(self, value: Any) -> None:  # noqa: ANN401 - out of a job file
        """Set it; None for automatic."""
        self.setValue(self.minimum() if value is None else float(value))

    def show_default(self, value: Any) -> None:  # noqa: ANN401 - a number or None
        """Say what automatic comes to; None where that is not known."""
        self._default = value if isinstance(value, (int, float)) else None
        self.setSpecialValueText(automatic(None if value is None else self.textFromValue(float(value))))

    def textFromValue(self, value: float) -> str:
        """Without zeros at the end."""
        text = self.locale().toString(value, "f", self.decimals())
        point = self.locale().decimalPoint()
        return text.rstrip("0").rstrip(point) if point in text else text

    def stepBy(self, steps: int) -> None:
        """From automatic, a step leads on from what that comes to."""
        if self.chosen is None and self._default is not None:
            self.blockSignals(True)
            self.setValue(self._default)
            self.blockSignals(False)
        super().stepBy(steps)

    def stepEnabled(self) -> QAbstractSpinBox.StepEnabledFlag:
        """Both ways from automatic, where a step starts from a number."""
        if self.chosen is None and self._default is not None:
            return StepEnabled.StepUpEnabled | StepEnabled.StepDownEnabled
        return super().stepEnabled()


class OptionBox(Choice):
    """One of some named values, or none, which is called ``unset``. Signal: ``changed``.

    ``options`` are pairs of a value of the job and its name.
    """

    changed = Signal()

    def __init__(self, options: Sequence[tuple[Any, str]], parent: QWidget | None = None, *, unset: str = "") -> None:
        super().__init__(parent)
        self._options: list[tuple[Any, str]] = []
        self._unset, self._wanted = unset or automatic(None), None
        calm(self)
        self.offer(options)
        self.currentIndexChanged.connect(self._on_index_changed)

    def offer(self, options: Sequence[tuple[Any, str]]) -> None:
        """Have these options; what was chosen last stays chosen, also where it was none of those before."""
        self._options = [(None, ""), *options]
        self.blockSignals(True)
        self.clear()
        for _, name in self._options:
            self.addItem(name)
        self.choose(self._wanted)
        self.blockSignals(False)
        self.show_default(None)

    def _on_index_changed(self) -> None:
        self._wanted = self.chosen
        self.changed.emit()

    @property
    def chosen(self) -> Any:  # noqa: ANN401 - a value of the job
        """What was set; None for automatic."""
        return self._options[max(0, self.currentIndex())][0]

    def choose(self, value: Any) -> None:  # noqa: ANN401 - out of a job file
        """Set it; None, or what is no option, for automatic."""
        self.setCurrentIndex(next((i for i, (option, _) in enumerate(self._options) if option == value), 0))
        self._wanted = value

    def show_default(self, value: Any) -> None:  # noqa: ANN401 - a value of the job
        """Say what automatic comes to; None where that is not known."""
        name = next((name for option, name in self._options[1:] if option == value), None)
        self.setItemText(0, self._unset if value is None else automatic(str(value) if name is None else name))


Box = WholeBox | NumberBox | OptionBox


def automatic(value: str | None) -> str:
    """What a box says that is left alone."""
    word = QCoreApplication.translate("boxes", "automatic")
    return word if value is None else f"{word} ({value})"


def calm(box: QAbstractSpinBox | Choice) -> None:
    """Let the wheel turn a box only while it has the focus: on a page that scrolls it is turned by accident."""
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    box.installEventFilter(_WheelGuard(box))
    if isinstance(box, QAbstractSpinBox):
        box.lineEdit().setTextMargins(_TEXT_MARGIN, 0, 0, 0)


class _WheelGuard(QObject):
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()  # the page takes it
            return True
        return False
