"""Every class of the model with its probability in one photo, with a field to search in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QDialog, QDialogButtonBox, QLineEdit, QVBoxLayout, QWidget

from resnet_desktop.gui.background.request_slot import RequestSlot
from resnet_desktop.gui.background.session_controller import SessionController
from resnet_desktop.gui.inspect.photo.answer_rows import AnswerRow
from resnet_desktop.gui.inspect.photo.bar_list import ROW_ROLE, BarList
from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.style.screen import size_within_screen
from resnet_desktop.gui.widgets.plain import PlainLabel
from resnet_desktop.session.results import Failure, Listed, Source

if TYPE_CHECKING:
    from resnet_desktop.core.progress import Cancelled, Progress
    from resnet_desktop.session.engine import Engine

_NO_INDEX = QModelIndex()
_MOVES = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


class ClassesModel(QAbstractListModel):
    """The classes that a search leaves, the most probable first; groups of several come where they are looked for."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: tuple[tuple[str, Listed], ...] = ()
        self._left: list[Listed] = []

    def show_all(self, listed: Sequence[Listed]) -> None:
        """Other classes and groups, the most probable first."""
        self._all = tuple((_folded(one.label), one) for one in listed)
        self.look_for("")

    def look_for(self, text: str) -> None:
        """Leave those whose name has ``text`` in it, whatever its case; all classes where it is empty."""
        wanted = _folded(text.strip())
        self.beginResetModel()
        if wanted:
            self._left = [one for name, one in self._all if wanted in name]
        else:
            self._left = [one for _, one in self._all if isinstance(one.target, int)]
        self.endResetModel()

    @property
    def shown(self) -> tuple[Listed, ...]:
        """What is left."""
        return tuple(self._left)

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = _NO_INDEX) -> int:
        """How many are left."""
        return 0 if parent.isValid() else len(self._left)

    def data(
        self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole
    ) -> AnswerRow | str | None:
        """The row for the delegate; words for screen readers."""
        if not index.isValid() or index.row() >= len(self._left):
            return None
        one = self._left[index.row()]
        if role == ROW_ROLE:
            return AnswerRow(one)
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{one.label}, {wording.percent(one.probability, 1)}"
        return None


class ClassesDialog(QDialog):
    """The list with its search field.

    Args:
        classes: how many the model has.
        chosen: called with what the user wants to see the evidence for.
        parent: the window.
    """

    def __init__(self, classes: int, chosen: Callable[[Listed], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._chosen = chosen
        self._classes = classes
        self.search, self.bars, self.found = QLineEdit(), BarList(self), PlainLabel()
        self.classes = ClassesModel(self)
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.explain = self._buttons.addButton(self.tr("Show its heatmap"), QDialogButtonBox.ButtonRole.AcceptRole)
        self._build()
        self._connect()

    def show_listed(self, listed: Sequence[Listed]) -> None:
        """The answer has come."""
        self.classes.show_all(listed)
        self._on_search(self.search.text())

    def show_failure(self, failure: Failure) -> None:
        """There is no answer."""
        self.found.setText(failure.text)

    def accept(self) -> None:
        """Show the evidence for the row that is marked."""
        row = self.bars.currentIndex().data(ROW_ROLE)
        if row is not None:
            super().accept()
            self._chosen(row.listed)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows move through the list while one types."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() in _MOVES:
            QApplication.sendEvent(self.bars, event)
            return True
        return super().eventFilter(watched, event)

    def _build(self) -> None:
        title = self.tr("All {count} classes").format(count=wording.number(self._classes))
        self.setWindowTitle(title)
        size_within_screen(self, (420, 560), (320, 300))
        self.search.setPlaceholderText(self.tr("Search classes and groups"))
        self.search.setAccessibleName(self.tr("Search classes"))
        self.search.setClearButtonEnabled(True)
        self.bars.setModel(self.classes)
        self.bars.setLayoutMode(BarList.LayoutMode.Batched)  # 20,000 rows at once would take 100 ms a keystroke
        self.bars.setBatchSize(200)
        self.bars.setAccessibleName(title)
        self.found.setText(self.tr("Working…"))
        self.found.setProperty("tone", "secondary")
        self.found.setWordWrap(True)
        self.explain.setDefault(True)
        self.explain.setEnabled(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.L, theme.L, theme.L, theme.L)
        layout.setSpacing(theme.S)
        layout.addWidget(self.search)
        layout.addWidget(self.bars, 1)
        layout.addWidget(self.found)
        layout.addWidget(self._buttons)
        self.search.setFocus()

    def _connect(self) -> None:
        self.search.textChanged.connect(self._on_search)
        self.search.installEventFilter(self)
        self.bars.doubleClicked.connect(lambda _index: self.accept())
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self, self._on_find)

    def _on_find(self) -> None:
        self.search.setFocus()
        self.search.selectAll()

    def _on_search(self, text: str) -> None:
        self.classes.look_for(text)
        count = self.classes.rowCount()
        self.bars.setCurrentIndex(self.classes.index(0))
        self.explain.setEnabled(count > 0)
        if not count:
            self.found.setText(self.tr("No matching classes."))
        elif text.strip():
            self.found.setText(self.tr("{count} found").format(count=wording.number(count)))
        else:
            self.found.setText(self.tr("{count} classes, most probable first").format(count=wording.number(count)))


class ClassSearch(QObject):
    """Opens the list for a photo, and fills it when the session thread has answered."""

    def __init__(self, controller: SessionController, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._dialog: ClassesDialog | None = None
        self._question = RequestSlot(controller, "all classes", self)
        self._question.answered.connect(self._on_answered)
        self._question.outdated.connect(self.close)

    @property
    def dialog(self) -> ClassesDialog | None:
        """The list while it is open."""
        return self._dialog

    def open_for(self, number: int, source: Source, classes: int, chosen: Callable[[Listed], None]) -> None:
        """Open it; ``chosen`` is called with what the user picks from it."""
        self.close()

        def work(engine: Engine, _cancelled: Cancelled, _progress: Progress) -> object:
            return engine.analysis.answers(number, source)

        self._dialog = dialog = ClassesDialog(classes, chosen, self._window)
        dialog.finished.connect(self._on_finished)
        dialog.open()
        self._question.ask(number, work)

    def close(self) -> None:
        """Close it; nothing is chosen."""
        if self._dialog is not None:
            self._dialog.reject()

    def _on_answered(self, answer: tuple[Listed, ...] | Failure) -> None:
        if self._dialog is None:
            return
        if isinstance(answer, Failure):
            self._dialog.show_failure(answer)
        else:
            self._dialog.show_listed(answer)

    def _on_finished(self) -> None:
        self._dialog = None
        self._question.drop()


def _folded(text: str) -> str:
    return text.casefold().replace("_", " ")
