"""Run as a program: the app as a person starts it, which prints where things are on the screen and what it says."""

from __future__ import annotations

import json
import sys
from typing import Any

from PySide6.QtCore import QPoint, QRect, QTimer
from PySide6.QtWidgets import QWidget

from resnet_desktop.gui.shell import app as gui_app
from resnet_desktop.gui.shell.main_window import MainWindow
from resnet_desktop.session.results import Result

EVERY = 100
"""Milliseconds."""
SHOWN: dict[str, Any] = {}


def place_of(widget: QWidget, area: QRect | None = None) -> tuple[int, ...]:
    """The centre of a widget, or of a part of it, on the screen."""
    point: QPoint = widget.mapToGlobal((area if area is not None else widget.rect()).center())
    return point.toTuple()


def state_of(window: MainWindow) -> dict[str, Any]:
    """What a person sees."""
    rows, view = [], window.inspect.gallery
    for number, item in enumerate(window.gallery.items):
        place = place_of(view.viewport(), view.visualRect(view.model().index(number, 0)))
        label = item.outcome.headline.label if isinstance(item.outcome, Result) else None
        rows.append({"name": item.name, "label": label, "place": place})
    grip = window.saver.grip
    return {
        "rows": rows,
        "window": place_of(window),
        "photo": place_of(window.inspect.view) if window.inspect.view.isVisible() else None,
        "heatmap": window.inspect.presenter.evidence is not None,
        "grip": place_of(grip) if grip.isVisible() else None,
        "file": grip.path is not None,
    }


def main() -> None:
    """``X Y WIDTH HEIGHT``."""
    made = gui_app.create_window

    def watched() -> MainWindow:
        window = made()
        window.companions.first_steps.leave()
        window.setGeometry(*map(int, sys.argv[1:5]))
        timer = QTimer(window, interval=EVERY)

        def say() -> None:
            found = state_of(window)
            if found != SHOWN:
                SHOWN.clear()
                SHOWN.update(found)
                print(json.dumps(found))

        timer.timeout.connect(say)
        timer.start()
        return window

    gui_app.create_window = watched  # type: ignore[assignment]
    sys.exit(gui_app.run())


if __name__ == "__main__":
    main()
