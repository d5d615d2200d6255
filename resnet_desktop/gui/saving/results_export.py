"""The list's results as files: asked for, made and written off the GUI thread, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from resnet_desktop.core.errors import StorageError
from resnet_desktop.gui.background.request_slot import RequestSlot
from resnet_desktop.gui.background.session_controller import SessionController
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.gallery.gallery_model import GalleryModel, Item
from resnet_desktop.gui.gallery.gallery_view import GalleryView
from resnet_desktop.gui.saving import results_table
from resnet_desktop.gui.saving.evidence_picture import Dress
from resnet_desktop.gui.saving.export_dialog import ExportDialog
from resnet_desktop.gui.saving.heatmap_folder import Written, write_heatmaps
from resnet_desktop.gui.saving.results_table import Export
from resnet_desktop.gui.style import wording
from resnet_desktop.gui.widgets import dialogs
from resnet_desktop.session.results import Failure, ModelInfo, Result

if TYPE_CHECKING:
    from resnet_desktop.core.progress import Cancelled, Progress
    from resnet_desktop.session.engine import Engine
    from resnet_desktop.session.requests import Work
    from resnet_desktop.session.result_rows import Row


class ResultsExport(QObject):
    """Writes what the list shows.

    Signals: ``said`` (a sentence); ``saved`` (a sentence, the path of the file); ``working`` (how far it is);
    ``busy_changed``.
    """

    said = Signal(str)
    saved = Signal(str, Path)
    working = Signal(str)
    busy_changed = Signal()

    def __init__(
        self,
        gallery: GalleryModel,
        view: GalleryView,
        tasks: Tasks,
        controller: SessionController,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._gallery, self._view, self._tasks, self._window = gallery, view, tasks, window
        self.dress: Callable[[], Dress] | None = None
        """How heatmaps look; set once it is known who says it."""
        self._model = ""
        self._variant: str | None = None
        self._classes = 1
        self._pending: tuple[Path, Export | None] | None = None
        self._question = RequestSlot(controller, "export", self)
        self._question.answered.connect(self._on_answered)
        self._question.progressed.connect(self._on_progress)
        self._question.outdated.connect(lambda: self._give_up(self.tr("Nothing was saved: the model has changed.")))
        controller.model_ready.connect(self._on_model)
        self.dialog: ExportDialog | None = None

    @property
    def busy(self) -> bool:
        """Whether there is something that ``cancel`` gives up."""
        return self._pending is not None

    def ask(self) -> None:
        """Ask what, and then where to."""
        items, selected = self._gallery.items, self._view.selected_items()
        dialog = self.dialog = ExportDialog(items, selected, self._classes, self._window)
        dialog.wanted.connect(self._on_wanted)
        dialog.heatmaps_wanted.connect(self._on_heatmaps_wanted)
        dialog.open()

    def write(self, path: Path, export: Export | None = None) -> None:
        """Write results: by default those so far, a row for each class that is listed."""
        export = Export(self._gallery.items) if export is None else export
        if export.is_listed:
            self._save(
                path, export, results_table.rows_of(export.items, self._model, export.top, variant=self._variant)
            )
            return
        photos = [(results_table.path_of(item), item.source) for item in export.items]
        top = export.top or 0

        def work(engine: Engine, cancelled: Cancelled, progress: Progress) -> list[Row]:
            return engine.full_rows(photos, top, cancelled, progress)

        self._begin(path, export, work)

    def write_heatmaps(self, folder: Path, items: Sequence[Item]) -> None:
        """Write a picture of each photo that has a result into a folder, over none that is there."""
        assert self.dress is not None
        dress = self.dress()
        photos = [(item.number, item.source, item.name) for item in items if isinstance(item.outcome, Result)]

        def work(engine: Engine, cancelled: Cancelled, progress: Progress) -> Written:
            return write_heatmaps(engine, photos, folder, dress, cancelled, progress)

        self._begin(folder, None, work)

    def cancel(self) -> None:
        """Give up what is being made."""
        self._question.drop()
        self._give_up(self.tr("Cancelled."))

    def _begin(self, path: Path, export: Export | None, work: Work) -> None:
        self._pending = path, export
        self.busy_changed.emit()
        self._on_progress(0, 1)
        self._question.ask(object(), work)

    def _on_wanted(self, export: Export) -> None:
        title, name = self.tr("Export results"), "results.json" if export.kind == "json" else "results.csv"
        dialogs.ask_where(self._window, title, name, lambda path: self.write(path, export))

    def _on_heatmaps_wanted(self, items: Sequence[Item]) -> None:
        dialogs.ask_for_folder(self._window, lambda folder: self.write_heatmaps(folder, items))

    def _on_answered(self, answer: object) -> None:
        if self._pending is None:
            return
        (path, export), self._pending = self._pending, None
        self.busy_changed.emit()
        if isinstance(answer, Failure):
            self.said.emit(answer.text)
        elif isinstance(answer, Written):
            self._tell_written(path, answer)
        elif export is not None and isinstance(answer, list):
            self._save(path, export, answer)

    def _tell_written(self, folder: Path, written: Written) -> None:
        text = self.tr("{count} heatmaps saved to {folder}.").format(count=wording.number(written.count), folder=folder)
        if written.problem:
            self.said.emit(f"{text} {written.problem}")
        else:
            self.saved.emit(text, folder)

    def _on_progress(self, done: int, total: int) -> None:
        if self._pending is not None:
            share = wording.percent(done / max(1, total))
            self.working.emit(self.tr("Exporting… {share}. Press Esc to cancel.").format(share=share))

    def _give_up(self, why: str) -> None:
        if self._pending is not None:
            self._pending = None
            self.busy_changed.emit()
            self.said.emit(why)

    def _on_model(self, info: ModelInfo) -> None:
        self._model, self._variant, self._classes = info.name, info.variant, info.classes

    def _save(self, path: Path, export: Export, rows: Sequence[Row]) -> None:
        photos, kind = [item.source for item in self._gallery.items], export.kind
        self._tasks.run_task(
            lambda: results_table.write(path, results_table.as_text(rows, kind), photos),
            lambda future: self._on_written(path, future),
        )

    def _on_written(self, path: Path, future: Future[None]) -> None:
        try:
            future.result()
        except StorageError as error:
            self.said.emit(str(error))
            return
        self.saved.emit(self.tr("Results saved to {path}.").format(path=path), path)
