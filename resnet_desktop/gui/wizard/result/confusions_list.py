"""Which class is taken for which, as a list: for as many classes as there may be."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt

from resnet_desktop.gui.style import wording
from resnet_desktop.gui.widgets.plain import plain_tip
from resnet_desktop.gui.widgets.plain_table import Index, RowsModel
from resnet_desktop.jobs.results import Confusion

_DISPLAY = int(Qt.ItemDataRole.DisplayRole)
_TIP = int(Qt.ItemDataRole.ToolTipRole)
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)


class ConfusionsModel(RowsModel[Confusion]):
    """What it is, what the model says, how often."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__((), parent)
        self._titles = (self.tr("Actual"), self.tr("Predicted"), self.tr("Photos"))

    def data(self, index: Index, role: int = _DISPLAY) -> object:
        """The words."""
        row = self._rows[index.row()]
        cells = (row.label, row.predicted, wording.number(row.count))
        if role in (_DISPLAY, _TIP):
            words = cells[index.column()]
            return plain_tip(words) if role == _TIP else words
        if role == int(Qt.ItemDataRole.TextAlignmentRole) and index.column() == 2:
            return _RIGHT
        return None
