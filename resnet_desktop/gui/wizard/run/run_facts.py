"""How a run gets on, in numbers and curves that change without moving anything around them."""

from __future__ import annotations

from PySide6.QtCore import QLocale, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QWidget

from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.widgets.plain import PlainLabel
from resnet_desktop.gui.wizard.run.curves import Curve, CurveChart, rate_text
from resnet_desktop.jobs.run_state import RunState

INTERVAL_MS = 1000
"""Between two changes of the numbers: nobody reads faster."""
WIDE = 780
"""Pixels from which there is room for a third chart."""
UNKNOWN = "–"


class RunFacts(QWidget):
    """Five numbers, each above its name, in columns that stay where they are."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown = self._latest = RunState()
        self._pace = QTimer(self)
        self._pace.setSingleShot(True)
        self._pace.setInterval(INTERVAL_MS)
        self._pace.timeout.connect(self._show_latest)
        names = (
            self.tr("loss of the last step"),
            self.tr("learning rate"),
            self.tr("photos per second"),
            self.tr("left"),
            self.tr("memory"),
        )
        self._values = tuple(PlainLabel(UNKNOWN) for _ in names)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(theme.M)
        layout.setVerticalSpacing(0)
        for column, (value, name) in enumerate(zip(self._values, names, strict=True)):
            caption = PlainLabel(name)
            caption.setProperty("tone", "secondary")
            caption.setFont(theme.font(0.9))
            value.setFont(theme.font(1.05, strong=True))
            value.setAccessibleName(name)
            value.setMinimumWidth(0)
            layout.addWidget(value, 0, column)
            layout.addWidget(caption, 1, column)
            layout.setColumnStretch(column, 1)
            layout.setColumnMinimumWidth(column, 60)

    @property
    def texts(self) -> tuple[str, ...]:
        """The numbers as they are shown: loss, learning rate, photos per second, time left, memory."""
        return tuple(value.text() for value in self._values)

    def show_state(self, state: RunState) -> None:
        """The run has come this far."""
        self._latest = state
        turned = (state.phase, state.part, state.paused) != (self._shown.phase, self._shown.part, self._shown.paused)
        if turned or not self._pace.isActive():
            self._show_latest()

    def _show_latest(self) -> None:
        if self._latest is not self._shown:
            self._shown = self._latest
            self._pace.start()
            for label, text in zip(self._values, self._words(self._shown), strict=True):
                label.setText(text)

    def _words(self, state: RunState) -> tuple[str, ...]:
        goes = not state.paused and (state.phase == "training" or bool(state.part)) and not state.ended
        learning = state.phase == "training" and bool(state.epoch)
        rate, speed, left, memory = (
            *(state.learning_rate if learning else None, state.images_per_second if goes else None),
            *(state.seconds_left if goes else None, None if state.ended else state.memory_mb),
        )
        return (
            UNKNOWN if state.loss is None or not learning else QLocale().toString(state.loss, "f", 3),
            UNKNOWN if rate is None else rate_text(rate),
            UNKNOWN if not speed else wording.number(round(speed)) if speed >= 10 else f"{speed:.1f}",
            UNKNOWN if not left else wording.long_duration(rounded(left)),
            UNKNOWN if not memory else _memory(memory),
        )


class RunCurves(QWidget):
    """Loss, accuracy and, where there is room, the learning rate."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.loss = CurveChart(self.tr("Loss"))
        self.accuracy = CurveChart(self.tr("Validation accuracy"), kind="percent")
        self.rate = CurveChart(self.tr("Learning rate"), kind="rate")
        self.accuracy.setToolTip(
            self.tr(
                "Measured during training; approximate on a GPU, which uses half precision. The final result is "
                "measured again on the finished file."
            )
        )
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, theme.M, 0, 0)
        layout.setSpacing(theme.XL)
        layout.addWidget(self.loss, 3)
        layout.addWidget(self.accuracy, 3)
        layout.addWidget(self.rate, 2)
        self.rate.hide()

    def show_state(self, state: RunState) -> None:
        """The run has come this far."""
        keys = ("validation_loss", "training_loss", "acc1", "learning_rate")
        losses, trained, right, rates = (_by_epoch(state, key) for key in keys)
        now = None
        if state.phase == "training" and state.loss is not None and state.steps and state.epoch > len(losses):
            now = (state.epoch - 1 + state.step / state.steps, state.loss)
        learnt = Curve(self.tr("training"), trained, now=now)
        self.loss.show_curves((Curve(self.tr("validation"), losses, strong=True), learnt), state.epochs)
        self.accuracy.show_curves((Curve("", right, strong=True),), state.epochs)
        self.rate.show_curves((Curve("", rates, strong=True),), state.epochs)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Two charts or three."""
        super().resizeEvent(event)
        self.rate.setVisible(self.width() >= WIDE)


def _by_epoch(state: RunState, key: str) -> tuple[float | None, ...]:
    """A value for each epoch from the first on."""
    rows = {row["epoch"]: row.get(key) for row in state.history}
    return tuple(rows.get(epoch) for epoch in range(1, max(rows, default=0) + 1))


def rounded(seconds: float) -> float:
    """Seconds as one says them: an estimate is not known to the second."""
    return float(max(1, round(seconds))) if seconds < 15 else 5.0 * round(seconds / 5) if seconds < 90 else seconds


def _memory(megabytes: int) -> str:
    if megabytes < 1000:
        return f"{wording.number(megabytes)} MB"
    return f"{QLocale().toString(megabytes / 1024, 'f', 1)} GB"
