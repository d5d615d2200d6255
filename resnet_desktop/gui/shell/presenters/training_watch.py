"""Training that goes on while the user does something else: how far it is, and word of its end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QObject, Signal

from resnet_desktop.gui.style import wording

if TYPE_CHECKING:
    from resnet_desktop.gui.background.trainer_process import TrainingRun
    from resnet_desktop.jobs.run_state import RunState


class TrainingWatch(QObject):
    """Looks at the run of the guide while it is open, or follows one that goes on by itself.

    Signals:
        told: how far it is, in a few words; empty where nobody trains.
        ended: a sentence, and whether there is a model.
    """

    told = Signal(str)
    ended = Signal(str, bool)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.folder = Path()
        """The folder of the run that is followed by itself."""
        self._own: TrainingRun | None = None
        self._seen = False

    @property
    def follows(self) -> bool:
        """Whether a run is followed that is not the guide's."""
        return self._own is not None

    def look_at(self, run: TrainingRun) -> None:
        """Look at a run that somebody else follows."""
        self.leave()
        self._seen = False
        run.state_changed.connect(lambda state: self._on_state(run, state))
        run.ended.connect(self._on_ended)

    def follow(self, folder: Path) -> None:
        """Follow a run that goes on by itself."""
        # brings in much that the window does not wait for
        from resnet_desktop.gui.background.trainer_process import TrainingRun

        self.leave()
        self.folder, self._seen = folder, False
        self._own = TrainingRun(self)
        self._own.state_changed.connect(lambda state, run=self._own: self._on_state(run, state))
        self._own.ended.connect(self._on_ended)
        self._own.attach(folder)

    def leave(self) -> None:
        """Follow no run any more; it goes on."""
        if self._own is not None:
            self._own.detach()
            self._own.deleteLater()
            self._own = None
        self.told.emit("")

    def _on_state(self, run: TrainingRun, state: RunState) -> None:
        if run.can_be_told and not state.ended:  # else one that ended long ago is looked at
            self._seen = True
            self.told.emit(words_of(state))

    def _on_ended(self, state: RunState) -> None:
        seen, self._seen = self._seen, False
        self.told.emit("")
        if not seen or state.phase == "cancelled":
            return
        if state.was_successful():
            self.ended.emit(self.tr("Training is done: there is a new model."), True)
        else:
            why = str((state.error or {}).get("message") or "")
            self.ended.emit(self.tr("Training has broken off. {why}").format(why=why).strip(), False)


def words_of(state: RunState) -> str:
    """How far a run is, for a line that is always seen."""
    if state.paused:
        return _tr("Training: paused")
    if not state.epochs:
        return _tr("Training: preparing")
    words = _tr("Training: {share}").format(share=wording.percent(state.progress))
    if state.seconds_left:
        words = _tr("{words}, {time} left").format(words=words, time=wording.long_duration(state.seconds_left))
    return words


def running_now() -> Path | None:
    """The newest of the runs that somebody trains in. For worker threads."""
    from resnet_desktop.gui.wizard.draft import earlier_runs  # not needed before the window is up
    from resnet_desktop.jobs.launching.process import is_training

    return next((folder for folder in earlier_runs() if is_training(folder)), None)


def _tr(text: str) -> str:
    return QCoreApplication.translate("training_watch", text)
