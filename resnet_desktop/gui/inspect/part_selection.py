"""A part of the photo as a row of its own: from the rectangle on the photo to the list."""

from __future__ import annotations

import itertools

from PySide6.QtCore import QObject, QRectF, Signal
from PySide6.QtWidgets import QWidget

from resnet_desktop.core.text.printable import printable
from resnet_desktop.gui.gallery.gallery_model import Item
from resnet_desktop.gui.inspect.inspect_page import InspectPage
from resnet_desktop.gui.inspect.photo.caption_bar import PHOTO
from resnet_desktop.gui.inspect.photo.part_tool import LEAST
from resnet_desktop.gui.intake.list_steps import ListSteps
from resnet_desktop.gui.style import wording
from resnet_desktop.gui.widgets.actions import Actions
from resnet_desktop.imaging.region import Region
from resnet_desktop.session.results import file_of, whole_of

PLACES = 6
"""Digits of a fraction: a millionth is less than a pixel of the largest photo."""


class PartSelection(QObject):
    """Signal: ``said`` (a sentence): why there is no part."""

    said = Signal(str)

    def __init__(self, does: Actions, page: InspectPage, steps: ListSteps, window: QWidget) -> None:
        super().__init__(window)
        self._page, self._steps, self._tool = page, steps, page.view.part_tool
        does.select_part.triggered.connect(self._on_action)
        self._tool.selecting_changed.connect(does.select_part.setChecked)
        self._tool.drawn.connect(self.add)
        self._tool.refused.connect(self._on_refused)
        page.views.view_changed.connect(lambda place: None if place == PHOTO else self._tool.set_selecting(False))
        page.gallery.current_changed.connect(lambda _item: self._tool.set_selecting(False))

    def add(self, place: QRectF) -> None:
        """Put a part of the photo that is looked at, in fractions of it, below its row and look at it."""
        item, gallery = self._page.gallery.current, self._page.gallery
        if item is None:
            return
        whole, sides = whole_of(item.source), (place.left(), place.top(), place.width(), place.height())
        left, top, width, height = (round(side, PLACES) for side in sides)
        box = left, top, width, height
        part = Region("", box, data=whole) if isinstance(whole, bytes) else Region(str(whole), box)
        model = gallery.shown.source
        added = self._steps.add_part(part, self._free_name(item))
        row = model.row_of(part) if added is None else model.row_of_number(added.number)
        if row is not None:
            gallery.reveal(model.items[row].number)

    def _free_name(self, item: Item) -> str:
        """*Part 2 of cat.jpg*, with a number that no other part of the photo has."""
        model, file = self._page.gallery.shown.source, file_of(item.source)
        photo = item if item.photo is None else model.item(item.photo) or item
        name = photo.name if file is None else printable(file.name)
        names = {other.name for other in model.parts_of(item.source)}
        text = self.tr("Part {number} of {photo}")
        found = (text.format(number=wording.number(number), photo=name) for number in itertools.count(1))
        return next(each for each in found if each not in names)

    def _on_action(self, on: bool) -> None:
        if on and self._page.views.place != PHOTO:
            self._page.views.show_view(PHOTO)
        self._tool.set_selecting(on)

    def _on_refused(self) -> None:
        words = self.tr("That part is too small: a network needs at least {side} × {side} pixels. Draw a larger one.")
        self.said.emit(words.format(side=LEAST))
