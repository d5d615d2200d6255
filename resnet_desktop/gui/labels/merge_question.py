"""Labels are opened over others: are they to be joined, or do the new ones take the place of the old?"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QAbstractButton, QMessageBox, QWidget

from resnet_desktop.gui.style import wording
from resnet_desktop.gui.widgets.plain import message_box


def ask_how_to_open(parent: QWidget, labelled: int, decided: Callable[[bool], None]) -> QMessageBox:
    """Ask; ``decided`` gets whether the labels of the list are replaced. Giving up calls nothing."""
    text = _tr("The list has labels already: {count}.").format(count=wording.number(labelled))
    more = _tr("Those of the file can take their place, or be added to them. Both can be undone.")
    box = message_box(parent, _tr("Open labels"), text, more)
    box.setIcon(QMessageBox.Icon.Question)
    replace = box.addButton(_tr("Replace them"), QMessageBox.ButtonRole.AcceptRole)
    merge = box.addButton(_tr("Add to them"), QMessageBox.ButtonRole.AcceptRole)
    box.addButton(QMessageBox.StandardButton.Cancel)

    def on_clicked(button: QAbstractButton) -> None:
        if button in (replace, merge):
            decided(button is replace)

    box.buttonClicked.connect(on_clicked)
    box.open()
    return box


def _tr(text: str) -> str:
    return QCoreApplication.translate("how_to_open", text)
