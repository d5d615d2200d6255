"""Step five: the run, live."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPlainTextEdit, QProgressBar, QPushButton, QWidget

from resnet_desktop.core import atomic
from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.finetune.run_state import RunState
from resnet_desktop.gui import theme, wording
from resnet_desktop.gui.results import Failure
from resnet_desktop.gui.trainer_process import TrainingRun
from resnet_desktop.gui.wizard.curves import Curve, CurveChart
from resnet_desktop.gui.wizard.draft import JOB_FILE, Draft
from resnet_desktop.gui.wizard.page import WizardPage, secondary
from resnet_desktop.gui.wizard.trainer_page import TrainerPage


class RunPage(WizardPage):
    """Shows a run and tells it what to do.

    Signal: ``finished`` (the run folder): there is a model.
    """

    finished = Signal(Path)

    def __init__(self, run: TrainingRun, trainer: TrainerPage, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Run"), self.tr("Training"), "", parent)
        self._run, self._trainer = run, trainer
        self._folder = Path()
        self._headline, self._detail = QLabel(), secondary()
        self._bar = QProgressBar()
        self._loss = CurveChart(self.tr("Loss"))
        self._accuracy = CurveChart(self.tr("Accuracy on photos it does not learn from"), percent=True)
        self._pause, self._stop = QPushButton(self.tr("Pause")), QPushButton(self.tr("Stop and keep the best"))
        self._cancel, self._resume = QPushButton(self.tr("Cancel")), QPushButton(self.tr("Go on"))
        self._fold, self._log = QPushButton(self.tr("Log")), QPlainTextEdit()
        self._build()
        run.state_changed.connect(self._on_state)
        run.ended.connect(self._on_ended)

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

    def start(self, draft: Draft) -> None:
        """Begin a new run."""
        self._folder = draft.folder
        self.explain(str(draft.folder))
        try:
            path = draft.folder / JOB_FILE
            atomic.write_text(path, json.dumps(draft.job(), indent=1) + "\n")
            self._run.start([str(path)], self._trainer.python)
        except ResNetDesktopError as error:
            self._show_failure(Failure.of(error))
            return
        self._on_state(self._run.state)

    def take_up(self, folder: Path) -> Draft:
        """Follow a run that goes on by itself, or look at one that has ended; its draft."""
        self._folder = folder
        self.explain(str(folder))
        self._run.attach(folder)
        self._on_state(self._run.state)
        return _draft_of(folder)

    def resume(self) -> None:
        """Go on with a run that was cancelled or broke off."""
        try:
            self._run.start(["--resume", str(self._folder)], self._trainer.python)
        except ResNetDesktopError as error:
            self._show_failure(Failure.of(error))
            return
        self._on_state(self._run.state)

    def _build(self) -> None:
        self._headline.setFont(theme.font(1.15, strong=True))
        self._headline.setWordWrap(True)
        self._bar.setRange(0, 1000)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Progress of the training"))
        charts = QHBoxLayout()
        charts.setSpacing(theme.XL)
        charts.addWidget(self._loss, 1)
        charts.addWidget(self._accuracy, 1)
        row = QHBoxLayout()
        for button in (self._pause, self._stop, self._cancel, self._resume):
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self._fold)
        self._log.setReadOnly(True)
        self._log.setMaximumBlockCount(1000)
        self._log.setFont(theme.font(0.85))
        self._log.setAccessibleName(self.tr("Log of the trainer"))
        self._log.hide()
        self._fold.setCheckable(True)
        self._fold.toggled.connect(self._on_fold)
        self._pause.clicked.connect(lambda: self._run.send("resume" if self._run.paused else "pause"))
        self._stop.clicked.connect(lambda: self._run.send("stop"))
        self._cancel.clicked.connect(lambda: self._run.send("cancel"))
        self._resume.clicked.connect(self.resume)
        for widget in (self._headline, self._bar, self._detail):
            self.body.addWidget(widget)
        self.body.addLayout(charts, 1)
        self.body.addLayout(row)
        self.body.addWidget(self._log, 1)

    def _on_state(self, state: RunState) -> None:
        self._headline.setText(self._words(state))
        self._bar.setRange(0, 0 if state.phase in ("waiting", "scanning", "exporting") else 1000)
        self._bar.setValue(round(state.progress * 1000))
        self._bar.setVisible(not state.ended)
        self._detail.setText("  ·  ".join(self._details(state)))
        history = state.history
        losses, trained = (tuple(row.get(f"{kind}_loss") for row in history) for kind in ("validation", "training"))
        curves = Curve(self.tr("validation"), losses, strong=True), Curve(self.tr("training"), trained)
        self._loss.show_curves(curves, state.epochs)
        right = Curve(self.tr("right"), tuple(row.get("acc1") for row in history), strong=True)
        self._accuracy.show_curves((right,), state.epochs)
        self._show_buttons(state)
        if self._fold.isChecked():
            self._fill_log()
        self.complete_changed.emit()

    def _words(self, state: RunState) -> str:
        if self._run.paused:
            return self.tr("Paused")
        words = {
            "waiting": self.tr("Starting the trainer…"),
            "scanning": self.tr("Reading the photos…"),
            "exporting": self.tr("Checking the model and writing it…"),
            "finished": self.tr("Done"),
            "cancelled": self.tr("Cancelled. It can go on from here."),
        }
        if state.phase == "failed":
            error = state.error or {}
            return f"{error.get('message') or ''} {error.get('hint') or ''}".strip()
        text = self.tr("Epoch {epoch} of {epochs}").format(epoch=state.epoch, epochs=state.epochs)
        return words.get(state.phase, text)

    def _details(self, state: RunState) -> list[str]:
        found = []
        if state.training:
            text = self.tr("{training} photos to learn from, {validation} to check with")
            counts = {"training": wording.number(state.training), "validation": wording.number(state.validation)}
            found.append(text.format(**counts))
        if state.skipped:
            found.append(self.tr("{count} left out").format(count=wording.number(len(state.skipped))))
        if state.images_per_second and not state.ended:
            found.append(self.tr("{speed} photos a second").format(speed=f"{state.images_per_second:.0f}"))
        left = getattr(state, "seconds_left", None)
        if left and not state.ended:
            found.append(self.tr("{time} left").format(time=wording.long_duration(left)))
        memory = getattr(state, "memory_mb", None)
        if memory and not state.ended:
            found.append(self.tr("{memory} MB of memory").format(memory=wording.number(round(memory))))
        if state.device:
            found.append(state.device)
        return [*found, *state.warnings[-1:]]

    def _show_buttons(self, state: RunState) -> None:
        told = self._run.can_be_told and not state.ended
        for button in (self._pause, self._stop, self._cancel):
            button.setVisible(told)
        self._pause.setText(self.tr("Go on") if self._run.paused else self.tr("Pause"))
        self._stop.setEnabled(bool(state.history))
        broken = state.phase in ("cancelled", "failed") or (state.ended and not state.was_successful())
        self._resume.setVisible(broken and not self._run.running and (self._folder / "job.json").is_file())

    def _on_fold(self, shown: bool) -> None:
        self._log.setVisible(shown)
        if shown:
            self._fill_log()

    def _fill_log(self) -> None:
        text = "\n".join((*self._run.state.unparsed, *self._run.log))
        if text != self._log.toPlainText():
            self._log.setPlainText(text)

    def _on_ended(self, state: RunState) -> None:
        self._on_state(state)
        if state.was_successful():
            self.finished.emit(self._folder)

    def _show_failure(self, failure: Failure) -> None:
        self._headline.setText(failure.text)
        self._bar.hide()
        for button in (self._pause, self._stop, self._cancel, self._resume):
            button.hide()


def _draft_of(folder: Path) -> Draft:
    """The draft that a run was made of, as far as its job file tells."""
    values = _read(folder / JOB_FILE) or _read(folder / "job.json")
    split = values.get("split") or {}
    return replace(
        Draft(),
        sources=tuple(values.get("data") or ()),
        exclude=tuple(values.get("exclude") or ()),
        relabel=values.get("relabel") or {},
        validation=float(split.get("validation", 0.2)),
        name=folder.name,
        base=str(values.get("base", Draft().base)),
        train=str(values.get("train", "head")),
        preset=str(values.get("preset", "balanced")),
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
