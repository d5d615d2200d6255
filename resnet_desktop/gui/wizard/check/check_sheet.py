"""What was found in the photos and the photos behind it, as pictures that are decided about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSplitter, QVBoxLayout, QWidget

from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.widgets.choice import Choice
from resnet_desktop.gui.widgets.plain import PlainLabel
from resnet_desktop.gui.wizard.check.check_entries import Entry
from resnet_desktop.gui.wizard.check.findings_list import FindingsList
from resnet_desktop.gui.wizard.decisions import Decisions, History
from resnet_desktop.gui.wizard.pictures.photo_viewer import PhotoViewer
from resnet_desktop.gui.wizard.pictures.picture_grid import MOST, Picture, PictureGrid

if TYPE_CHECKING:
    from resnet_desktop.data.checks.inspection import Finding, Inspection
    from resnet_desktop.data.dataset import Sample


class CheckSheet(QSplitter):
    """The findings on the left, the photos of the one that is looked at on the right.

    Signal: ``decided``: other photos than before are left out, or of another class.
    """

    decided = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.history = History()
        self._inspection: Inspection | None = None
        self._pictures: list[Picture] = []
        self._roles: Mapping[str, str] = {}
        self._findings, self.grid, self.viewer = FindingsList(), PictureGrid(), PhotoViewer(self)
        self._message = PlainLabel()
        self._leave, self._keep = QPushButton(self.tr("Leave out")), QPushButton(self.tr("Keep"))
        self._copies = QPushButton(self.tr("Leave out the copies"))
        self._class = Choice()
        self._back = QPushButton(self.tr("Undo"))
        self._build()
        self._connect()

    @property
    def now(self) -> Decisions:
        """What is decided."""
        return self.history.now

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found."""
        return () if self._inspection is None else self._inspection.findings

    def clear(self) -> None:
        """Nothing is known of the photos."""
        self._inspection, self._pictures = None, []
        self._findings.show_inspection(None)
        self.grid.show_pictures(())

    def show_inspection(self, inspection: Inspection) -> None:
        """List what was found in the photos as they lie there."""
        self.clear()
        self._inspection = inspection
        self._class.clear()
        self._class.addItem(self.tr("Correct label…"), None)
        for label in inspection.scan.labels:
            self._class.addItem(label, label)
        self._findings.show_inspection(inspection)
        self.show_decisions()

    def show_roles(self, roles: Mapping[str, str]) -> None:
        """Say what each photo is for."""
        self._roles = roles
        self.grid.show_details(self._detail_of)

    def show_decisions(self) -> None:
        """Mark the photos, tick off the findings."""
        self.grid.mark(self.now.exclude, self.now.relabel)
        self._back.setEnabled(self.history.can_undo)
        self._findings.tick_off(self.now)

    def close_threads(self) -> None:
        """Wait for them."""
        self.grid.close_loader()
        self.viewer.close_thread()

    def choose_finding(self, row: int) -> None:
        """Look at a finding."""
        self._findings.setCurrentRow(row)

    def leave_out(self, names: Sequence[str]) -> None:
        """Train without these."""
        self._take(self.now.without(names))

    def keep(self, names: Sequence[str]) -> None:
        """Train with these after all, under their own class."""
        self._take(self.now.kept(names))

    def relabel(self, names: Sequence[str], label: str) -> None:
        """Say what these really are; those that are of that class already are left as they are."""
        assert self._inspection is not None
        wanted, scan = set(names), self._inspection.scan
        labels = {sample.name: scan.labels[sample.label] for sample in scan.samples if sample.name in wanted}
        self._take(self.now.renamed(labels, label))

    def undo(self) -> None:
        """Take the last decision back."""
        if self.history.can_undo:
            self.history.undo()
            self._on_decided()

    def leave_out_copies(self) -> None:
        """Keep one of each group of copies."""
        entry = self._findings.entry
        if entry is not None:
            self.leave_out([sample.name for sample in entry.surplus])

    def _on_entry(self, row: int) -> None:
        entry = self._findings.entry
        if entry is None:
            return
        self._message.setText(self._words(entry, row))
        self._pictures = [self._picture(sample, entry) for sample in entry.samples[:MOST]]
        self.grid.show_pictures(self._pictures)
        self.grid.mark(self.now.exclude, self.now.relabel)
        self._copies.setVisible(bool(entry.surplus))
        self._on_chosen()

    def _words(self, entry: Entry, row: int) -> str:
        words = entry.message
        if not self.findings and row == 0:
            words = self.tr("No problems found automatically. Have a look yourself.")
        if len(entry.samples) > MOST:
            text = self.tr("The first {count} are shown. Select all (Ctrl+A) selects all {all}.")
            counts = {"count": wording.number(MOST), "all": wording.number(len(entry.samples))}
            words += " " + text.format(**counts)
        return words

    def _picture(self, sample: Sample, entry: Entry) -> Picture:
        assert self._inspection is not None
        label = self._inspection.scan.labels[sample.label]
        grouped = bool(entry.group_of)
        detail = self._detail_of(sample.name) if grouped else sample.name.rsplit("/", 1)[-1]
        return Picture(sample.name, label, detail, entry.group_of.get(sample.name, 0), grouped)

    def _detail_of(self, name: str) -> str:
        """Of photos that show the same it matters what they are for; their names are in the tips."""
        entry = self._findings.entry
        short = name.rsplit("/", 1)[-1]
        return self._roles.get(name, short) if entry is not None and entry.group_of else short

    def _take(self, decisions: Decisions) -> None:
        self.history.take(decisions)
        self._on_decided()

    @property
    def _chosen(self) -> list[str]:
        """The photos that are chosen; all of a finding where all that are shown are."""
        chosen, entry = self.grid.chosen, self._findings.entry
        if entry is not None and len(entry.samples) > MOST and len(chosen) == len(self.grid.names):
            return [sample.name for sample in entry.samples]
        return list(chosen)

    def _on_decided(self) -> None:
        self.show_decisions()
        self.decided.emit()

    def _on_chosen(self) -> None:
        some = bool(self.grid.chosen)
        for widget in (self._leave, self._keep, self._class):
            widget.setEnabled(some)

    def _on_class(self, index: int) -> None:
        label = self._class.itemData(index)
        if label is not None and self.grid.chosen:
            self.relabel(self._chosen, label)
        self._class.setCurrentIndex(0)

    def _build(self) -> None:
        self._message.setWordWrap(True)
        self._copies.hide()
        self._class.setAccessibleName(self.tr("Correct class of the selected photos"))
        self.grid.setToolTip(self.tr("Double-click a photo to enlarge it"))
        right = QWidget()
        layout = QVBoxLayout(right)
        layout.setContentsMargins(theme.M, 0, 0, 0)
        layout.addWidget(self._message)
        layout.addWidget(self._copies, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self.grid, 1)
        row = QHBoxLayout()
        for widget in (self._leave, self._keep, self._class):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self._back)
        layout.addLayout(row)
        self.addWidget(self._findings)
        self.addWidget(right)
        self.setSizes([300, 520])
        self.setChildrenCollapsible(False)

    def _connect(self) -> None:
        self._findings.currentRowChanged.connect(self._on_entry)
        self.grid.chosen_changed.connect(self._on_chosen)
        self.grid.opened.connect(lambda name: self.viewer.show_pictures(self._pictures, name))
        self._leave.clicked.connect(lambda: self.leave_out(self._chosen))
        self._copies.clicked.connect(self.leave_out_copies)
        self._keep.clicked.connect(lambda: self.keep(self._chosen))
        self._class.activated.connect(self._on_class)
        self._back.clicked.connect(self.undo)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Undo), self, self.undo)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Delete), self, lambda: self.leave_out(self._chosen))
