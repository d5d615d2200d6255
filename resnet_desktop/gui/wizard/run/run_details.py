"""What a run gets wrong, epoch by epoch and while it goes on: which class is taken for which, and the worst photos."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QPixmap, QShowEvent, QStandardItem
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QSlider,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.widgets.plain import PlainLabel, plain_tip
from resnet_desktop.gui.wizard.page import heading, secondary
from resnet_desktop.gui.wizard.pictures.picture_grid import (
    DETAIL_ROLE,
    IMAGE_ROLE,
    MOST,
    NAME_ROLE,
    Picture,
    PictureGrid,
)
from resnet_desktop.gui.wizard.pictures.picture_sheet import judged
from resnet_desktop.gui.wizard.result.confusion_view import ConfusionView
from resnet_desktop.jobs.epoch_details import EpochDetails, read_details
from resnet_desktop.jobs.run_state import RunState

INTERVAL_MS = 500
"""Between two epochs that are shown while they follow each other fast."""
PAIRS = 8
"""Pairs of classes that are named beside the table."""
LARGEST_MATRIX, MORE_PAIRS = 40, 24
"""Classes up to which the table can be read while it changes; of more classes, so many pairs are named."""


class RunDetails(QWidget):
    """Curves in the first tab; the confusion table and the worst photos of an epoch in the others.

    The newest epoch is shown until an earlier one is chosen. Files are read off the GUI thread, none while nobody
    looks, and of epochs that follow each other fast only some, the last one in any case.
    """

    def __init__(self, curves: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tasks = Tasks(1, "epochs", self)
        self._folder, self._labels = Path(), tuple[str, ...]()
        self._run = 0  # changes with the run: what was read for another one is not shown
        self._looked = 0  # the epoch that was read last, there or not
        self._reading = False
        self._shown: EpochDetails | None = None
        self.tabs, self.chooser = QTabWidget(), EpochChooser()
        self.confusion, self.worst = ConfusionPart(), WorstPart()
        self._pace = QTimer(self)
        self._pace.setSingleShot(True)
        self._pace.setInterval(INTERVAL_MS)
        self._pace.timeout.connect(self._look)
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        self.tabs.addTab(curves, self.tr("Curves"))
        self.tabs.addTab(self.confusion, self.tr("Confusion"))
        self.tabs.addTab(self.worst, self.tr("Worst photos"))
        self.tabs.currentChanged.connect(self._on_tab)
        self.chooser.chosen.connect(self._look)
        self.chooser.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.S)
        layout.addWidget(self.tabs, 1)
        layout.addWidget(self.chooser)

    @property
    def shown(self) -> EpochDetails | None:
        """The epoch that is shown."""
        return self._shown

    def begin(self, folder: Path) -> None:
        """Another run."""
        self._folder, self._run, self._looked = folder, self._run + 1, 0
        self._show(None)
        self.chooser.begin()

    def show_state(self, state: RunState) -> None:
        """The run has come this far."""
        self._labels = tuple(state.classes)
        self.chooser.show_epochs([row["epoch"] for row in state.history if row.get("details")], state.epochs)
        self._look()

    def showEvent(self, event: QShowEvent) -> None:
        """Read what was not read while nobody looked."""
        super().showEvent(event)
        self._look()

    def close_threads(self) -> None:
        """Wait for the threads."""
        self._pace.stop()
        self._tasks.drain()
        self.worst.sheet.close_loader()

    def _on_tab(self, index: int) -> None:
        self.chooser.setVisible(index > 0)
        self._look()

    def _look(self) -> None:
        """Read the epoch that is wanted, unless it was read, or another one is just now, or nobody looks."""
        wanted = self.chooser.epoch
        if not wanted or wanted == self._looked or self._reading or self._pace.isActive():
            return
        if not self.tabs.currentIndex() or not self.isVisible():
            return
        folder, labels, run = self._folder, self._labels, self._run
        self._reading, self._looked = True, wanted
        self._pace.start()
        self._tasks.run_task(lambda: read_details(folder, wanted, labels), lambda future: self._on_read(run, future))

    def _on_read(self, run: int, future: Future[EpochDetails | None]) -> None:
        self._reading = False
        found = future.result()
        if run == self._run and found is not None:
            self._show(found)

    def _show(self, details: EpochDetails | None) -> None:
        self._shown = details
        self.confusion.show_details(details)
        self.worst.show_details(details)


class EpochChooser(QWidget):
    """A slider over the epochs so far; at its end it follows the newest.

    Signal: ``chosen``: another epoch is to be shown.
    """

    chosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._epochs: list[int] = []
        self._of = 0
        self._follows = True
        self._slider, self._words = QSlider(Qt.Orientation.Horizontal), PlainLabel()
        self._newest = QPushButton(self.tr("Newest"))
        self._newest.setToolTip(self.tr("Show each epoch as it finishes"))
        self._slider.setAccessibleName(self.tr("Epoch to look at"))
        self._slider.setToolTip(self.tr("Look back at earlier epochs"))
        self._slider.valueChanged.connect(self._on_moved)
        self._newest.clicked.connect(lambda: self._slider.setValue(self._slider.maximum()))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.M)
        row.addWidget(self._words)
        row.addWidget(self._slider, 1)
        row.addWidget(self._newest)
        self.begin()

    @property
    def epoch(self) -> int:
        """The epoch to show, from 1; 0 while there is none."""
        return self._epochs[self._slider.value()] if self._epochs else 0

    @property
    def follows(self) -> bool:
        """Whether the newest epoch is shown, whichever that is."""
        return self._follows

    def begin(self) -> None:
        """No epoch yet."""
        self._follows, self._epochs, self._of = True, [], 0
        self._set(0)

    def show_epochs(self, epochs: Sequence[int], of: int) -> None:
        """These can be looked at, of so many there will be."""
        if (list(epochs), of) == (self._epochs, self._of):
            return
        before = self.epoch
        self._epochs, self._of = list(epochs), of
        self._slider.setEnabled(len(epochs) > 1)
        self._set(max(0, len(epochs) - 1) if self._follows or before not in epochs else self._epochs.index(before))

    def choose(self, epoch: int) -> None:
        """Look at this one of those that are there."""
        self._slider.setValue(self._epochs.index(epoch))

    def _set(self, place: int) -> None:
        blocked = self._slider.blockSignals(True)
        self._slider.setRange(0, max(0, len(self._epochs) - 1))
        self._slider.setValue(place)
        self._slider.blockSignals(blocked)
        self._say()

    def _say(self) -> None:
        text = self.tr("Epoch {epoch} of {epochs}")
        widest = text.format(epoch=wording.number(self._of), epochs=wording.number(self._of))
        self._words.setMinimumWidth(self._words.fontMetrics().horizontalAdvance(widest) + 2)
        numbers = {"epoch": wording.number(self.epoch), "epochs": wording.number(self._of)}
        self._words.setText(text.format(**numbers) if self._epochs else self.tr("No epoch yet"))
        self._newest.setEnabled(not self._follows)

    def _on_moved(self, place: int) -> None:
        self._follows = place == self._slider.maximum()
        self._say()
        self.chosen.emit()


class ConfusionPart(QWidget):
    """The confusion table of an epoch, and in words what is mixed up most."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.matrix = ConfusionView()
        self.matrix.setMinimumSize(200, 110)
        self._title, self._words = heading(self.tr("Misclassified")), secondary()
        self._words.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self._words.setAlignment(Qt.AlignmentFlag.AlignTop)
        side = QVBoxLayout()
        side.setSpacing(theme.S)
        side.addWidget(self._title)
        side.addWidget(self._words, 1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, theme.M, 0, 0)
        layout.setSpacing(theme.XL)
        layout.addWidget(self.matrix, 3)
        layout.addLayout(side, 2)

    @property
    def words(self) -> str:
        """What is mixed up most."""
        return self._words.text()

    def show_details(self, details: EpochDetails | None) -> None:
        """Another epoch; None: there is none yet."""
        counts = details.confusion if details is not None else None
        readable = details is not None and counts is not None and len(counts) <= LARGEST_MATRIX
        chosen = self.matrix.chosen
        self.matrix.show_matrix(details.labels if details and readable else (), counts or () if readable else ())
        self.matrix.setVisible(details is None or readable)
        if chosen is not None and readable and counts is not None and max(chosen) < len(counts):
            self.matrix.choose(*chosen)
        self._words.setText(self._mixed_up(details, PAIRS if readable else MORE_PAIRS))

    def _mixed_up(self, details: EpochDetails | None, most: int) -> str:
        if details is None:
            return self.tr("Shown after the first epoch.")
        if details.confusion is None:
            return self.tr("There are too many classes for a table.")
        text = self.tr("{count} × {label}, classified as {other}")
        pairs = details.mixed_up(most)
        lines = [text.format(count=wording.number(n), label=label, other=other) for label, other, n in pairs]
        return "\n".join(lines) or self.tr("Every photo is classified correctly.")


