"""Class by class: what is found, what is right, and which class is taken for which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QSplitter,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from resnet_desktop.gui import theme, wording
from resnet_desktop.gui.wizard.confusion_view import ConfusionView
from resnet_desktop.gui.wizard.page import secondary
from resnet_desktop.gui.wizard.picture_grid import Picture, PictureGrid

if TYPE_CHECKING:
    from resnet_desktop.finetune.results import PictureResult, Results


class QualityView(QWidget):
    """Table and confusion matrix; a cell of the matrix shows its photos below."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._results: Results | None = None
        self._table, self.matrix, self.grid = QTableWidget(0, 5), ConfusionView(), PictureGrid()
        self._words = secondary(self.tr("Choose a cell of the matrix to see its photos."))
        self._build()

    def show_results(self, results: Results) -> None:
        """Show how good it is on each class."""
        self._results = results
        self._table.setRowCount(len(results.per_class))
        for row, found in enumerate(results.per_class):
            cells = (
                found.label,
                wording.percent(found.recall),
                wording.percent(found.precision),
                wording.percent(found.f1),
                wording.number(found.support),
            )
            for column, text in enumerate(cells):
                item = QTableWidgetItem(text)
                if column:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self._table.setItem(row, column, item)
        table = results.confusion
        self.matrix.show_matrix(results.labels, table if table is not None else ())
        self.matrix.setVisible(table is not None)
        self.grid.show_pictures(())

    def close_loader(self) -> None:
        """Wait for the thread."""
        self.grid.close_loader()

    def _on_cell(self, true: int, predicted: int) -> None:
        if self._results is None:
            return
        labels = self._results.labels
        wanted = (labels[true], labels[predicted])
        found = self._results.cell(*wanted)
        self.grid.show_pictures([judged(picture) for picture in found])
        text = self.tr("{count} photos of {label}, taken for {other}")
        self._words.setText(text.format(count=len(found), label=wanted[0], other=wanted[1]))

    def _build(self) -> None:
        titles = (
            (self.tr("Class"), ""),
            (self.tr("Found"), self.tr("Recall: of the photos of this class, how many are named so")),
            (self.tr("Right"), self.tr("Precision: of the photos named so, how many are of this class")),
            (self.tr("F1"), self.tr("The harmonic mean of the two")),
            (self.tr("Photos"), self.tr("How many photos of this class it was checked with")),
        )
        for column, (title, tip) in enumerate(titles):
            item = QTableWidgetItem(title)
            item.setToolTip(tip)
            self._table.setHorizontalHeaderItem(column, item)
        header = self._table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self._table.verticalHeader().hide()
        self._table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self._table.setShowGrid(False)
        self._table.setAccessibleName(self.tr("Quality of each class"))
        self.matrix.cell_chosen.connect(self._on_cell)
        top = QSplitter(Qt.Orientation.Horizontal)
        top.addWidget(self._table)
        top.addWidget(self.matrix)
        top.setSizes([380, 420])
        top.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, theme.M, 0, 0)
        layout.addWidget(top, 3)
        layout.addWidget(self._words)
        layout.addWidget(self.grid, 1)
        self.grid.setMinimumHeight(170)


def judged(picture: PictureResult) -> Picture:
    """A validation photo with what the model says of it."""
    caption = picture.predicted if picture.right else f"{picture.label} → {picture.predicted}"
    return Picture(picture.path, caption, wording.percent(picture.probability))
