"""Step six: how good it is, what it gets wrong, and taking it into use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.widgets.plain import PlainLabel
from resnet_desktop.gui.wizard.draft import Draft
from resnet_desktop.gui.wizard.page import WizardPage, heading, secondary
from resnet_desktop.gui.wizard.pictures.picture_heatmaps import Heatmaps
from resnet_desktop.gui.wizard.result import result_words
from resnet_desktop.gui.wizard.result.about_view import AboutView
from resnet_desktop.gui.wizard.result.before_after import BeforeAfterView
from resnet_desktop.gui.wizard.result.mistakes_view import MistakesView
from resnet_desktop.gui.wizard.result.quality_view import QualityView
from resnet_desktop.gui.wizard.result.reliability_view import ReliabilityView
from resnet_desktop.session.results import Failure

if TYPE_CHECKING:
    from resnet_desktop.jobs.results import Results


class ResultPage(WizardPage):
    """Signals: ``model_wanted`` (path of an installed model); ``again_asked`` (Draft): train once more with it."""

    model_wanted = Signal(str)
    again_asked = Signal(object)

    def __init__(self, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Results"), "", parent)
        self._tasks = tasks
        self._draft, self._folder = Draft(), Path()
        self._unfilled: dict[QWidget, Callable[[], None]] = {}
        self._headline = self._note = ""
        self._installed = False
        self.tabs = QTabWidget()
        self.heatmaps = Heatmaps(self)
        self.quality, self.mistakes = QualityView(self.heatmaps), MistakesView(self.heatmaps)
        self.reliability, self._confidence, self._novelty = ReliabilityView(), PlainLabel(), PlainLabel()
        self.before_after, self.about = BeforeAfterView(self.heatmaps), AboutView()
        self._install = QPushButton(self.tr("Install and try it"))
        self._export, self._report = QPushButton(self.tr("Export for other programs…")), QPushButton()
        self._report.setText(self.tr("Open the report"))
        self._said = secondary()
        self._build()

    @property
    def installed(self) -> bool:
        """Whether the main window has been given this model."""
        return self._installed

    @property
    def next_text(self) -> str:
        """The way back to the main window."""
        return self.tr("Close and drop a photo") if self._installed else self.tr("Close")

    @property
    def headline(self) -> str:
        """How good it is, in one line."""
        return self._headline

    @property
    def note(self) -> str:
        """How that is to be read."""
        return self._note

    @property
    def confidence(self) -> str:
        """What is said about percentages and unfamiliar photos."""
        return f"{self._confidence.text()}\n\n{self._novelty.text()}"

    @property
    def said(self) -> str:
        """What became of the last thing asked for."""
        return self._said.text()

    def show_run(self, folder: Path, draft: Draft) -> None:
        """Show what came of a run."""
        self._folder, self._draft = folder, draft
        self._installed = False
        self._said.setText("")
        self._tasks.run_task(lambda: _read(folder), lambda future: self._on_read(folder, future))

    def left(self) -> None:
        """Wait for the threads."""
        self.quality.close_loader()
        self.mistakes.close_loader()
        self.heatmaps.close()

    def install(self) -> None:
        """Put the model into the library and ask for it to be used."""
        model, name = self._folder / "model.onnx", self._draft.name or self._folder.name
        self._tasks.run_task(lambda: _install(model, name), self._on_installed)

    def export_to(self, folder: Path) -> None:
        """Write model, labels and an example for other programs; beside what is there already, not over it."""
        model = self._folder / "model.onnx"
        self._tasks.run_task(lambda: _export(model, folder), self._on_exported)

    def _build(self) -> None:
        self._title.setWordWrap(True)
        for title, widget in (
            (self.tr("Classes"), self.quality),
            (self.tr("Mistakes"), self.mistakes),
            (self.tr("Confidence"), self._confidence_tab()),
            (self.tr("Before and after"), self.before_after),
            (self.tr("Details"), self.about),
        ):
            self.tabs.addTab(widget, title)
        self.tabs.currentChanged.connect(self._fill_tab)
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        self._install.setProperty("primary", "true")
        self._install.clicked.connect(self.install)
        self._export.clicked.connect(self._on_export)
        self._report.clicked.connect(self._on_report)
        self.mistakes.again_asked.connect(self._on_again)
        bottom = QHBoxLayout()
        for widget in (self._install, self._export, self._report):
            bottom.addWidget(widget)
        bottom.addWidget(self._said, 1)
        self.body.setSpacing(theme.S)
        self.body.addWidget(self.tabs, 1)
        self.body.addLayout(bottom)

    def _confidence_tab(self) -> QWidget:
        words = QWidget()
        column = QVBoxLayout(words)
        column.setContentsMargins(theme.S, 0, theme.S, 0)
        for title, label in (
            (self.tr("Can you trust its confidence?"), self._confidence),
            (self.tr("Does it notice unfamiliar photos?"), self._novelty),
        ):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            head = heading(title)
            head.setWordWrap(True)
            column.addWidget(head)
            column.addWidget(label)
            column.addSpacing(theme.M)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(words)
        tab = QWidget()
        row = QHBoxLayout(tab)
        row.setContentsMargins(0, theme.M, 0, 0)
        row.addWidget(self.reliability, 1)
        row.addWidget(area, 1)
        return tab

    def _on_read(self, folder: Path, future: Future[Results]) -> None:
        if folder != self._folder:
            return
        try:
            results = future.result()
        except ResNetDesktopError as error:
            self._say(Failure.of(error).text, "")
            self.tabs.hide()
            return
        self.tabs.show()
        scratch = self._draft.train == "scratch"
        self.heatmaps.show_run(None if scratch else self._draft.base, folder / "model.onnx")
        self._say(result_words.headline(results), result_words.caution(results))
        self.quality.show_results(results)
        self.reliability.show_bins(results.before, results.after)
        self._confidence.setText(result_words.confidence(results))
        self._novelty.setText(result_words.novelty(results))
        note = ""
        if self._draft.train == "head":
            note = self.tr("Only the last layer was trained: the same features, weighted differently.")
        self.about.show_results(results, folder)
        self._unfilled = {
            self.mistakes: lambda: self.mistakes.show_results(results),
            self.before_after: lambda: self.before_after.show_run(results, note),
        }
        self._fill_tab()

    def _fill_tab(self) -> None:
        """What takes its time is shown once somebody looks."""
        fill = self._unfilled.pop(self.tabs.currentWidget(), None)
        if fill is not None:
            fill()

    def _say(self, headline: str, note: str) -> None:
        """The answer to the page's question takes the place of the question."""
        self._headline, self._note = headline, note
        self.explain(note, headline)

    def _on_installed(self, future: Future[Path]) -> None:
        try:
            path = future.result()
        except ResNetDesktopError as error:
            self._said.setText(Failure.of(error).text)
            return
        self._said.setText(self.tr("Installed as {name}. The main window now uses it.").format(name=path.stem))
        self._installed = True
        self.model_wanted.emit(str(path))
        self.complete_changed.emit()

    def _on_export(self) -> None:
        dialog = QFileDialog(self, self.tr("Choose a folder to save to"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        name = self._draft.name or self._folder.name
        dialog.fileSelected.connect(lambda chosen: self.export_to(Path(chosen) / name))
        dialog.open()

    def _on_exported(self, future: Future[Path]) -> None:
        try:
            folder = future.result()
        except ResNetDesktopError as error:
            self._said.setText(Failure.of(error).text)
            return
        self._said.setText(self.tr("Saved to {folder}.").format(folder=folder))

    def _on_report(self) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._folder / "report.html"))):
            self._said.setText(self.tr("No program can open {path}.").format(path=self._folder / "report.html"))

    def _on_again(self, leave_out: Sequence[str], relabel: dict[str, str]) -> None:
        draft = self._draft
        self.again_asked.emit(
            replace(
                draft,
                exclude=tuple(dict.fromkeys((*draft.exclude, *leave_out))),
                relabel={**draft.relabel, **relabel},
                follows=str(self._folder),
            )
        )


def _read(folder: Path) -> Results:
    from resnet_desktop.jobs.results import read_results

    return read_results(folder)


def _install(model: Path, name: str) -> Path:
    from resnet_desktop.bundle.library.library import Library
    from resnet_desktop.inference import admission

    library, wanted, number = Library(), name, 2
    taken = {entry.name.casefold() for entry in library.entries()}
    while wanted.casefold() in taken:
        wanted = f"{name} {number}"
        number += 1
    return library.install(model, wanted, copy=admission.copy).path


def _export(model: Path, folder: Path) -> Path:
    from resnet_desktop.bundle.file.bundle import read
    from resnet_desktop.bundle.file.portable import write_portable
    from resnet_desktop.inference import admission

    free, number = folder, 2
    while free.exists():
        free = folder.with_name(f"{folder.name} {number}")
        number += 1
    admission.admit(model)
    return write_portable(free, read(model))
