"""The commands on the list of photos: finding, layout, and what is done with the photos that are seen."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from resnet_desktop.core.settings import LIST_GROUPED, LIST_VIEW, THUMBNAIL_SIDE
from resnet_desktop.gui.background.pictures import Photos
from resnet_desktop.gui.background.preferences import Preferences
from resnet_desktop.gui.background.session_controller import SessionController
from resnet_desktop.gui.gallery.gallery_delegate import THUMBNAIL
from resnet_desktop.gui.gallery.gallery_model import GalleryModel, Item
from resnet_desktop.gui.gallery.photo_filter import PhotoFilter
from resnet_desktop.gui.inspect.inspect_page import InspectPage
from resnet_desktop.gui.intake.list_steps import ListSteps
from resnet_desktop.gui.style import wording
from resnet_desktop.gui.widgets.actions import Actions

GRID_WIDTH, PHOTO_WIDTH = 460, 320
"""A grid is made so wide where the photo beside it keeps at least as much, in pixels."""


class ListPresenter(QObject):
    """Signal: ``offered`` (a sentence, the words of a button, what it does)."""

    offered = Signal(str, str, object)

    def __init__(
        self,
        does: Actions,
        page: InspectPage,
        steps: ListSteps,
        controller: SessionController,
        photos: Photos,
        preferences: Preferences,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._does, self._page, self._steps, self._controller = does, page, steps, controller
        self._photos, self._preferences, self._window = photos, preferences, window
        self._view, self._bar = page.gallery, page.photo_list.layout_bar
        self._list_width = 0
        self._connect()
        settings = preferences.settings
        self._show_side(settings.integer(THUMBNAIL_SIDE))
        self._show_grouped(settings.flag(LIST_GROUPED))
        if settings.string(LIST_VIEW) == "grid":
            self._show_grid(grid=True)
        else:
            self._bar.show_grid(grid=False)
        self._on_seen()

    @property
    def _model(self) -> GalleryModel:
        return self._view.shown.source

    def find(self) -> None:
        """The keyboard comes to the line for words."""
        if self._model.rowCount():
            self._page.photo_list.finding.start()

    def show_class(self, name: str) -> None:
        """Show the photos with this answer alone."""
        self._view.shown.set_filter(PhotoFilter(classes=frozenset((name,))))

    def remove(self) -> None:
        """Take the selected photos out of the list; what comes next is looked at."""
        seen = self._view.shown
        rows = self._view.selected_rows()
        places = (seen.row_of_number(number) for number in self._view.selected_numbers())
        first = min((place for place in places if place is not None), default=0)
        self._steps.remove(rows)
        if rows:
            self._view.select_row(first)

    def clear(self) -> None:
        """Empty the list; where a filter hides some of it, of what is seen."""
        shown = self._view.shown
        hidden = shown.hidden
        rows = (self._model.row_of_number(item.number) for item in shown.items)
        self._steps.remove([row for row in rows if row is not None])
        if hidden and shown.hidden:
            words = self.tr("1 photo that the filter hides is still in the list.")
            if hidden > 1:
                words = self.tr("{count} photos that the filter hides are still in the list.")
            finding = self._page.photo_list.finding
            self.offered.emit(words.format(count=wording.number(hidden)), self.tr("Show all"), finding.clear)

    def classify_rest(self) -> None:
        """Photos without a result wait for one."""
        self._classify(self._model.queue_rest())

    def classify_again(self) -> None:
        """The selected photos are read and classified anew."""
        numbers = set(self._view.selected_numbers())
        self._model.thumbnails.forget(numbers)
        self._photos.forget(numbers)
        self._classify(self._model.requeue(sorted(numbers)))
        current = self._view.current
        if current is not None and current.number in numbers:
            self._page.start_anew(from_file=True)

    def _classify(self, items: Sequence[Item]) -> None:
        self._controller.classify((item.number, item.source) for item in items)

    def _connect(self) -> None:
        does = self._does
        does.find.triggered.connect(self.find)
        does.show_all.triggered.connect(self._page.photo_list.finding.clear)
        does.grid.triggered.connect(self._on_grid)
        does.group.triggered.connect(self._on_grouped)
        does.remove.triggered.connect(self.remove)
        does.rest.triggered.connect(self.classify_rest)
        does.again.triggered.connect(self.classify_again)
        self._bar.grid_chosen.connect(self._on_grid)
        self._bar.grouped_chosen.connect(self._on_grouped)
        for source in (self._bar.side_chosen, self._view.side_asked):
            source.connect(self._on_side)
        self._view.shown.sieved.connect(self._on_seen)
        self._view.shown.filter_changed.connect(lambda _wanted: self._on_seen())

    def _on_seen(self) -> None:
        """Commands say what they act on."""
        hidden, does = self._view.shown.hidden, self._does
        does.show_all.setEnabled(self._view.shown.filter.active)
        does.clear.setText(self.tr("Clear what is shown") if hidden else self.tr("Clear"))

    def _on_grid(self, grid: bool) -> None:
        self._show_grid(grid=grid)
        self._preferences.change(LIST_VIEW, "grid" if grid else "list")

    def _on_grouped(self, grouped: bool) -> None:
        self._show_grouped(grouped)
        self._preferences.change(LIST_GROUPED, grouped)

    def _on_side(self, side: int) -> None:
        self._show_side(side)
        self._preferences.change(THUMBNAIL_SIDE, self._view.side)

    def _show_grid(self, *, grid: bool) -> None:
        if grid != self._view.grid:
            self._make_room(grid)
        self._bar.show_grid(grid)
        self._does.grid.setChecked(grid)
        self._view.set_grid(grid)
        self._ask_for_thumbnails()

    def _show_grouped(self, grouped: bool) -> None:
        self._does.group.setChecked(grouped)
        self._bar.group.setChecked(grouped)
        self._view.shown.set_grouped(grouped)

    def _show_side(self, side: int) -> None:
        self._view.set_side(side)
        self._bar.show_side(self._view.side)
        self._ask_for_thumbnails()

    def _ask_for_thumbnails(self) -> None:
        side = self._view.side if self._view.grid else THUMBNAIL
        self._model.thumbnails.set_side(round(side * self._view.devicePixelRatioF()))

    def _make_room(self, grid: bool) -> None:
        """A grid is wider than a list; each has its width back when it comes again."""
        splitter = self._page.splitter
        sizes = splitter.sizes()
        wanted = self._list_width or (GRID_WIDTH if grid else sizes[0])
        self._list_width = sizes[0]
        wider = min(wanted - sizes[0], max(0, sizes[1] - PHOTO_WIDTH)) if grid else wanted - sizes[0]
        splitter.setSizes([sizes[0] + wider, sizes[1] - wider, sizes[2]])
