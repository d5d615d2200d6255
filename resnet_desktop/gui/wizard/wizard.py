"""The guide: six steps from photos to a classifier, in a window of its own."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMessageBox, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from resnet_desktop.core.errors import JobError
from resnet_desktop.core.settings import Settings
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.background.trainer_process import TrainingRun
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.style.screen import size_within_screen
from resnet_desktop.gui.widgets.guide_page import explained_by
from resnet_desktop.gui.widgets.plain import plain_tip
from resnet_desktop.gui.wizard.check.check_page import CheckPage
from resnet_desktop.gui.wizard.data.data_page import DataPage
from resnet_desktop.gui.wizard.draft import Draft
from resnet_desktop.gui.wizard.model.model_page import ModelPage
from resnet_desktop.gui.wizard.page import WizardPage
from resnet_desktop.gui.wizard.result.result_page import ResultPage
from resnet_desktop.gui.wizard.run.closing import ask_what_becomes_of_it
from resnet_desktop.gui.wizard.run.run_page import RunPage
from resnet_desktop.gui.wizard.trainer.trainer_page import TrainerPage

NARROW = 900
"""Pixels of the window below which the steps have no names."""
RAIL, NARROW_RAIL = 208, 58


class TrainWizard(QWidget):
    """The guide.

    Signals:
        model_wanted: the path of a model to be used in the main window.
        networks_wanted: a stronger network to start from is to be had.
        labelling_wanted: the paths of photos that are to be sorted by hand.
        closed: it has been.
        stayed: it was to be closed, and the user has thought better of it.
    """

    model_wanted = Signal(str)
    networks_wanted = Signal()
    labelling_wanted = Signal(object)
    closed = Signal()
    stayed = Signal()

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setWindowTitle(self.tr("Teach it your own classes"))
        size_within_screen(self, (1060, 740), (640, 420))
        explained_by("your-classes.md", self)
        self.draft = Draft()
        self.tasks = Tasks(1, "wizard", self)
        self.run = TrainingRun(self)
        self.trainer = TrainerPage(settings)
        self.data = DataPage(self.tasks)
        self.check = CheckPage(self.tasks)
        self.model = ModelPage(self.tasks, self.trainer)
        self.progress = RunPage(self.run, self.trainer)
        self.result = ResultPage(self.tasks)
        self.pages: tuple[WizardPage, ...] = (
            self.data,
            self.check,
            self.model,
            self.trainer,
            self.progress,
            self.result,
        )
        self._aside = False
        self._asking: QMessageBox | None = None
        self.goes_on = False
        """Whether a run goes on by itself after the guide was closed."""
        self._stack, self._rail = QStackedWidget(), StepRail([page.step for page in self.pages])
        self._back, self._next = QPushButton(self.tr("Back")), QPushButton()
        self._build()
        self._connect()
        self._show(0)
        self.trainer.look()

    @property
    def page(self) -> WizardPage:
        """The page that is shown."""
        return self.pages[self._stack.currentIndex()]

    @property
    def next_button(self) -> QPushButton:
        """To the next step."""
        return self._next

    @property
    def _skips_trainer(self) -> bool:
        """Whether there is nothing to do on the page about PyTorch: it is there, or it is not needed."""
        return self.trainer.complete or not self.draft.needs_pytorch

    def add_sources(self, paths: list[Path]) -> None:
        """Photos to begin with: folders, zip files or CSV files."""
        self.data.add(paths)

    def look_for_models(self) -> None:
        """Other models are installed than before."""
        self.model.look_for_models()

    def go_on(self) -> None:
        """Take the next step; the last one closes the guide."""
        index = self._stack.currentIndex()
        if self.page is self.result:
            self.close()
        if self._aside:
            self._show(0)
            return
        if not self.page.complete or index + 1 == len(self.pages):
            return
        self._collect(self.page)
        if self.pages[index + 1] is self.trainer and self._skips_trainer:
            index += 1
        self._show(index + 1)
        if self.page is self.progress:
            self.progress.start(self.draft)

    def go_back(self) -> None:
        """To the step before; what was decided about photos stays decided."""
        if self.page is self.check:
            self._collect(self.check)
        index = 0 if self._aside else self._stack.currentIndex() - 1
        if index >= 0 and self.pages[index] is self.trainer and self._skips_trainer:
            index -= 1
        if index >= 0:
            self._show(index)

    def resume(self, folder: Path) -> None:
        """Go on with an earlier run, or look at its results."""
        try:
            self.draft = self.progress.take_up(folder)
        except JobError as error:
            self._show(0)
            self.data.say(str(error))
            return
        self._show(self.pages.index(self.progress))

    def closeEvent(self, event: QCloseEvent) -> None:
        """A run of ours that is under way goes on or stops, as the user says; one that is only followed goes on."""
        if self.run.owned and self.isVisible():
            event.ignore()
            if self.run.asked != "cancel" and self._asking is None:
                self._asking = ask_what_becomes_of_it(self, self._on_close_decided, self.stayed.emit)
                self._asking.finished.connect(self._on_asked)
            return
        self.shut_down()
        event.accept()

    def shut_down(self) -> None:
        """End what runs: training with a checkpoint, the threads."""
        self.goes_on = self.goes_on or (self.run.running and self.run.can_be_told and not self.run.owned)
        self.run.close()
        for page in self.pages:
            page.left()
        self.tasks.drain()
        self.closed.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The pages need the room more than the names of the steps do."""
        super().resizeEvent(event)
        self._rail.setFixedWidth(RAIL if self.width() >= NARROW else NARROW_RAIL)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the app's font and palette."""
        if event.type() == QEvent.Type.PaletteChange:
            for page in self.pages:
                page.refresh_fonts()
        super().changeEvent(event)

    def _on_asked(self) -> None:
        self._asking = None

    def _on_run_ended(self) -> None:
        """There is nothing to be asked any more."""
        if self._asking is not None:
            self._asking.reject()
            self.stayed.emit()

    def _on_close_decided(self, goes_on: bool) -> None:
        if self.run.owned and not goes_on:
            self.run.ended.connect(lambda _state: self.close())  # it saves a checkpoint first
            self.run.end()
            return
        self.goes_on = self.run.running
        self.run.detach()
        self.close()

    def _build(self) -> None:
        for page in self.pages:
            self._stack.addWidget(page)
        bar = QFrame()
        row = QHBoxLayout(bar)
        row.setContentsMargins(theme.XL, theme.M, theme.XL, theme.L)
        row.addWidget(self._back)
        row.addStretch(1)
        row.addWidget(self._next)
        self._next.setProperty("primary", "true")
        self._next.setDefault(True)
        right = QVBoxLayout()
        right.setSpacing(0)
        right.addWidget(self._stack, 1)
        right.addWidget(bar)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._rail)
        layout.addLayout(right, 1)

    def _connect(self) -> None:
        self._back.clicked.connect(self.go_back)
        self._next.clicked.connect(self.go_on)
        for page in self.pages:
            page.complete_changed.connect(self._refresh)
        self.data.resume_asked.connect(self.resume)
        self.data.offer.labelling_wanted.connect(self.labelling_wanted)
        self.data.notice.asked.connect(self._on_trainer_asked)
        self.trainer.complete_changed.connect(
            lambda: self.data.notice.show_state(self.trainer.found, self.trainer.busy)
        )
        self.model.networks_wanted.connect(self.networks_wanted)
        self.progress.finished.connect(self._on_finished)
        self.run.ended.connect(lambda _state: self._on_run_ended())
        self.result.model_wanted.connect(self.model_wanted)
        self.result.again_asked.connect(self._on_again)

    def _on_trainer_asked(self) -> None:
        """See to PyTorch before the photos; from there it goes back to them."""
        self._show(self.pages.index(self.trainer))
        self._aside = True
        self._rail.show_step(self.pages.index(self.trainer), done=0)
        self._refresh()

    def _show(self, index: int) -> None:
        self._aside = False
        self._stack.setCurrentIndex(index)
        self._rail.show_step(index)
        page = self.page
        if page is self.check:
            self.check.show_share("validation" not in self.data.roles)
            self.check.show_draft(self.draft)
        elif page is self.model:
            self.model.show_draft(self.draft)
        page.entered()
        self._refresh()

    def _collect(self, page: WizardPage) -> None:
        """Put what was chosen on a page into the draft."""
        if page is self.data:
            self.draft = self.data.into(self.draft)
        elif page is self.check:
            self.draft = self.check.into(self.draft)
        elif page is self.model:
            self.draft = self.model.into(self.draft).with_fresh_folder()

    def _refresh(self) -> None:
        page, index = self.page, self._stack.currentIndex()
        self._back.setVisible(index > 0 and not (page is self.progress and self.run.running))
        self._next.setText(self.tr("Continue with the photos") if self._aside else page.next_text or self.tr("Next"))
        self._next.setVisible(not (page is self.progress and not page.complete))
        self._next.setEnabled(page.complete or self._aside)
        # While the model waits to be installed that button is the one to press.
        leads = page is not self.result or self.result.installed
        if self._next.property("primary") != str(leads).lower():
            self._next.setProperty("primary", str(leads).lower())
            self._next.style().unpolish(self._next)
            self._next.style().polish(self._next)

    def _on_finished(self, folder: Path) -> None:
        self.result.show_run(folder, self.draft)
        self._show(self.pages.index(self.result))

    def _on_again(self, draft: Draft) -> None:
        """Train once more with pictures left out or relabelled."""
        self.draft = draft
        self.check.show_draft(draft)
        self._show(self.pages.index(self.model))


