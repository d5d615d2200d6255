"""A quiet line that says early on that PyTorch is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from resnet_desktop.gui.widgets.plain import plain_tip
from resnet_desktop.gui.wizard.page import secondary

if TYPE_CHECKING:
    from resnet_desktop.environment.trainer_check import TrainerCheck


class TrainerNotice(QWidget):
    """Nothing is shown where training works, or where that is not known yet.

    Signal: ``asked``: the person wants to see to it now.
    """

    asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words, self._button = secondary(), QPushButton()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._words, 1)
        row.addWidget(self._button)
        self._button.clicked.connect(self.asked)
        self.hide()

    @property
    def words(self) -> str:
        """What it says; empty where it is not shown."""
        return "" if self.isHidden() else self._words.text()

    def show_state(self, found: TrainerCheck | None, busy: bool) -> None:
        """What is known, and whether PyTorch is being installed."""
        if busy:
            self._words.setText(self.tr("PyTorch is being installed. Meanwhile you can continue with your photos."))
            self._button.setText(self.tr("Show progress"))
        else:
            self._words.setText(
                self.tr("The last layer can be trained right away. Training more needs PyTorch: you can add it now.")
            )
            self._button.setText(self.tr("Add PyTorch…"))
        self._words.setToolTip(plain_tip("" if found is None else found.text))
        self.setVisible(found is not None and not found.ok)
