"""Step six: how good it is, what it gets wrong, and taking it into use."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QPushButton, QTabWidget, QVBoxLayout, QWidget

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.gui import theme, wording
from resnet_desktop.gui.results import Failure
from resnet_desktop.gui.tasks import Tasks
from resnet_desktop.gui.wizard.before_after import BeforeAfterView
from resnet_desktop.gui.wizard.draft import Draft
from resnet_desktop.gui.wizard.mistakes_view import MistakesView
from resnet_desktop.gui.wizard.page import WizardPage, heading, secondary
from resnet_desktop.gui.wizard.quality_view import QualityView
from resnet_desktop.gui.wizard.reliability_view import ReliabilityView

if TYPE_CHECKING:
    from resnet_desktop.finetune.results import Results

FEW_PHOTOS = 50
"""With fewer to check with, an accuracy says little."""


class ResultPage(WizardPage):
    """Signals: ``model_wanted`` (path of an installed model); ``again_asked`` (Draft): train once more with it."""

    model_wanted = Signal(str)
    again_asked = Signal(object)

    def __init__(self, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Results"), self.tr("How good is it?"), "", parent)
        self._tasks = tasks
        self._draft, self._folder = Draft(), Path()
        self._results: Results | None = None
        self._headline, self._note = QLabel(), secondary()
        self._tabs = QTabWidget()
        self.quality, self.mistakes = QualityView(), MistakesView()
        self.reliability, self._confidence = ReliabilityView(), secondary()
        self.before_after = BeforeAfterView(tasks)
        self._install = QPushButton(self.tr("Install and try it"))
        self._export, self._report = QPushButton(self.tr("Export for other programs…")), QPushButton()
        self._report.setText(self.tr("Open the report"))
        self._said = secondary()
        self._build()

    @property
    def headline(self) -> str:
        """How good it is, in one line."""
        return self._headline.text()

    @property
    def said(self) -> str:
        """What became of the last thing asked for."""
        return self._said.text()

    def show_run(self, folder: Path, draft: Draft) -> None:
        """Show what came of a run."""
        self._folder, self._draft = folder, draft
        self._said.setText("")
        self._tasks.run_task(lambda: _read(folder), self._on_read)

    def left(self) -> None:
        """Wait for the threads."""
        self.quality.close_loader()
        self.mistakes.close_loader()

    def install(self) -> None:
        """Put the model into the library and ask for it to be used."""
        model, name = self._folder / "model.onnx", self._draft.name or self._folder.name
        self._tasks.run_task(lambda: _install(model, name), self._on_installed)

    def export_to(self, folder: Path) -> None:
        """Write model, labels and an example for other programs."""
        model = self._folder / "model.onnx"
        self._tasks.run_task(lambda: _export(model, folder), lambda future: self._on_exported(folder, future))

    def _build(self) -> None:
        self._headline.setFont(theme.font(1.3, strong=True))
        self._headline.setWordWrap(True)
        confidence = QWidget()
        row = QHBoxLayout(confidence)
        words = QVBoxLayout()
        words.addWidget(heading(self.tr("Does a percentage mean what it says?")))
        words.addWidget(self._confidence)
        words.addStretch(1)
        row.addWidget(self.reliability, 1)
        row.addLayout(words, 1)
        for title, widget in (
            (self.tr("Classes"), self.quality),
            (self.tr("Mistakes"), self.mistakes),
            (self.tr("Confidence"), confidence),
            (self.tr("Before and after"), self.before_after),
        ):
            self._tabs.addTab(widget, title)
        self._tabs.setDocumentMode(True)
        self._install.setProperty("primary", "true")
        self._install.clicked.connect(self.install)
        self._export.clicked.connect(self._on_export)
        self._report.clicked.connect(self._on_report)
        self.mistakes.again_asked.connect(self._on_again)
        bottom = QHBoxLayout()
        for widget in (self._install, self._export, self._report):
            bottom.addWidget(widget)
        bottom.addStretch(1)
        for widget in (self._headline, self._note):
            self.body.addWidget(widget)
        self.body.addWidget(self._tabs, 1)
        self.body.addLayout(bottom)
        self.body.addWidget(self._said)

    def _on_read(self, future: Future[Results]) -> None:
        try:
            results = future.result()
        except ResNetDesktopError as error:
            self._headline.setText(Failure.of(error).text)
            return
        self._results = results
        self.explain(str(self._folder))
        self._headline.setText(self._words(results))
        self._note.setText(self._caution(results))
        self.quality.show_results(results)
        self.mistakes.show_results(results)
        self.reliability.show_bins(results.before, results.after)
        self._confidence.setText(self._confidence_words(results))
        self.before_after.show_run(self._draft.base, self._folder / "model.onnx", results)

    def _words(self, results: Results) -> str:
        metrics = results.metrics
        if metrics.get("acc1") is None:
            return self.tr("No photos were set apart, so nobody knows how good it is.")
        low, high = metrics.get("acc1_interval") or (0.0, 1.0)
        text = self.tr("{share} of {count} photos that it had not seen are named rightly.")
        return (
            text.format(share=wording.percent(metrics["acc1"]), count=wording.number(metrics["images"]))
            + " "
            + (
                self.tr("On more such photos, expect {low} to {high}.").format(
                    low=wording.percent(low), high=wording.percent(high)
                )
            )
        )

    def _caution(self, results: Results) -> str:
        said = []
        if 0 < results.metrics.get("images", 0) < FEW_PHOTOS:
            said.append(self.tr("That is few photos: the true figure may lie anywhere in that range."))
        weak = [row for row in results.per_class if row.support and row.recall < 0.6]
        if weak:
            names = ", ".join(row.label for row in weak[:4])
            said.append(self.tr("It often misses: {names}. More photos of these help most.").format(names=names))
        return " ".join(said)

    def _confidence_words(self, results: Results) -> str:
        said = [
            self.tr(
                "On the dashed diagonal, “80 %” is right 8 times out of 10. Below it the model is too sure of itself."
            )
        ]
        ece, uncalibrated = results.metrics.get("ece"), results.metrics.get("ece_uncalibrated")
        if ece is not None and uncalibrated is not None:
            text = self.tr("Calibration error {after}; before calibration {before}.")
            after, before = wording.percent(ece, 1), wording.percent(uncalibrated, 1)
            said.append(text.format(after=after, before=before))
        rate = (results.novelty or {}).get("false_alarm_rate")
        if rate is not None:
            text = self.tr(
                "Photos unlike these are marked as unfamiliar. About {rate} of photos that do belong are marked too."
            )
            said.append(text.format(rate=wording.percent(rate)))
        return "\n\n".join(said)

    def _on_installed(self, future: Future[Path]) -> None:
        try:
            path = future.result()
        except ResNetDesktopError as error:
            self._said.setText(Failure.of(error).text)
            return
        self._said.setText(self.tr("Installed as {name}. The main window uses it now.").format(name=path.stem))
        self.model_wanted.emit(str(path))

    def _on_export(self) -> None:
        dialog = QFileDialog(self, self.tr("Choose a folder to write into"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        name = self._draft.name or self._folder.name
        dialog.fileSelected.connect(lambda chosen: self.export_to(Path(chosen) / name))
        dialog.open()

    def _on_exported(self, folder: Path, future: Future[None]) -> None:
        try:
            future.result()
        except ResNetDesktopError as error:
            self._said.setText(Failure.of(error).text)
            return
        self._said.setText(self.tr("Written to {folder}.").format(folder=folder))

    def _on_report(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._folder / "report.html")))

    def _on_again(self, leave_out: Sequence[str], relabel: dict[str, str]) -> None:
        draft = self._draft
        self.again_asked.emit(
            replace(
                draft,
                exclude=tuple(dict.fromkeys((*draft.exclude, *leave_out))),
                relabel={**draft.relabel, **relabel},
            )
        )


def _read(folder: Path) -> Results:
    from resnet_desktop.finetune.results import read_results

    return read_results(folder)


def _install(model: Path, name: str) -> Path:
    from resnet_desktop.bundle.library import Library

    library, wanted, number = Library(), name, 2
    taken = {entry.name.casefold() for entry in library.entries()}
    while wanted.casefold() in taken:
        wanted = f"{name} {number}"
        number += 1
    return library.install(model, wanted).path


def _export(model: Path, folder: Path) -> None:
    from resnet_desktop.bundle.bundle import read
    from resnet_desktop.bundle.portable import write_portable

    write_portable(folder, read(model))
