"""Menus made from data: one place for every menu that the right button or the menu key opens."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a menu.

    Attributes:
        text: shown letter by letter, also where it is not ours.
        does: what is called; None for a line that cannot be chosen.
        enabled: whether it can be chosen now.
        entries: of the menu that it opens.
        key: a key that does the same.
    """

    text: str
    does: Callable[[], object] | None = None
    enabled: bool = True
    entries: tuple[Line, ...] = ()
    key: str = ""


Line = Entry | QAction | None
"""A line of a menu, a command of the window, or None for a line that parts."""


def open_menu(parent: QWidget, lines: Iterable[Line], where: QPoint) -> QMenu:
    """Open a menu at a place of the screen; it deletes itself when it is closed."""
    menu = QMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    _fill(menu, lines)
    menu.popup(where)
    return menu


def copy_text(text: str) -> None:
    """Put text into the clipboard."""
    QGuiApplication.clipboard().setText(text)


def _fill(menu: QMenu, lines: Iterable[Line]) -> None:
    for line in lines:
        if line is None:
            menu.addSeparator()
        elif isinstance(line, QAction):
            menu.addAction(line)
        elif line.entries:
            _fill(menu.addMenu(_letter_by_letter(line.text)), line.entries)
        else:
            _add(menu, line)


def _add(menu: QMenu, entry: Entry) -> None:
    # The key stands behind a tab: as a shortcut of the action it would be one twice, and then none.
    key = f"\t{entry.key}" if entry.key else ""
    action = menu.addAction(_letter_by_letter(entry.text) + key)
    action.setEnabled(entry.enabled and entry.does is not None)
    if entry.does is not None:
        does = entry.does
        action.triggered.connect(lambda _checked=False: does())


def _letter_by_letter(text: str) -> str:
    """An ampersand marks no key, and a tab begins no second column."""
    return text.replace("&", "&&").replace("\t", " ")
