"""How good a model is on each class, as a table that can be sorted and searched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QWidget

from resnet_desktop.gui.style import wording
from resnet_desktop.gui.widgets.plain import plain_tip

if TYPE_CHECKING:
    from resnet_desktop.jobs.results import ClassResult

_Index = QModelIndex | QPersistentModelIndex
_DISPLAY = int(Qt.ItemDataRole.DisplayRole)
_TIP = int(Qt.ItemDataRole.ToolTipRole)
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)


class QualityModel(QAbstractTableModel):
    """A row a class: its name, recall, precision, F1, and how many photos it was checked with."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._all: tuple[ClassResult, ...] = ()
        self._rows: tuple[ClassResult, ...] = ()
        self._words = ""
        self._order = 0, Qt.SortOrder.AscendingOrder
        self._titles = (
            (self.tr("Class"), ""),
            (self.tr("Recall"), self.tr("Recall: the share of this class's photos that were found")),
            (self.tr("Precision"), self.tr("Precision: the share of predictions of this class that are correct")),
            (self.tr("F1"), self.tr("The harmonic mean of precision and recall")),
            (self.tr("Photos"), self.tr("Number of held-out photos of this class")),
        )

    @property
    def rows(self) -> tuple[ClassResult, ...]:
        """What is shown, as it is sorted."""
        return self._rows

    def show_classes(self, rows: Sequence[ClassResult]) -> None:
        """Show these."""
        self._all = tuple(rows)
        self._arrange()

    def find(self, words: str) -> None:
        """Show only classes in whose name ``words`` occur."""
        self._words = words.strip().casefold()
        self._arrange()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """By one column."""
        self._order = column, order
        self._arrange()

    def rowCount(self, parent: _Index | None = None) -> int:
        """As many as there are classes of that name."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index | None = None) -> int:
        """Five."""
        return 0 if parent is not None and parent.isValid() else len(self._titles)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _DISPLAY) -> object:
        """The titles, and what they mean."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == int(Qt.ItemDataRole.TextAlignmentRole):
            return int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter) if section == 0 else _RIGHT
        title, tip = self._titles[section]
        return {_DISPLAY: title, _TIP: plain_tip(tip)}.get(role)

    def data(self, index: _Index, role: int = _DISPLAY) -> object:
        """The words of a cell."""
        if role == int(Qt.ItemDataRole.TextAlignmentRole):
            return _RIGHT if index.column() else None
        if role not in (_DISPLAY, _TIP):
            return None
        row = self._rows[index.row()]
        if index.column() == 0:
            return plain_tip(row.label) if role == _TIP else row.label
        if index.column() == 4:
            return wording.number(row.support)
        share = (row.recall, row.precision, row.f1)[index.column() - 1]
        return self.tr("–") if share is None else wording.percent(share)

    def _arrange(self) -> None:
        column, order = self._order
        key = ("label", "recall", "precision", "f1", "support")[column]
        found = [row for row in self._all if self._words in row.label.casefold()]
        known = [row for row in found if getattr(row, key) is not None]
        unknown = [row for row in found if getattr(row, key) is None]  # they come last, whatever the order
        known.sort(key=lambda row: getattr(row, key), reverse=order == Qt.SortOrder.DescendingOrder)
        self.beginResetModel()
        self._rows = (*known, *unknown)
        self.endResetModel()
