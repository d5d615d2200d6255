"""*Report a problem*: what is in the report is shown before it is saved, and nothing is sent."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from resnet_desktop.core import problem_report
from resnet_desktop.core.errors import StorageError
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.style.screen import size_within_screen
from resnet_desktop.gui.widgets import dialogs
from resnet_desktop.gui.widgets.plain import PlainLabel

FILE_NAME = "resnet-desktop-report.zip"


class ReportDialog(QDialog):
    """The parts of a report, each to be read; a button saves them all as a zip file.

    Args:
        parent: the window.
        tasks: reads the log and writes the file.
    """

    def __init__(self, parent: QWidget, tasks: Tasks) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Report a problem"))
        size_within_screen(self, (820, 560))
        self._tasks = tasks
        self._found: dict[str, str] = {}
        self.parts, self.text, self._said = QListWidget(), QPlainTextEdit(), PlainLabel()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Close)
        self._build()
        tasks.run_task(problem_report.parts, self._on_found)

    @property
    def said(self) -> str:
        """What became of saving it."""
        return self._said.text()

    def save(self, path: Path) -> None:
        """Write the report there."""
        found = self._found
        self._tasks.run_task(lambda: problem_report.write(path, found), lambda future: self._on_saved(path, future))

    def _on_found(self, future: Future[dict[str, str]]) -> None:
        self._found = future.result()
        for name in self._found:
            self.parts.addItem(QListWidgetItem(name))
        self.parts.setCurrentRow(0)
        self._save_button().setEnabled(True)

    def _on_part(self, row: int) -> None:
        item = self.parts.item(row)
        self.text.setPlainText("" if item is None else self._found[item.text()])

    def _on_saved(self, path: Path, future: Future[None]) -> None:
        try:
            future.result()
        except StorageError as error:
            self._said.setText(str(error))
            return
        self._said.setText(self.tr("Report saved to {path}.").format(path=path))

    def _save_button(self) -> QWidget:
        return self.buttons.button(QDialogButtonBox.StandardButton.Save)

    def _build(self) -> None:
        words = PlainLabel(
            self.tr(
                "This is everything the report contains: versions, settings and the app's log. Your name and the names "
                "and locations of your files are removed. Nothing is sent: save it, review it and attach it to your "
                "message."
            )
        )
        words.setWordWrap(True)
        self._said.setWordWrap(True)
        self.text.setReadOnly(True)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setAccessibleName(self.tr("What is in this part"))
        self.parts.setAccessibleName(self.tr("Parts of the report"))
        self.parts.setMaximumWidth(220)
        self.parts.currentRowChanged.connect(self._on_part)
        self.buttons.rejected.connect(self.reject)
        self.buttons.accepted.connect(self._on_save_asked)
        self._save_button().setEnabled(False)
        row = QHBoxLayout()
        row.addWidget(self.parts)
        row.addWidget(self.text, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.L, theme.L, theme.L, theme.L)
        layout.setSpacing(theme.M)
        layout.addWidget(words)
        layout.addLayout(row, 1)
        layout.addWidget(self._said)
        layout.addWidget(self.buttons)

    def _on_save_asked(self) -> None:
        dialogs.ask_where(self, self.tr("Save the report"), FILE_NAME, self.save)
