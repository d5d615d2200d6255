"""What stands beside the window's work: settings, the list from start to start, the guide, the photo alone."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QObject, Qt
from PySide6.QtWidgets import QApplication, QSplitter

from resnet_desktop.batch_inference.manifest import is_results
from resnet_desktop.core.settings import RESTORE, WINDOW
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.gallery.gallery_model import Item
from resnet_desktop.gui.help.first_steps import FirstSteps
from resnet_desktop.gui.intake.recent_files import RecentFiles
from resnet_desktop.gui.intake.results_folders import ResultsFolders
from resnet_desktop.gui.intake.sessions import Sessions
from resnet_desktop.gui.settings.settings_presenter import SettingsDesk
from resnet_desktop.gui.shell.full_screen import FullScreen, PhotoSteps
from resnet_desktop.gui.widgets import dialogs
from resnet_desktop.gui.widgets.help.guide_page import explained_by, page_of
from resnet_desktop.session.results import Evidence, ModelInfo
from resnet_desktop.session.saved import SUFFIX

if TYPE_CHECKING:
    from resnet_desktop.gui.help.guide import GuideWindow
    from resnet_desktop.gui.help.key_sheet import KeySheet
    from resnet_desktop.gui.inspect.photo.about_photo import AboutPhoto
    from resnet_desktop.gui.shell.main_window import MainWindow

NOTHING = "nothing"


class Companions(QObject):
    """Connects them with the window; each works by itself."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window, does, page = window, window.actions_, window.inspect
        preferences = window.preferences
        self._tasks = Tasks(1, "about", self)
        self.settings = SettingsDesk(does.settings, preferences, window.controller, window)
        self.settings.also_for(window.photos, window.thumbnails)
        self.sessions = Sessions(window.gallery, page.photo_list, page.gallery, window.steps, preferences)
        self.results = ResultsFolders(preferences, self.sessions, self)
        self.recent = RecentFiles(does.recent_menu, self)
        self.full_screen = FullScreen(does.full_screen, window, page)
        self.photo_steps = PhotoSteps(does.previous_photo, does.next_photo, page)
        self.first_steps = FirstSteps(page.view, preferences)
        self._guide: GuideWindow | None = None
        self._about: AboutPhoto | None = None
        self._info: ModelInfo | None = None
        self._closed = False
        self._connect()
        self._restore_window()

    def start(self, images: Sequence[Path]) -> None:
        """Bring back the list, unless the app was started for certain photos."""
        if not images:
            self.sessions.restore()

    def show_model(self, info: ModelInfo) -> None:
        """This one answers from now on."""
        self._info = info
        self.sessions.show_model(info)
        self.results.show_model(info)

    def without_results(self, items: Sequence[Item]) -> list[Item]:
        """Those of some photos whose results are not known from before; the others have theirs now."""
        return self.sessions.without_results(items)

    def leave(self) -> None:
        """The window is about to close: remember how it is."""
        self.full_screen.show(on=False)
        if self._window.preferences.value(RESTORE) != NOTHING and self.sessions.keeps:
            self._window.preferences.change(WINDOW, self._window_state())
        if self._guide is not None:
            self._guide.close()

    def close(self) -> None:
        """Write what is left, and wait for the threads. A second time nothing is done."""
        if self._closed:
            return
        self._closed = True
        self.results.close()
        self.sessions.close()
        self.recent.close()
        self.settings.close()
        self._tasks.drain()

    def open_guide(self) -> GuideWindow:
        """The guide, beside the window, at the page that explains what has the focus."""
        page = page_of(QApplication.focusWidget())
        if self._guide is None:
            from resnet_desktop.gui.help.guide import GuideWindow

            self._guide = GuideWindow()
        if page:
            self._guide.open_page(page)
        self._guide.show()
        self._guide.raise_()
        self._guide.activateWindow()
        return self._guide

    def show_keys(self) -> KeySheet:
        """All keys."""
        from resnet_desktop.gui.help.key_sheet import KeySheet, keys_of

        for earlier in self._window.findChildren(KeySheet):
            earlier.close()
        sheet = KeySheet(keys_of(self._window.menuBar(), self._window.actions()), self._window)
        sheet.show()
        return sheet

    def show_about_photo(self) -> AboutPhoto:
        """What the file of the photo says; it follows the photo that is looked at."""
        if self._about is None:
            from resnet_desktop.gui.inspect.photo.about_photo import AboutPhoto

            self._about = AboutPhoto(self._window.inspect.gallery, self._tasks, self._window)
        self._about.show()
        self._about.raise_()
        return self._about

    def _connect(self) -> None:
        window, does = self._window, self._window.actions_
        does.guide.triggered.connect(self.open_guide)
        does.guide.setShortcutContext(Qt.ShortcutContext.ApplicationShortcut)  # also in the windows beside this one
        page = window.inspect
        explained_by("first-answer.md", page)
        explained_by("percentages.md", page.predictions)
        explained_by("layers-and-methods.md", page.heatmap, page.compare)
        explained_by("residual-networks.md", page.blocks)
        explained_by("your-classes.md", page.class_panel)
        does.keys.triggered.connect(self.show_keys)
        does.about_photo.triggered.connect(self.show_about_photo)
        does.open_session.triggered.connect(lambda: dialogs.ask_for_session(window, SUFFIX, self._open_list))
        title, name = self.tr("Save session"), self.tr("photos") + SUFFIX
        does.save_session.triggered.connect(lambda: dialogs.ask_where(window, title, name, self.sessions.save))
        self.sessions.said.connect(window.notice.say)
        self.sessions.saved.connect(window.notice.tell_saved)
        self.sessions.opened.connect(lambda path: self.recent.add([path]))
        window.arrivals.opened.connect(self.recent.add)
        window.arrivals.session_wanted.connect(self.sessions.open)
        window.arrivals.results_wanted.connect(self.results.open)
        self.results.said.connect(window.notice.say)
        self.recent.chosen.connect(lambda path: window.add_paths((path,)))
        self.recent.missing.connect(self._on_missing)
        self.settings.model_chosen.connect(window.open_model)
        self.settings.reopen_wanted.connect(self._on_reopen_wanted)
        window.inspect.presenter.evidence_changed.connect(self._on_evidence)
        for changed in (window.gallery.rowsInserted, window.gallery.rowsRemoved, window.gallery.modelReset):
            changed.connect(self._on_list_changed)
        self._on_list_changed()

    def _open_list(self, path: Path) -> None:
        (self.results if is_results(path) else self.sessions).open(path)

    def _on_list_changed(self) -> None:
        does, some = self._window.actions_, bool(self._window.gallery.rowCount())
        for action in (does.save_session, does.about_photo, does.full_screen):
            action.setEnabled(some)
        if not some:
            self.full_screen.show(on=False)

    def _on_evidence(self, evidence: Evidence | None) -> None:
        if evidence is not None:
            self.first_steps.begin()

    def _on_missing(self, path: Path) -> None:
        self._window.notice.say(self.tr("{path} is not there any more.").format(path=path))

    def _on_reopen_wanted(self, provider: str) -> None:
        wanted = "" if self._info is None else str(self._info.path)
        window = self._window
        window.provider = provider or window.provider
        window.controller.open_model(wanted, window.provider, or_default=True)

    def _window_state(self) -> str:
        parts = [_text(splitter.saveState()) for splitter in self._splitters()]
        return json.dumps([_text(self._window.saveGeometry()), *parts])

    def _restore_window(self) -> None:
        if self._window.preferences.value(RESTORE) == NOTHING:
            return
        try:
            found = json.loads(str(self._window.preferences.value(WINDOW)) or "[]")
            geometry, *parts = [QByteArray(base64.b64decode(part, validate=True)) for part in found]
        except (ValueError, TypeError, binascii.Error, RecursionError):  # never saved, or not by this app
            return
        self._window.restoreGeometry(geometry)
        splitters = self._splitters()
        if len(parts) == len(splitters):
            for splitter, part in zip(splitters, parts, strict=True):
                splitter.restoreState(part)

    def _splitters(self) -> list[QSplitter]:
        """Those between list, photo and predictions."""
        columns = self._window.inspect.views.parentWidget()
        return [] if not isinstance(columns, QSplitter) else [columns, *columns.findChildren(QSplitter)]


def _text(data: QByteArray) -> str:
    return base64.b64encode(data.data()).decode("ascii")
