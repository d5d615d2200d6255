"""The list of photos from one start to the next, and in files: kept, brought back, opened, saved.

Reading and writing are done on a thread of their own; what comes back goes into the list bit by bit, so that the window
answers meanwhile. Results are used only with the model and the limits that gave them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from resnet_desktop.core import paths
from resnet_desktop.core.errors import SessionError, StorageError
from resnet_desktop.core.progress import Cancelled
from resnet_desktop.core.settings import FIT, LIST_ORDER, RESTORE, Setting
from resnet_desktop.core.text.printable import printable
from resnet_desktop.gui.background.preferences import Preferences
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.gallery.gallery_model import GalleryModel, Item
from resnet_desktop.gui.gallery.gallery_view import GalleryView
from resnet_desktop.gui.gallery.photo_list import PhotoList
from resnet_desktop.gui.intake.list_steps import ListSteps
from resnet_desktop.gui.style import wording
from resnet_desktop.imaging.region import Region
from resnet_desktop.session import kept_pictures, saved
from resnet_desktop.session.results import Failure, ModelInfo, Result, Source, file_of
from resnet_desktop.session.saved import Saved, SavedPhoto

CHUNK = 500
"""Photos that go into the list before the window answers again."""
KEPT_AFTER_MS = 20_000
"""A list that has changed is written after so long, in case the app does not end well."""
ALL = "all"


class Sessions(QObject):
    """Signals.

    * ``said`` (a sentence): what went wrong.
    * ``saved`` (a sentence, the path of the file).
    * ``opened`` (Path): a file was opened or saved by the user.
    """

    said = Signal(str)
    saved = Signal(str, Path)
    opened = Signal(Path)

    def __init__(
        self,
        gallery: GalleryModel,
        photo_list: PhotoList,
        view: GalleryView,
        steps: ListSteps,
        preferences: Preferences,
    ) -> None:
        super().__init__(steps)
        self._gallery, self._list, self._view, self._steps = gallery, photo_list, view, steps
        self._preferences = preferences
        self._tasks = Tasks(1, "sessions", self)
        self.keeps = True
        """Whether the list is kept for the next start, where the user wants that; off in a demonstration."""
        self._answers = ""
        self._known: dict[Source, Result] = {}
        self._known_for = ("", "")
        self._waiting: list[SavedPhoto] = []
        self._coming = _Coming()
        self._closed = False
        self._more = QTimer(self, interval=0)
        self._more.timeout.connect(self._bring_more)
        self._keeping = QTimer(self, singleShot=True, interval=KEPT_AFTER_MS)
        self._keeping.timeout.connect(self._keep)
        for changed in (gallery.rowsInserted, gallery.rowsRemoved, gallery.dataChanged, gallery.modelReset):
            changed.connect(self._on_list_changed)
        gallery.rowsRemoved.connect(self._on_removed)
        preferences.changed.connect(self._on_setting_changed)

    @property
    def coming(self) -> bool:
        """Whether photos are on their way into the list."""
        return self._more.isActive()

    def restore(self) -> None:
        """Bring back the list of the last time, where the user wants that."""
        path = session_file()
        if self._wanted():
            self._tasks.run_task(lambda: _last(path, self._is_closed), self._on_restored)

    def open(self, path: Path) -> None:
        """Show the list in a file in place of what is shown; that can be taken back."""
        self._tasks.run_task(lambda: saved.read(path, self._is_closed), lambda future: self._on_opened(path, future))

    def show(self, found: Saved, path: Path) -> None:
        """Show a list that came from a file or folder in place of what is shown; that can be taken back."""
        self.opened.emit(path)
        self._steps.remove(range(len(self._gallery.items)))
        batch = self._steps.new_batch()
        self._bring(found, lambda sources: self._steps.add(sources, batch))

    def save(self, path: Path) -> None:
        """Write the list into a file."""
        now = self._now()
        self._tasks.run_task(lambda: saved.write(path, now()), lambda future: self._on_saved(path, future))

    def show_model(self, info: ModelInfo) -> None:
        """Answers are from this model from now on."""
        self._answers = info.answers

    def without_results(self, items: Sequence[Item]) -> list[Item]:
        """Give photos the results that they had; those that have none are returned."""
        if not self._known or not self._answers:
            return list(items)
        if (self._answers, str(self._preferences.value(FIT))) != self._known_for:
            self._known.clear()
            return list(items)
        found: dict[int, Result | Failure] = {}
        for item in items:
            if (result := self._known.pop(item.source, None)) is not None:
                found[item.number] = result
        self._gallery.set_outcomes(found)
        return [item for item in items if item.number not in found]

    def close(self) -> None:
        """Write the list, or take away what was kept if the user does not want that any more; wait for it."""
        self._keeping.stop()
        self._more.stop()
        self._closed = True
        if self.keeps and self._wanted():
            self._keep()
        elif self.keeps:
            self._tasks.run_task(_forget, lambda _future: None)
        self._tasks.finish()

    def _is_closed(self) -> bool:
        return self._closed

    def _wanted(self) -> bool:
        return self._preferences.value(RESTORE) == ALL

    def _now(self) -> Callable[[], Saved]:
        """The list as it is, to be put together on another thread."""
        items = self._gallery.items
        outcomes = [item.outcome for item in items]
        fit, current = str(self._preferences.value(FIT)), self._view.current
        number = None if current is None else current.number
        selected, waiting = set(self._view.selected_numbers()), tuple(self._waiting)
        known = dict(self._known) if self._known_for[1] == fit else {}
        answers = self._answers or self._known_for[0]

        def put_together() -> Saved:
            ordered = sorted(zip(items, outcomes, strict=True), key=lambda each: each[0].place)
            photos = [_photo(item, outcome, known, item.number in selected) for item, outcome in ordered]
            place = next((place for place, (item, _) in enumerate(ordered) if item.number == number), None)
            return Saved(answers, fit, place, (*photos, *waiting))

        return put_together

    def _keep(self) -> None:
        now, path = self._now(), session_file()
        self._tasks.run_task(lambda: saved.write(path, now()), self._on_kept)

    def _on_kept(self, future: Future[int]) -> None:
        try:
            future.result()
        except StorageError as error:
            self.said.emit(str(error))

    def _on_list_changed(self) -> None:
        if self.keeps and not self._keeping.isActive() and self._wanted():
            self._keeping.start()

    def _on_removed(self) -> None:
        if not self._gallery.rowCount():  # it was cleared: what is still to come is not wanted either
            self._waiting = []

    def _on_setting_changed(self, setting: Setting, _value: object) -> None:
        if setting is RESTORE:
            self._on_list_changed()

    def _on_restored(self, future: Future[Saved | None]) -> None:
        try:
            found = future.result()
        except SessionError as error:
            self.said.emit(str(error))
            return
        if found is not None and found.photos:
            self._bring(found, self._steps.bring_back)

    def _on_opened(self, path: Path, future: Future[Saved]) -> None:
        try:
            found = future.result()
        except SessionError as error:
            self.said.emit(str(error))
            return
        self.show(found, path)

    def _on_saved(self, path: Path, future: Future[int]) -> None:
        try:
            left_out = future.result()
        except StorageError as error:
            self.said.emit(str(error))
            return
        self.opened.emit(path)
        words = self.tr("The session is saved.")
        if left_out:
            words = self.tr("The session is saved without {count} of its pasted pictures: there are too many.")
            words = words.format(count=wording.number(left_out))
        self.saved.emit(words, path)

    def _bring(self, found: Saved, add: Callable[[Sequence[tuple[Source, str]]], list[Item]]) -> None:
        self._known = {photo.source: photo.result for photo in found.photos if photo.result is not None}
        self._known_for = (found.answers, found.fit)
        current = None if found.current is None else found.photos[found.current].source
        self._coming = _Coming(add, current, tuple(photo.source for photo in found.photos if photo.selected))
        self._waiting = list(found.photos)
        self._more.start()
        if found.left_out:
            words = self.tr("{count} pasted pictures could not be kept or are gone.")
            if found.left_out == 1:
                words = self.tr("A pasted picture could not be kept or is gone.")
            self.said.emit(words.format(count=wording.number(found.left_out)))

    def _bring_more(self) -> None:
        chunk, self._waiting = self._waiting[:CHUNK], self._waiting[CHUNK:]
        if not chunk:
            self._more.stop()
            self._show_as_it_was()
            return
        new = self._coming.add([(photo.source, photo.name or _name(photo.source)) for photo in chunk])
        self._coming.numbers |= {id(item.source): item.number for item in new if isinstance(item.source, bytes)}
        if self._coming.first is None and new:
            self._coming.first = new[0].number

    def _show_as_it_was(self) -> None:
        """Put the list in its order, and look at what was looked at, unless the user looks at something else by now."""
        if self._list.order != LIST_ORDER.default:
            self._list.follow_queue(0, 0)
        current, coming = self._view.current, self._coming
        self._coming = _Coming()
        if current is not None and current.number != coming.first:
            return
        number = None if coming.current is None else self._number_of(coming.current, coming)
        if number is not None:
            self._view.reveal(number)
        found = (self._number_of(source, coming) for source in coming.selected)
        numbers = [number for number in found if number is not None]
        if len(numbers) > 1:
            self._view.select_numbers(numbers)

    def _number_of(self, source: Source, coming: _Coming) -> int | None:
        """Of a photo that was brought, in the list."""
        if isinstance(source, bytes):
            return coming.numbers.get(id(source))
        row = self._gallery.row_of(source)
        return None if row is None else self._gallery.items[row].number


class _Coming:
    """What is being brought: how photos are added, which one is looked at then, which are selected."""

    def __init__(
        self,
        add: Callable[[Sequence[tuple[Source, str]]], list[Item]] = lambda _sources: [],
        current: Source | None = None,
        selected: tuple[Source, ...] = (),
    ) -> None:
        self.add, self.current, self.selected = add, current, selected
        self.numbers: dict[int, int] = {}  # of pictures that are no files, by the identity of their bytes
        self.first: int | None = None


def session_file() -> Path:
    """Where the list is kept from one start to the next."""
    return paths.data_folder() / f"last{saved.SUFFIX}"


def _last(path: Path, cancelled: Cancelled) -> Saved | None:
    """The list of the last time, or None; one that cannot be read is set aside. Raises SessionError."""
    if not path.exists():
        return None
    try:
        return saved.read(path, cancelled)
    except SessionError:
        path.replace(path.with_suffix(".damaged"))
        raise


def _forget() -> None:
    session_file().unlink(missing_ok=True)
    kept_pictures.drop(kept_pictures.folder_of(session_file()))


def _name(source: Source) -> str:
    file = file_of(source)
    return "" if file is None else printable(file.name)


def _photo(item: Item, outcome: Result | Failure | None, known: Mapping[Source, Result], selected: bool) -> SavedPhoto:
    source = item.source
    result = outcome if isinstance(outcome, Result) else known.get(source)
    if isinstance(source, Path):
        return SavedPhoto(source.absolute(), selected, result)
    if isinstance(source, Region) and source.data is None:
        source = replace(source, path=str(Path(source.path).absolute()))
    return SavedPhoto(source, selected, result, item.name)
