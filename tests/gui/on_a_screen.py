"""Run as a program: opens the app's windows on one screen, and prints as JSON what of them is out of reach there."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QApplication,
    QComboBox,
    QLineEdit,
    QProgressBar,
    QScrollArea,
    QWidget,
)

from resnet_desktop.core.settings import Settings
from resnet_desktop.gui.shell import app as gui_app
from resnet_desktop.gui.shell.main_window import MainWindow
from resnet_desktop.gui.style.screen import FRAME
from resnet_desktop.gui.wizard.pages import Step

CONTROLS = (QAbstractButton, QLineEdit, QComboBox, QProgressBar)


def looked_over(window: QWidget, name: str, pictures: Path | None) -> Iterator[str]:
    """Complaints about a window that is shown."""
    for _ in range(3):
        QApplication.processEvents()
    if pictures is not None:
        window.grab().save(str(pictures / f"{name}.png"))
    room = window.screen().availableSize()
    if window.width() > room.width() - FRAME.width() or window.height() > room.height() - FRAME.height():
        yield f"{name}: {window.size().toTuple()} on a screen of {room.toTuple()}"
    least = window.minimumSizeHint()
    if least.width() > window.width() or least.height() > window.height():
        yield f"{name}: needs {least.toTuple()}, has {window.size().toTuple()}"
    for control in window.findChildren(QWidget):
        if isinstance(control, CONTROLS) and control.isVisible() and not scrolled(control):
            place = QRect(control.mapTo(window, QPoint()), control.size())
            if not window.rect().contains(place):
                yield f"{name}: {type(control).__name__} {control.accessibleName()} lies at {place.getRect()}"
    for area in window.findChildren(QScrollArea):
        if area.isVisible() and area.horizontalScrollBar().isVisible():
            yield f"{name}: {area.parentWidget()} is scrolled sideways"


def scrolled(widget: QWidget) -> bool:
    """Whether a widget can be scrolled to."""
    parent = widget.parentWidget()
    while parent is not None and not parent.isWindow():
        if isinstance(parent, QAbstractScrollArea):
            return True
        parent = parent.parentWidget()
    return False


def complaints(window: MainWindow, pictures: Path | None) -> Iterator[str]:
    """All windows, one after the other."""
    window.show()
    yield from looked_over(window, "empty", pictures)
    window.status.show_queue(3, 9)
    window.gallery.add([(Path(f"/photos/{number}.jpg"), f"{number}.jpg") for number in range(20)])
    window._show_page()
    window.actions_.label.trigger()
    window.labels.labelling.add("weevil")
    yield from looked_over(window, "photos", pictures)
    window.notice.say("A sentence of the usual length about a file that could not be opened. " * 2)
    for place in range(3):
        window.inspect.views.show_view(place)
        yield from looked_over(window, f"view {place}", pictures)
    window.open_wizard()
    guide = window.wizard
    assert guide is not None
    for step in Step:
        guide._show(step)
        yield from looked_over(guide, f"guide {step.name}", pictures)
    models = window.models.window
    for models_page in (models.installed, models.pretrained):
        models.open_at(models_page)
        yield from looked_over(models, f"models {type(models_page).__name__}", pictures)
    report = window.report_a_problem()
    yield from looked_over(report, "report", pictures)
    report.close()
    beside = window.companions
    opened = (beside.settings.open(), beside.open_guide(), beside.show_keys(), beside.show_about_photo())
    for other in opened:
        yield from looked_over(other, type(other).__name__, pictures)
        other.close()
    window.inspect.check.show()
    yield from looked_over(window.inspect.check, "check", pictures)


def main() -> None:
    """Open them, and say what is wrong."""
    gui_app.create_application()
    window = gui_app.create_window(Settings())
    pictures = Path(sys.argv[1]) if Path(sys.argv[1]).is_dir() else None
    found = list(complaints(window, pictures))
    screen = window.screen()
    print(json.dumps({"screen": screen.size().toTuple(), "ratio": screen.devicePixelRatio(), "found": found}))
    window.close()


if __name__ == "__main__":
    main()
