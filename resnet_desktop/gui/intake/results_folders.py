"""Folders of results of a cluster, opened as lists of photos with their answers."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from resnet_desktop.core.errors import ModelError, ResultsError
from resnet_desktop.core.progress import CancelledError
from resnet_desktop.core.settings import FIT
from resnet_desktop.core.text.printable import printable
from resnet_desktop.gui.background.preferences import Preferences
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.intake.sessions import Sessions
from resnet_desktop.gui.style import wording
from resnet_desktop.session.results import Limits, ModelInfo

if TYPE_CHECKING:
    from resnet_desktop.batch_inference.as_session import Opened


class ResultsFolders(QObject):
    """Opens them, each in place of what is shown; one that comes before the model is ready waits for it.

    Signal: ``said`` (a sentence): what is to be known of the answers, or what went wrong.
    """

    said = Signal(str)

    def __init__(self, preferences: Preferences, sessions: Sessions, parent: QObject) -> None:
        super().__init__(parent)
        self._preferences, self._sessions = preferences, sessions
        self._tasks = Tasks(1, "results", self)
        self._tasks.failed.connect(self.said)
        self._model: ModelInfo | None = None
        self._wanted: Path | None = None
        self._closed = False

    def show_model(self, info: ModelInfo) -> None:
        """Answers are from this model from now on."""
        self._model = info
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            self.open(wanted)

    def open(self, path: Path) -> None:
        """Show the photos of a folder, which is named itself or by its manifest."""
        model = self._model
        if model is None:
            self._wanted = path
            return
        limits, fit = Limits.from_values(self._preferences.value), str(self._preferences.value(FIT))

        def read() -> Opened:
            from resnet_desktop.batch_inference.as_session import as_session

            return as_session(path, model, limits, fit, self._is_closed)

        self._tasks.run_task(read, lambda future: self._on_read(path, model, future))

    def close(self) -> None:
        """Give up what is being read."""
        self._closed = True
        self._tasks.finish()

    def _is_closed(self) -> bool:
        return self._closed

    def _on_read(self, path: Path, model: ModelInfo, future: Future[Opened]) -> None:
        try:
            found = future.result()
        except (ResultsError, ModelError) as error:
            self.said.emit(str(error))
            return
        except CancelledError:
            return
        self._sessions.show(found.saved, path.parent if path.is_file() else path)
        words = self._words(found, model)
        if words:
            self.said.emit(words)

    def _words(self, found: Opened, model: ModelInfo) -> str:
        words = []
        if found.other_model:
            text = self.tr("These are results of the model {theirs}. The photos are classified again with {mine}.")
            words.append(text.format(theirs=printable(found.model), mine=printable(model.name)))
        if found.other_settings:
            words.append(
                self.tr("These results were made with other settings, so the photos are classified again with yours.")
            )
        if found.elsewhere:
            count = wording.number(found.elsewhere)
            text = self.tr("{count} results are of parts of photos or of photos in a storage, and are not shown.")
            words.append(text.format(count=count))
        return " ".join(words)
