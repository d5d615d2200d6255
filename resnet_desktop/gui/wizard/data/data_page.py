"""Step one: where the photos are."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QDragEnterEvent, QDropEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.core.progress import Cancelled
from resnet_desktop.data.sources.columns import UnknownColumnsError
from resnet_desktop.data.sources.table import is_table
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.style import icons, theme, wording
from resnet_desktop.gui.widgets.layouts import emptied
from resnet_desktop.gui.widgets.plain import PlainLabel
from resnet_desktop.gui.wizard.data.class_offer import ClassOffer
from resnet_desktop.gui.wizard.data.class_table import ClassTable
from resnet_desktop.gui.wizard.data.columns_dialog import ColumnsDialog
from resnet_desktop.gui.wizard.data.earlier_runs import EarlierRuns
from resnet_desktop.gui.wizard.data.source_row import SourceRow
from resnet_desktop.gui.wizard.draft import Draft
from resnet_desktop.gui.wizard.page import WizardPage, secondary
from resnet_desktop.gui.wizard.trainer.trainer_notice import TrainerNotice
from resnet_desktop.session.results import Failure

if TYPE_CHECKING:
    from resnet_desktop.data.dataset import Scan

MOST_PROBLEMS = 3
"""Remarks on what was passed over that are shown here."""


class DataPage(WizardPage):
    """Sources are dropped or chosen; what they hold is read at once.

    Attributes:
        runs: what can be taken up in place of new photos.
        roles: what the sources say photos are for.
    """

    def __init__(self, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(
            self.tr("Where are your photos?"),
            self.tr("Put them in one folder per class. Your folders are never changed."),
            parent,
        )
        self._tasks = tasks
        self._sources: list[dict[str, str]] = []
        self._scan: Scan | None = None
        self._asked_about: set[Path] = set()
        self._asked, self.roles = 0, frozenset[str]()
        self._looking = threading.Event()
        self._zone, self.notice = DropZone(), TrainerNotice()
        self._list, self.runs = QVBoxLayout(), EarlierRuns(tasks)
        self._problem = secondary()
        self._problem.setProperty("tone", "error")
        self._summary, self._classes, self.offer = secondary(), ClassTable(), ClassOffer(tasks)
        self._build()
        self._refresh()

    @property
    def complete(self) -> bool:
        """Once there are two classes."""
        return self._scan is not None

    @property
    def classes(self) -> ClassTable:
        """The table."""
        return self._classes

    @property
    def summary(self) -> str:
        """What was found."""
        return self._summary.text()

    @property
    def problem(self) -> str:
        """What is wrong with the sources."""
        return self._problem.text()

    def entered(self) -> None:
        """Look for earlier runs."""
        self.runs.look()

    def left(self) -> None:
        """Give up looking."""
        self._asked += 1
        self._looking.set()

    def into(self, draft: Draft) -> Draft:
        """The draft with these sources; what was said of other photos is forgotten."""
        sources = tuple(self._sources)
        return draft if draft.sources == sources else Draft(sources=sources)

    def add(self, paths: list[Path]) -> None:
        """Add folders, zip files and tables, and look into them."""
        for path in paths:
            source = {"csv" if is_table(path) else "folder": str(path)}
            if all(source.items() - known.items() for known in self._sources):
                self._sources.append(source)
        self._look()

    def remove(self, source: dict[str, str]) -> None:
        """Take a source away."""
        self._sources.remove(source)
        self._look()

    def _look(self) -> None:
        self._asked += 1
        asked, draft = self._asked, replace(Draft(), sources=tuple(self._sources))
        self._looking.set()
        self._looking = cancel = threading.Event()
        self._scan = None
        self._problem.setText("")
        self._summary.setText(self.tr("Working…") if self._sources else "")
        self._refresh()
        if self._sources:
            self._tasks.run_task(lambda: _scanned(draft, cancel.is_set), lambda future: self._on_scanned(asked, future))

    def _on_scanned(self, asked: int, future: Future[tuple[Scan, frozenset[str]]]) -> None:
        if asked != self._asked:
            return
        self._summary.setText("")
        try:
            self._scan, self.roles = future.result()
        except ResNetDesktopError as error:
            self._problem.setText(Failure.of(error).text)
            self._classes.show_counts({})
            self._ask_where_unknown(error)
        else:
            self._classes.show_counts(self._scan.counts())
            self._summary.setText(self._found_words(self._scan, bool(self.roles)))
        self.offer.look(self._sources, () if self._scan is None else self._scan.labels)
        self._refresh()

    def _on_classes_taken(self, table: Path) -> None:
        self._sources = [{"csv": str(table)}]
        self._look()

    def _ask_where_unknown(self, error: ResNetDesktopError) -> None:
        """A table whose columns cannot be told is asked about, once."""
        if not isinstance(error, UnknownColumnsError) or error.table in self._asked_about:
            return
        self._asked_about.add(error.table)
        unknown = [source for source in self._sources if source.get("csv") == str(error.table)]
        if unknown:
            self.ask_for_columns(unknown[0])

    def _found_words(self, scan: Scan, is_split: bool) -> str:
        """How many there are, which of them the sources set apart themselves, and what was passed over."""
        counts = scan.counts()
        photos = wording.number(sum(counts.values()) + len(scan.test))
        text = self.tr("{photos} photos in {classes} classes.")
        lines = [text.format(photos=photos, classes=wording.number(len(counts)))]
        if is_split:
            text = self.tr("Your own split: {training} for training, {validation} for validation")
            parts = (len(scan.training), len(scan.validation), len(scan.test))
            training, validation, test = map(wording.number, parts)
            words = text.format(training=training, validation=validation)
            lines[0] += f" {words}{self.tr(', {test} for testing').format(test=test) if scan.test else ''}."
        lines += scan.problems[:MOST_PROBLEMS]
        if len(scan.problems) > MOST_PROBLEMS:
            more = self.tr("… and {count} more notes, listed in the next step")
            lines.append(more.format(count=wording.number(len(scan.problems) - MOST_PROBLEMS)))
        return "\n".join(lines)

    def say(self, text: str) -> None:
        """What is wrong."""
        self._problem.setText(text)
        self._problem.show()

    def _build(self) -> None:
        self._zone.dropped.connect(self.add)
        self._list.setSpacing(theme.XS)
        self.body.addWidget(self._zone)
        self.body.addWidget(self.notice)
        self.body.addLayout(self._list)
        self.body.addWidget(self._problem)
        self.body.addWidget(self._summary)
        self.body.addWidget(self.offer)
        self.offer.taken.connect(self._on_classes_taken)
        self.offer.problem.connect(self.say)
        self.runs.problem.connect(self.say)
        self.body.addWidget(self._classes, 1)
        self.body.addWidget(self.runs)
        self.body.addStretch(0)

    def _refresh(self) -> None:
        emptied(self._list)
        for source in self._sources:
            self._list.addWidget(self._row(source))
        self._problem.setVisible(bool(self._problem.text()))
        self._summary.setVisible(bool(self._summary.text()))
        self._classes.setVisible(self._scan is not None)
        self._zone.show_small(bool(self._sources))
        self.runs.setVisible(not self._sources)
        self.complete_changed.emit()

    def _row(self, source: dict[str, str]) -> QWidget:
        row = SourceRow(source)
        row.removed.connect(lambda: self.remove(source))
        row.columns_asked.connect(lambda: self.ask_for_columns(source))
        return row

    def ask_for_columns(self, source: dict[str, str]) -> ColumnsDialog:
        """Show the first rows of a table, and ask which of its columns are meant."""
        dialog = ColumnsDialog(source, self._tasks, self)
        dialog.chosen.connect(lambda chosen: self._on_columns(source, chosen))
        dialog.open()
        return dialog

    def _on_columns(self, source: dict[str, str], chosen: dict[str, str]) -> None:
        if source in self._sources:
            self._sources[self._sources.index(source)] = chosen
            self._look()


class DropZone(QWidget):
    """Signal: ``dropped`` (list of paths): photos are dropped or chosen."""

    dropped = Signal(list)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self._words = PlainLabel(self.tr("Drop a folder with one subfolder per class here"))
        self._words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._example = self._class_folders()
        folder, file = QPushButton(self.tr("Choose folder…")), QPushButton(self.tr("Choose zip or CSV…"))
        folder.clicked.connect(self._on_folder_asked)
        file.clicked.connect(self._on_file_asked)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(folder)
        row.addWidget(file)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.L, theme.L, theme.L, theme.L)
        layout.setSpacing(theme.S)
        layout.addStretch(1)
        layout.addWidget(self._words)
        layout.addWidget(self._example)
        layout.addLayout(row)
        layout.addStretch(1)
        self._words.setFont(theme.font(1.1, strong=True))

    def _class_folders(self) -> QWidget:
        """An example: a folder for each class."""
        whole = QWidget()
        row = QHBoxLayout(whole)
        row.setContentsMargins(0, theme.M, 0, theme.L)
        row.setSpacing(2 * theme.XL)
        row.addStretch(1)
        for name in (self.tr("ladybird"), self.tr("stag beetle"), self.tr("weevil")):
            picture, words = PlainLabel(), secondary(name)
            picture.setPixmap(icons.pixmap("folder", 36, theme.current().bar))
            words.setWordWrap(False)
            column = QVBoxLayout()
            column.setSpacing(theme.XS)
            for label in (picture, words):
                label.setAlignment(Qt.AlignmentFlag.AlignCenter)
                column.addWidget(label)
            row.addLayout(column)
        row.addStretch(1)
        return whole

    def show_small(self, small: bool) -> None:
        """Less high once there are sources."""
        self._example.setVisible(not small)
        self.setMinimumHeight(0 if small else 220)
        self._words.setText(
            self.tr("Drop more folders here") if small else self.tr("Drop a folder with one subfolder per class here")
        )

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Folders and files are welcome."""
        if _local(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Take them."""
        paths = _local(event.mimeData())
        if paths:
            event.acceptProposedAction()
            self.dropped.emit(paths)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 - Qt gives it
        """The dashed outline of the place to drop on."""
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(QColor(colours.panel))
        painter.setPen(QPen(QColor(colours.bar), 1.4, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 10, 10)
        painter.end()

    def _on_folder_asked(self) -> None:
        dialog = QFileDialog(self, self.tr("Choose a folder that contains class folders"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(lambda name: self.dropped.emit([Path(name)]))
        dialog.open()

    def _on_file_asked(self) -> None:
        dialog = QFileDialog(self, self.tr("Choose zip files or tables"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setNameFilters([self.tr("Zip files and tables (*.zip *.csv *.tsv *.txt)")])
        dialog.filesSelected.connect(lambda names: self.dropped.emit([Path(name) for name in names]))
        dialog.open()


def _local(mime: QMimeData) -> list[Path]:
    return [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]


def _scanned(draft: Draft, cancelled: Cancelled) -> tuple[Scan, frozenset[str]]:
    """What there is, and what the sources say themselves that their photos are for."""
    from resnet_desktop.data.dataset import collect, split_plainly
    from resnet_desktop.jobs.job import parse_job

    job = parse_job(draft.job())
    found = collect(job, cancelled)
    return split_plainly(found, job), frozenset(role for role in found.roles if role is not None)
