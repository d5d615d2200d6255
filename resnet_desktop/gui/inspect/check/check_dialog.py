"""A window of its own for the tests of the heatmap that is looked at; it follows what is looked at."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from resnet_desktop.gui.background.session_controller import SessionController
from resnet_desktop.gui.inspect.check.check_panel import CheckPanel
from resnet_desktop.gui.style.screen import size_within_screen
from resnet_desktop.session.results import EvidenceRequest, Source


class CheckDialog(QDialog):
    """Holds the panel; Escape closes it. The size and place that the user gave it are kept."""

    def __init__(self, controller: SessionController, parent: QWidget) -> None:
        super().__init__(parent)
        self.panel = CheckPanel(controller)
        self.setWindowTitle(self.tr("Can you trust this heatmap?"))
        self.setModal(False)
        size_within_screen(self, (760, 640))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.panel)

    def open_for(self, number: int, source: Source, request: EvidenceRequest, label: str) -> None:
        """Show it, and test this heatmap: that was asked for."""
        self.show()
        self.raise_()
        self.activateWindow()
        self.panel.check_item(number, source, request, label)

    def follow(self, number: int, source: Source, request: EvidenceRequest, label: str) -> None:
        """Another heatmap is looked at."""
        if self.isVisible():
            self.panel.show_item(number, source, request, label)
