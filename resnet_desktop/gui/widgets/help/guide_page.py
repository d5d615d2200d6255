"""Which page of the guide explains a part of the window."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

_PAGE = "guide_page"


def explained_by(page: str, *widgets: QWidget) -> None:
    """Say by which page of the guide (the name of its file) parts of a window are explained."""
    for widget in widgets:
        widget.setProperty(_PAGE, page)


def page_of(widget: QWidget | None) -> str:
    """The page that explains a widget, or the nearest one around it; empty where none is said."""
    while widget is not None:
        page = widget.property(_PAGE)
        if page:
            return str(page)
        widget = widget.parentWidget()
    return ""
