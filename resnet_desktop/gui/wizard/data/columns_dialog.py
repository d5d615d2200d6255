"""Which columns of a table hold the photos and their labels, where its head does not say so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QHeaderView, QVBoxLayout, QWidget

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.style.screen import size_within_screen
from resnet_desktop.gui.widgets.choice import Choice
from resnet_desktop.gui.widgets.plain import PlainLabel
from resnet_desktop.gui.widgets.plain_table import Index, PlainTable, RowsModel
from resnet_desktop.session.results import Failure

if TYPE_CHECKING:
    from resnet_desktop.data.sources.columns import Preview

WIDEST = 260
"""Pixels of a column."""
LONGEST = 200
"""Characters of a field that are shown."""


class ColumnsDialog(QDialog):
    """Shows the first rows of a table and asks for two of its columns.

    Args:
        source: the table, as it stands in a job.
        tasks: where it is read.

    Signal: ``chosen`` (a dictionary): the source with its columns.
    """

    chosen = Signal(dict)

    def __init__(self, source: Mapping[str, str], tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Columns of {name}").format(name=Path(source["csv"]).name))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._source = dict(source)
        self._names: tuple[str, ...] = ()
        self.photos, self.labels = Choice(), Choice()
        self.table, self._said = PlainTable(self.tr("First rows of the table")), PlainLabel()
        buttons = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(buttons.Ok | buttons.Cancel)
        self._build()
        self._refresh()
        path = Path(source["csv"])
        tasks.run_task(lambda: _previewed(path), self._on_preview)

    @property
    def said(self) -> str:
        """What is wrong, or what the choice means for the first row."""
        return self._said.text()

    def accept(self) -> None:
        """Keep the choice."""
        photos, labels = (self._names[int(box.currentData())] for box in (self.photos, self.labels))
        self.chosen.emit({"csv": self._source["csv"], "path_column": photos, "label_column": labels})
        super().accept()

    def _on_preview(self, future: Future[Preview]) -> None:
        try:
            preview = future.result()
        except ResNetDesktopError as error:
            self._said.setText(Failure.of(error).text)
            return
        self._names = _column_names(preview.head)
        self.table.setModel(_PreviewModel(preview, self))
        header = self.table.horizontalHeader()
        header.setMaximumSectionSize(WIDEST)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
        self.table.resizeColumnsToContents()
        for box, place, key in (
            (self.photos, preview.path, "path_column"),
            (self.labels, preview.label, "label_column"),
        ):
            for i, head in enumerate(preview.head):
                box.addItem(_title(head, i, self.tr("Column {number}")), i)
            before = self._source.get(key)
            wanted = self._names.index(before) if before in self._names else place
            box.setCurrentIndex(-1 if wanted is None else wanted)
            box.currentIndexChanged.connect(self._refresh)
        self._refresh()

    def _refresh(self) -> None:
        photos, labels = self.photos.currentData(), self.labels.currentData()
        ready = photos is not None and labels is not None and photos != labels
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(ready)
        model = self.table.model()
        if not isinstance(model, _PreviewModel):
            return
        model.mark(tuple(place for place in (photos, labels) if place is not None))
        if ready and model.rows:
            text = self.tr("First row: the photo {photo} has the label “{label}”.")
            row = model.rows[0]
            self._said.setText(text.format(photo=row[photos][:LONGEST], label=row[labels][:LONGEST]))
        else:
            self._said.setText("")

    def _build(self) -> None:
        words = PlainLabel(self.tr("Which columns contain the photos and their labels? These are the first rows."))
        words.setWordWrap(True)
        self._said.setWordWrap(True)
        self._said.setProperty("tone", "secondary")
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.M)
        grid.setVerticalSpacing(theme.S)
        grid.setColumnStretch(1, 1)
        for row, (title, box) in enumerate(((self.tr("Photos"), self.photos), (self.tr("Labels"), self.labels))):
            box.setAccessibleName(title)
            grid.addWidget(PlainLabel(title), row, 0)
            grid.addWidget(box, row, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.XL, theme.L, theme.XL, theme.L)
        layout.setSpacing(theme.M)
        layout.addWidget(words)
        layout.addWidget(self.table, 1)
        layout.addLayout(grid)
        layout.addWidget(self._said)
        layout.addWidget(self.buttons)
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setText(self.tr("Use these"))
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        size_within_screen(self, (620, 420))


class _PreviewModel(RowsModel[tuple[str, ...]]):
    """The first rows; the columns that are not chosen step back."""

    def __init__(self, preview: Preview, parent: QWidget) -> None:
        text = parent.tr("Column {number}")
        super().__init__([_title(head, i, text) for i, head in enumerate(preview.head)], parent)
        self._marked: tuple[int, ...] = ()
        self.show_rows(preview.rows)

    def mark(self, columns: Sequence[int]) -> None:
        """The columns that are chosen."""
        self._marked = tuple(columns)
        if self.rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.rows) - 1, self.columnCount() - 1))

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        """The field, and the colour that it is written in."""
        if role == int(Qt.ItemDataRole.DisplayRole):
            return self.rows[index.row()][index.column()][:LONGEST]
        if role == int(Qt.ItemDataRole.ForegroundRole):
            colours = theme.current()
            return QColor(colours.text if index.column() in self._marked else colours.secondary)
        return None


def _previewed(path: Path) -> Preview:
    from resnet_desktop.data.sources.columns import preview  # not needed before

    return preview(path)


def _title(head: str, place: int, numbered: str) -> str:
    """What a column is called here."""
    text = head.strip()
    return text[:LONGEST] if text and not text.isdigit() else numbered.format(number=place + 1)


def _column_names(head: Sequence[str]) -> tuple[str, ...]:
    """What a job calls the columns: by their names where these are of one alone, else by their numbers."""
    names = [name.strip() for name in head]
    folded = [name.casefold() for name in names]
    return tuple(
        name if name and not name.isdigit() and folded.count(name.casefold()) == 1 else str(place + 1)
        for place, name in enumerate(names)
    )
