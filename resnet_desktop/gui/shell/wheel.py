"""What the wheel does over a photo, as the user likes it."""

from __future__ import annotations

from PySide6.QtGui import QAction

from resnet_desktop.core.settings import WHEEL
from resnet_desktop.gui.background.preferences import Preferences
from resnet_desktop.gui.widgets.zoom_view import ZoomView


def connect_wheel(action: QAction, preferences: Preferences) -> None:
    """Let a checkable command switch between zooming and moving, and remember it."""

    def put(zooms: bool) -> None:
        ZoomView.wheel_zooms = zooms

    zooms = preferences.settings.string(WHEEL) == "zoom"
    put(zooms)
    action.setChecked(zooms)
    action.toggled.connect(put)
    action.toggled.connect(lambda on: preferences.change(WHEEL, "zoom" if on else "scroll"))
