"""Windows that fit on the screen."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QWidget

FRAME = QSize(16, 48)
"""Pixels that a window manager may add around a window; it tells only once the window is shown."""


def keep_within_screen(window: QWidget) -> None:
    """Make a window smaller where the screen has no room for it beside panels and the window's own frame."""
    window.resize(window.size().boundedTo(window.screen().availableSize() - FRAME))
