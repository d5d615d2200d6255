"""What was found in the photos as a list, ticked off as it is decided about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QWidget

from resnet_desktop.gui.style import icons, theme
from resnet_desktop.gui.widgets.plain import plain_tip
from resnet_desktop.gui.wizard.check.check_entries import Entry, entries
from resnet_desktop.gui.wizard.decisions import Decisions

if TYPE_CHECKING:
    from resnet_desktop.data.checks.inspection import Inspection


class FindingsList(QListWidget):
    """The findings, the worst first, then all photos and those of each class.

    Attributes:
        entries: the lines, with the photos behind each.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.entries: tuple[Entry, ...] = ()
        self.setWordWrap(True)
        self.setAccessibleName(self.tr("Findings"))
        self.setTextElideMode(Qt.TextElideMode.ElideNone)
        self.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumWidth(190)

    @property
    def entry(self) -> Entry | None:
        """The one that is looked at."""
        row = self.currentRow()
        return self.entries[row] if 0 <= row < len(self.entries) else None

    def show_inspection(self, inspection: Inspection | None) -> None:
        """List what was found, and look at the first; None: nothing is known."""
        self.entries = ()
        self.clear()
        if inspection is None:
            return
        self.entries = entries(inspection)
        for entry in self.entries:
            item = QListWidgetItem(entry.message)
            item.setToolTip(plain_tip(entry.message))
            self.addItem(item)
        self.setCurrentRow(0)

    def tick_off(self, decisions: Decisions) -> None:
        """Mark the findings about which nothing is left to be decided."""
        colours = theme.current()
        tones = {"error": colours.error, "warning": colours.notice_text}
        for row, entry in enumerate(self.entries):
            done = bool(entry.severity) and settled(entry, decisions)
            name, tone = (
                ("check", colours.accent) if done else (entry.icon, tones.get(entry.severity, colours.secondary))
            )
            self.item(row).setIcon(QIcon(icons.pixmap(name, 18, tone)))


def settled(entry: Entry, decisions: Decisions) -> bool:
    """Whether nothing is left to be decided about a finding: of photos that belong together one may stay."""
    decided = set(decisions.names)
    left = [sample.name for sample in entry.samples if sample.name not in decided]
    groups = [entry.group_of.get(name) for name in left]
    return bool(entry.samples) and None not in groups and len(set(groups)) == len(groups)
