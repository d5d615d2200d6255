"""Which photos of the list are meant: those that are selected, or all."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QWidget

from resnet_desktop.gui.gallery.gallery_model import Item
from resnet_desktop.gui.style import wording
from resnet_desktop.gui.widgets.choice import Choice


class Scope(Choice):
    """Offers all photos, and the selected ones where there are several but not all of them."""

    def __init__(self, items: Sequence[Item], selected: Sequence[Item], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._items = {"all": tuple(items), "selected": tuple(selected)}
        self.setMinimumContentsLength(22)
        self.setAccessibleName(self.tr("Photos"))
        self.addItem(self.tr("All photos ({count})").format(count=wording.number(len(items))), "all")
        if 1 < len(selected) < len(items):
            text = self.tr("Selected photos ({count})").format(count=wording.number(len(selected)))
            self.addItem(text, "selected")
            self.setCurrentIndex(1)

    @property
    def items(self) -> tuple[Item, ...]:
        """The photos that are meant."""
        return self._items[str(self.currentData())]
