"""A table to be looked at, in the app's dress."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from resnet_desktop.gui import theme

_DISPLAY = int(Qt.ItemDataRole.DisplayRole)


class PlainTable(QTableView):
    """A table to be looked at, row by row. Signal: ``row_chosen`` (row of the model, as it is sorted)."""

    row_chosen = Signal(int)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + theme.M)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setAccessibleName(name)

    def show_model(self, model: QAbstractTableModel, stretched: Sequence[int]) -> None:
        """Show a model; the columns ``stretched`` share the room that the others, which hold numbers, leave."""
        self.setModel(model)
        header = self.horizontalHeader()
        header.setMinimumSectionSize(36)
        header.setHighlightSections(False)
        widest = self.fontMetrics().horizontalAdvance("00,000")
        for column in range(model.columnCount()):
            if column in stretched:
                header.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
            else:
                # Measuring every row of some thousand would take its time.
                title = self.fontMetrics().horizontalAdvance(
                    str(model.headerData(column, Qt.Orientation.Horizontal, _DISPLAY))
                )
                header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
                header.resizeSection(column, max(title + 2 * theme.L, widest + theme.S))
        self.selectionModel().currentRowChanged.connect(self._on_row)

    def _on_row(self, current: QModelIndex, _before: QModelIndex) -> None:
        if current.isValid():
            self.row_chosen.emit(current.row())