class StepRail(QWidget):
    """The steps on the left: done, now, to come."""

    def __init__(self, steps: list[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._steps, self._now, self._done = steps, 0, 0
        self.setFixedWidth(RAIL)
        self.setAccessibleName(self.tr("Steps"))

    def sizeHint(self) -> QSize:
        """Room for all steps."""
        return QSize(RAIL, 60 + 44 * len(self._steps))

    def show_step(self, index: int, done: int | None = None) -> None:
        """Which step it is now, and how many are done: those before it, unless it is told."""
        self._now, self._done = index, index if done is None else done
        self.setAccessibleDescription(self._steps[index])
        self.setToolTip(plain_tip("\n".join(f"{number}  {step}" for number, step in enumerate(self._steps, 1))))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 - Qt gives it
        """A disc with a number and a name for each."""
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(colours.panel))
        painter.fillRect(self.width() - 1, 0, 1, self.height(), QColor(colours.border))
        for index, step in enumerate(self._steps):
            self._paint_step(painter, index, step, colours)
        painter.end()

    def _paint_step(self, painter: QPainter, index: int, step: str, colours: theme.Theme) -> None:
        top = 28 + 44 * index
        disc = QRectF(theme.L, top, 26, 26)
        now, done = index == self._now, index < self._done
        fill = colours.accent if now else colours.tint if done else colours.track
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(fill))
        painter.drawEllipse(disc)
        painter.setFont(theme.font(0.9, strong=True))
        painter.setPen(QColor(colours.on_accent if now else colours.accent if done else colours.secondary))
        painter.drawText(disc, Qt.AlignmentFlag.AlignCenter, "✓" if done else str(index + 1))
        if self.width() == NARROW_RAIL:
            return
        painter.setFont(theme.font(strong=now))
        painter.setPen(QColor(colours.text if now or done else colours.secondary))
        words = QRectF(disc.right() + theme.M, top, self.width() - disc.right() - theme.L, 26)
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, step)
