"""A model made faster: what is on offer on this computer, measured on the user's photos, and used if wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from resnet_desktop.core.progress import Cancelled
from resnet_desktop.core.settings import MAX_MEGAPIXELS, PROVIDER, TUNED
from resnet_desktop.gui.background.preferences import Preferences
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.background.trainer_inquiry import Tell, TrainerInquiry
from resnet_desktop.gui.models import knowledge, speed
from resnet_desktop.gui.models.knowledge import Installed
from resnet_desktop.gui.models.offers_table import SpeedOffersModel, title_of, words_on
from resnet_desktop.gui.models.speed import Measured
from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.widgets import dialogs
from resnet_desktop.gui.widgets.plain import PlainLabel, plain_tip
from resnet_desktop.gui.widgets.plain_table import PlainTable
from resnet_desktop.session.results import Failure

if TYPE_CHECKING:
    from resnet_desktop.inference.tuning.offers import Offer


class SpeedPage(QWidget):
    """One model is measured at a time.

    Args:
        tasks: reads what is installed and what was measured before.
        preferences: keep what is chosen; the window opens the model anew when that changes.
    """

    def __init__(self, tasks: Tasks, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tasks, self._preferences = tasks, preferences
        self._own = Tasks(1, "speed", self)
        self._inquiry = TrainerInquiry(self._own, self)
        self.photos_of_window: Callable[[], Sequence[Path]] = tuple
        """The photos that are open, which stand for the user's."""
        self._folder: Path | None = None
        self._in_use = ""
        self._known: Measured | None = None
        self.model_box, self.folder_button = QComboBox(), QPushButton(self.tr("Choose a folder…"))
        self.measure_button, self.cancel_button = QPushButton(self.tr("Measure")), QPushButton(self.tr("Cancel"))
        self.use_button = QPushButton(self.tr("Use it"))
        self.offers, self.table = SpeedOffersModel(self), PlainTable(self.tr("What makes the model faster"))
        self._source, self._state, self._notes, self._bar = PlainLabel(), PlainLabel(), PlainLabel(), QProgressBar()
        self._build()

    @property
    def state(self) -> str:
        """How far it is, or what became of it."""
        return self._state.text()

    @property
    def notes(self) -> str:
        """What is said of the table."""
        return self._notes.text()

    @property
    def chosen(self) -> Offer | None:
        """The row that is looked at."""
        row = self.table.currentIndex().row()
        return self.offers.rows[row] if 0 <= row < len(self.offers.rows) else None

    def look(self) -> None:
        """See again what is installed, and which photos are open."""
        self._show_source()
        self._tasks.run_task(knowledge.installed, self._on_listed)

    def show_current(self, name: str) -> None:
        """Which model is in use: the one that is looked at first."""
        self._in_use = name
        self.model_box.setCurrentIndex(max(0, self.model_box.findText(name)))

    def take_folder(self, folder: Path) -> None:
        """Measure on the photos of a folder."""
        self._folder = folder
        self._show_source()

    def measure(self) -> None:
        """Measure the model that is looked at."""
        model, photos = self.model_box.currentData(), self._photos()
        if not isinstance(model, Installed) or self._inquiry.busy:
            return
        provider = str(self._preferences.value(PROVIDER))
        most = int(self._preferences.value(MAX_MEGAPIXELS)) * 1_000_000
        self._state.setText(self.tr("Reading photos…"))
        self._bar.setRange(0, 0)
        self._show_busy(True)

        def question(tell: Tell, cancelled: Cancelled) -> object:
            def told(stage: str, name: str, done: int, total: int) -> None:
                tell((stage, name, done, total))

            return speed.measure(model.path, photos, provider, most, told, cancelled)

        self._inquiry.ask(question)

    def cancel(self) -> None:
        """Give up; what was measured before stays."""
        if self._inquiry.busy:
            self._inquiry.stop()
            self._show_busy(False)
            self._state.setText(self.tr("Cancelled."))

    def use(self) -> None:
        """Run the model so from now on."""
        offer, known = self.chosen, self._known
        if offer is None or known is None or known.tuning is None:
            return
        wanted = None if offer.name == known.tuning.installed.name else offer
        self._preferences.change(TUNED, speed.with_choice(str(self._preferences.value(TUNED)), known.sha256, wanted))
        self._state.setText(
            self.tr("{name} runs so from now on: {offer}").format(name=known.path.stem, offer=title_of(offer.name))
        )
        self._show(known)

    def close_threads(self) -> None:
        """Give up what is measured and wait for the thread."""
        self._inquiry.stop()
        self._own.drain()

    def _photos(self) -> Sequence[Path]:
        return (self._folder,) if self._folder is not None else self.photos_of_window()

    def _show_source(self) -> None:
        if self._folder is not None:
            self._source.setText(self._folder.name or str(self._folder))
            self._source.setToolTip(plain_tip(str(self._folder)))
            self._refresh()
            return
        count = len(self.photos_of_window())
        words = self.tr("The {count} photos in the window").format(count=wording.number(count))
        self._source.setText(words if count else self.tr("None are open: choose a folder with photos like yours"))
        self._refresh()

    def _on_listed(self, future: Future[Sequence[Installed]]) -> None:
        looked_at = self.model_box.currentText() or self._in_use
        blocked = self.model_box.blockSignals(True)
        self.model_box.clear()
        for model in future.result():
            self.model_box.addItem(model.name, model)
        self.model_box.setCurrentIndex(max(0, self.model_box.findText(looked_at)))
        self.model_box.blockSignals(blocked)
        self._on_model()

    def _on_model(self) -> None:
        model = self.model_box.currentData()
        self._known = None
        self.offers.show_tuning(None, "")
        self._notes.setText("")
        self._refresh()
        if isinstance(model, Installed):
            self._tasks.run_task(lambda: speed.measured(model.path), self._on_measured_before)

    def _on_measured_before(self, future: Future[Measured]) -> None:
        found, model = future.result(), self.model_box.currentData()
        if isinstance(model, Installed) and model.path == found.path:
            self._show(found)

    def _on_told(self, progress: tuple[str, str, int, int]) -> None:
        stage, name, done, total = progress
        title = title_of(name)
        words = {
            "reading": self.tr("Reading photos…"),
            "making": self.tr("Making a variant: {title}…").format(title=title),
            "judging": self.tr("Comparing answers: {title}…").format(title=title),
            "timing": self.tr("Measuring the speed: {title}…").format(title=title),
        }
        self._state.setText(words[stage])
        self._bar.setRange(0, max(1, total))
        self._bar.setValue(done)

    def _on_answered(self, found: Measured) -> None:
        self._show_busy(False)
        self._state.setText("")
        if found.tuning is not None:
            chosen = str(self._preferences.value(TUNED))
            self._preferences.change(TUNED, speed.still_offered(chosen, found.tuning))
        self._show(found)

    def _on_refused(self, failure: Failure) -> None:
        self._show_busy(False)
        self._state.setText(failure.text)

    def _show(self, found: Measured) -> None:
        self._known = found
        used = speed.in_use(str(self._preferences.value(TUNED)), found.sha256)
        self.offers.show_tuning(found.tuning, used)
        rows = self.offers.rows
        self.table.selectRow(next((i for i, offer in enumerate(rows) if self.offers.is_used(offer)), 0))
        self._notes.setText(self.tr("Not measured yet.") if found.tuning is None else words_on(found.tuning))
        self._refresh()

    def _show_busy(self, busy: bool) -> None:
        self._bar.setVisible(busy)
        self.cancel_button.setVisible(busy)
        self._refresh()

    def _refresh(self) -> None:
        busy, offer = self._inquiry.busy or not self._bar.isHidden(), self.chosen
        for widget in (self.model_box, self.folder_button):
            widget.setEnabled(not busy)
        self.measure_button.setEnabled(not busy and bool(self._photos()))
        used = offer is not None and self.offers.is_used(offer)
        self.use_button.setEnabled(offer is not None and not used and not busy)
        self.use_button.setText(self.tr("In use") if used else self.tr("Use it"))

    def _build(self) -> None:
        words = PlainLabel(
            self.tr(
                "Some networks run faster in smaller numbers, or with the cores shared differently. What that brings "
                "on this computer, and how often the answer then differs, is measured on photos like yours. It takes "
                "a few minutes. The model as installed stays."
            )
        )
        for label in (words, self._state, self._notes):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        words.setProperty("tone", "secondary")
        self._notes.setProperty("tone", "secondary")
        self.model_box.setAccessibleName(self.tr("Model"))
        self.table.show_model(self.offers, (0, 1))
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Progress of the measurement"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, theme.M, 0, 0)
        layout.setSpacing(theme.M)
        layout.addWidget(words)
        layout.addLayout(self._choices())
        layout.addWidget(self._bar)
        layout.addWidget(self.table, 1)
        layout.addWidget(self._notes)
        row = QHBoxLayout()
        for widget in (self.use_button, self.cancel_button):
            row.addWidget(widget)
        row.addWidget(self._state, 1)
        layout.addLayout(row)
        self._connect()
        self._show_busy(False)

    def _choices(self) -> QGridLayout:
        self.measure_button.setProperty("primary", "true")
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.M)
        grid.setVerticalSpacing(theme.S)
        grid.addWidget(PlainLabel(self.tr("Model")), 0, 0)
        grid.addWidget(self.model_box, 0, 1)
        grid.addWidget(self.measure_button, 0, 2)
        grid.addWidget(PlainLabel(self.tr("Photos")), 1, 0)
        grid.addWidget(self._source, 1, 1)
        grid.addWidget(self.folder_button, 1, 2)
        grid.setColumnStretch(1, 1)
        return grid

    def _connect(self) -> None:
        self.model_box.currentIndexChanged.connect(lambda _index: self._on_model())
        self.folder_button.clicked.connect(lambda: dialogs.ask_for_folder(self, self.take_folder))
        self.measure_button.clicked.connect(self.measure)
        self.cancel_button.clicked.connect(self.cancel)
        self.use_button.clicked.connect(self.use)
        self.table.row_chosen.connect(lambda _row: self._refresh())
        self._inquiry.told.connect(self._on_told)
        self._inquiry.answered.connect(self._on_answered)
        self._inquiry.refused.connect(self._on_refused)
