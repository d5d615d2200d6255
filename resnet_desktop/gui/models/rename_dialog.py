"""Another name for an installed model."""

from __future__ import annotations

from concurrent.futures import Future

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLineEdit, QVBoxLayout, QWidget

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.models import knowledge
from resnet_desktop.gui.models.knowledge import Installed
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.widgets.plain import PlainLabel
from resnet_desktop.session.results import Failure


class RenameDialog(QDialog):
    """Asks for a name until it can be had. Signal: ``renamed`` (str): the model has this one now."""

    renamed = Signal(str)

    def __init__(self, former: str, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Rename a model"))
        self._former, self._tasks = former, tasks
        self.name, self._problem = QLineEdit(former), PlainLabel()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self._ok = self.buttons.addButton(self.tr("Rename"), QDialogButtonBox.ButtonRole.AcceptRole)
        self._build()
        self._on_edited()

    @property
    def problem(self) -> str:
        """Why the name cannot be had."""
        return self._problem.text()

    def accept(self) -> None:
        """Rename it; the dialog stays open if that cannot be done."""
        wanted = self.name.text().strip()
        self.setEnabled(False)
        self._tasks.run_task(lambda: knowledge.rename(self._former, wanted), self._on_done)

    def reject(self) -> None:
        """Leave the name as it is; what has begun is waited for, since somebody must hear of it."""
        if self.isEnabled():
            super().reject()

    def _build(self) -> None:
        words = PlainLabel(self.tr("A new name for {name}").format(name=self._former))
        words.setBuddy(self.name)
        words.setWordWrap(True)
        self.name.setAccessibleName(self.tr("New name"))
        self.name.setMinimumWidth(360)
        self.name.selectAll()
        self._problem.setProperty("tone", "error")
        self._problem.setWordWrap(True)
        self._problem.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.L, theme.L, theme.L, theme.L)
        layout.setSpacing(theme.S)
        for widget in (words, self.name, self._problem):
            layout.addWidget(widget)
        layout.addStretch(1)
        layout.addWidget(self.buttons)
        self._ok.setDefault(True)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.name.textEdited.connect(lambda _text: self._on_edited())

    def _on_edited(self) -> None:
        self._problem.hide()
        self._ok.setEnabled(self.name.text().strip() not in ("", self._former))

    def _on_done(self, future: Future[Installed]) -> None:
        self.setEnabled(True)
        try:
            present = future.result().name
        except ResNetDesktopError as error:
            self._problem.setText(Failure.of(error).text)
            self._problem.show()
            self.adjustSize()
            self._ok.setEnabled(False)
            self.name.setFocus()
            return
        self.renamed.emit(present)
        super().accept()
