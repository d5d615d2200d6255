"""Step three, where it is needed: PyTorch is not there yet."""

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
from resnet_desktop.core.progress import CancelledError
from resnet_desktop.core.settings import TRAINER_PYTHON, Settings
from resnet_desktop.gui import theme
from resnet_desktop.gui.results import Failure
from resnet_desktop.gui.tasks import Tasks
from resnet_desktop.gui.wizard.page import WizardPage, card, heading, secondary

if TYPE_CHECKING:
    from resnet_desktop.finetune.environment import InstallPlan, TrainerCheck

LOG_INTERVAL_MS = 150


class TrainerPage(WizardPage):
    """Says whether training works here, and offers to make it work. It is skipped where it does."""

    def __init__(self, tasks: Tasks, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(
            self.tr("Trainer"),
            self.tr("PyTorch is needed for training"),
            self.tr("Classifying works without it. Training does not, so it can be added now, for this app alone."),
            parent,
        )
        self._tasks, self._settings = tasks, settings
        self._found: TrainerCheck | None = None
        self._cancel = threading.Event()
        self._lines: deque[str] = deque()
        self._state = secondary(self.tr("Looking for PyTorch…"))
        self._small, self._large = QRadioButton(), QRadioButton()
        self._install = QPushButton(self.tr("Download and install"))
        self._stop = QPushButton(self.tr("Cancel"))
        self._choose = QPushButton(self.tr("Choose a Python that has it…"))
        self._bar, self._log = QProgressBar(), QPlainTextEdit()
        self._timer = QTimer(self)
        self._timer.setInterval(LOG_INTERVAL_MS)
        self._timer.timeout.connect(self._show_lines)
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

    def look(self) -> None:
        """Look for PyTorch, off the GUI thread: an interpreter is really started."""
        named = self._settings.string(TRAINER_PYTHON)
        chosen = Path(named) if named else None
        self._tasks.run_task(lambda: _find(chosen), self._on_found)

    def left(self) -> None:
        """Give up an installation."""
        self._cancel.set()
        self._timer.stop()

    def use(self, python: Path) -> None:
        """Take an interpreter that the user names, if it can train."""
        self._state.setText(self.tr("Trying {python}…").format(python=python))
        self._tasks.run_task(lambda: _check(python), self._on_checked)

    def install(self) -> None:
        """Install what is chosen."""
        self._cancel.clear()
        self._log.clear()
        self._show_busy(True)
        variant = "cuda" if self._large.isChecked() else "cpu"
        cancelled, lines = self._cancel.is_set, self._lines

        def work() -> TrainerCheck:
            from resnet_desktop.finetune import environment

            python = environment.install(environment.plan(variant), lines.append, cancelled)  # type: ignore[arg-type]
            return environment.check(python)

        self._tasks.run_task(work, self._on_installed)

    def _on_found(self, future: Future[tuple[TrainerCheck, InstallPlan, InstallPlan]]) -> None:
        found, small, large = future.result()
        text = self.tr("{download} MB to download, {disk} MB on the disk")
        for button, plan, name in (
            (self._small, small, self.tr("For this computer's processor (CPU)")),
            (self._large, large, self.tr("For an NVIDIA graphics card (CUDA)")),
        ):
            size = text.format(download=plan.download_mb, disk=plan.disk_mb)
            button.setText(f"{name}: {size}")
        self._show(found)

    def _on_checked(self, future: Future[TrainerCheck]) -> None:
        found = future.result()
        if found.ok and found.python is not None:
            self._settings.change(TRAINER_PYTHON, str(found.python))
        self._show(found)

    def _on_installed(self, future: Future[TrainerCheck]) -> None:
        self._show_lines()
        self._show_busy(False)
        try:
            self._show(future.result())
        except CancelledError:
            self._state.setText(self.tr("Cancelled; nothing was installed."))
        except ResNetDesktopError as error:
            self._state.setText(Failure.of(error).text)

    def _show(self, found: TrainerCheck) -> None:
        self._found = found
        self._state.setText(found.message)
        if found.ok:
            self.explain(self.tr("Nothing has to be installed."), self.tr("Training works here"))
        self.complete_changed.emit()

    def _show_lines(self) -> None:
        while self._lines:
            self._log.appendPlainText(self._lines.popleft())

    def _show_busy(self, busy: bool) -> None:
        for widget in (self._bar, self._stop, self._log):
            widget.setVisible(busy or (widget is self._log and bool(self._log.toPlainText())))
        for button in (self._install, self._choose, self._small, self._large):
            button.setEnabled(not busy)
        self._timer.start() if busy else self._timer.stop()

    def _build(self) -> None:
        self._small.setChecked(True)
        group = QButtonGroup(self)
        frame, inside = card()
        inside.addWidget(heading(self.tr("Let the app install it")))
        for button in (self._small, self._large):
            group.addButton(button)
            inside.addWidget(button)
        inside.addWidget(secondary(self.tr("It goes into a folder of the app's own and can be removed again.")))
        row = QHBoxLayout()
        row.addWidget(self._install)
        row.addWidget(self._stop)
        row.addStretch(1)
        inside.addLayout(row)
        self._bar.setRange(0, 0)
        self._bar.setTextVisible(False)
        inside.addWidget(self._bar)
        self._log.setReadOnly(True)
        self._log.setMaximumBlockCount(2000)
        self._log.setFont(theme.font(0.85))
        self._log.setAccessibleName(self.tr("What the installer says"))
        other, inner = card()
        inner.addWidget(heading(self.tr("Or use one that is there")))
        inner.addWidget(self._choose, 0, Qt.AlignmentFlag.AlignLeft)
        self._install.clicked.connect(self.install)
        self._stop.clicked.connect(self._cancel.set)
        self._choose.clicked.connect(self._on_choose)
        self.body.addWidget(self._state)
        self.body.addWidget(frame)
        self.body.addWidget(self._log, 1)
        self.body.addWidget(other)
        self.body.addStretch(0)
        self._show_busy(False)

    def _on_choose(self) -> None:
        dialog = QFileDialog(self, self.tr("Choose a Python interpreter"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda name: self.use(Path(name)))
        dialog.open()


def _find(chosen: Path | None) -> tuple[TrainerCheck, InstallPlan, InstallPlan]:
    from resnet_desktop.finetune import environment

    return environment.find(chosen), environment.plan("cpu"), environment.plan("cuda")


def _check(python: Path) -> TrainerCheck:
    from resnet_desktop.finetune import environment

    return environment.check(python)
