"""What becomes of a training run when its window is closed."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QAbstractButton, QMessageBox, QWidget

from resnet_desktop.gui.widgets.plain import message_box


def ask_what_becomes_of_it(parent: QWidget, decided: Callable[[bool], None], stays: Callable[[], None]) -> QMessageBox:
    """Ask; ``decided`` gets whether the run goes on by itself. ``stays``: the window is not to be closed after all."""
    more = _tr(
        "It can continue in the background: reopen this guide to check on it. Or you can stop it with a checkpoint "
        "and resume later."
    )
    box = message_box(parent, _tr("Training is running"), _tr("Training is running."), more)
    box.setIcon(QMessageBox.Icon.Question)
    goes_on = box.addButton(_tr("Keep training"), QMessageBox.ButtonRole.AcceptRole)
    stops = box.addButton(_tr("Stop training"), QMessageBox.ButtonRole.DestructiveRole)
    box.addButton(_tr("Go back"), QMessageBox.ButtonRole.RejectRole)

    def on_clicked(button: QAbstractButton) -> None:
        if button in (goes_on, stops):
            decided(button is goes_on)
        else:
            stays()

    box.buttonClicked.connect(on_clicked)
    box.open()
    return box


def _tr(text: str) -> str:
    return QCoreApplication.translate("closing", text)
