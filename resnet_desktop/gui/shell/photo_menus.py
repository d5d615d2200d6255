"""The menus that the right button and the menu key open over photos and classes."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtWidgets import QMenu, QWidget

from resnet_desktop.gui.gallery.photo_filter import PhotoFilter
from resnet_desktop.gui.inspect.inspect_page import InspectPage
from resnet_desktop.gui.inspect.photo.bar_list import ROW_ROLE
from resnet_desktop.gui.labels.class_list import KEYS
from resnet_desktop.gui.labels.labels_presenter import LabelsPresenter
from resnet_desktop.gui.style import wording
from resnet_desktop.gui.widgets.actions import Actions
from resnet_desktop.gui.widgets.menus import Entry, Line, copy_text, open_menu
from resnet_desktop.session.results import Listed, Result


class PhotoMenus(QObject):
    """Opens them over the list, the photo and the predictions."""

    def __init__(self, does: Actions, page: InspectPage, labels: LabelsPresenter, window: QWidget) -> None:
        super().__init__(window)
        self._does, self._page, self._labels, self._window = does, page, labels, window
        self.menu: QMenu | None = None
        page.gallery.menu_asked.connect(lambda where: self._open(self.of_photos(), where))
        bars = page.predictions.bars
        for widget in (page.view, bars):
            widget.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        page.view.customContextMenuRequested.connect(self._on_view)
        bars.customContextMenuRequested.connect(self._on_bars)

    def of_photos(self) -> list[Line]:
        """What can be done with the photos that are selected."""
        does, items = self._does, self._page.gallery.selected_items()
        one = len(items) == 1
        remove: Line = does.remove
        again: Line = does.again
        if not one:
            count = wording.number(len(items))
            remove = Entry(self.tr("Remove {count} photos").format(count=count), does.remove.trigger)
            again = Entry(self.tr("Classify {count} photos again").format(count=count), does.again.trigger)
        lines: list[Line] = [does.show_in_folder, does.copy_picture, does.copy_heatmap, does.copy_path, None]
        lines += [self._label_as(), *self._alike(), again, None]
        return [*lines, does.save_picture, does.save_report, None, remove]

    def of_photo(self) -> list[Line]:
        """What can be done with the photo that is looked at."""
        does = self._does
        return [
            *(does.copy_picture, does.copy_heatmap, does.copy_path, does.show_in_folder, None),
            *(does.heatmap, does.swipe, does.cells, does.put_beside, does.check, None),
            *(does.select_part, self._label_as(), does.again, None),
            *(does.save_picture, does.save_map, does.save_report, None),
            *(does.fit, does.actual_size, does.zoom_in, does.zoom_out),
        ]

    def of_class(self, listed: Listed) -> list[Line]:
        """What can be done with an answer."""
        page, name = self._page, listed.label
        against = page.presenter.choice.request.against
        lines: list[Line] = [
            Entry(self.tr("Explain this class"), lambda: page.presenter.choose_target(listed.target)),
            self._does.all_classes,
            None,
            Entry(self.tr("Show the photos of this class"), lambda: self._show_alike(name), self._is_there(name)),
            Entry(self.tr("Label the selected photos “{name}”").format(name=name), lambda: self._label(name)),
            None,
            Entry(self.tr("Copy its name"), lambda: copy_text(name)),
        ]
        if isinstance(listed.target, int):
            index, evidence = listed.target, page.presenter.evidence
            shown = None if evidence is None else evidence.target
            contrast = Entry(
                self.tr("Contrast with this class"),
                lambda: page.presenter.choose_against(index),
                enabled=shown is not None and shown != index and against != index,
            )
            lines.insert(1, contrast)
        return lines

    def _open(self, lines: list[Line], where: QPoint) -> None:
        self.menu = open_menu(self._window, lines, where)

    def _on_view(self, where: QPoint) -> None:
        if self._page.gallery.current is not None:
            self._open(self.of_photo(), self._page.view.mapToGlobal(where))

    def _on_bars(self, where: QPoint) -> None:
        bars = self._page.predictions.bars
        row = bars.indexAt(where).data(ROW_ROLE) or bars.currentIndex().data(ROW_ROLE)
        if row is not None:
            self._open(self.of_class(row.listed), bars.viewport().mapToGlobal(where))

    def _label_as(self) -> Entry:
        """The classes to choose from, and a way to a new one."""
        labelling, numbers = self._labels.labelling, self._page.gallery.selected_numbers()
        entries: list[Line] = [
            Entry(one.name, lambda one=one: labelling.assign(numbers, one), key=str(place) if place <= KEYS else "")  # type: ignore[misc]
            for place, one in enumerate(labelling.classes, 1)
        ]
        if entries:
            labelled = any(item.label is not None for item in self._page.gallery.selected_items())
            entries.append(None)
            entries.append(Entry(self.tr("No label"), lambda: labelling.assign(numbers, None), enabled=labelled))
        entries.append(Entry(self.tr("New class…"), lambda: self._labels.show(shown=True)))
        return Entry(self.tr("Label as"), entries=tuple(entries))

    def _alike(self) -> list[Line]:
        """The photos with the same answer as the one that is looked at."""
        item = self._page.gallery.current
        if item is None or not isinstance(item.outcome, Result):
            return []
        name = item.outcome.headline.label
        text = self.tr("Show only “{name}”").format(name=name)
        return [Entry(text, lambda: self._show_alike(name))]

    def _is_there(self, name: str) -> bool:
        """Whether it is the answer for any photo."""
        outcomes = (item.outcome for item in self._page.photo_list.items)
        return any(isinstance(outcome, Result) and outcome.headline.label == name for outcome in outcomes)

    def _show_alike(self, name: str) -> None:
        self._page.gallery.shown.set_filter(PhotoFilter(classes=frozenset((name,))))

    def _label(self, name: str) -> None:
        self._labels.show(shown=True)
        self._labels.labelling.add(name, self._page.gallery.selected_numbers())
