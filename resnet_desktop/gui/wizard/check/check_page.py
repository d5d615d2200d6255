"""Step two: what is wrong with the photos, looked at as pictures and set right."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QSlider, QWidget

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.core.progress import Cancelled, CancelledError, Progress, unheard
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.style import wording
from resnet_desktop.gui.widgets.plain import PlainLabel
from resnet_desktop.gui.wizard.check import kept_decisions
from resnet_desktop.gui.wizard.check.check_sheet import CheckSheet
from resnet_desktop.gui.wizard.decisions import Decisions
from resnet_desktop.gui.wizard.draft import Draft
from resnet_desktop.gui.wizard.page import WizardPage, secondary
from resnet_desktop.session.results import Failure

if TYPE_CHECKING:
    from resnet_desktop.data.checks.inspection import Finding, Inspection
    from resnet_desktop.data.dataset import Sample

SPLIT_DELAY_MS = 250
"""After so long without another decision the photos are split anew."""


class CheckPage(WizardPage):
    """Every photo is read once; what is found is listed, worst first, and acted on. No file is touched.

    What is listed is found in the photos as they lie there, so that what was decided can be seen and taken back. The
    split that is told is that of the photos as decided: it is made anew after each decision, by the trainer's own code.

    Attributes:
        sheet: the findings, their photos, and what is decided about them.
    """

    _advanced = Signal(object, int, int)

    def __init__(self, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(
            self.tr("Check your photos"),
            self.tr("A network learns mistakes too. Leave out bad photos, or correct their labels."),
            parent,
        )
        self._tasks, self._draft = tasks, Draft()
        self._read = False
        self._used: Inspection | None = None  # of the photos as decided
        self._reading, self._splitting = threading.Event(), threading.Event()
        self.sheet = CheckSheet()
        self._bar, self._state = QProgressBar(), secondary()
        self._stop, self._again = QPushButton(self.tr("Cancel")), QPushButton(self.tr("Continue"))
        self._share, self._share_text, self._apart = QSlider(Qt.Orientation.Horizontal), PlainLabel(), QWidget()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SPLIT_DELAY_MS)
        self._timer.timeout.connect(self._split)
        self._build()
        self._advanced.connect(self._on_advanced, Qt.ConnectionType.QueuedConnection)

    @property
    def complete(self) -> bool:
        """Once all photos have been read and split as decided, and there are some to learn from."""
        return self._used is not None and self._readable(self._used.scan.training) > 0

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found."""
        return self.sheet.findings

    @property
    def state(self) -> str:
        """How far reading is, or how the photos are split."""
        return self._state.text()

    def show_draft(self, draft: Draft) -> None:
        """Check these photos; what was read before is not read again."""
        read = self._read and draft.sources == self._draft.sources
        self._keep_decisions()
        decisions = Decisions(draft.exclude, draft.relabel)
        if not read or decisions != self.sheet.now:
            self.sheet.history.begin(decisions)
        if decisions == Decisions() and not (draft.sources == self._draft.sources or draft.follows):
            before = kept_decisions.recall(draft.sources)
            if before != decisions:
                self.sheet.history.take(before)  # so that it can be taken back
        self._draft = draft
        blocked = self._share.blockSignals(True)
        self._share.setValue(round(draft.validation * 100))
        self._share_text.setText(wording.percent(draft.validation))
        self._share.blockSignals(blocked)
        if read:
            self.sheet.show_decisions()
            self._split()
        else:
            self.read()

    def show_share(self, shown: bool) -> None:
        """Whether the share that is set apart can be chosen: not where the sources set photos apart themselves."""
        self._apart.setVisible(shown)

    def into(self, draft: Draft) -> Draft:
        """The draft with what was left out and relabelled."""
        now = self.sheet.now
        return replace(draft, exclude=now.exclude, relabel=now.relabel, validation=self._draft.validation)

    def left(self) -> None:
        """Give up reading; what was decided is remembered."""
        self._give_up()
        self._reading.set()
        self._keep_decisions()
        self.sheet.close_threads()

    def hideEvent(self, event: QHideEvent) -> None:
        """Another page is shown: what is being read is given up; what has been read is remembered."""
        if not event.spontaneous():
            self._give_up()
            if not self._read:
                self.stop()
        super().hideEvent(event)

    def read(self) -> None:
        """Read every photo; what was read before is remembered."""
        self._give_up()
        self._reading.set()
        self._reading = cancel = threading.Event()
        self._read, self._used = False, None
        self.sheet.clear()
        self.sheet.hide()
        self._show_reading(True)
        self._bar.setRange(0, 0)
        self._state.setText(self.tr("Reading all photos…"))
        draft = replace(self._draft, exclude=(), relabel={})

        def report(done: int, total: int) -> None:
            self._advanced.emit(cancel, done, total)

        self._tasks.run_task(lambda: _inspected(draft, cancel.is_set, report), lambda f: self._on_read(cancel, f))
        self.complete_changed.emit()

    def stop(self) -> None:
        """Give up reading; it can go on where it was."""
        self._reading.set()
        self._show_reading(False)
        self._again.setVisible(not self._read)
        self._state.setText(self.tr("Stopped. The photos read so far are remembered."))

    def _keep_decisions(self) -> None:
        """The guide may be closed before training: what was looked through once is not to be looked through again."""
        sources, now = self._draft.sources, self.sheet.now
        if sources and not self._draft.follows and now != kept_decisions.recall(sources):
            kept_decisions.keep(sources, now)

    def _give_up(self) -> None:
        self._timer.stop()
        self._splitting.set()

    def _show_reading(self, busy: bool) -> None:
        self._bar.setVisible(busy)
        self._stop.setVisible(busy)
        self._again.hide()

    def _on_advanced(self, cancel: object, done: int, total: int) -> None:
        if cancel is not self._reading or self._reading.is_set():
            return
        self._bar.setRange(0, max(1, total))
        self._bar.setValue(done)
        text = self.tr("Reading all photos: {done} of {total}")
        self._state.setText(text.format(done=wording.number(done), total=wording.number(total)))

    def _on_read(self, cancel: threading.Event, future: Future[Inspection]) -> None:
        if cancel is not self._reading or cancel.is_set():
            return
        self._show_reading(False)
        try:
            found = future.result()
        except CancelledError:
            return
        except ResNetDesktopError as error:
            self._state.setText(Failure.of(error).text)
            self._again.show()
            return
        self._read = True
        self.sheet.show()
        self.sheet.show_inspection(found)
        if self.sheet.now == Decisions():
            self._show_split(found)  # nothing is decided: that is the split
        else:
            self._split()

    def _on_decided(self) -> None:
        self._state.setText(self.tr("Splitting the photos again…"))
        self._timer.start()

    def _split(self) -> None:
        """Split the photos as decided, by what is known of them."""
        self._splitting.set()
        self._splitting = cancel = threading.Event()
        draft = self.into(self._draft)
        self._tasks.run_task(
            lambda: _inspected(draft, cancel.is_set, unheard), lambda future: self._on_split(cancel, future)
        )

    def _on_split(self, cancel: threading.Event, future: Future[Inspection]) -> None:
        if cancel is not self._splitting or cancel.is_set():
            return
        try:
            used = future.result()
        except CancelledError:
            return
        except ResNetDesktopError as error:
            self._used = None
            self._state.setText(Failure.of(error).text)
            self.complete_changed.emit()
            return
        self._show_split(used)

    def _show_split(self, used: Inspection) -> None:
        self._used = used
        parts = (
            (used.scan.training, self.tr("for training")),
            (used.scan.validation, self.tr("for validation")),
            (used.scan.test, self.tr("for testing")),
        )
        self.sheet.show_roles({sample.name: words for samples, words in parts for sample in samples})
        self._state.setText(self._split_words(used))
        self.complete_changed.emit()

    def _split_words(self, used: Inspection) -> str:
        now, scan = self.sheet.now, used.scan
        learning, checking, testing = (self._readable(part) for part in (scan.training, scan.validation, scan.test))
        rows = (
            (self.tr("{0} photos for training"), learning, True),
            (self.tr("{0} for validation"), checking, True),
            (self.tr("{0} for testing"), testing, False),
            (self.tr("{0} unreadable"), sum(fact.error is not None for fact in used.pictures), False),
            (self.tr("{0} left out"), len(now.exclude), False),
            (self.tr("{0} relabelled"), len(now.relabel), False),
        )
        words = ", ".join(text.format(wording.number(n)) for text, n, always in rows if n or always) + "."
        if not checking:
            words += " " + self.tr("No validation photos: accuracy cannot be measured.")
        return words

    def _readable(self, samples: Sequence[Sample]) -> int:
        """How many of these can be read."""
        assert self._used is not None, "asked about its own photos"
        bad = {fact.sample.name for fact in self._used.pictures if fact.error is not None}
        return sum(sample.name not in bad for sample in samples)

    def _on_share(self, value: int) -> None:
        self._share_text.setText(wording.percent(value / 100))
        self._draft = replace(self._draft, validation=value / 100)
        if self._read:
            self._on_decided()

    def _build(self) -> None:
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Photos read"))
        self.sheet.hide()
        self.body.addWidget(self._bar)
        self.body.addWidget(self.sheet, 1)
        self._apart.setLayout(self._share_row())
        self.body.addWidget(self._apart)
        below = QHBoxLayout()
        below.addWidget(self._state, 1)
        below.addWidget(self._stop)
        below.addWidget(self._again)
        self.body.addLayout(below)
        self._show_reading(False)
        self.sheet.decided.connect(self._on_decided)
        self._stop.clicked.connect(self.stop)
        self._again.clicked.connect(self.read)

    def _share_row(self) -> QHBoxLayout:
        self._share.setRange(5, 50)
        self._share.setMaximumWidth(220)
        self._share.setAccessibleName(self.tr("Share of validation photos"))
        self._share.setValue(20)
        self._share_text.setText(wording.percent(0.2))
        self._share.valueChanged.connect(self._on_share)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        words = PlainLabel(self.tr("Validation photos"))
        words.setToolTip(self.tr("The network is never trained on these. They measure its accuracy."))
        row.addWidget(words)
        row.addWidget(self._share)
        row.addWidget(self._share_text)
        row.addStretch(1)
        return row


def _inspected(draft: Draft, cancelled: Cancelled, report: Progress) -> Inspection:
    from resnet_desktop.data.checks.inspection import inspect
    from resnet_desktop.jobs.job import parse_job

    return inspect(parse_job(draft.job()), cancelled=cancelled, progress=report)
