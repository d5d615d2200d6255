"""What the wheel does over a photo, as the user likes it."""

from __future__ import annotations

from PySide6.QtGui import QAction

from resnet_desktop.core.settings import WHEEL, Setting
from resnet_desktop.gui.background.preferences import Preferences
from resnet_desktop.gui.widgets.canvas.zoom_view import ZoomView


def connect_wheel(action: QAction, preferences: Preferences) -> None:
    """Let a checkable command switch between zooming and moving, and remember it."""

    def put(setting: Setting, value: object) -> None:
        if setting is WHEEL:
            ZoomView.wheel_zooms = value == "zoom"
            action.setChecked(value == "zoom")

    put(WHEEL, preferences.value(WHEEL))
    preferences.changed.connect(put)
    action.toggled.connect(lambda on: preferences.change(WHEEL, "zoom" if on else "scroll"))
