"""Runs that were made before, to go on with or to look at again."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QPushButton, QVBoxLayout, QWidget

from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.style import icons
from resnet_desktop.gui.style.show_file import show_in_folder
from resnet_desktop.gui.widgets.layouts import beside, emptied
from resnet_desktop.gui.widgets.menus import Entry, Line, copy_text, open_menu
from resnet_desktop.gui.widgets.plain import plain_tip
from resnet_desktop.gui.wizard.draft import earlier_runs, is_run
from resnet_desktop.gui.wizard.page import heading

MOST_RUNS = 3
"""Earlier runs that are offered."""
RUN_WIDTH = 130
"""Pixels of a run's name, so that they stand in one row."""


class EarlierRuns(QWidget):
    """The newest runs as buttons, and one to open a run that lies elsewhere.

    Signals: ``resume_asked`` (Path): a run is to be taken up; ``problem`` (str): why one cannot be.
    """

    resume_asked = Signal(Path)
    problem = Signal(str)

    def __init__(self, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)

    def look(self) -> None:
        """Look for runs."""
        self._tasks.run_task(_found, self._on_found)

    def open_run(self, folder: Path) -> None:
        """Take up a run that lies anywhere."""
        if is_run(folder):
            self.resume_asked.emit(folder)
        else:
            self.problem.emit(self.tr("{name} is not a run folder: it has no events.jsonl.").format(name=folder.name))

    def _on_found(self, future: Future[list[tuple[Path, bool]]]) -> None:
        emptied(self._rows)
        runs = future.result()
        other = QPushButton(self.tr("Open another run…") if runs else self.tr("Open a run…"))
        other.setToolTip(self.tr("The folder of a run started elsewhere, such as in a terminal"))
        other.clicked.connect(self._on_other)
        self._rows.addWidget(beside(heading(self.tr("Earlier runs")) if runs else QWidget(), None, other))
        if runs:
            self._rows.addWidget(beside(*(self._button(*run) for run in runs), None))

    def _button(self, folder: Path, running: bool) -> QPushButton:
        button = QPushButton()
        metrics, mark = button.fontMetrics(), self.tr("{name}, training now") if running else "{name}"
        name = metrics.elidedText(folder.name, Qt.TextElideMode.ElideMiddle, RUN_WIDTH - (40 if running else 0))
        button.setText(mark.format(name=name))
        button.setAccessibleName(mark.format(name=folder.name))
        button.setIcon(icons.icon("folder"))
        button.setToolTip(plain_tip(str(folder)))
        button.clicked.connect(lambda: self.resume_asked.emit(folder))
        lines: list[Line] = [
            Entry(self.tr("Open"), lambda: self.resume_asked.emit(folder)),
            None,
            Entry(self.tr("Show in file manager"), lambda: show_in_folder(folder)),
            Entry(self.tr("Copy path"), lambda: copy_text(str(folder))),
        ]
        button.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        button.customContextMenuRequested.connect(lambda where: open_menu(self, lines, button.mapToGlobal(where)))
        return button

    def _on_other(self) -> None:
        dialog = QFileDialog(self, self.tr("Choose a run folder"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(lambda name: self.open_run(Path(name)))
        dialog.open()


def _found() -> list[tuple[Path, bool]]:
    """The newest runs and whether each goes on now; those that do come first."""
    from resnet_desktop.jobs.launching.process import is_training

    runs = [(folder, is_training(folder)) for folder in earlier_runs()]
    return sorted(runs, key=lambda run: not run[1])[:MOST_RUNS]
