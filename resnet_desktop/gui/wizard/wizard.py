"""The guide: six steps from photos to a classifier, in a window of its own."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMessageBox, QPushButton, QVBoxLayout, QWidget

from resnet_desktop.core.errors import JobError
from resnet_desktop.core.settings import Settings
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.background.trainer_process import TrainingRun
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.style.screen import size_within_screen
from resnet_desktop.gui.widgets.help.guide_page import explained_by
from resnet_desktop.gui.widgets.plain import plain_tip
from resnet_desktop.gui.wizard.draft import Draft
from resnet_desktop.gui.wizard.page import WizardPage
from resnet_desktop.gui.wizard.pages import Pages, Step
from resnet_desktop.gui.wizard.run.closing import ask_what_becomes_of_it

NARROW = 900
"""Pixels of the window below which the steps have no names."""
RAIL, NARROW_RAIL = 208, 58


class TrainWizard(QWidget):
    """The guide.

    Signals:
        closed: it has been.
        stayed: it was to be closed, and the user has thought better of it.
    """

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
        self.pages = Pages(settings, self.tasks, self.run)
        self._step = Step.DATA
        self._aside = False
        self._asking: QMessageBox | None = None
        self.goes_on = False
        """Whether a run goes on by itself after the guide was closed."""
        self._rail = StepRail(self._titles())
        self._back, self._next = QPushButton(self.tr("Back")), QPushButton()
        self._build()
        self._connect()
        self._show(Step.DATA)
        self.pages.trainer.look()

    @property
    def page(self) -> WizardPage:
        """The page that is shown."""
        return self.pages.at(self._step)

    @property
    def next_button(self) -> QPushButton:
        """To the next step."""
        return self._next

    @property
    def _skips_trainer(self) -> bool:
        """Whether there is nothing to do on the page about PyTorch: it is there, or it is not needed."""
        return self.pages.trainer.complete or not self.draft.needs_pytorch

    def add_sources(self, paths: list[Path]) -> None:
        """Photos to begin with: folders, zip files or CSV files."""
        self.pages.data.add(paths)

    def go_on(self) -> None:
        """Take the next step; the last one closes the guide."""
        if self._step is Step.RESULT:
            self.close()
            return
        if self._aside:
            self._show(Step.DATA)
            return
        if not self.page.complete:
            return
        self.draft = self.page.into(self.draft)
        step = Step(self._step + 1)
        if step is Step.TRAINER and self._skips_trainer:
            step = Step.PROGRESS
        self._show(step)
        if step is Step.PROGRESS:
            self.draft = self.draft.with_fresh_folder()
            self.pages.progress.start(self.draft)

    def go_back(self) -> None:
        """To the step before; what was decided about photos stays decided."""
        if self._step is Step.CHECK:
            self.draft = self.page.into(self.draft)
        step = Step.DATA if self._aside else self._step - 1
        if step == Step.TRAINER and self._skips_trainer:
            step -= 1
        if step >= 0:
            self._show(Step(step))

    def resume(self, folder: Path) -> None:
        """Go on with an earlier run, or look at its results."""
        try:
            self.draft = self.pages.progress.take_up(folder)
        except JobError as error:
            self._show(Step.DATA)
            self.pages.data.say(str(error))
            return
        self._show(Step.PROGRESS)

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
        for page in self.pages.made:
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
            for page in self.pages.made:
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

    def _titles(self) -> list[str]:
        return [
            self.tr("Photos"),
            self.tr("Check"),
            self.tr("Training"),
            self.tr("Trainer"),
            self.tr("Run"),
            self.tr("Results"),
        ]

    def _build(self) -> None:
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
        right.addWidget(self.pages, 1)
        right.addWidget(bar)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._rail)
        layout.addLayout(right, 1)

    def _connect(self) -> None:
        self._back.clicked.connect(self.go_back)
        self._next.clicked.connect(self.go_on)
        self.pages.complete_changed.connect(self._refresh)
        self.pages.resume_asked.connect(self.resume)
        self.pages.trainer_asked.connect(self._on_trainer_asked)
        self.pages.finished.connect(self._on_finished)
        self.pages.again_asked.connect(self._on_again)
        self.run.ended.connect(lambda _state: self._on_run_ended())

    def _on_trainer_asked(self) -> None:
        """See to PyTorch before the photos; from there it goes back to them."""
        self._show(Step.TRAINER)
        self._aside = True
        self._rail.show_step(Step.TRAINER, done=0)
        self._refresh()

    def _show(self, step: Step) -> None:
        self._aside = False
        self._step, page = step, self.pages.at(step)
        self.pages.setCurrentWidget(page)
        self._rail.show_step(step)
        if step is Step.CHECK:
            self.pages.check.show_share("validation" not in self.pages.data.roles)
        page.show_draft(self.draft)
        page.entered()
        self._refresh()

    def _refresh(self) -> None:
        page, step = self.page, self._step
        self._back.setVisible(step > 0 and not (step is Step.PROGRESS and self.run.running))
        self._next.setText(self.tr("Continue with the photos") if self._aside else page.next_text or self.tr("Next"))
        self._next.setVisible(not (step is Step.PROGRESS and not page.complete))
        self._next.setEnabled(page.complete or self._aside)
        # While the model waits to be installed that button is the one to press.
        leads = step is not Step.RESULT or self.pages.result.installed
        if self._next.property("primary") != str(leads).lower():
            self._next.setProperty("primary", str(leads).lower())
            self._next.style().unpolish(self._next)
            self._next.style().polish(self._next)

    def _on_finished(self, folder: Path) -> None:
        self.pages.result.show_run(folder, self.draft)
        self._show(Step.RESULT)

    def _on_again(self, draft: Draft) -> None:
        """Train once more with pictures left out or relabelled."""
        self.draft = draft
        self.pages.check.show_draft(draft)
        self._show(Step.MODEL)


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
