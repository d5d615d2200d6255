"""The commands on many photos at once: brings their dialogs, the list, the labels and the model together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QWidget

from resnet_desktop.core.settings import GROUP_THRESHOLD, Settings
from resnet_desktop.gui.background.session_controller import SessionController
from resnet_desktop.gui.gallery.gallery_model import GalleryModel, Item
from resnet_desktop.gui.gallery.gallery_view import GalleryView
from resnet_desktop.gui.gallery.photo_classes import PhotoClass
from resnet_desktop.gui.labels.labels_presenter import LabelsPresenter
from resnet_desktop.gui.organize.accept_dialog import AcceptDialog
from resnet_desktop.gui.organize.agreement_dialog import AgreementDialog
from resnet_desktop.gui.organize.similar_dialog import SimilarDialog
from resnet_desktop.gui.organize.sort_presenter import SortPresenter
from resnet_desktop.gui.widgets.actions import Actions
from resnet_desktop.gui.widgets.notice import NoticeBar


class Organizer(QObject):
    """Signal: ``saved`` (a sentence, the path of a folder)."""

    saved = Signal(str, Path)

    def __init__(
        self,
        actions: Actions,
        gallery: GalleryModel,
        view: GalleryView,
        controller: SessionController,
        labels: LabelsPresenter,
        stack: QUndoStack,
        notice: NoticeBar,
        settings: Settings,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._actions, self._gallery, self._view, self._labels = actions, gallery, view, labels
        self._notice, self._settings, self._window = notice, settings, window
        self.sorting = SortPresenter(gallery, stack, window)
        self.similar = SimilarDialog(gallery, controller, window)
        self.agreement = AgreementDialog(gallery, controller, window)
        self.accepting: AcceptDialog | None = None
        self._connect()
        self._refresh()

    def sort(self) -> None:
        """Ask how the photos are to be sorted into folders."""
        self.sorting.ask(self._view.selected_items(), self._settings.number(GROUP_THRESHOLD))

    def accept(self) -> None:
        """Ask which predictions are taken as labels."""
        selected = self._view.selected_items()
        dialog = self.accepting = AcceptDialog(self._gallery.items, selected, self._gallery.thumbnails, self._window)
        dialog.accepted_labels.connect(self._on_accepted)
        dialog.open()

    def find_similar(self) -> None:
        """Look for photos like the one that is looked at."""
        item = self._view.current
        if item is not None:
            self.similar.open_for(item)

    def close(self) -> None:
        """Wait for what is being written."""
        self.similar.close()
        self.agreement.shut_down()
        self.sorting.close()

    def _connect(self) -> None:
        does, similar, sorting = self._actions, self.similar, self.sorting
        does.sort.triggered.connect(lambda: self.sort())
        does.accept.triggered.connect(lambda: self.accept())
        does.similar.triggered.connect(lambda: self.find_similar())
        does.compare_models.triggered.connect(lambda: self.agreement.open_for())
        for showing in (similar, self.agreement):
            showing.shown_in_list.connect(self._on_shown)
        self.agreement.saved.connect(self.saved)
        similar.selected_in_list.connect(self._view.select_numbers)
        similar.labelled.connect(self._on_labelled)
        sorting.said.connect(self._notice.say)
        sorting.working.connect(self._notice.follow)
        sorting.saved.connect(self.saved)
        sorting.relocated.connect(self._labels.labelling.changed)
        for changed in (self._gallery.rowsInserted, self._gallery.rowsRemoved, self._gallery.modelReset):
            changed.connect(self._refresh)

    def _refresh(self) -> None:
        does = self._actions
        for action in (does.sort, does.accept, does.similar, does.compare_models):
            action.setEnabled(bool(self._gallery.rowCount()))

    def _on_accepted(self, names: Mapping[int, str]) -> None:
        self._labels.labelling.accept(names)
        self._labels.show(shown=True)

    def _on_labelled(self, numbers: Sequence[int], label: PhotoClass) -> None:
        self._labels.labelling.assign(numbers, label)
        self._labels.show(shown=True)

    def _on_shown(self, item: Item) -> None:
        self._view.reveal(item.number)
