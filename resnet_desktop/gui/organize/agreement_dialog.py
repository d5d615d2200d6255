"""Two models on the photos of the list: how often they agree, and on which photos they do not."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from resnet_desktop.core import output
from resnet_desktop.core.errors import StorageError
from resnet_desktop.gui.background.request_slot import RequestSlot
from resnet_desktop.gui.background.session_controller import SessionController
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.gallery.gallery_model import GalleryModel, Item
from resnet_desktop.gui.models import knowledge
from resnet_desktop.gui.models.knowledge import Installed
from resnet_desktop.gui.organize import agreement_words
from resnet_desktop.gui.organize.agreement_table import FIRST, PHOTO, SECOND, AgreementTable, as_csv, found_in
from resnet_desktop.gui.saving.results_table import path_of
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.style.screen import size_within_screen
from resnet_desktop.gui.widgets import dialogs
from resnet_desktop.gui.widgets.choice import Choice
from resnet_desktop.gui.widgets.layouts import beside
from resnet_desktop.gui.widgets.plain import PlainLabel
from resnet_desktop.gui.widgets.plain_table import PlainTable
from resnet_desktop.gui.widgets.working import Working
from resnet_desktop.session.agreement import Agreement, compare
from resnet_desktop.session.results import Failure, ModelInfo, Result

if TYPE_CHECKING:
    from resnet_desktop.core.progress import Cancelled, Progress
    from resnet_desktop.session.engine import Engine

_SIDE = 32
"""Pixels of the photos' pictures in the table."""


