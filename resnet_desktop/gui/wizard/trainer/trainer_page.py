"""Step four, where it is needed: more than the last layer shall learn, and PyTorch is not there yet."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QButtonGroup,
    QFileDialog,
    QHBoxLayout,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QRadioButton,
    QWidget,
)

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.core.progress import Cancelled, CancelledError
from resnet_desktop.core.settings import TRAINER_PYTHON, Settings
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.wizard.page import WizardPage, card, heading, secondary
from resnet_desktop.session.results import Failure

if TYPE_CHECKING:
    from resnet_desktop.environment.pip import Stage
    from resnet_desktop.environment.trainer_check import TrainerCheck
    from resnet_desktop.environment.training_python import InstallPlan, Offer

LOG_INTERVAL_MS = 150
BAR_STEPS = 1000


class TrainerPage(WizardPage):
    """Says whether training works here, and offers to make it work. It is skipped where it does.

    It has a thread of its own: an installation takes minutes, in which photos can be looked at.
    """

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(
            self.tr("Training more than the last layer needs PyTorch"),
            self.tr(
                "You can add it now, for this app only. To do without it, go back and choose “Only the last layer”."
            ),
            parent,
        )
        self._settings = settings
        self._tasks = Tasks(1, "trainer page", self)
        self._found: TrainerCheck | None = None
        self._plans: tuple[InstallPlan, ...] = ()
        self._busy = False
        self._given_up, self._cancel = threading.Event(), threading.Event()
        self._lines: deque[str] = deque()
        self._stage: Stage | None = None
        self._state = secondary(self.tr("Looking for PyTorch…"))
        self._small, self._large = QRadioButton(), QRadioButton()
        self._folder = secondary()
        self._install = QPushButton(self.tr("Download and install"))
        self._stop = QPushButton(self.tr("Cancel"))
        self._choose = QPushButton(self.tr("Choose a Python that has it…"))
        self._bar, self._log = QProgressBar(), QPlainTextEdit()
        self._timer = QTimer(self)
        self._timer.setInterval(LOG_INTERVAL_MS)
        self._timer.timeout.connect(self._show_progress)
        self._build()

    @property
    def complete(self) -> bool:
        """Once an interpreter can train."""
        return self._found is not None and self._found.ok

    @property
    def python(self) -> Path | None:
        """The interpreter that trains; None is the app's own."""
        return None if self._found is None else self._found.python

    @property
    def found(self) -> TrainerCheck | None:
        """What is known; None while it is being looked for."""
        return self._found

    @property
    def words(self) -> str:
        """What the page says of the state of things."""
        return self._state.text()

    @property
    def busy(self) -> bool:
        """Whether it is being installed."""
        return self._busy

    def look(self) -> None:
        """Look for PyTorch, off the GUI thread: an interpreter is really started."""
        named = self._settings.string(TRAINER_PYTHON)
        chosen, given_up = Path(named) if named else None, self._given_up.is_set
        self._tasks.run_task(lambda: _find(chosen, given_up), self._on_found)

    def left(self) -> None:
        """Give up what is under way. An installation takes a moment to end; nobody waits for it."""
        self._given_up.set()
        self._cancel.set()
        self._timer.stop()
        self._tasks.leave()

    def use(self, python: Path) -> None:
        """Take an interpreter that the user names, if it can train."""
        self._state.setText(self.tr("Trying {python}…").format(python=python))
        self._choose.setEnabled(False)
        given_up = self._given_up.is_set
        self._tasks.run_task(lambda: _check(python, given_up), self._on_checked)

    def install(self) -> None:
        """Install what is chosen."""
        self._cancel.clear()
        self._lines.clear()
        self._stage = None
        self._log.clear()
        plan = self._plans[-1] if self._large.isChecked() else self._plans[0]
        self._show_busy(True)
        self._tasks.run_task(lambda: self._installed(plan), self._on_installed)

    def cancel(self) -> None:
        """Give an installation up."""
        self._cancel.set()
        self._show_progress()

    def _installed(self, plan: InstallPlan) -> TrainerCheck:
        """On a worker: make the environment, and try it. Once it is there it is too late to cancel."""
        from resnet_desktop.environment import installing, trainer_check
        from resnet_desktop.environment.pip import Stage

        python = installing.install(plan, self._lines.append, self._cancel.is_set, self._on_stage)
        self._on_stage(Stage("checking"))
        return trainer_check.check(python, self._given_up.is_set)

    def _on_stage(self, stage: Stage) -> None:
        """On the threads of the installation; shown when the next lines are."""
        self._stage = stage

    def _on_found(self, future: Future[tuple[TrainerCheck, Offer | None]]) -> None:
        try:
            found, offer = future.result()
        except CancelledError:
            return
        except (ResNetDesktopError, OSError) as error:
            self._state.setText(_text(error))
            return
        if offer is not None:
            self._show_offer(offer)
        self._show(found)

    def _show_offer(self, offer: Offer) -> None:
        self._plans = offer.plans
        text = self.tr("{download} MB to download, {disk} MB on disk")
        for button, plan, name in zip(
            (self._small, self._large),
            offer.plans,
            (self.tr("For the CPU"), self._card_words(offer.card)),
            strict=False,
        ):
            size = text.format(download=wording.number(plan.download_mb), disk=wording.number(plan.disk_mb))
            button.setText(f"{name}: {size}")
            button.setChecked(plan.variant == offer.advised)
        self._large.setVisible(len(offer.plans) > 1)
        text = self.tr("It is installed in {folder} and can be removed at any time.")
        self._folder.setText(text.format(folder=offer.plans[0].folder))
        self._install.setEnabled(True)

    def _card_words(self, card: str) -> str:
        if card:
            return self.tr("For your {card} (CUDA)").format(card=card)
        return self.tr("For an NVIDIA GPU (none found)")

    def _on_checked(self, future: Future[TrainerCheck]) -> None:
        self._choose.setEnabled(True)
        try:
            found = future.result()
            if found.ok and found.python is not None:
                self._settings.change(TRAINER_PYTHON, str(found.python))
        except CancelledError:
            return
        except (ResNetDesktopError, OSError) as error:
            self._state.setText(_text(error))
            return
        if found.ok or not self.complete:
            self._show(found)
        else:
            self._state.setText(found.text)  # what trained before does so still

    def _on_installed(self, future: Future[TrainerCheck]) -> None:
        self._show_lines()
        self._show_busy(False)
        try:
            self._show(future.result())
        except CancelledError:
            self._state.setText(self.tr("Cancelled. Nothing was installed."))
        except (ResNetDesktopError, OSError) as error:
            self._state.setText(_text(error))

    def _show(self, found: TrainerCheck) -> None:
        self._found = found
        self._state.setText(found.text)
        if found.ok:
            self.explain(self.tr("Nothing needs to be installed."), self.tr("Ready to train"))
        self.complete_changed.emit()

    def _show_lines(self) -> None:
        while self._lines:
            self._log.appendPlainText(self._lines.popleft())

    def _show_progress(self) -> None:
        self._show_lines()
        stage = self._stage
        checking = stage is not None and stage.phase == "checking"
        cancelling = self._cancel.is_set() and not checking
        self._stop.setEnabled(not (self._cancel.is_set() or checking))
        known = stage is not None and stage.total_mb > 0 and not cancelling
        self._bar.setRange(0, BAR_STEPS if known else 0)
        if stage is not None and known:
            self._bar.setValue(round(BAR_STEPS * stage.done_mb / stage.total_mb))
        self._state.setText(self.tr("Cancelling…") if cancelling else self._stage_words(stage))

    def _stage_words(self, stage: Stage | None) -> str:
        if stage is None or stage.phase == "making":
            return self.tr("Creating the environment…")
        if stage.phase == "looking":
            return self.tr("Looking for {name}…").format(name=stage.name)
        if stage.phase == "downloading":
            size = wording.file_size(round(stage.total_mb * 1e6))
            return self.tr("Downloading {name} ({size})…").format(name=stage.name, size=size)
        return self.tr("Installing…") if stage.phase == "installing" else self.tr("Checking…")

    def _show_busy(self, busy: bool) -> None:
        self._busy = busy
        for widget in (self._bar, self._stop, self._log):
            widget.setVisible(busy or (widget is self._log and bool(self._log.toPlainText())))
        for button in (self._install, self._choose, self._small, self._large):
            button.setEnabled(not busy)
        if busy:
            self._show_progress()
            self._timer.start()
        else:
            self._timer.stop()
        self.complete_changed.emit()

    def _build(self) -> None:
        self._small.setText(self.tr("For the CPU"))
        self._small.setChecked(True)
        self._large.hide()
        group = QButtonGroup(self)
        frame, inside = card()
        inside.addWidget(heading(self.tr("Let the app install it")))
        for button in (self._small, self._large):
            group.addButton(button)
            inside.addWidget(button)
        inside.addWidget(self._folder)
        row = QHBoxLayout()
        row.addWidget(self._install)
        row.addWidget(self._stop)
        row.addStretch(1)
        inside.addLayout(row)
        self._bar.setTextVisible(False)
        inside.addWidget(self._bar)
        self._log.setReadOnly(True)
        self._log.setMaximumBlockCount(2000)
        self._log.setFont(theme.font(0.85))
        self._log.setAccessibleName(self.tr("Installer output"))
        other, inner = card()
        inner.addWidget(heading(self.tr("Or use an existing one")))
        inner.addWidget(self._choose, 0, Qt.AlignmentFlag.AlignLeft)
        self._install.clicked.connect(self.install)
        self._stop.clicked.connect(self.cancel)
        self._choose.clicked.connect(self._on_choose)
        self.body.addWidget(self._state)
        self.body.addWidget(frame)
        self.body.addWidget(self._log, 1)
        self.body.addWidget(other)
        self.body.addStretch(0)
        self._show_busy(False)
        self._install.setEnabled(False)  # until it is known what there is

    def _on_choose(self) -> None:
        dialog = QFileDialog(self, self.tr("Choose a Python interpreter"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda name: self.use(Path(name)))
        dialog.open()


def _text(error: ResNetDesktopError | OSError) -> str:
    return Failure.of(error).text if isinstance(error, ResNetDesktopError) else f"{error.strerror or error}."


def _find(chosen: Path | None, given_up: Cancelled) -> tuple[TrainerCheck, Offer | None]:
    """What there is, and where nothing trains, what could be installed."""
    from resnet_desktop.environment import training_python

    found = training_python.find(chosen, given_up)
    return found, None if found.ok else training_python.offer(given_up)


def _check(python: Path, given_up: Cancelled) -> TrainerCheck:
    from resnet_desktop.environment import trainer_check

    return trainer_check.check(python, given_up)
