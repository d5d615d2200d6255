"""What becomes of a training run when its window is closed."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QAbstractButton, QMessageBox, QWidget

from resnet_desktop.gui.plain import message_box


def ask_what_becomes_of_it(parent: QWidget, decided: Callable[[bool], None]) -> QMessageBox:
    """Ask; ``decided`` gets whether the run goes on by itself. Staying with it calls nothing."""
    more = _tr(
        "It can go on by itself: open this guide again to see how it gets on. Or it stops here with a checkpoint, "
        "from which it can be taken up later."
    )
    box = message_box(parent, _tr("Training is under way"), _tr("Training is under way."), more)
    box.setIcon(QMessageBox.Icon.Question)
    goes_on = box.addButton(_tr("Let it go on"), QMessageBox.ButtonRole.AcceptRole)
    stops = box.addButton(_tr("Stop it"), QMessageBox.ButtonRole.DestructiveRole)
    box.addButton(_tr("Stay"), QMessageBox.ButtonRole.RejectRole)

    def on_clicked(button: QAbstractButton) -> None:
        if button in (goes_on, stops):
            decided(button is goes_on)

    box.buttonClicked.connect(on_clicked)
    box.open()
    return box


def _tr(text: str) -> str:
    return QCoreApplication.translate("closing", text)
