"""Step two: what is wrong with the photos, looked at as pictures and set right."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QIcon, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QSlider,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.core.progress import Cancelled, CancelledError, Progress
from resnet_desktop.gui import icons, theme, wording
from resnet_desktop.gui.choice import Choice
from resnet_desktop.gui.results import Failure
from resnet_desktop.gui.tasks import Tasks
from resnet_desktop.gui.wizard.check_entries import Entry, entries
from resnet_desktop.gui.wizard.draft import Draft
from resnet_desktop.gui.wizard.page import WizardPage, secondary
from resnet_desktop.gui.wizard.picture_grid import MOST, Picture, PictureGrid

if TYPE_CHECKING:
    from resnet_desktop.finetune.dataset import Sample
    from resnet_desktop.finetune.inspection import Finding, Inspection


class CheckPage(WizardPage):
    """Every photo is read once; what is found is listed, worst first, and acted on. No file is touched."""

    _advanced = Signal(int, int)

    def __init__(self, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(
            self.tr("Check"),
            self.tr("Are the photos in order?"),
            self.tr("A network learns mistakes too. Leave out what is wrong, or say what it really is."),
            parent,
        )
        self._tasks = tasks
        self._draft = Draft()
        self._inspection: Inspection | None = None
        self._entries: tuple[Entry, ...] = ()
        self._roles: dict[str, str] = {}
        self._read_for: tuple[object, ...] | None = None
        self._cancel = threading.Event()
        self._undo: list[Draft] = []
        self._bar, self._state = QProgressBar(), secondary()
        self._findings, self._grid = QListWidget(), PictureGrid()
        self._message = QLabel()
        self._leave, self._keep = QPushButton(self.tr("Leave out")), QPushButton(self.tr("Keep"))
        self._copies = QPushButton(self.tr("Leave out the copies"))
        self._class = Choice()
        self._back = QPushButton(self.tr("Undo"))
        self._share, self._share_text = QSlider(Qt.Orientation.Horizontal), QLabel()
        self._work = QSplitter(Qt.Orientation.Horizontal)
        self._build()
        self._advanced.connect(self._on_advanced, Qt.ConnectionType.QueuedConnection)

    @property
    def complete(self) -> bool:
        """Once all photos have been read and none of the findings forbids training."""
        return self._inspection is not None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found."""
        return () if self._inspection is None else self._inspection.findings

    @property
    def grid(self) -> PictureGrid:
        """The sheet of the finding that is looked at."""
        return self._grid

    def show_draft(self, draft: Draft) -> None:
        """Check these photos, unless that was done."""
        wanted = (draft.sources, draft.validation)
        self._draft = draft
        self._share.blockSignals(True)
        self._share.setValue(round(draft.validation * 100))
        self._share.blockSignals(False)
        if self._read_for != wanted:
            self._read_for = wanted
            self._start()

    def into(self, draft: Draft) -> Draft:
        """The draft with what was left out and relabelled."""
        mine = self._draft
        return replace(draft, exclude=mine.exclude, relabel=mine.relabel, validation=mine.validation)

    def left(self) -> None:
        """Give up reading."""
        self._cancel.set()
        self._grid.close_loader()

    def leave_out(self, names: Sequence[str]) -> None:
        """Train without these."""
        self._change(replace(self._draft, exclude=tuple(dict.fromkeys((*self._draft.exclude, *names)))))

    def keep(self, names: Sequence[str]) -> None:
        """Train with these after all, under their own class."""
        gone = set(names)
        kept = tuple(name for name in self._draft.exclude if name not in gone)
        relabel = {name: label for name, label in self._draft.relabel.items() if name not in gone}
        self._change(replace(self._draft, exclude=kept, relabel=relabel))

    def relabel(self, names: Sequence[str], label: str) -> None:
        """Say what these really are."""
        self._change(replace(self._draft, relabel={**self._draft.relabel, **dict.fromkeys(names, label)}))

    def undo(self) -> None:
        """Take the last decision back."""
        if self._undo:
            self._draft = self._undo.pop()
            self._show_decisions()

    def choose_finding(self, row: int) -> None:
        """Look at a finding."""
        self._findings.setCurrentRow(row)

    def _start(self) -> None:
        self._cancel.set()
        self._cancel = cancel = threading.Event()
        self._inspection = None
        self._entries = ()
        self._findings.clear()
        self._grid.show_pictures(())
        self._work.hide()
        self._bar.show()
        self._bar.setRange(0, 0)
        self._state.setText(self.tr("Reading every photo once…"))
        draft = self._draft
        report = self._advanced.emit
        self._tasks.run_task(lambda: _inspected(draft, cancel.is_set, report), lambda f: self._on_done(cancel, f))
        self.complete_changed.emit()

    def _on_advanced(self, done: int, total: int) -> None:
        self._bar.setRange(0, max(1, total))
        self._bar.setValue(done)
        text = self.tr("Reading every photo once: {done} of {total}")
        self._state.setText(text.format(done=wording.number(done), total=wording.number(total)))

    def _on_done(self, cancel: threading.Event, future: Future[Inspection]) -> None:
        if cancel is not self._cancel:
            return
        self._bar.hide()
        try:
            self._inspection = future.result()
        except CancelledError:
            return
        except ResNetDesktopError as error:
            self._read_for = None
            self._state.setText(Failure.of(error).text)
            return
        self._class.clear()
        self._class.addItem(self.tr("It is really…"), None)
        for label in self._inspection.scan.labels:
            self._class.addItem(label, label)
        self._work.show()
        self._list_entries()
        self._show_decisions()
        self.complete_changed.emit()

    def _list_entries(self) -> None:
        assert self._inspection is not None
        scan = self._inspection.scan
        parts = (
            (scan.training, self.tr("to learn from")),
            (scan.validation, self.tr("to check with")),
            (scan.test, self.tr("to test with")),
        )
        self._roles = {sample.name: words for samples, words in parts for sample in samples}
        self._entries = entries(self._inspection)
        colours = theme.current()
        tones = {"error": colours.error, "warning": colours.notice_text}
        for entry in self._entries:
            item = QListWidgetItem(entry.message)
            item.setIcon(QIcon(icons.pixmap(entry.icon, 18, tones.get(entry.severity, colours.secondary))))
            item.setToolTip(entry.message)
            self._findings.addItem(item)
        self._findings.setCurrentRow(0)

    def _on_entry(self, row: int) -> None:
        if not 0 <= row < len(self._entries):
            return
        entry = self._entries[row]
        self._message.setText(self._words(entry))
        self._grid.show_pictures([self._picture(sample, entry) for sample in entry.samples[:MOST]])
        self._grid.mark(self._draft.exclude, self._draft.relabel)
        self._copies.setVisible(bool(entry.surplus))
        self._on_chosen()

    def _words(self, entry: Entry) -> str:
        words = entry.message
        if not self.findings and entry is self._entries[0]:
            words = self.tr("Nothing is wrong with them, as far as a program can tell. See for yourself.")
        if len(entry.samples) > MOST:
            words += " " + self.tr("The first {count} are shown.").format(count=wording.number(MOST))
        return words

    def leave_out_copies(self) -> None:
        """Keep one of each group of copies."""
        row = self._findings.currentRow()
        if 0 <= row < len(self._entries):
            self.leave_out([sample.name for sample in self._entries[row].surplus])

    def _picture(self, sample: Sample, entry: Entry) -> Picture:
        assert self._inspection is not None
        label = self._inspection.scan.labels[sample.label]
        # Of photos that show the same it matters what they are for; their names are in the tips.
        role = self._roles.get(sample.name) if entry.group_of else None
        detail = role or sample.name.rsplit("/", 1)[-1]
        return Picture(sample.name, label, detail, entry.group_of.get(sample.name, 0))

    def _change(self, draft: Draft) -> None:
        self._undo.append(self._draft)
        self._draft = draft
        self._show_decisions()

    def _show_decisions(self) -> None:
        draft = self._draft
        self._grid.mark(draft.exclude, draft.relabel)
        self._back.setEnabled(bool(self._undo))
        if self._inspection is None:
            return
        scan = self._inspection.scan
        gone = set(draft.exclude)
        learning = sum(sample.name not in gone for sample in scan.training)
        checking = sum(sample.name not in gone for sample in scan.validation)
        text = self.tr("{training} photos to learn from, {validation} to check with. {out} left out, {moved} renamed.")
        counts = {"training": learning, "validation": checking, "out": len(draft.exclude), "moved": len(draft.relabel)}
        self._state.setText(text.format(**{key: wording.number(value) for key, value in counts.items()}))

    def _on_chosen(self) -> None:
        some = bool(self._grid.chosen)
        for widget in (self._leave, self._keep, self._class):
            widget.setEnabled(some)

    def _on_class(self, index: int) -> None:
        label = self._class.itemData(index)
        if label is not None and self._grid.chosen:
            self.relabel(self._grid.chosen, label)
        self._class.setCurrentIndex(0)

    def _on_share(self, value: int) -> None:
        self._share_text.setText(wording.percent(value / 100))
        self._draft = replace(self._draft, validation=value / 100)

    def _on_share_released(self) -> None:
        self.show_draft(self._draft)

    def _build(self) -> None:
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Photos read"))
        self._findings.setWordWrap(True)
        self._findings.setAccessibleName(self.tr("What was found"))
        self._findings.setTextElideMode(Qt.TextElideMode.ElideNone)
        self._findings.setResizeMode(QListWidget.ResizeMode.Adjust)
        self._findings.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._findings.setMinimumWidth(190)
        self._findings.currentRowChanged.connect(self._on_entry)
        self._message.setWordWrap(True)
        self._grid.chosen_changed.connect(self._on_chosen)
        self._leave.clicked.connect(lambda: self.leave_out(self._grid.chosen))
        self._copies.clicked.connect(self.leave_out_copies)
        self._copies.hide()
        self._keep.clicked.connect(lambda: self.keep(self._grid.chosen))
        self._class.activated.connect(self._on_class)
        self._class.setAccessibleName(self.tr("The right class of the selected photos"))
        self._back.clicked.connect(self.undo)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Undo), self, self.undo)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Delete), self, lambda: self.leave_out(self._grid.chosen))
        right = QWidget()
        layout = QVBoxLayout(right)
        layout.setContentsMargins(theme.M, 0, 0, 0)
        layout.addWidget(self._message)
        layout.addWidget(self._copies, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self._grid, 1)
        row = QHBoxLayout()
        for widget in (self._leave, self._keep, self._class):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self._back)
        layout.addLayout(row)
        self._work.addWidget(self._findings)
        self._work.addWidget(right)
        self._work.setSizes([300, 520])
        self._work.setChildrenCollapsible(False)
        self._work.hide()
        self.body.addWidget(self._bar)
        self.body.addWidget(self._work, 1)
        self.body.addLayout(self._share_row())
        self.body.addWidget(self._state)

    def _share_row(self) -> QHBoxLayout:
        self._share.setRange(5, 50)
        self._share.setMaximumWidth(220)
        self._share.setAccessibleName(self.tr("Share of the photos to check with"))
        self._share.valueChanged.connect(self._on_share)
        self._share.sliderReleased.connect(self._on_share_released)
        row = QHBoxLayout()
        words = QLabel(self.tr("Set apart to check with"))
        words.setToolTip(self.tr("The network never learns from these; what it says of them shows how good it is."))
        row.addWidget(words)
        row.addWidget(self._share)
        row.addWidget(self._share_text)
        row.addStretch(1)
        self._share.setValue(20)
        return row


def _inspected(draft: Draft, cancelled: Cancelled, report: Progress) -> Inspection:
    from resnet_desktop.finetune.inspection import inspect
    from resnet_desktop.finetune.job import parse_job

    return inspect(parse_job(draft.job()), cancelled=cancelled, progress=report)
