"""From which probability each label of a model counts as present, where several can be right at once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.models import knowledge
from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.style.screen import size_within_screen
from resnet_desktop.gui.widgets.plain import PlainLabel
from resnet_desktop.gui.widgets.plain_table import PlainTable
from resnet_desktop.session.results import Failure, ModelInfo

Index = QModelIndex | QPersistentModelIndex
_DISPLAY, _EDIT = int(Qt.ItemDataRole.DisplayRole), int(Qt.ItemDataRole.EditRole)
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_NO_INDEX = QModelIndex()


class ThresholdsModel(QAbstractTableModel):
    """A row for each label: its name, and the percentage from which it counts as present, which can be edited."""

    def __init__(self, labels: Sequence[str], thresholds: Sequence[float], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._labels, self._values = tuple(labels), list(thresholds)

    @property
    def thresholds(self) -> tuple[float, ...]:
        """As they are now, fractions of 1."""
        return tuple(self._values)

    def set_all(self, value: float) -> None:
        """One threshold for all labels, a fraction of 1."""
        self._values = [value] * len(self._values)
        self.dataChanged.emit(self.index(0, 1), self.index(len(self._values) - 1, 1))

    def rowCount(self, parent: Index = _NO_INDEX) -> int:
        """One for each label."""
        return 0 if parent.isValid() else len(self._labels)

    def columnCount(self, parent: Index = _NO_INDEX) -> int:
        """Label and threshold."""
        return 0 if parent.isValid() else 2

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _DISPLAY) -> object:
        """The titles."""
        if orientation != Qt.Orientation.Horizontal or role != _DISPLAY:
            return None
        return (self.tr("Label"), self.tr("Present from"))[section]

    def data(self, index: Index, role: int = _DISPLAY) -> object:
        """Words to show, and the percentage to edit."""
        if index.column() == 0:
            return self._labels[index.row()] if role == _DISPLAY else None
        value = self._values[index.row()]
        if role == _EDIT:
            return 100 * value
        if role == int(Qt.ItemDataRole.TextAlignmentRole):
            return _RIGHT
        return wording.percent(value, 1) if role == _DISPLAY else None

    def setData(self, index: Index, value: object, role: int = _EDIT) -> bool:
        """Take a percentage."""
        if role != _EDIT or index.column() != 1 or not isinstance(value, float):
            return False
        self._values[index.row()] = value / 100
        self.dataChanged.emit(index, index)
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Thresholds can be edited."""
        found = super().flags(index)
        return found | Qt.ItemFlag.ItemIsEditable if index.column() == 1 else found


class ThresholdsDialog(QDialog):
    """Asks, and keeps the answers by the file's checksum. Signal: ``answered`` (the model's path): open it again."""

    answered = Signal(Path)

    def __init__(self, info: ModelInfo, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        assert info.thresholds is not None, "labels that are rated by themselves"
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Thresholds of {name}").format(name=info.name))
        size_within_screen(self, (440, 560), (340, 300))
        self._path, self._tasks = info.path, tasks
        self.labels = ThresholdsModel(info.categories, info.thresholds, self)
        self._filter = QSortFilterProxyModel(self)
        self._filter.setSourceModel(self.labels)
        self._filter.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.search, self.table, self._said = QLineEdit(), PlainTable(self.tr("Labels")), PlainLabel()
        self.all_box, self.all_button = _percent_box(), QPushButton(self.tr("Set all"))
        buttons = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(buttons.Ok | buttons.Cancel)
        self.reset_button = self.buttons.addButton(self.tr("Reset"), QDialogButtonBox.ButtonRole.ResetRole)
        self._build()

    def accept(self) -> None:
        """Keep what was chosen."""
        self.table.setFocus()  # a box that is being edited gives up its value
        self._keep(self.labels.thresholds)

    def _keep(self, thresholds: tuple[float, ...] | None) -> None:
        path = self._path
        self._tasks.run_task(lambda: knowledge.remember_thresholds(path, thresholds), self._on_kept)

    def _on_kept(self, future: Future[Failure | None]) -> None:
        failure = future.result()
        if failure is not None:
            self._said.setText(failure.text)
            self._said.show()
            return
        self.answered.emit(self._path)
        super().accept()

    def _build(self) -> None:
        words = PlainLabel(
            self.tr("A label counts as present from this probability. Double-click a value to change it.")
        )
        words.setWordWrap(True)
        words.setProperty("tone", "secondary")
        self._said.setWordWrap(True)
        self._said.setProperty("tone", "error")
        self._said.hide()
        self.search.setPlaceholderText(self.tr("Search labels"))
        self.search.setAccessibleName(self.tr("Search labels"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(lambda text: self._filter.setFilterFixedString(text.strip()))
        self.table.show_model(self._filter, (0,))
        triggers = QAbstractItemView.EditTrigger
        self.table.setEditTriggers(triggers.DoubleClicked | triggers.SelectedClicked | triggers.EditKeyPressed)
        self.table.setItemDelegateForColumn(1, _PercentDelegate(self.table))
        widest = self.fontMetrics().horizontalAdvance(f"Present from 100,0{wording.PERCENT}")
        self.table.horizontalHeader().resizeSection(1, widest)
        self.all_box.setAccessibleName(self.tr("Threshold of all labels"))
        self.all_button.clicked.connect(lambda: self.labels.set_all(self.all_box.value() / 100))
        self.reset_button.setToolTip(self.tr("Return to the model's own thresholds"))
        self.reset_button.clicked.connect(lambda: self._keep(None))
        for button in (self.all_button, self.reset_button):
            button.setAutoDefault(False)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        row = QHBoxLayout()
        row.addWidget(self.search, 1)
        row.addWidget(self.all_box)
        row.addWidget(self.all_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.L, theme.L, theme.L, theme.L)
        layout.setSpacing(theme.S)
        layout.addWidget(words)
        layout.addLayout(row)
        layout.addWidget(self.table, 1)
        layout.addWidget(self._said)
        layout.addWidget(self.buttons)


class _PercentDelegate(QStyledItemDelegate):
    """Edits a percentage."""

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:  # noqa: ARG002 - Qt's
        return _percent_box(parent)


def _percent_box(parent: QWidget | None = None) -> QDoubleSpinBox:
    box = QDoubleSpinBox(parent)
    box.setRange(0, 100)
    box.setDecimals(1)
    box.setSuffix(wording.PERCENT)
    box.setValue(50)
    return box
