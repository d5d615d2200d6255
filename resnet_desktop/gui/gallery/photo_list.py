"""The list of photos with the line above it: how many, and in which order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from resnet_desktop.gui.gallery.find_bar import FindBar
from resnet_desktop.gui.gallery.gallery_model import GalleryModel, Item
from resnet_desktop.gui.gallery.gallery_view import GalleryView
from resnet_desktop.gui.gallery.view_bar import ViewBar
from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.widgets.choice import Choice
from resnet_desktop.gui.widgets.elided_label import ElidedLabel
from resnet_desktop.imaging.files import natural_key
from resnet_desktop.imaging.region import Region
from resnet_desktop.session.results import Failure, Result, file_of

Key = Callable[[Item], tuple[Any, ...]]


class PhotoList(QWidget):
    """The list in an order that the user chooses.

    Results that come in move nothing while one looks; when the last one is there the list is put in order again.

    Signals: ``order_chosen`` (one of ``LIST_ORDER.choices``): the user, or a step that is taken back, has chosen it;
    ``rearranged`` (the order and the photos' numbers as they were before): by the user.
    """

    order_chosen = Signal(str)
    rearranged = Signal(str, object)

    def __init__(self, model: GalleryModel, view: GalleryView, order: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model, self._view = model, view
        self._count, self._order = ElidedLabel(), Choice()
        self.finding, self.layout_bar = FindBar(view.shown), ViewBar()
        self._shown = order
        self._build(order)
        self._order.activated.connect(self._on_chosen)
        self.finding.list_wanted.connect(self._view.setFocus)
        view.shown.sieved.connect(self._show_count)

    @property
    def order(self) -> str:
        """The order that is chosen."""
        return str(self._order.currentData())

    @property
    def items(self) -> tuple[Item, ...]:
        """The photos."""
        return self._model.items

    def refresh(self) -> None:
        """Follow the app's colours."""
        self.finding.refresh()
        self.layout_bar.refresh()

    def show_order(self, order: str) -> None:
        """The list is in another order now."""
        self._shown = order
        self._order.setCurrentIndex(self._order.findData(order))
        self._view.scrollTo(self._view.currentIndex())
        self.order_chosen.emit(order)

    def follow_queue(self, done: int, total: int) -> None:
        """The list is put in order when all photos have their results."""
        if done == total:
            self._model.arrange(ORDERS[self.order])
            self._view.scrollTo(self._view.currentIndex())

    def _on_chosen(self) -> None:
        before, self._shown = self._shown, self.order
        numbers = [item.number for item in self._model.items]
        self._model.arrange(ORDERS[self.order])
        self._view.scrollToTop()
        self.order_chosen.emit(self.order)
        self.rearranged.emit(before, numbers)

    def _show_count(self) -> None:
        count, seen = self._model.rowCount(), self._view.shown.rowCount()
        parts = sum(isinstance(item.source, Region) for item in self._model.items)
        photos = count - parts
        text = self.tr("1 photo") if photos == 1 else self.tr("{count} photos").format(count=wording.number(photos))
        if parts:
            more = self.tr("1 part") if parts == 1 else self.tr("{count} parts").format(count=wording.number(parts))
            text = f"{text}, {more}"
        if seen != count:
            text = self.tr("{seen} of {all}").format(seen=wording.number(seen), all=text)
        self._count.setText(text)

    def _build(self, order: str) -> None:
        titles = {
            "added": self.tr("As added"),
            "name": self.tr("By name"),
            "class": self.tr("By class"),
            "unsure": self.tr("Least confident"),
            "sure": self.tr("Most confident"),
        }
        for name in ORDERS:
            self._order.addItem(titles[name], name)
        self._order.setCurrentIndex(self._order.findData(order))
        self._order.setMinimumContentsLength(9)
        self._order.setAccessibleName(self.tr("Order of the photos"))
        self._order.setToolTip(self.tr("Order of the photos. The least confident ones deserve a second look."))
        self._count.setProperty("tone", "secondary")
        head = QHBoxLayout()
        head.setContentsMargins(theme.M, theme.XS, theme.XS, theme.XS)
        head.addWidget(self._count, 1)
        head.addWidget(self._order, 0, Qt.AlignmentFlag.AlignRight)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self.finding)
        layout.addWidget(self._view, 1)
        layout.addWidget(self.layout_bar)


def _added(item: Item) -> tuple[Any, ...]:
    return item.place


def _by_name(item: Item) -> tuple[Any, ...]:
    """Parts stand behind their photo."""
    file = file_of(item.source) if isinstance(item.source, Region) else None
    return (*natural_key(item.name if file is None else file.name), *item.place)


def _by_class(item: Item) -> tuple[Any, ...]:
    """Photos with one answer together, the surest first; behind them those that wait, then those that fail."""
    if isinstance(item.outcome, Result):
        said = item.outcome.headline
        return (0, natural_key(said.label), -said.probability, item.number)
    return (_without_result(item), item.number)


def _by_confidence(sign: int) -> Key:
    def key(item: Item) -> tuple[Any, ...]:
        if isinstance(item.outcome, Result):
            return (0, sign * item.outcome.headline.probability, item.number)
        return (_without_result(item), item.number)

    return key


def _without_result(item: Item) -> int:
    return 2 if isinstance(item.outcome, Failure) else 1


ORDERS: dict[str, Key] = {
    "added": _added,
    "name": _by_name,
    "class": _by_class,
    "unsure": _by_confidence(1),
    "sure": _by_confidence(-1),
}
"""What the list is sorted by, for each choice of the setting ``LIST_ORDER``."""
