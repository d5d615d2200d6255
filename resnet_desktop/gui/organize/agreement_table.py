"""The photos on which two models were asked, as a table and as CSV."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QCoreApplication, QObject, Qt
from PySide6.QtGui import QColor, QFont, QIcon

from resnet_desktop.core.text.csv_text import Cell, line
from resnet_desktop.gui.gallery.gallery_model import GalleryModel
from resnet_desktop.gui.saving.results_table import path_of
from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.widgets.plain import plain_tip
from resnet_desktop.gui.widgets.plain_table import Index, RowsModel
from resnet_desktop.session.agreement import Agreement, Answer, ComparedPhoto
from resnet_desktop.session.results import Failure

PHOTO, FIRST, FIRST_SHARE, SECOND, SECOND_SHARE = range(5)
_ROLE = Qt.ItemDataRole
_LEFT, _MIDDLE = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignCenter
CSV_COLUMNS = ("path", "agree", "model_1", "label_1", "probability_1", "model_2", "label_2", "probability_2")


class AgreementTable(RowsModel[ComparedPhoto]):
    """A row for each photo: its name, and what each model says of it with which probability."""

    def __init__(self, gallery: GalleryModel, parent: QObject | None = None) -> None:
        super().__init__(("",) * 5, parent)
        self._gallery = gallery
        self._models = ("", "")
        self._places: dict[int, int] = {}
        gallery.thumbnails.thumbnail_ready.connect(self._on_thumbnail)

    def show_models(self, models: tuple[str, str]) -> None:
        """Whose answers these are."""
        self._models = models
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, self.columnCount() - 1)

    def show_rows(self, rows: Sequence[ComparedPhoto]) -> None:
        """Show these."""
        self._places = {row.number: place for place, row in enumerate(rows)}
        super().show_rows(rows)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _ROLE.DisplayRole) -> object:
        """The models' names over their answers."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == _ROLE.TextAlignmentRole:
            return _MIDDLE if section in (FIRST_SHARE, SECOND_SHARE) else _LEFT
        if role == _ROLE.ToolTipRole:
            return plain_tip({FIRST: self._models[0], SECOND: self._models[1]}.get(section, ""))
        words = (self.tr("Photo"), self._models[0], self.tr("Confidence"), self._models[1], self.tr("Confidence"))
        return words[section] if role == _ROLE.DisplayRole else None

    def data(self, index: Index, role: int = _ROLE.DisplayRole) -> object:
        """Words, a small picture of the photo, and what tells photos on which the models differ from the others."""
        row, column = self.rows[index.row()], index.column()
        if role == _ROLE.TextAlignmentRole:
            return _MIDDLE if column in (FIRST_SHARE, SECOND_SHARE) else None
        if role == _ROLE.ForegroundRole:
            return None if row.agrees is False else QColor(theme.current().secondary)
        if role == _ROLE.FontRole:
            return _strong() if row.agrees is False and column in (FIRST, SECOND) else None
        item = self._gallery.item(row.number)
        if role == _ROLE.DecorationRole:
            picture = self._gallery.thumbnails.get(item.number, item.source) if item and column == PHOTO else None
            return None if picture is None else QIcon(picture)  # an icon is made as small as the row
        if role == _ROLE.DisplayRole:
            return (self.tr("removed") if item is None else item.name) if column == PHOTO else _cell(row, column)
        if role == _ROLE.ToolTipRole:
            return plain_tip(path_of(item) if item is not None and column == PHOTO else _cell(row, column, whole=True))
        return None

    def _on_thumbnail(self, number: int) -> None:
        place = self._places.get(number)
        if place is not None:
            self.dataChanged.emit(self.index(place, PHOTO), self.index(place, PHOTO), [_ROLE.DecorationRole])


def as_csv(agreement: Agreement, path: Callable[[int], str]) -> str:
    """A line for each photo, in the table's order (RFC 4180); no cell is run by a spreadsheet.

    Args:
        agreement: what is written.
        path: what stands for a photo, by its number.
    """
    lines = [line(CSV_COLUMNS)]
    for photo in agreement.photos:
        cells: list[Cell] = [path(photo.number), {True: "yes", False: "no", None: ""}[photo.agrees]]
        for model, answer in zip(agreement.models, photo.answers, strict=True):
            said: list[Cell] = [answer.text, round(answer.probability, 6)] if isinstance(answer, Answer) else ["", ""]
            cells += [model, *said]
        lines.append(line(cells))
    return "".join(lines)


def found_in(rows: Sequence[ComparedPhoto], words: str) -> list[ComparedPhoto]:
    """Those in whose answers ``words`` occur."""
    wanted = words.strip().casefold()
    return [row for row in rows if not wanted or any(wanted in answer.text.casefold() for answer in row.answers)]


def _cell(row: ComparedPhoto, column: int, *, whole: bool = False) -> str:
    answer = row.answers[0 if column in (FIRST, FIRST_SHARE) else 1]
    if isinstance(answer, Failure):
        if column in (FIRST_SHARE, SECOND_SHARE):
            return ""
        return answer.text if whole else QCoreApplication.translate("agreement", "no answer")
    return answer.text if column in (FIRST, SECOND) else wording.percent(answer.probability)


def _strong() -> QFont:
    return theme.font(strong=True)
