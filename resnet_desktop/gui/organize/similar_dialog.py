"""The photos of the list that look most like one of them, or like all that have its label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from resnet_desktop.gui.background.request_slot import RequestSlot
from resnet_desktop.gui.background.session_controller import SessionController
from resnet_desktop.gui.gallery.gallery_model import GalleryModel, Item
from resnet_desktop.gui.organize.photo_sheet import PhotoSheet, Shown
from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.style.screen import size_within_screen
from resnet_desktop.gui.widgets.choice import Choice
from resnet_desktop.gui.widgets.plain import PlainLabel
from resnet_desktop.session.results import Failure

if TYPE_CHECKING:
    from resnet_desktop.core.progress import Cancelled, Progress
    from resnet_desktop.session.engine import Engine
    from resnet_desktop.session.similar import Likeness


class SimilarDialog(QDialog):
    """A window beside the list.

    Signals: ``shown_in_list`` (Item): it is to be looked at; ``selected_in_list`` (numbers); ``labelled`` (numbers, a
    label): they are to get it.
    """

    shown_in_list = Signal(object)
    selected_in_list = Signal(object)
    labelled = Signal(object, object)

    def __init__(self, gallery: GalleryModel, controller: SessionController, parent: QWidget) -> None:
        super().__init__(parent)
        self._gallery = gallery
        self._question = RequestSlot(controller, "similar", self)
        self._item: Item | None = None
        self.like, self._words = Choice(), PlainLabel()
        self.sheet = PhotoSheet(gallery.thumbnails)
        self.sheet.setSelectionMode(PhotoSheet.SelectionMode.ExtendedSelection)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.select = self.buttons.addButton(self.tr("Select in the list"), QDialogButtonBox.ButtonRole.ActionRole)
        self.label = self.buttons.addButton("", QDialogButtonBox.ButtonRole.ActionRole)
        self._build()
        self._connect()

    @property
    def words(self) -> str:
        """What is said above the photos."""
        return self._words.text()

    def open_for(self, item: Item) -> None:
        """Look for photos like this one."""
        self._item = item
        self.like.clear()
        self.like.addItem(self.tr("Like {name}").format(name=item.name), "photo")
        if item.label is not None:
            self.like.addItem(self.tr("Like all labelled “{name}”").format(name=item.label.name), "label")
            self.label.setText(self.tr("Label as “{name}”").format(name=item.label.name))
        self.label.setVisible(item.label is not None)
        self.show()
        self.raise_()
        self.activateWindow()
        self.look()

    def look(self) -> None:
        """Ask again."""
        item = self._item
        if item is None:
            return
        wanted = [item.number]
        if self.like.currentData() == "label" and item.label is not None:
            wanted = [one.number for one in self._gallery.items if one.label is item.label]
        photos = [(one.number, one.source) for one in self._gallery.items if not isinstance(one.outcome, Failure)]

        def work(engine: Engine, cancelled: Cancelled, progress: Progress) -> tuple[Likeness, ...]:
            return engine.similar(wanted, photos, cancelled, progress)

        self._words.setText(self.tr("Looking…"))
        self.sheet.sheet.show_photos(())
        self._question.ask(object(), work)

    def done(self, result: int) -> None:
        """Nothing is looked for any more."""
        self._question.drop()
        super().done(result)

    def _build(self) -> None:
        self.setWindowTitle(self.tr("Similar photos"))
        self.setModal(False)
        self.like.setAccessibleName(self.tr("What they are to be like"))
        self._words.setProperty("tone", "secondary")
        self._words.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.L, theme.L, theme.L, theme.L)
        layout.setSpacing(theme.M)
        for widget, stretch in ((self.like, 0), (self._words, 0), (self.sheet, 1), (self.buttons, 0)):
            layout.addWidget(widget, stretch)
        size_within_screen(self, (640, 560))

    def _connect(self) -> None:
        self.like.activated.connect(lambda _row: self.look())
        self.sheet.opened.connect(self.shown_in_list)
        self.buttons.rejected.connect(self.reject)
        self.select.clicked.connect(lambda: self.selected_in_list.emit(self._chosen()))
        self.label.clicked.connect(self._on_label)
        self._question.answered.connect(self._on_answered)
        self._question.progressed.connect(self._on_progress)
        self._question.outdated.connect(self._on_outdated)

    def _chosen(self) -> list[int]:
        """The photos that are selected here; all where none is."""
        chosen = self.sheet.selected or [one.item for one in self.sheet.sheet.shown]
        return [item.number for item in chosen]

    def _on_label(self) -> None:
        if self._item is not None and self._item.label is not None:
            self.labelled.emit(self._chosen(), self._item.label)

    def _on_answered(self, answer: Sequence[Likeness] | Failure) -> None:
        if isinstance(answer, Failure):
            self._words.setText(answer.text)
            return
        shown = [
            Shown(item, wording.percent(max(0.0, found.cosine)))
            for found in answer
            if (item := self._gallery.item(found.number)) is not None
        ]
        self.sheet.sheet.show_photos(shown)
        for button in (self.select, self.label):
            button.setEnabled(bool(shown))
        self._words.setText(
            self.tr("The most similar first. Double-click a photo to look at it.")
            if shown
            else self.tr("There is no other photo that has been classified.")
        )

    def _on_progress(self, done: int, total: int) -> None:
        share = wording.percent(done / max(1, total))
        self._words.setText(self.tr("Looking… {share}").format(share=share))

    def _on_outdated(self) -> None:
        if self.isVisible():
            self._words.setText(self.tr("The model has changed."))
            self.sheet.sheet.show_photos(())