class AgreementDialog(QDialog):
    """A window beside the list.

    Signals: ``shown_in_list`` (Item): it is to be looked at; ``saved`` (a sentence, the path of the file).
    """

    shown_in_list = Signal(object)
    saved = Signal(str, Path)

    def __init__(self, gallery: GalleryModel, controller: SessionController, parent: QWidget) -> None:
        super().__init__(parent)
        self._gallery = gallery
        self._question = RequestSlot(controller, "agreement", self)
        self._tasks = Tasks(1, "agreement", self)
        self._info: ModelInfo | None = None
        self._agreement: Agreement | None = None
        self.models = (Choice(), Choice())
        self.start = QPushButton(self.tr("Compare"))
        self.working = Working()
        self._share, self._words = PlainLabel(), PlainLabel()
        self.only_differing, self.search = QCheckBox(self.tr("Only photos on which they differ")), QLineEdit()
        self.rows, self.table = AgreementTable(gallery, self), PlainTable(self.tr("Photos"))
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.save_button = self.buttons.addButton(self.tr("Save as CSV…"), QDialogButtonBox.ButtonRole.ActionRole)
        self._build()
        self._connect(controller)
        self._show(None)

    @property
    def words(self) -> str:
        """What came of it."""
        return f"{self._share.text()} {self._words.text()}".strip()

    @property
    def agreement(self) -> Agreement | None:
        """What came of it; None before."""
        return self._agreement

    def open_for(self) -> None:
        """Let two models be chosen, unless a comparison is shown already."""
        self._tasks.run_task(knowledge.installed, self._on_listed)
        self.show()
        self.raise_()
        self.activateWindow()

    def compare(self) -> None:
        """Ask both models of every photo of the list."""
        first, second = (str(box.currentData()) for box in self.models)
        items = self._gallery.items
        photos = [(item.number, item.source) for item in items]
        known = {item.number: item.outcome for item in items if isinstance(item.outcome, Result)}

        def work(engine: Engine, cancelled: Cancelled, progress: Progress) -> Agreement:
            return compare(engine, (first, second), photos, known, cancelled, progress)

        self._show(None)
        self.working.show()
        self.working.work(self.tr("Asking both models…"))
        self.start.setEnabled(False)
        self._question.ask(object(), work)

    def save(self, path: Path) -> None:
        """Write the comparison as CSV."""
        agreement = self._agreement
        if agreement is None:
            return
        items = {item.number: item for item in self._gallery.items}
        paths = {number: path_of(item) for number, item in items.items()}
        sources = [item.source for item in items.values()]

        def write() -> None:
            output.refuse_inputs(path, sources)
            output.write_text(path, as_csv(agreement, lambda number: paths.get(number, "")))

        self._tasks.run_task(write, lambda future: self._on_saved(path, future))

    def done(self, result: int) -> None:
        """Nothing is asked any more."""
        self._give_up("")
        super().done(result)

    def shut_down(self) -> None:
        """Close, and wait for what is being written."""
        self.close()
        self._tasks.drain()

    def _build(self) -> None:
        self.setWindowTitle(self.tr("Compare two models on the list"))
        self.setModal(False)
        for box, name in zip(self.models, (self.tr("First model"), self.tr("Second model")), strict=True):
            box.setAccessibleName(name)
            box.setMinimumContentsLength(16)
        self.start.setProperty("primary", "true")
        self._share.setFont(theme.font(1.25, strong=True))
        self._words.setProperty("tone", "secondary")
        for label in (self._share, self._words):
            label.setWordWrap(True)
        self.search.setPlaceholderText(self.tr("Search answers"))
        self.search.setAccessibleName(self.tr("Search answers"))
        self.search.setClearButtonEnabled(True)
        self.table.setIconSize(QSize(_SIDE, _SIDE))
        self.table.show_model(self.rows, (PHOTO, FIRST, SECOND))
        self.table.verticalHeader().setDefaultSectionSize(_SIDE + theme.S)
        chosen = QHBoxLayout()
        chosen.setSpacing(theme.S)
        chosen.addWidget(self.models[0], 1)
        chosen.addWidget(PlainLabel(self.tr("with")))
        chosen.addWidget(self.models[1], 1)
        chosen.addWidget(self.start)
        self._filters = beside(self.only_differing, None, self.search)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.L, theme.L, theme.L, theme.L)
        layout.setSpacing(theme.M)
        layout.addLayout(chosen)
        for widget in (self.working, self._share, self._words, self._filters):
            layout.addWidget(widget)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.buttons)
        size_within_screen(self, (860, 620), (560, 400))

    def _connect(self, controller: SessionController) -> None:
        controller.model_ready.connect(self._on_model)
        self.start.clicked.connect(self.compare)
        self.working.cancelled.connect(lambda: self._give_up(self.tr("Cancelled.")))
        self.working.wanted.connect(self.compare)
        for box in self.models:
            box.currentIndexChanged.connect(lambda _row: self._refresh())
        self.only_differing.toggled.connect(lambda _on: self._filter())
        self.search.textChanged.connect(lambda _text: self._filter())
        self.table.row_chosen.connect(self._on_row)
        self.table.clicked.connect(lambda index: self._on_row(index.row()))
        self.save_button.clicked.connect(self._on_save)
        self.buttons.rejected.connect(self.reject)
        self._tasks.failed.connect(self.working.say)
        self._question.answered.connect(self._on_answered)
        self._question.progressed.connect(self.working.advance)
        self._question.outdated.connect(self._on_outdated)

    def _on_model(self, info: ModelInfo) -> None:
        self._info = info

    def _on_listed(self, future: Future[Sequence[Installed]]) -> None:
        models = [(model.name, model.name) for model in future.result()]
        info = self._info
        if info is not None and info.name not in (name for name, _ in models):
            models.insert(0, (info.name, str(info.path)))
        current = models[0][1] if info is None else dict(models)[info.name]
        other = next((wanted for _, wanted in models if wanted != current), current)
        for box, usual in zip(self.models, (current, other), strict=True):
            before = box.currentData()
            box.blockSignals(True)
            box.clear()
            for name, wanted in models:
                box.addItem(name, wanted)
            kept = box.findData(before)
            box.setCurrentIndex(kept if kept >= 0 else box.findData(usual))
            box.blockSignals(False)
        self._refresh()

    def _on_answered(self, answer: Agreement | Failure) -> None:
        if isinstance(answer, Failure):
            self._stopped(answer.text)
            return
        self.working.hide()
        self._show(answer)

    def _on_outdated(self) -> None:
        if not self.start.isEnabled() and not self.working.isHidden():
            self._stopped(self.tr("The model has changed in the meantime."))

    def _give_up(self, words: str) -> None:
        if self._question.asked is not None:
            self._question.drop()
            self._stopped(words)

    def _stopped(self, words: str) -> None:
        self.working.say(words)
        self.working.setVisible(bool(words))
        self._refresh()

    def _show(self, agreement: Agreement | None) -> None:
        self._agreement = agreement
        there = agreement is not None
        self._share.setText("" if agreement is None else agreement_words.share(agreement))
        labels = {item.number: item.label.name for item in self._gallery.items if item.label is not None}
        self._words.setText(
            self.tr("Each photo of the list is shown to both models; your files are not touched.")
            if agreement is None
            else agreement_words.more(agreement, labels)
        )
        self._share.setVisible(there)
        self.working.setVisible(False)
        for widget in (self._filters, self.table):
            widget.setEnabled(there)
        self.save_button.setEnabled(there and bool(agreement.photos if agreement is not None else ()))
        self._filter()
        self._refresh()

    def _filter(self) -> None:
        agreement = self._agreement
        photos = () if agreement is None else agreement.photos
        if self.only_differing.isChecked():
            photos = tuple(photo for photo in photos if photo.agrees is False)
        self.rows.show_models(("", "") if agreement is None else agreement.models)
        self.rows.show_rows(found_in(photos, self.search.text()))

    def _refresh(self) -> None:
        first, second = (box.currentData() for box in self.models)
        self.start.setEnabled(self._question.asked is None and first is not None and first != second)

    def _on_row(self, row: int) -> None:
        item: Item | None = self._gallery.item(self.rows.rows[row].number)
        if item is not None:
            self.shown_in_list.emit(item)

    def _on_save(self) -> None:
        dialogs.ask_where(self, self.tr("Save the comparison"), "comparison.csv", self.save)

    def _on_saved(self, path: Path, future: Future[None]) -> None:
        try:
            future.result()
        except StorageError as error:
            self.working.show()
            self.working.say(Failure.of(error).text)
            return
        self.saved.emit(self.tr("Comparison saved to {path}.").format(path=path), path)
