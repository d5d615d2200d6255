"""Which class is taken for which, as a list: for as many classes as there may be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QWidget

from resnet_desktop.gui import wording

if TYPE_CHECKING:
    from resnet_desktop.finetune.results import Confusion

_Index = QModelIndex | QPersistentModelIndex
_DISPLAY = int(Qt.ItemDataRole.DisplayRole)
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)


class ConfusionsModel(QAbstractTableModel):
    """What it is, what the model says, how often."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[Confusion, ...] = ()
        self._titles = (self.tr("Is"), self.tr("Taken for"), self.tr("Photos"))

    @property
    def rows(self) -> tuple[Confusion, ...]:
        """What is shown."""
        return self._rows

    def show_rows(self, rows: Sequence[Confusion]) -> None:
        """Show these."""
        self.beginResetModel()
        self._rows = tuple(rows)
        self.endResetModel()

    def rowCount(self, parent: _Index | None = None) -> int:
        """As many as there are pairs."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index | None = None) -> int:
        """Three."""
        return 0 if parent is not None and parent.isValid() else len(self._titles)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _DISPLAY) -> object:
        """The titles."""
        return self._titles[section] if orientation == Qt.Orientation.Horizontal and role == _DISPLAY else None

    def data(self, index: _Index, role: int = _DISPLAY) -> object:
        """The words."""
        row = self._rows[index.row()]
        cells = (row.label, row.predicted, wording.number(row.count))
        if role in (_DISPLAY, int(Qt.ItemDataRole.ToolTipRole)):
            return cells[index.column()]
        if role == int(Qt.ItemDataRole.TextAlignmentRole) and index.column() == 2:
            return _RIGHT
        return None
