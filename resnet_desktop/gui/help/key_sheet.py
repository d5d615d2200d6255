"""The sheet of keys: made from the commands themselves, so that it cannot say anything else than they do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QHeaderView,
    QLineEdit,
    QMenu,
    QMenuBar,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from resnet_desktop.gui.style import theme
from resnet_desktop.gui.style.screen import size_within_screen

MOST_KEYS = 2
"""Of one command; those of keyboards with keys of their own for it are left out."""
Keys = tuple[str, str]
"""What is done, and the keys that do it."""


class KeySheet(QDialog):
    """All keys by menu, with a field that narrows them down.

    Args:
        sections: a title and its keys each.
        parent: the window.
    """

    def __init__(self, sections: Sequence[tuple[str, Sequence[Keys]]], parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Keys"))
        size_within_screen(self, (520, 600), (320, 280))
        self.search, self.tree = QLineEdit(), QTreeWidget()
        self.search.setPlaceholderText(self.tr("Search for a command or a key"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._narrow)
        self.tree.setColumnCount(2)
        self.tree.setHeaderHidden(True)
        self.tree.setRootIsDecorated(False)
        self.tree.setIndentation(theme.M)
        self.tree.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.tree.setSelectionMode(QTreeWidget.SelectionMode.NoSelection)
        self.tree.setAccessibleName(self.tr("Keys"))
        for title, keys in sections:
            if keys:
                self.tree.addTopLevelItem(_section(title, keys))
        self.tree.expandAll()
        header = self.tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.M, theme.M, theme.M, theme.M)
        layout.addWidget(self.search)
        layout.addWidget(self.tree, 1)

    @property
    def shown(self) -> list[Keys]:
        """Those that are to be seen now."""
        return [
            (line.text(0), line.text(1))
            for section in self._sections()
            for line in _lines(section)
            if not line.isHidden()
        ]

    def _sections(self) -> Iterator[QTreeWidgetItem]:
        for place in range(self.tree.topLevelItemCount()):
            section = self.tree.topLevelItem(place)
            if section is not None:
                yield section

    def _narrow(self, words: str) -> None:
        wanted = words.casefold().split()
        for section in self._sections():
            for line in _lines(section):
                text = f"{section.text(0)} {line.text(0)} {line.text(1)}".casefold()
                line.setHidden(not all(word in text for word in wanted))
            section.setHidden(all(line.isHidden() for line in _lines(section)))


def keys_of(bar: QMenuBar, others: Sequence[QAction]) -> list[tuple[str, list[Keys]]]:
    """The keys of all commands: by menu, then those of ``others`` that are in none."""
    sections: list[tuple[str, list[Keys]]] = []
    seen: set[QAction] = set()
    for top in bar.actions():
        menu = top.menu()
        if isinstance(menu, QMenu):
            actions = list(_actions(menu))
            seen.update(actions)
            sections.append((_words(top), [_keys(action) for action in actions if action.shortcuts()]))
    rest = [_keys(action) for action in others if action.shortcuts() and action not in seen]
    return [*sections, (_tr("More"), rest), (_tr("On the photo"), _on_photo())]


def _on_photo() -> list[Keys]:
    """What the photo itself listens to, which is no command."""
    return [
        (_tr("Next and previous photo"), _tr("Right and Left, Space and Backspace")),
        (_tr("Zoom in and out"), "+ and −"),
        (_tr("Fit"), "0"),
        (_tr("Move the divider"), _tr("Left and Right")),
        (_tr("Actual size and back"), _tr("Double-click")),
        (_tr("Select a part of the photo"), _tr("Shift and drag")),
        (_tr("Give up the part that is being drawn"), _tr("Esc")),
    ]


def _actions(menu: QMenu) -> Iterator[QAction]:
    for action in menu.actions():
        below = action.menu()
        if isinstance(below, QMenu):
            yield from _actions(below)
        else:
            yield action


def _keys(action: QAction) -> Keys:
    form = QKeySequence.SequenceFormat.NativeText
    usual = [keys for keys in action.shortcuts() if _is_usual(keys)]
    return _words(action), ", ".join(dict.fromkeys(keys.toString(form) for keys in usual[:MOST_KEYS]))


def _is_usual(keys: QKeySequence) -> bool:
    """Whether keyboards have it: some have a key of its own for *Undo*."""
    first = cast("Any", keys)[0]  # PySide6's types lack it
    return bool(first.key().value < Qt.Key.Key_Back.value)


def _words(action: QAction) -> str:
    return action.text().replace("&&", "\0").replace("&", "").replace("\0", "&").rstrip("…")


def _section(title: str, keys: Sequence[Keys]) -> QTreeWidgetItem:
    section = QTreeWidgetItem([title])
    section.setFont(0, theme.font(1.0, strong=True))
    section.setFlags(Qt.ItemFlag.ItemIsEnabled)
    section.setFirstColumnSpanned(True)
    for words, key in keys:
        section.addChild(QTreeWidgetItem([words, key]))
    return section


def _lines(section: QTreeWidgetItem) -> list[QTreeWidgetItem]:
    lines = (section.child(place) for place in range(section.childCount()))
    return [line for line in lines if line is not None]


def _tr(text: str) -> str:
    return QCoreApplication.translate("key_sheet", text)
