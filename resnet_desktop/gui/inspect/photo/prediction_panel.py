"""What the network says: the answer in large, and every class as a bar that shows its evidence when it is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QFrame, QHBoxLayout, QListView, QToolButton, QVBoxLayout, QWidget

from resnet_desktop.gui.inspect.photo.answer_rows import AnswerRow, rows_of
from resnet_desktop.gui.inspect.photo.bar_list import ROW_ROLE, BarList
from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.widgets.plain import PlainLabel, plain_tip
from resnet_desktop.session.results import Failure, Listed, Result, meant_by

if TYPE_CHECKING:
    from resnet_desktop.explain.cam.target import Target


class PredictionPanel(QWidget):
    """The predictions of the photo that is looked at.

    Signals: ``class_chosen`` (a class index, or those of a group's classes): its evidence is wanted; ``all_asked``:
    every class is to be seen; ``thresholds_asked``: it is to be changed which labels count as present.
    """

    class_chosen = Signal(object)
    all_asked = Signal()
    thresholds_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = PlainLabel()
        self._title.setWordWrap(True)
        self._title.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._subtitle = PlainLabel()
        self._subtitle.setWordWrap(True)
        self._subtitle.setProperty("tone", "secondary")
        self._unfamiliar = _unfamiliar_notice(self.tr("This photo may show something the model was not trained on."))
        self._model = QStandardItemModel(self)
        self._bars, self.all_button, self.thresholds_button = BarList(self), QToolButton(), QToolButton()
        self._bars.setModel(self._model)
        self._bars.selectionModel().currentChanged.connect(self._on_bar_changed)
        self._bars.setAccessibleName(self.tr("Predictions"))
        self._result: Result | None = None
        self._found: tuple[Listed, ...] = ()
        self._classes = 0
        self._quiet = self._unsure = False
        self._build()

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, theme.M, 0, theme.XS)
        layout.setSpacing(theme.XS)
        heading = QVBoxLayout()
        heading.setContentsMargins(theme.L, 0, theme.L, theme.S)
        heading.setSpacing(2)
        self.all_button.setToolTip(self.tr("All classes with their probabilities, searchable (Ctrl+K)"))
        self.thresholds_button.setText(self.tr("Thresholds…"))
        self.thresholds_button.setToolTip(self.tr("Set the probability from which each label counts as present"))
        self.thresholds_button.clicked.connect(self.thresholds_asked)
        for button in (self.all_button, self.thresholds_button):
            button.setProperty("tone", "link")
            button.hide()
        below = QHBoxLayout()
        below.setSpacing(theme.XS)
        below.addWidget(self._subtitle, 1)
        below.addStretch()
        below.addWidget(self.thresholds_button)
        below.addWidget(self.all_button)
        heading.addWidget(self._title)
        heading.addLayout(below)
        heading.addSpacing(theme.XS)
        heading.addWidget(self._unfamiliar)
        layout.addLayout(heading)
        layout.addWidget(self._bars, 1)
        self._unfamiliar.hide()

    @property
    def title(self) -> str:
        """The answer that is shown."""
        return self._title.text()

    @property
    def warns_unfamiliar(self) -> bool:
        """Whether the notice about an unfamiliar photo is up."""
        return not self._unfamiliar.isHidden()

    @property
    def bars(self) -> QListView:
        """The list of bars."""
        return self._bars

    def show_waiting(self, text: str) -> None:
        """Nothing is known yet; ``text`` says why."""
        self._clear()
        self._set_heading(text, "")

    def show_failure(self, failure: Failure) -> None:
        """There is no prediction."""
        self._clear()
        self._set_heading(self.tr("Not classified"), failure.message)

    def show_model(self, classes: int) -> None:
        """Another model, of so many classes."""
        self._classes = classes
        self.all_button.setText(self.tr("All {count} classes…").format(count=wording.number(classes)))

    def show_result(self, result: Result) -> None:
        """Show a prediction; what is on the photo unless something is chosen is marked."""
        self._clear()
        self._result, self._unsure = result, not result.sure
        said = result.headline
        if result.present is not None:
            self._show_present(result, len(result.present))
        elif result.sure:
            sure = self.tr("{percent} confidence").format(percent=wording.percent(said.probability, 1))
            self._set_heading(said.label, sure)
        else:
            leans = self.tr("Not sure. Most likely {label} ({percent}).")
            self._set_heading(leans.format(label=said.label, percent=wording.percent(said.probability)), "")
        self._unfamiliar.setVisible(result.unfamiliar)
        self.all_button.setVisible(self._classes > len(result.scores))
        self._fill(meant_by(result))

    def _show_present(self, result: Result, count: int) -> None:
        """The heading of labels that can be right at once."""
        self.thresholds_button.show()
        if not count:
            self._set_heading(self.tr("None of its labels"), self.tr("No label reaches its threshold."))
            return
        text = self.tr("1 label present") if count == 1 else self.tr("{count} labels present")
        self._set_heading(result.headline.label, text.format(count=wording.number(count)))

    def show_target(self, target: Target | None) -> None:
        """Mark the row whose evidence is on the photo; None is what is shown unless something is chosen."""
        if self._result is not None:
            self._mark(meant_by(self._result) if target is None else target)

    def show_found(self, found: Listed) -> None:
        """A class or group that was looked for gets a row, as long as this prediction is shown."""
        if self._result is not None:
            self._found = (*self._found, found)
            self._fill(found.target)

    def refresh_fonts(self) -> None:
        """Follow the app's font."""
        self._title.setFont(theme.font(1.3) if self._unsure else theme.font(1.55, strong=True))

    def _fill(self, target: Target) -> None:
        """Make the rows, and mark one."""
        assert self._result is not None
        self._quiet = True
        self._model.clear()
        for row in rows_of(self._result, self._found):
            self._model.appendRow(self._item(row))
        self._quiet = False
        self._mark(target)

    def _item(self, row: AnswerRow) -> QStandardItem:
        one = row.listed
        words = f"{one.label}, {wording.percent(one.probability, 1)}"
        item = QStandardItem(self.tr("{words}, present").format(words=words) if row.present else words)
        item.setData(row, ROW_ROLE)
        item.setToolTip(plain_tip(self.tr("Show where the network found evidence for {label}").format(label=one.label)))
        return item

    def _mark(self, target: Target) -> None:
        self._quiet = True
        places = (self._model.index(row, 0) for row in range(self._model.rowCount()))
        found = next((place for place in places if place.data(ROW_ROLE).listed.target == target), QModelIndex())
        if found != self._bars.currentIndex():
            self._bars.setCurrentIndex(found)
        self._quiet = False

    def _clear(self) -> None:
        self._quiet = True
        self._model.clear()
        self._quiet = self._unsure = False
        self._result, self._found = None, ()
        for widget in (self._unfamiliar, self.all_button, self.thresholds_button):
            widget.hide()

    def _set_heading(self, title: str, subtitle: str) -> None:
        self.refresh_fonts()
        self._title.setText(title)
        self._subtitle.setText(subtitle)
        self._subtitle.setVisible(bool(subtitle))

    def _on_bar_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        row = current.data(ROW_ROLE)
        if row is not None and not self._quiet:
            self.class_chosen.emit(row.listed.target)


def _unfamiliar_notice(text: str) -> QFrame:
    frame = QFrame()
    frame.setProperty("notice", "true")
    words = PlainLabel(text)
    words.setWordWrap(True)
    layout = QVBoxLayout(frame)
    layout.setContentsMargins(theme.M, theme.S, theme.M, theme.S)
    layout.addWidget(words)
    return frame
