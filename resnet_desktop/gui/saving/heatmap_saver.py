"""What is seen of the evidence, out to files: the picture, the map, a report on the photo."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QImage
from PySide6.QtWidgets import QWidget

from resnet_desktop.core import output
from resnet_desktop.core.errors import ResNetDesktopError, StorageError
from resnet_desktop.core.settings import EXPORT_CAPTION, MAX_MEGAPIXELS
from resnet_desktop.gui.background.preferences import Preferences
from resnet_desktop.gui.background.request_slot import RequestSlot
from resnet_desktop.gui.background.session_controller import SessionController
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.inspect.compare.compare_cell import caption_of
from resnet_desktop.gui.inspect.inspect_page import InspectPage
from resnet_desktop.gui.inspect.photo.caption_bar import COMPARE
from resnet_desktop.gui.saving.evidence_picture import Dress, Shown, grid_picture, photo_picture, write_png
from resnet_desktop.gui.saving.heatmap_grip import HeatmapGrip, Wanted
from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.widgets import dialogs
from resnet_desktop.gui.widgets.actions import Actions
from resnet_desktop.session.results import Evidence, Failure

if TYPE_CHECKING:
    from resnet_desktop.core.progress import Cancelled, Progress
    from resnet_desktop.session.engine import Engine
    from resnet_desktop.session.requests import Work


class HeatmapSaver(QObject):
    """Signals.

    * ``said`` (a sentence): what became of a command; ``working`` (a sentence): how far it is.
    * ``saved`` (a sentence, the path of the file).
    * ``busy_changed``: see ``busy``.
    """

    said = Signal(str)
    working = Signal(str)
    saved = Signal(str, Path)
    busy_changed = Signal()

    def __init__(
        self,
        does: Actions,
        page: InspectPage,
        controller: SessionController,
        preferences: Preferences,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._does, self._page, self._settings, self._window = does, page, preferences.settings, window
        self._tasks = Tasks(1, "pictures", self)
        self._report = RequestSlot(controller, "save report", self)
        self._map = RequestSlot(controller, "save map", self)
        self._paths: dict[RequestSlot, Path] = {}
        drags = page.gallery.shown.source.drags
        self.grip = HeatmapGrip(page.view, self._dragged, self._tasks, drags)
        self.grip.failed.connect(self.said)
        self.grip.clicked.connect(does.save_picture.trigger)
        does.caption.setChecked(preferences.settings.flag(EXPORT_CAPTION))
        does.caption.toggled.connect(lambda on: preferences.change(EXPORT_CAPTION, on))
        does.save_picture.triggered.connect(
            lambda: self._ask_where(does.save_picture, "-heatmap.png", self.save_picture)
        )
        does.save_map.triggered.connect(lambda: self._ask_where(does.save_map, "-heatmap.npz", self.save_map))
        does.save_report.triggered.connect(lambda: self._ask_where(does.save_report, "-report.html", self.save_report))
        for question in (self._report, self._map):
            question.answered.connect(partial(self._on_answered, question))
            question.outdated.connect(partial(self._on_outdated, question))
        self._report.progressed.connect(self._on_progress)
        page.presenter.evidence_changed.connect(self._on_evidence)
        self._on_evidence(None)

    @property
    def busy(self) -> bool:
        """Whether there is something that ``cancel`` gives up."""
        return bool(self._paths)

    def cancel(self) -> None:
        """Give up what is being written."""
        for question in list(self._paths):
            question.drop()
            self._forget(question, self.tr("Cancelled. Nothing was saved."))

    def close(self) -> None:
        """Wait for the picture that is being written."""
        self._tasks.drain()

    def dress(self) -> Dress:
        """How pictures with heatmaps look now."""
        page, captioned = self._page, self._does.caption.isChecked()
        return Dress(
            page.heatmap.look.style_of_heat,
            page.heatmap.opacity_slider.value() / 100,
            theme.font() if captioned else None,
        )

    def save_picture(self, path: Path) -> None:
        """Write what is seen as PNG."""
        make = self.picture()
        if make is not None and not self._refused(path):
            self._tasks.run_task(lambda: write_png(path, make()), partial(self._on_written, path))

    def picture(self) -> Callable[[], QImage] | None:
        """What makes a picture of what is seen, on a worker thread; None where there is no heatmap.

        It is the photo in its own size with its heatmap, or the heatmaps that are compared.
        """
        page = self._page
        dress = self.dress()
        if page.views.place == COMPARE:
            cells = [
                Shown(cell.image, cell.evidence, *cell.caption)
                for cell in page.compare.grid.cells
                if cell.evidence is not None and not cell.image.isNull()
            ]
            return (lambda: grid_picture(cells, dress)) if cells else None
        evidence, photo = page.presenter.evidence, page.presenter.photo
        if evidence is None or photo is None:
            return None
        model = "" if page.presenter.info is None else page.presenter.info.name
        shown = Shown(photo[1], evidence, *caption_of(evidence, model, self._name()))
        most = self._settings.integer(MAX_MEGAPIXELS) * 1_000_000
        return lambda: photo_picture(shown, dress, most)

    def save_map(self, path: Path) -> None:
        """Write the raw map as NPZ."""
        evidence, photo = self._page.presenter.evidence, self._page.presenter.photo
        if evidence is None or photo is None or self._refused(path):
            return
        request = evidence.request

        def work(engine: Engine, cancelled: Cancelled, _progress: Progress) -> None:
            engine.analysis.save_map(*photo, request, path, cancelled)

        self._ask(self._map, path, work)

    def save_report(self, path: Path) -> None:
        """Write one page of HTML on the photo that is looked at."""
        evidence, photo = self._page.presenter.evidence, self._page.presenter.photo
        if evidence is None or photo is None or self._refused(path):
            return
        (number, source), name = photo, self._name()
        request, style = evidence.request, self._page.heatmap.look.style_of_heat
        opacity = self._page.heatmap.opacity_slider.value() / 100

        def work(engine: Engine, cancelled: Cancelled, progress: Progress) -> None:
            from resnet_desktop.explain.report.page import Look

            look = Look(style.colormap, opacity, style.smooth)
            output.write_text(path, engine.analysis.report(number, source, name, request, look, cancelled, progress))

        self.working.emit(self.tr("Writing the report. Testing the heatmap takes a few seconds… Press Esc to cancel."))
        self._ask(self._report, path, work)

    def _dragged(self) -> Wanted | None:
        """What is dragged out of the photo."""
        evidence, make = self._page.presenter.evidence, self.picture()
        if evidence is None or evidence.values is None or make is None:
            return None
        return Wanted(make, f"{Path(self._name()).stem}-heatmap.png", (evidence, self.dress()))

    def _name(self) -> str:
        item = self._page.gallery.current
        return "" if item is None else item.name

    def _ask_where(self, action: QAction, ending: str, answered: Callable[[Path], None]) -> None:
        stem = Path(self._name()).stem.replace(":", ".") or "photo"
        dialogs.ask_where(self._window, action.text(), f"{stem}{ending}", answered)

    def _refused(self, path: Path) -> bool:
        """Whether the file is one of the photos; said if so."""
        try:
            output.refuse_inputs(path, (item.source for item in self._page.photo_list.items))
        except StorageError as error:
            self.said.emit(Failure.of(error).text)
            return True
        return False

    def _ask(self, question: RequestSlot, path: Path, work: Work) -> None:
        self._paths[question] = path
        self.busy_changed.emit()
        question.ask(object(), work)

    def _on_written(self, path: Path, future: Future[None]) -> None:
        try:
            future.result()
        except ResNetDesktopError as error:
            self.said.emit(Failure.of(error).text)
        else:
            self._say_saved(path)

    def _on_answered(self, question: RequestSlot, answer: object) -> None:
        path = self._paths.get(question)
        if path is None:
            return
        if isinstance(answer, Failure):
            self._forget(question, answer.text)
            return
        del self._paths[question]
        self._say_saved(path)
        self.busy_changed.emit()

    def _on_outdated(self, question: RequestSlot) -> None:
        if question in self._paths:
            self._forget(question, self.tr("Nothing was saved: the model or what it sees has changed."))

    def _on_progress(self, done: int, total: int) -> None:
        if self._report in self._paths:
            share = wording.percent(done / max(1, total))
            self.working.emit(self.tr("Writing the report… {share}. Press Esc to cancel.").format(share=share))

    def _forget(self, question: RequestSlot, why: str) -> None:
        del self._paths[question]
        self.said.emit(why)
        self.busy_changed.emit()

    def _say_saved(self, path: Path) -> None:
        self.saved.emit(self.tr("Saved as {path}.").format(path=path), path)

    def _on_evidence(self, evidence: Evidence | None) -> None:
        self.grip.refresh()
        for action in (self._does.save_picture, self._does.save_map, self._does.save_report):
            action.setEnabled(evidence is not None and evidence.values is not None)
