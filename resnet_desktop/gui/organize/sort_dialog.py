"""How photos are to be sorted into folders: by what, where to, and how many each folder would get."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QRadioButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from resnet_desktop.gui.gallery.gallery_model import Item
from resnet_desktop.gui.gallery.scope import Scope
from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.style.screen import size_within_screen
from resnet_desktop.gui.widgets.choice import Choice as ChoiceBox
from resnet_desktop.gui.widgets.inputs import calm
from resnet_desktop.gui.widgets.plain import PlainLabel, message_box, plain_tip
from resnet_desktop.gui.widgets.plain_table import dress_table
from resnet_desktop.gui.widgets.working import Working
from resnet_desktop.imaging.region import Region
from resnet_desktop.session.results import Result
from resnet_desktop.sorting.choosing import By, Choice, choose, counts
from resnet_desktop.sorting.names import FolderNames


@dataclass(frozen=True, slots=True)
class SortOrder:
    """What is to be done: the photos with what they are sorted by, the folder, and whether they leave theirs."""

    folder: Path
    choices: tuple[Choice, ...]
    move: bool


class SortDialog(QDialog):
    """Asks, shows how far it is, and closes when it is done.

    Args:
        items: the photos of the list.
        selected: those that are selected.
        threshold: from when an answer is sure, a fraction of 1.
        folder: proposed, or None.
        parent: the window.

    Signals: ``wanted`` (SortOrder); ``cancelled``: what is under way is to end.
    """

    wanted = Signal(object)
    cancelled = Signal()

    def __init__(
        self,
        items: Sequence[Item],
        selected: Sequence[Item],
        threshold: float,
        folder: Path | None,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Sort into folders"))
        self.scope, self.by = Scope(items, selected), ChoiceBox()
        self.threshold, self.folder = QDoubleSpinBox(), QLineEdit("" if folder is None else str(folder))
        self.browse = QPushButton(self.tr("Choose…"))
        self.copy, self.move_them = QRadioButton(self.tr("Copy")), QRadioButton(self.tr("Move"))
        self.table, self._words, self.working = QTableWidget(0, 2), PlainLabel(), Working()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.start = self.buttons.addButton("", QDialogButtonBox.ButtonRole.AcceptRole)
        self._running = False
        self._offer(items)
        self.threshold.setValue(threshold * 100)
        self._build()
        self._connect()
        self._refresh()

    @property
    def words(self) -> str:
        """What is said below the preview."""
        return self._words.text()

    @property
    def order(self) -> SortOrder:
        """As it is chosen now."""
        by, least = cast("By", self.by.currentData()), self.threshold.value() / 100
        choices = tuple(found for item in self.scope.items if (found := _choice(item, by, least)) is not None)
        return SortOrder(Path(self.folder.text()).expanduser(), choices, self.move_them.isChecked())

    def show_running(self) -> None:
        """It has begun."""
        self._running = True
        self.start.setEnabled(False)
        self.working.work(self.tr("Moving…") if self.move_them.isChecked() else self.tr("Copying…"))

    def show_problem(self, text: str) -> None:
        """Nothing was done, or not all."""
        self._running = False
        self.working.say(text)
        self._refresh()

    def finish(self) -> None:
        """It is done."""
        self._running = False
        self.accept()

    def reject(self) -> None:
        """While something is under way, that is given up; the window closes at its end."""
        if self._running:
            self.cancelled.emit()
        else:
            super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:
        """As ``reject``."""
        if self._running:
            self.cancelled.emit()
            event.ignore()
            return
        super().closeEvent(event)

    def _offer(self, items: Sequence[Item]) -> None:
        self.by.addItem(self.tr("Class"), "class")
        if any(isinstance(item.outcome, Result) and item.outcome.group is not None for item in items):
            self.by.addItem(self.tr("Group of classes"), "group")
        if any(item.label is not None for item in items):
            self.by.addItem(self.tr("Your labels"), "label")
        self.by.setAccessibleName(self.tr("Sort by"))
        calm(self.threshold)
        self.threshold.setRange(0, 100)
        self.threshold.setDecimals(0)
        self.threshold.setSingleStep(5)
        self.threshold.setSuffix(wording.PERCENT)
        self.folder.setPlaceholderText(self.tr("Choose a folder"))

    def _build(self) -> None:
        where, what = QHBoxLayout(), QHBoxLayout()
        for row in (where, what):
            row.setSpacing(theme.S)
        where.addWidget(self.folder, 1)
        where.addWidget(self.browse)
        self.copy.setChecked(True)
        what.addWidget(self.copy)
        what.addSpacing(theme.L)
        what.addWidget(self.move_them)
        what.addStretch(1)
        form = self._form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.setSpacing(theme.S)
        form.addRow(self.tr("Photos"), self.scope)
        form.addRow(self.tr("Sort by"), self.by)
        form.addRow(self.tr("Sure from"), self.threshold)
        form.addRow(self.tr("Into"), where)
        form.addRow("", what)
        self._build_table()
        self._words.setWordWrap(True)
        self._words.setProperty("tone", "secondary")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.L, theme.L, theme.L, theme.L)
        layout.setSpacing(theme.M)
        layout.addLayout(form)
        layout.addWidget(self.table, 1)
        for widget in (self._words, self.working, self.buttons):
            layout.addWidget(widget)
        size_within_screen(self, (520, 560))

    def _build_table(self) -> None:
        table = self.table
        dress_table(table, (self.tr("Folder"), self.tr("Photos")), self.tr("Photos in each folder"))
        table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        table.setMinimumHeight(90)

    def _connect(self) -> None:
        for changed in (self.scope.currentIndexChanged, self.by.currentIndexChanged, self.threshold.valueChanged):
            changed.connect(self._refresh)
        self.folder.textChanged.connect(self._refresh)
        self.copy.toggled.connect(self._refresh)
        self.browse.clicked.connect(self._on_browse)
        self.buttons.rejected.connect(self.reject)
        self.buttons.accepted.connect(self._on_start)
        self.working.cancelled.connect(self.cancelled)

    def _refresh(self) -> None:
        by_label = self.by.currentData() == "label"
        self._form.setRowVisible(self.threshold, not by_label)
        order, items = self.order, self.scope.items
        rows = counts(order.choices, FolderNames())
        self.table.setRowCount(len(rows))
        for row, (name, count) in enumerate(rows.items()):
            title, number = QTableWidgetItem(name), QTableWidgetItem(wording.number(count))
            title.setToolTip(plain_tip(name))
            number.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.table.setItem(row, 0, title)
            self.table.setItem(row, 1, number)
        self._words.setText(self._left_out(len(items) - len(order.choices), by_label=by_label))
        text = self.tr("Move {count}") if order.move else self.tr("Copy {count}")
        self.start.setText(text.format(count=wording.number(len(order.choices))))
        named = bool(self.folder.text().strip()) and order.folder.is_absolute()
        self.start.setEnabled(bool(order.choices) and named and not self._running)

    def _left_out(self, count: int, *, by_label: bool) -> str:
        words = self.tr("Nothing is written over. Undo takes it back.")
        if not count:
            return words
        why = (
            self.tr("{count} without a label or a file of their own stay out.")
            if by_label
            else self.tr("{count} without a result or a file of their own stay out.")
        )
        said = [why.format(count=wording.number(count)), words]
        if any(isinstance(item.source, Region) for item in self.scope.items):
            said.insert(1, self.tr("Parts of photos are no files: only whole photos are sorted."))
        return " ".join(said)

    def _on_browse(self) -> None:
        dialog = QFileDialog(self, self.tr("Sort into folders"), self.folder.text())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(self.folder.setText)
        dialog.open()

    def _on_start(self) -> None:
        order = self.order
        if not order.move:
            self.wanted.emit(order)
            return
        count = wording.number(len(order.choices))
        text = self.tr("Move {count} photos into {folder}?").format(count=count, folder=order.folder)
        more = self.tr("They leave the folders that they are in now. Undo moves them back.")
        box = message_box(self, self.tr("Move photos"), text, more)
        box.setIcon(QMessageBox.Icon.Question)
        move = box.addButton(self.tr("Move"), QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        box.buttonClicked.connect(lambda button: self.wanted.emit(order) if button is move else None)
        box.open()


def _choice(item: Item, by: By, least: float) -> Choice | None:
    """What a photo is sorted by; None where it stays out."""
    if not isinstance(item.source, Path):
        return None
    if by == "label":
        return None if item.label is None else Choice(item.source, item.label.name)
    return choose(item.source, item.outcome, by, least) if isinstance(item.outcome, Result) else None