class WorstPart(QStackedWidget):
    """The photos of an epoch that the network is most wrong about."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sheet = SteadySheet()
        self.sheet.setMinimumHeight(110)
        self.sheet.setAccessibleName(self.tr("Worst photos"))
        self._words = secondary()
        self._words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._words.setContentsMargins(0, theme.M, 0, 0)
        self.addWidget(self._words)
        self.addWidget(self.sheet)
        self.show_details(None)

    def show_details(self, details: EpochDetails | None) -> None:
        """Another epoch; None: there is none yet."""
        wrong = [picture for picture in details.worst if not picture.right] if details is not None else []
        self.sheet.show_pictures([judged(picture) for picture in wrong])
        if details is None:
            self._words.setText(self.tr("Shown after the first epoch."))
        else:
            self._words.setText(self.tr("Every photo is classified correctly."))
        self.setCurrentWidget(self.sheet if wrong else self._words)


class SteadySheet(PictureGrid):
    """A sheet that is filled again and again: photos that stay are not read anew, and nothing flickers."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._known: dict[str, QPixmap] = {}

    def show_pictures(self, pictures: Sequence[Picture], marks: Sequence[str] = ()) -> None:
        """Show these; ``marks`` are not shown here."""
        del marks
        self._remember()
        self._loader.forget()
        count = min(len(pictures), MOST)
        self._model.removeRows(count, max(0, self._model.rowCount() - count))
        for _ in range(self._model.rowCount(), count):
            self._model.appendRow(QStandardItem())
        for row, picture in enumerate(pictures[:MOST]):
            item = self._model.item(row)
            item.setEditable(False)
            item.setText(picture.caption)
            item.setData(picture.name, NAME_ROLE)
            item.setData(picture.detail, DETAIL_ROLE)
            item.setData(self._known.get(picture.name), IMAGE_ROLE)
            item.setToolTip(plain_tip(f"{picture.name}\n{picture.caption}\n{picture.detail}"))
            if picture.name not in self._known:
                self._loader.load(picture)

    def _remember(self) -> None:
        for row in range(self._model.rowCount()):
            item = self._model.item(row)
            image = item.data(IMAGE_ROLE)
            if image is not None:
                self._known[str(item.data(NAME_ROLE))] = image
        for name in list(self._known)[: max(0, len(self._known) - MOST)]:
            del self._known[name]
