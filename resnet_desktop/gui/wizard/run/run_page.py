"""Step five: the run, live."""

from __future__ import annotations

import json
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from resnet_desktop.core import atomic
from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.gui.background.trainer_process import LOG_LINES, TrainingRun
from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.widgets.elided_label import ElidedLabel
from resnet_desktop.gui.widgets.plain import PlainLabel
from resnet_desktop.gui.wizard.draft import JOB_FILE, Draft
from resnet_desktop.gui.wizard.page import WizardPage
from resnet_desktop.gui.wizard.run.run_details import RunDetails
from resnet_desktop.gui.wizard.run.run_facts import RunCurves, RunFacts
from resnet_desktop.gui.wizard.trainer.trainer_page import TrainerPage
from resnet_desktop.jobs.run_state import RunState
from resnet_desktop.session.results import Failure

BUSY = ("waiting", "scanning", "exporting")
"""Phases in which nobody knows how far it is, unless the trainer says so."""


class RunPage(WizardPage):
    """Shows a run and tells it what to do.

    Signal: ``finished`` (the run folder): there is a model.
    """

    finished = Signal(Path)

    def __init__(self, run: TrainingRun, trainer: TrainerPage, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Training"), "", parent)
        self._run, self._trainer = run, trainer
        self._folder = Path()
        self._headline, self._notice = PlainLabel(), ElidedLabel()
        self._bar = QProgressBar()
        self.facts, self.curves, self._log = RunFacts(), RunCurves(), LogView()
        self.details = RunDetails(self.curves)
        self._middle = QStackedWidget()
        self.pause_button, self.stop_button = QPushButton(), QPushButton(self.tr("Stop and keep the best"))
        self.cancel_button, self.resume_button = QPushButton(self.tr("Cancel")), QPushButton(self.tr("Resume"))
        self._fold = QPushButton(self.tr("Log"))
        self._build()
        run.state_changed.connect(self._on_state)
        run.ended.connect(self._on_ended)

    @property
    def folder(self) -> Path:
        """That of the run."""
        return self._folder

    @property
    def complete(self) -> bool:
        """Once there is a model."""
        return self._run.state.was_successful()

    @property
    def next_text(self) -> str:
        """The next step shows what came of it."""
        return self.tr("See the results")

    @property
    def headline(self) -> str:
        """What is going on."""
        return self._headline.text()

    @property
    def notice(self) -> str:
        """What there is to know beside it."""
        return self._notice.text()

    def left(self) -> None:
        """Wait for the threads."""
        self.details.close_threads()

    def start(self, draft: Draft) -> None:
        """Begin a new run."""
        self._begin(draft.folder)
        try:
            path = draft.folder / JOB_FILE
            atomic.write_text(path, json.dumps(draft.job(), indent=1) + "\n")
            self._run.start(path, self._trainer.python)
        except ResNetDesktopError as error:
            self._show_failure(Failure.of(error))
            return
        self._on_state(self._run.state)

    def take_up(self, folder: Path) -> Draft:
        """Follow a run that goes on by itself, or look at one that has ended; its draft. Raises JobError."""
        draft = Draft.of_run(folder)
        self._begin(folder)
        self._run.attach(folder)
        self._on_state(self._run.state)
        return draft

    def resume(self) -> None:
        """Go on with a run that was cancelled or broke off."""
        self._begin(self._folder)
        try:
            self._run.resume(self._folder, self._trainer.python)
        except ResNetDesktopError as error:
            self._show_failure(Failure.of(error))
            return
        self._on_state(self._run.state)

    def _begin(self, folder: Path) -> None:
        self._folder = folder
        self.explain("")
        self.details.begin(folder)
        self._log.begin(self.tr("Run folder: {folder}").format(folder=folder))

    def _build(self) -> None:
        self._headline.setFont(theme.font(1.15, strong=True))
        self._headline.setWordWrap(True)
        self._notice.setProperty("tone", "secondary")
        self._bar.setRange(0, 1000)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Progress of the training"))
        kept = self._bar.sizePolicy()
        kept.setRetainSizeWhenHidden(True)
        self._bar.setSizePolicy(kept)
        self._fold.setCheckable(True)
        self._fold.setToolTip(self.tr("Output of the trainer so far"))
        self._fold.toggled.connect(self._on_fold)
        self.pause_button.clicked.connect(self._on_pause)
        self.stop_button.clicked.connect(lambda: self._run.send("stop"))
        self.stop_button.setToolTip(self.tr("Stop early: the best network so far becomes the model"))
        self.cancel_button.clicked.connect(lambda: self._run.send("cancel"))
        self.cancel_button.setToolTip(self.tr("Stop now, with a checkpoint to resume from later"))
        self.resume_button.clicked.connect(self.resume)
        metrics = self.pause_button.fontMetrics()
        texts = (self.tr("Pause"), self.tr("Pausing…"), self.tr("Resume"))
        self.pause_button.setMinimumWidth(max(map(metrics.horizontalAdvance, texts)) + 2 * theme.L)
        row = QHBoxLayout()
        for button in (self.pause_button, self.stop_button, self.cancel_button, self.resume_button):
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self._fold)
        above = QVBoxLayout()
        above.setSpacing(theme.S)
        for widget in (self._headline, self._bar, self.facts, self._notice):
            above.addWidget(widget)
        self._middle.addWidget(self.details)
        self._middle.addWidget(self._log)
        self._middle.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.body.addLayout(above)
        self.body.addWidget(self._middle, 1)
        self.body.addLayout(row)

    def _on_state(self, state: RunState) -> None:
        self._headline.setText(self._words(state))
        _set_tone(self._headline, "error" if state.phase == "failed" else "")
        self._show_progress(state)
        if state.training:
            self.explain(self._data(state))
        self.facts.show_state(state)
        self.facts.setVisible(not state.ended)
        self.curves.show_state(state)
        self.details.show_state(state)
        self._notice.setText(self._beside(state))
        self._show_buttons(state)
        if self._fold.isChecked():
            self._log.show_log(self._run)
        self.complete_changed.emit()

    def _show_progress(self, state: RunState) -> None:
        known = state.part_progress if state.part else None if state.phase in BUSY else state.progress
        self._bar.setRange(0, 0 if known is None and not state.ended else 1000)
        self._bar.setValue(round((known or 0.0) * 1000))
        self._bar.setVisible(not state.ended)

    def _words(self, state: RunState) -> str:
        asked = {
            "pause": self.tr("Pausing…"),
            "stop": self.tr("Stopping early and keeping the best network so far…"),
            "cancel": self.tr("Saving a checkpoint…"),
        }
        if state.phase == "failed":
            error = state.error or {}
            return f"{error.get('message') or ''} {error.get('hint') or ''}".strip()
        if not state.ended and self._run.asked in asked:
            return asked[self._run.asked]
        if state.paused:
            return self.tr("Paused")
        words = {
            "waiting": self.tr("Starting the trainer…"),
            "scanning": self.tr("Reading the photos…"),
            "exporting": self.tr("Checking and saving the model…"),
            "finished": self.tr("Done"),
            "cancelled": self.tr("Cancelled. You can resume from here."),
        }
        if state.part == "features":
            return self.tr("Running each photo once through the frozen part of the network…")
        if state.part == "teacher":
            return self.tr("Asking the teacher about each photo…")
        if state.part == "learning":
            return self.tr("Training the last layer…")
        text = self.tr("Epoch {epoch} of {epochs}") if state.epoch else self.tr("Preparing the first epoch…")
        return words.get(state.phase, text.format(epoch=state.epoch, epochs=state.epochs))

    def _data(self, state: RunState) -> str:
        text = self.tr("{training} photos for training, {validation} for validation")
        if state.training and not state.validation:
            text = self.tr("{training} photos for training")
        counts = {"training": wording.number(state.training), "validation": wording.number(state.validation)}
        found = [text.format(**counts)]
        if state.skipped:
            found.append(self.tr("{count} unreadable").format(count=wording.number(len(state.skipped))))
        if state.device:
            found.append(self.tr("trains on {device}").format(device=wording.device(state.device)))
        return "  ·  ".join(found)

    def _beside(self, state: RunState) -> str:
        if state.warnings:
            return state.warnings[-1]
        if self._run.can_be_told and not self._run.owned:
            return self.tr("This run continues in the background, even if you close this window.")
        return ""

    def _show_buttons(self, state: RunState) -> None:
        told = self._run.can_be_told and not state.ended
        ending = self._run.asked in ("stop", "cancel")
        for button in (self.pause_button, self.stop_button, self.cancel_button):
            button.setVisible(told)
        pausing = self._run.asked == "pause"
        texts = (self.tr("Pausing…") if pausing else self.tr("Pause"), self.tr("Resume"))
        self.pause_button.setText(texts[state.paused])
        self.pause_button.setEnabled(not pausing and not ending)
        self.stop_button.setEnabled(bool(state.history) and state.phase == "training" and not ending)
        self.cancel_button.setEnabled(self._run.asked != "cancel")
        broken = state.phase in ("cancelled", "failed")
        self.resume_button.setVisible(broken and not self._run.running and (self._folder / "job.json").is_file())

    def _on_pause(self) -> None:
        self._run.send("resume" if self._run.state.paused else "pause")

    def _on_fold(self, opened: bool) -> None:
        self._middle.setCurrentWidget(self._log if opened else self.details)
        if opened:
            self._log.show_log(self._run)

    def _on_ended(self, state: RunState) -> None:
        self._on_state(state)
        if state.was_successful():
            self.finished.emit(self._folder)

    def _show_failure(self, failure: Failure) -> None:
        self._headline.setText(failure.text)
        _set_tone(self._headline, "error")
        self._bar.hide()
        for button in (self.pause_button, self.stop_button, self.cancel_button, self.resume_button):
            button.hide()


class LogView(QPlainTextEdit):
    """What the trainer has said; lines are added at the end, and what is read stays where it is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._count = 0
        self.setReadOnly(True)
        self.setMaximumBlockCount(LOG_LINES)
        self.setFont(theme.font(0.9))
        self.setAccessibleName(self.tr("Log of the trainer"))
        self.setMinimumHeight(110)

    def begin(self, line: str) -> None:
        """Another run."""
        self.setPlainText(line)
        self._count = 0

    def show_log(self, run: TrainingRun) -> None:
        """Add what is new."""
        new = run.log_count - self._count
        if new <= 0:
            return
        self._count += new
        bar = self.verticalScrollBar()
        at_end = bar.value() >= bar.maximum() - 1
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText("".join(f"\n{line}" for line in run.log[-new:]))
        if at_end:
            bar.setValue(bar.maximum())


def _set_tone(label: QLabel, tone: str) -> None:
    if label.property("tone") != tone:
        label.setProperty("tone", tone)
        label.style().unpolish(label)
        label.style().polish(label)
