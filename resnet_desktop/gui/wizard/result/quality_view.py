"""Class by class: what is found, what is right, and which class is taken for which, with the photos beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.widgets.plain_table import PlainTable
from resnet_desktop.gui.widgets.view_switch import ViewSwitch
from resnet_desktop.gui.wizard.page import secondary
from resnet_desktop.gui.wizard.pictures.picture_grid import MOST, PictureGrid
from resnet_desktop.gui.wizard.pictures.picture_heatmaps import Heatmaps
from resnet_desktop.gui.wizard.pictures.picture_sheet import PictureSheet, judged
from resnet_desktop.gui.wizard.result.confusion_view import ConfusionView
from resnet_desktop.gui.wizard.result.confusions_list import ConfusionsModel
from resnet_desktop.gui.wizard.result.quality_table import QualityModel

if TYPE_CHECKING:
    from resnet_desktop.jobs.results import PictureResult, Results

__all__ = ["QualityView", "judged"]

LARGEST_MATRIX = 40
"""Classes up to which a matrix can be read; of more, the most frequent confusions are listed."""
MANY = 12
"""Classes from which on one may be searched for."""
MATRIX, TABLE, LIST = 0, 1, 2


class QualityView(QWidget):
    """Matrix, table and list of confusions; what is chosen in them shows its photos beside it.

    Attributes:
        matrix: which class is taken for which.
        sheet: the photos of what is chosen.
    """

    def __init__(self, heatmaps: Heatmaps, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._results: Results | None = None
        self.matrix, self.sheet = ConfusionView(), PictureSheet(heatmaps)
        self.sheet.set_heat(True)  # why it errs is what a cell is looked at for; they are made for what is in view
        self.classes, self.confusions = QualityModel(self), ConfusionsModel(self)
        self.table, self.list = PlainTable(self.tr("Quality of each class")), PlainTable(self.tr("Confusions"))
        self._find = QLineEdit()
        self.views, self._stack = self._switch(), QStackedWidget()
        self._build()

    @property
    def grid(self) -> PictureGrid:
        """The photos."""
        return self.sheet.grid

    def show_results(self, results: Results) -> None:
        """Show how good it is on each class."""
        self._results = results
        self.classes.show_classes(results.per_class)
        self.confusions.show_rows(results.confusions)
        small = results.confusion is not None and len(results.labels) <= LARGEST_MATRIX
        table = results.confusion if small else None
        self.matrix.show_matrix(results.labels if small else (), table if table is not None else ())
        self.views.button(MATRIX).setVisible(small)
        self._find.setVisible(len(results.labels) > MANY)
        self._show(MATRIX if small else LIST)
        self._begin(results)

    def close_loader(self) -> None:
        """Wait for the thread."""
        self.sheet.close_loader()

    def show_cell(self, label: str, predicted: str) -> None:
        """The photos of one class that are taken for another, or named rightly."""
        if self._results is None:
            return
        found = self._results.cell(label, predicted)
        text = self.tr("{count} × {label}, classified as {other}")
        if label == predicted:
            text = self.tr("{count} × {label}, classified correctly")
        self._show_found(found, text.format(count=wording.number(len(found)), label=label, other=predicted))

    def show_class(self, label: str) -> None:
        """The mistakes about one class: what it is not found in, and what is wrongly named so."""
        if self._results is None:
            return
        found = [picture for picture in self._results.of_class(label) if not picture.right]
        text = self.tr("{count} mistakes about {label}")
        self._show_found(found, text.format(count=wording.number(len(found)), label=label))

    def _begin(self, results: Results) -> None:
        """The most frequent confusion is looked at first."""
        self.sheet.show_pictures(())
        nothing = self.tr("No class is mistaken for another.")
        if not results.measured:
            nothing = self.tr("Nothing was measured: there were no held-out photos.")
        self.sheet.say(nothing)
        if not results.confusions:
            return
        first, places = results.confusions[0], results.labels.index
        if self._stack.currentIndex() == MATRIX:
            self.matrix.choose(places(first.label), places(first.predicted))
        else:
            self.list.selectRow(0)

    def _show_found(self, found: Sequence[PictureResult], words: str) -> None:
        self.sheet.show_pictures(found)
        if len(found) > MOST:
            words += " " + self.tr("({count} are shown)").format(count=wording.number(MOST))
        self.sheet.say(words)

    def _show(self, view: int) -> None:
        self.views.choose(view)
        self._stack.setCurrentIndex(view)

    def _on_cell(self, true: int, predicted: int) -> None:
        if self._results is not None:
            self.show_cell(self._results.labels[true], self._results.labels[predicted])

    def _on_pair(self, row: int) -> None:
        pair = self.confusions.rows[row]
        self.show_cell(pair.label, pair.predicted)

    def _explained(self, matrix: ConfusionView) -> QWidget:
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(matrix, 1)
        column.addWidget(secondary(self.tr("Rows: actual class. Columns: predicted class.")))
        return whole

    def _switch(self) -> ViewSwitch:
        views = (
            (self.tr("Matrix"), self.tr("Which classes are confused")),
            (self.tr("Table"), self.tr("Recall, precision and F1 of each class. Click a heading to sort.")),
            (self.tr("List"), self.tr("Which classes are confused, most frequent first")),
        )
        return ViewSwitch(views, self.tr("How to show the classes"))

    def _build(self) -> None:
        self.matrix.cell_chosen.connect(self._on_cell)
        self.table.show_model(self.classes, (0,))
        self.table.setSortingEnabled(True)
        self.table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self.table.row_chosen.connect(lambda row: self.show_class(self.classes.rows[row].label))
        self.list.show_model(self.confusions, (0, 1))
        self.list.row_chosen.connect(self._on_pair)
        self._find.setPlaceholderText(self.tr("Find a class"))
        self._find.setClearButtonEnabled(True)
        self._find.textChanged.connect(self.classes.find)
        classes = QWidget()
        column = QVBoxLayout(classes)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._find)
        column.addWidget(self.table, 1)
        for widget in (self._explained(self.matrix), classes, self.list):
            self._stack.addWidget(widget)
        self.views.chosen.connect(self._show)
        left = QWidget()
        layout = QVBoxLayout(left)
        layout.setContentsMargins(0, 0, theme.M, 0)
        layout.addWidget(self.views, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self._stack, 1)
        right = QWidget()
        room = QVBoxLayout(right)
        room.setContentsMargins(theme.M, 0, 0, 0)
        room.addWidget(self.sheet)
        halves = QSplitter(Qt.Orientation.Horizontal)
        halves.addWidget(left)
        halves.addWidget(right)
        halves.setStretchFactor(0, 1)
        halves.setStretchFactor(1, 3)
        halves.setSizes([310, 470])
        halves.setChildrenCollapsible(False)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, theme.M, 0, 0)
        whole.addWidget(halves)
