"""Looking for a learning rate: the range test of Smith (2017) on the user's own photos, watched as it runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from resnet_desktop.core.progress import Cancelled
from resnet_desktop.gui.background.trainer_inquiry import Tell, TrainerInquiry
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.style.screen import size_within_screen
from resnet_desktop.gui.widgets.canvas import charts
from resnet_desktop.gui.widgets.plain import PlainLabel
from resnet_desktop.gui.wizard.model.rate_plot import RatePlot
from resnet_desktop.gui.wizard.page import secondary
from resnet_desktop.session.results import Failure

if TYPE_CHECKING:
    from resnet_desktop.jobs.launching.trainer_requests import RatePoint, RateTest


class RateFinder(QDialog):
    """Runs the test at once when it opens, draws it, and lets the user take its rate or another.

    Args:
        inquiry: asks the trainer; it must be nobody else's, and outlive the dialog.

    Signal: ``rate_wanted`` (float): this rate is to be used.
    """

    rate_wanted = Signal(float)

    def __init__(self, inquiry: TrainerInquiry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Find a learning rate"))
        self._inquiry = inquiry
        self._plot, self._state, self._bar = RatePlot(), PlainLabel(), QProgressBar()
        self._stop, self._use = QPushButton(self.tr("Stop")), QPushButton(self.tr("Use it"))
        self._close = QPushButton(self.tr("Close"))
        self._build()
        inquiry.told.connect(self._on_told)
        inquiry.answered.connect(self._on_answered)
        inquiry.refused.connect(self._on_refused)

    @property
    def plot(self) -> RatePlot:
        """The chart."""
        return self._plot

    @property
    def state(self) -> str:
        """What is going on."""
        return self._state.text()

    def start(self, job: Mapping[str, Any], python: Path | None) -> None:
        """Run the test for a job."""
        self._plot.clear()
        self._state.setText(self.tr("Starting the trainer and reading some of your photos…"))
        self._show_busy(True)
        self._stop.setFocus(Qt.FocusReason.OtherFocusReason)

        def question(tell: Tell, cancelled: Cancelled) -> object:
            from resnet_desktop.jobs.launching.trainer_requests import find_rate

            return find_rate(job, python, on_point=tell, cancelled=cancelled)

        self._inquiry.ask(question)

    def stop(self) -> None:
        """End the test; what it found so far stays on the chart."""
        self._inquiry.stop()
        self._show_busy(False)
        self._state.setText(self.tr("Stopped. You can still pick a rate in the chart."))

    def use(self) -> None:
        """Take the rate that is chosen."""
        if self._plot.chosen is not None:
            self.rate_wanted.emit(self._plot.chosen)
            self.accept()

    def done(self, result: int) -> None:
        """The dialog closes: the test ends."""
        self._inquiry.stop()
        super().done(result)

    def _build(self) -> None:
        self._state.setWordWrap(True)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Progress of the test"))
        words = secondary(
            self.tr(
                "The rate rises with every step, and the line shows the loss: flat on the left, where steps are "
                "too small to learn much, falling where it learns, and rising on the right, where steps overshoot. "
                "A good peak rate lies where the line falls most steeply, well before it turns (L. N. Smith, 2017)."
            )
        )
        self._use.setProperty("primary", "true")
        self._use.setEnabled(False)
        self._stop.clicked.connect(self.stop)
        self._use.clicked.connect(self.use)
        self._close.clicked.connect(self.reject)
        self._plot.rate_chosen.connect(self._on_rate_chosen)
        row = QHBoxLayout()
        row.addWidget(self._stop)
        row.addStretch(1)
        row.addWidget(self._close)
        row.addWidget(self._use)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.XL, theme.L, theme.XL, theme.L)
        layout.setSpacing(theme.M)
        layout.addWidget(words)
        layout.addWidget(self._plot, 1)
        layout.addWidget(self._state)
        layout.addWidget(self._bar)
        layout.addLayout(row)
        size_within_screen(self, (700, 520))

    def _show_busy(self, busy: bool) -> None:
        self._bar.setRange(0, 0)
        self._bar.setVisible(busy)
        self._stop.setVisible(busy)

    def _on_told(self, point: RatePoint) -> None:
        self._plot.add_point(point.rate, point.loss)
        self._bar.setRange(0, point.steps)
        self._bar.setValue(point.step)
        self._state.setText(self.tr("Step {step} of {steps}").format(step=point.step, steps=point.steps))

    def _on_answered(self, test: RateTest) -> None:
        self._show_busy(False)
        if test.suggestion is None:
            self._state.setText(self.tr("The loss shows no clear drop. Keep the preset's rate, or pick one yourself."))
        else:
            text = self.tr("Suggested: {rate}. Click or drag in the chart to pick another.")
            self._state.setText(text.format(rate=charts.number(test.suggestion, 2)))
        self._plot.show_suggestion(test.suggestion)
        self._use.setDefault(True)
        self._use.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_refused(self, failure: Failure) -> None:
        self._show_busy(False)
        self._state.setText(failure.text)

    def _on_rate_chosen(self, rate: float) -> None:
        self._use.setEnabled(True)
        self._use.setText(self.tr("Use {rate}").format(rate=charts.number(rate, 2)))
