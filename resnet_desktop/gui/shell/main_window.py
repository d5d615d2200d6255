"""The window: brings list, photo, predictions, model and queue together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QPoint, QRect, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QPaintEvent,
)
from PySide6.QtWidgets import QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from resnet_desktop.core.settings import FIT, LIST_ORDER, MODEL, PROVIDER, Settings
from resnet_desktop.gui.background.full_collections import FullCollections
from resnet_desktop.gui.background.pictures import Photos
from resnet_desktop.gui.background.preferences import Preferences
from resnet_desktop.gui.background.session_controller import SessionController
from resnet_desktop.gui.background.tasks import Tasks, closing
from resnet_desktop.gui.background.thumbnails import Thumbnails
from resnet_desktop.gui.gallery.gallery_model import GalleryModel
from resnet_desktop.gui.inspect.inspect_page import InspectPage
from resnet_desktop.gui.inspect.part_selection import PartSelection
from resnet_desktop.gui.intake import drops
from resnet_desktop.gui.intake.arrivals import Arrivals
from resnet_desktop.gui.intake.drop_overlay import DropOverlay
from resnet_desktop.gui.intake.history import History
from resnet_desktop.gui.intake.list_steps import ListSteps
from resnet_desktop.gui.labels.labels_presenter import LabelsPresenter
from resnet_desktop.gui.models.models_presenter import ModelsPresenter
from resnet_desktop.gui.organize.organizer import Organizer
from resnet_desktop.gui.saving.evidence_actions import EvidenceActions
from resnet_desktop.gui.saving.heatmap_saver import HeatmapSaver
from resnet_desktop.gui.saving.photo_clipboard import PhotoClipboard
from resnet_desktop.gui.saving.results_export import ResultsExport
from resnet_desktop.gui.shell.appearance import Appearance
from resnet_desktop.gui.shell.companions import Companions
from resnet_desktop.gui.shell.letter_keys import LetterKeys
from resnet_desktop.gui.shell.photo_menus import PhotoMenus
from resnet_desktop.gui.shell.presenters.list_presenter import ListPresenter
from resnet_desktop.gui.shell.presenters.model_presenter import ModelPresenter
from resnet_desktop.gui.shell.presenters.photo_queue import PhotoQueue
from resnet_desktop.gui.shell.presenters.training_presenter import TrainingPresenter
from resnet_desktop.gui.shell.report_dialog import ReportDialog
from resnet_desktop.gui.shell.status_panel import StatusPanel
from resnet_desktop.gui.shell.welcome import WelcomePage
from resnet_desktop.gui.shell.wheel import connect_wheel
from resnet_desktop.gui.style import icons
from resnet_desktop.gui.style.focus_ring import FocusRing
from resnet_desktop.gui.style.screen import size_within_screen
from resnet_desktop.gui.widgets import dialogs
from resnet_desktop.gui.widgets.actions import Actions
from resnet_desktop.gui.widgets.notice import NoticeBar
from resnet_desktop.session.results import Limits

if TYPE_CHECKING:
    from resnet_desktop.gui.wizard.wizard import TrainWizard


class MainWindow(QMainWindow):
    """The one window of the app.

    Signal: ``first_painted``, once, when it has first been drawn.
    """

    first_painted = Signal()

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._painted = False
        self.provider = "auto"
        self.preferences = Preferences(settings, self)
        limits = Limits.of(settings)
        self.controller = SessionController(limits, self)
        self.thumbnails = Thumbnails(limits.max_pixels, self, limits.range)
        self.photos = Photos(limits.max_pixels, self, limits.range)
        self._tasks = Tasks(1, "files", self)
        self.gallery = GalleryModel(self.thumbnails, self)
        self._contents, self.welcome = QWidget(), WelcomePage()
        self.inspect = InspectPage(self.gallery, self.controller, self.photos, settings)
        self.notice = NoticeBar(self._contents, self._middle)
        self.status = StatusPanel()
        self.actions_ = Actions(self)
        self._appearance = Appearance(self.actions_, self.preferences)
        for action in self.actions():
            action.triggered.connect(self.notice.next_action)
        self.history = History(self.actions_.undo, self.actions_.redo, self)
        self.steps = ListSteps(self.gallery, self.inspect.photo_list, self.history.stack, self)
        self.list_presenter = ListPresenter(
            self.actions_, self.inspect, self.steps, self.controller, self.photos, self.preferences, self
        )
        self.arrivals = Arrivals(self.steps, self.gallery, self.inspect.gallery, self._tasks, self)
        self.models = ModelsPresenter(self.actions_, self._tasks, self.preferences, self)
        self.exporting = ResultsExport(self.gallery, self.inspect.gallery, self._tasks, self.controller, self)
        self.evidence = EvidenceActions(self.actions_, self.inspect, self.preferences, self)
        self.saver = HeatmapSaver(self.actions_, self.inspect, self.controller, self.preferences, self)
        self.exporting.dress = self.saver.dress
        stack, page = self.history.stack, self.inspect
        self.labels = LabelsPresenter(
            self.actions_, self.gallery, page.gallery, page.class_panel, stack, self.preferences, self
        )
        self.parts = PartSelection(self.actions_, page, self.steps, self)
        self.menus = PhotoMenus(self.actions_, page, self.labels, self)
        self.clipboard = PhotoClipboard(self.actions_, page, self.saver, settings, self)
        parts = (self.actions_, self.gallery, page.gallery, self.controller, self.labels, stack, self.notice)
        self.organizer = Organizer(*parts, settings, self)
        self.queue, self.training = PhotoQueue(self), TrainingPresenter(self)
        self._build()
        self._connect_actions()
        self._connect_work()
        self._models_at_work = ModelPresenter(self)
        self.update_actions()
        self.companions = Companions(self)
        self._collections = FullCollections(lambda: self.controller.busy, self)
        self.first_painted.connect(self._collections.start)

    @property
    def wizard(self) -> TrainWizard | None:
        """The guide to training while it is open."""
        return self.training.wizard

    def start(self, images: Sequence[Path], model: str | None, provider: str | None) -> None:
        """Load the model and classify; asked for when the window is on the screen."""
        settings = self.preferences.settings
        if settings.problem is not None:
            self.notice.say(settings.problem)
        self.provider = provider or settings.string(PROVIDER)
        if settings.string(FIT) == "whole":
            self.controller.set_fit("whole")
        self.controller.open_model(model or settings.string(MODEL), self.provider, or_default=model is None)
        self.add_paths(images)
        self.companions.start(images)
        self.welcome.load_tiles()
        self.training.look_for_running(self._tasks)

    def add_paths(self, paths: Sequence[Path]) -> None:
        """Find the photos in files and folders and classify them."""
        self.arrivals.add_paths(paths)

    def add_mime(self, mime: QMimeData) -> None:
        """Take what was dropped or pasted."""
        self.notice.next_action()
        self.arrivals.add_mime(mime)

    def clear(self) -> None:
        """Empty the list."""
        self.arrivals.scanner.cancel()
        self.list_presenter.clear()

    def cancel(self) -> None:
        """Give up the queue; photos without a result stay in the list."""
        self.queue.cancel()
        self.update_actions()

    def apply_theme(self, appearance: str) -> None:
        """``system``, ``light`` or ``dark``."""
        self._appearance.put(appearance)
        self.inspect.refresh_fonts()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Says once that the window is there; the rest of the same frame is drawn first."""
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            QTimer.singleShot(0, self.first_painted.emit)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Stop everything, and wait until no thread is left, two seconds at most. A training run is asked about first.

        What the user has set is written before anything is waited for.
        """
        if not self.training.close():
            event.ignore()
            return
        self.companions.leave()
        self.hide()
        self.preferences.close()
        self.companions.close()
        self.labels.close()
        self.controller.give_up()  # so that it ends while the others are waited for
        with closing():
            self.arrivals.scanner.close()
            self.photos.close()
            self.thumbnails.close()
            self.saver.close()
            self.clipboard.close()
            self.models.close()
            self.organizer.close()
            self.labels.suggestions.close()
            self._tasks.drain()
            self.controller.close()
        self.gallery.drags.close()
        self._collections.end()
        super().closeEvent(event)

    def _build(self) -> None:
        self.setWindowTitle(self.tr("ResNet Desktop"))
        self.setWindowIcon(icons.app_icon())
        size_within_screen(self, (1200, 780), (770, 490))
        self._pages = QStackedWidget()
        self._pages.addWidget(self.welcome)
        self._pages.addWidget(self.inspect)
        layout = QVBoxLayout(self._contents)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._pages, 1)
        self.setCentralWidget(self._contents)
        self.setStatusBar(self.status)
        self.setFocus()  # not a button: no outline before the keyboard is used
        page = self.inspect
        listed = (page.photo_list, page.class_panel.list)
        LetterKeys(self, (*listed, page.views, page.predictions, page.heatmap), entered=(*listed, page.view))
        FocusRing((page.gallery, page.view, page.predictions.bars), self)
        connect_wheel(self.actions_.wheel, self.preferences)
        self.drop_overlay = DropOverlay(self, self._contents)
        self.drop_overlay.dropped.connect(self.add_mime)

    def _connect_actions(self) -> None:
        does = self.actions_
        does.open_files.triggered.connect(lambda: dialogs.ask_for_photos(self, self.add_paths))
        does.open_folder.triggered.connect(lambda: dialogs.ask_for_folder(self, lambda path: self.add_paths((path,))))
        does.paste.triggered.connect(lambda: self.add_mime(drops.clipboard_content()))
        does.export.triggered.connect(self.exporting.ask)
        does.quit.triggered.connect(self.close)
        does.clear.triggered.connect(self.clear)
        does.cancel.triggered.connect(self.cancel)
        does.about.triggered.connect(lambda: dialogs.show_about(self))
        does.report.triggered.connect(self.report_a_problem)
        self._appearance.wanted.connect(self.apply_theme)
        self.models.model_chosen.connect(self.open_model)
        self.models.photos_open = lambda: [i.source for i in self.gallery.items if isinstance(i.source, Path)]
        for speaker in (self.models, self.clipboard, self.parts):
            speaker.said.connect(self.notice.say)
        self.clipboard.done.connect(self.notice.tell)
        for offering in (self.models, self.list_presenter):
            offering.offered.connect(lambda text, words, does: self.notice.say(text, (words, does)))
        for source in (self.exporting, self.saver, self.labels, self.organizer):
            source.saved.connect(self.notice.tell_saved)
        for maker in (self.exporting, self.saver):
            maker.working.connect(self.notice.follow)
        for worker in (self.exporting, self.saver, self.evidence):
            worker.said.connect(self.notice.say)
            worker.busy_changed.connect(self.update_actions)
        self.training.model_wanted.connect(self.open_model)
        self.training.quit_wanted.connect(self.close)
        self.labels.said.connect(self.notice.say)
        self.labels.files_wanted.connect(self.arrivals.add_photos)

    def _connect_work(self) -> None:
        self.welcome.open_asked.connect(lambda: dialogs.ask_for_photos(self, self.add_paths))
        self.welcome.samples_chosen.connect(self.add_paths)
        self.welcome.classes_asked.connect(self.models.show_abilities)
        self.inspect.predictions.thresholds_asked.connect(self.models.ask_for_thresholds)
        self.queue.list_changed.connect(self._show_page)
        self.arrivals.said.connect(self.notice.say)
        self.arrivals.model_wanted.connect(self.open_model)
        self.arrivals.weights_came.connect(self.models.offer_to_install)
        self.arrivals.labels_wanted.connect(self.labels.open)
        self._tasks.failed.connect(self.notice.say)
        self.status.cancel_asked.connect(self.cancel)
        self.inspect.seconds_changed.connect(self.status.show_seconds)
        self.inspect.photo_list.order_chosen.connect(lambda order: self.preferences.change(LIST_ORDER, order))
        self.preferences.problem.connect(self.notice.say)

    def open_model(self, wanted: str) -> None:
        """Switch to another model, by its name in the library or its path."""
        self._models_at_work.open(wanted)

    def open_wizard(self, *sources: Path) -> None:
        """The guide to training, with photos to begin with; one at a time."""
        self.training.open(*sources)

    def report_a_problem(self) -> ReportDialog:
        """Show what a report of a problem holds, to be saved."""
        dialog = ReportDialog(self, self._tasks)
        dialog.open()
        return dialog

    def _middle(self) -> QRect:
        """Where notices stand: over the photo, or in the middle of the empty window."""
        bar = self.inspect.views.bar
        if self._pages.currentWidget() is not self.inspect:
            return self._contents.rect()
        return QRect(bar.mapTo(self._contents, QPoint()), bar.size())

    def _show_page(self) -> None:
        self._pages.setCurrentWidget(self.inspect if self.gallery.items else self.welcome)
        self.update_actions()

    def update_actions(self) -> None:
        """Which commands can be given now."""
        some = bool(self.gallery.rowCount())
        does = self.actions_
        views = (does.fit, does.actual_size, does.zoom_in, does.zoom_out)
        for action in (does.remove, does.clear, does.export, does.label, does.select_part, *views):
            action.setEnabled(some)
        workers = (self.controller, self.evidence, self.saver, self.exporting)
        does.cancel.setEnabled(any(worker.busy for worker in workers))
        does.rest.setEnabled(some and not self.controller.busy)
