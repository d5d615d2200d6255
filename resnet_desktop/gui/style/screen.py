"""Windows that fit on the screen."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QWidget

FRAME = QSize(16, 48)
"""Pixels that a window manager may add around a window; it tells only once the window is shown."""


def room_for(window: QWidget) -> QSize:
    """The pixels that a window may have on the screen of its parent, beside panels and its own frame."""
    parent = window.parentWidget()
    return (window if parent is None else parent).screen().availableSize() - FRAME


def size_within_screen(window: QWidget, wanted: tuple[int, int], least: tuple[int, int] | None = None) -> None:
    """Give a window the size that is wanted for it, and its least size, both as far as the screen has room."""
    room = room_for(window)
    if least is not None:
        window.setMinimumSize(QSize(*least).boundedTo(room))
    window.resize(QSize(*wanted).boundedTo(room))
