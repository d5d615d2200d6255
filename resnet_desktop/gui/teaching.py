"""The guide to training, beside the main window: one at a time, made when it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from resnet_desktop.core.settings import Settings

if TYPE_CHECKING:
    from resnet_desktop.gui.wizard.wizard import TrainWizard


class Teaching(QObject):
    """Opens the guide, and forgets it when it is closed.

    Signals: ``model_wanted`` (path): use this model; ``networks_wanted``: a stronger network is to be had.
    """

    model_wanted = Signal(str)
    networks_wanted = Signal()

    def __init__(self, settings: Settings, window: QWidget) -> None:
        super().__init__(window)
        self._settings, self._window = settings, window
        self.wizard: TrainWizard | None = None

    def open(self, *sources: Path) -> None:
        """Show the guide, with photos to begin with."""
        from resnet_desktop.gui.wizard.wizard import TrainWizard  # a window of its own, of no use at the start

        if self.wizard is None:
            self.wizard = TrainWizard(self._settings, self._window)
            self.wizard.model_wanted.connect(self.model_wanted)
            self.wizard.networks_wanted.connect(self.networks_wanted)
            self.wizard.closed.connect(self._on_closed)
        if sources:
            self.wizard.add_sources([*sources])
        self.wizard.show()
        self.wizard.raise_()
        self.wizard.activateWindow()

    def look_for_models(self) -> None:
        """Other models are installed than before."""
        if self.wizard is not None:
            self.wizard.look_for_models()

    def close(self) -> bool:
        """Close the guide; False if a run is under way and the user has still to say what becomes of it."""
        return self.wizard is None or self.wizard.close()

    def _on_closed(self) -> None:
        if self.wizard is not None:
            self.wizard.deleteLater()
            self.wizard = None
