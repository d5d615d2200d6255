"""Predictions to be taken as labels: from which confidence, of which classes, looked through before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QSplitter,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from resnet_desktop.gui.background.thumbnails import Thumbnails
from resnet_desktop.gui.gallery.gallery_model import Item
from resnet_desktop.gui.gallery.scope import Scope
from resnet_desktop.gui.organize.photo_sheet import PhotoSheet, Shown
from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.style.screen import size_within_screen
from resnet_desktop.gui.widgets.inputs import calm
from resnet_desktop.gui.widgets.plain import PlainLabel, plain_tip
from resnet_desktop.gui.widgets.plain_table import dress_table
from resnet_desktop.session.results import Result

SURE = 90
"""Per cent, to begin with."""


class AcceptDialog(QDialog):
    """Classes with how many photos each would get; the photos of one class at a time, to be left out one by one.

    Photos that have a label, that look unfamiliar or have no result are not offered.

    Signal: ``accepted_labels`` (the label of each photo by its number).
    """

    accepted_labels = Signal(object)

    def __init__(
        self, items: Sequence[Item], selected: Sequence[Item], thumbnails: Thumbnails, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Accept predictions as labels"))
        self.scope, self.threshold = Scope(items, selected), QDoubleSpinBox()
        self.table, self.sheet = QTableWidget(0, 2), PhotoSheet(thumbnails)
        self.all_classes, self._words = QCheckBox(self.tr("All classes")), PlainLabel()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.start = self.buttons.addButton("", QDialogButtonBox.ButtonRole.AcceptRole)
        self._left_out: set[int] = set()
        self._unchecked: set[str] = set()
        self._found: dict[str, list[Item]] = {}
        self._build()
        self._connect()
        self._recount()

    @property
    def names(self) -> dict[int, str]:
        """The label of each photo that is taken, by its number."""
        return {
            item.number: name
            for name, items in self._found.items()
            if name not in self._unchecked
            for item in items
            if item.number not in self._left_out
        }

    def _build(self) -> None:
        calm(self.threshold)
        self.threshold.setRange(0, 100)
        self.threshold.setDecimals(0)
        self.threshold.setSuffix(wording.PERCENT)
        self.threshold.setValue(SURE)
        self.threshold.setAccessibleName(self.tr("Confidence"))
        head = QHBoxLayout()
        head.setSpacing(theme.S)
        for widget in (self.scope, PlainLabel(self.tr("with a confidence from")), self.threshold):
            head.addWidget(widget)
        head.addStretch(1)
        table = self.table
        dress_table(table, (self.tr("Class"), self.tr("Photos")), self.tr("Classes"))
        table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        table.setSelectionMode(QTableWidget.SelectionMode.SingleSelection)
        table.setMinimumWidth(200)
        left, split = QWidget(), QSplitter(Qt.Orientation.Horizontal)
        inside = QVBoxLayout(left)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.all_classes)
        inside.addWidget(table, 1)
        split.setChildrenCollapsible(False)
        split.addWidget(left)
        split.addWidget(self.sheet)
        split.setSizes([260, 480])
        self._words.setWordWrap(True)
        self._words.setProperty("tone", "secondary")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.L, theme.L, theme.L, theme.L)
        layout.setSpacing(theme.M)
        layout.addLayout(head)
        layout.addWidget(split, 1)
        layout.addWidget(self._words)
        layout.addWidget(self.buttons)
        size_within_screen(self, (780, 560))

    def _connect(self) -> None:
        self.scope.currentIndexChanged.connect(self._recount)
        self.threshold.valueChanged.connect(self._recount)
        self.all_classes.clicked.connect(self._on_all)
        self.table.currentCellChanged.connect(lambda *_: self._show_class())
        self.table.itemChanged.connect(self._on_checked)
        self.sheet.pressed_photo.connect(self._on_photo)
        self.buttons.rejected.connect(self.reject)
        self.buttons.accepted.connect(self._on_accepted)

    def _recount(self) -> None:
        least, found = self.threshold.value() / 100, defaultdict(list)
        for item in self.scope.items:
            outcome = item.outcome
            if item.label is not None or not isinstance(outcome, Result) or outcome.unfamiliar:
                continue
            if outcome.top.probability >= least:
                found[outcome.top.label].append(item)
        for items in found.values():
            items.sort(key=_probability)  # the least sure first: they deserve a look
        self._found = dict(sorted(found.items(), key=lambda pair: (-len(pair[1]), pair[0].casefold())))
        with QSignalBlocker(self.table):
            self.table.setRowCount(len(self._found))
            for row, (name, items) in enumerate(self._found.items()):
                title = QTableWidgetItem(name)
                title.setFlags(
                    Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsUserCheckable
                )
                title.setToolTip(plain_tip(name))
                title.setCheckState(_state(name not in self._unchecked))
                count = QTableWidgetItem(wording.number(len(items)))
                count.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
                count.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.table.setItem(row, 0, title)
                self.table.setItem(row, 1, count)
            self.table.setCurrentCell(0 if self._found else -1, 0)
        self._refresh()

    def _refresh(self) -> None:
        count = len(self.names)
        self.start.setText(self.tr("Label {count}").format(count=wording.number(count)))
        self.start.setEnabled(bool(count))
        self.all_classes.setChecked(not self._unchecked & set(self._found))
        self._words.setText(
            self.tr("Click a photo to leave it out. Photos with a label keep theirs. Undo takes the labels back.")
            if self._found
            else self.tr("No photo without a label is so sure.")
        )
        self._show_class()

    def _show_class(self) -> None:
        title = self.table.item(self.table.currentRow(), 0)
        items = [] if title is None else self._found.get(title.text(), [])
        out = title is not None and title.text() in self._unchecked
        self.sheet.sheet.show_photos(
            [Shown(item, wording.percent(_probability(item)), out or item.number in self._left_out) for item in items]
        )

    def _on_checked(self, title: QTableWidgetItem) -> None:
        if title.column() == 0:
            (self._unchecked.discard if title.checkState() == Qt.CheckState.Checked else self._unchecked.add)(
                title.text()
            )
            self._refresh()

    def _on_all(self, checked: bool) -> None:
        self._unchecked = set() if checked else set(self._found)
        with QSignalBlocker(self.table):
            for row in range(self.table.rowCount()):
                title = self.table.item(row, 0)
                if title is not None:
                    title.setCheckState(_state(checked))
        self._refresh()

    def _on_photo(self, item: Item) -> None:
        self._left_out ^= {item.number}
        self._refresh()

    def _on_accepted(self) -> None:
        self.accepted_labels.emit(self.names)
        self.accept()


def _probability(item: Item) -> float:
    return item.outcome.top.probability if isinstance(item.outcome, Result) else 0.0


def _state(checked: bool) -> Qt.CheckState:
    return Qt.CheckState.Checked if checked else Qt.CheckState.Unchecked
