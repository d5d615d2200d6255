"""One slot of the session thread, its answers remembered until the model changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from resnet_desktop.gui.background.session_controller import SessionController
from resnet_desktop.session.results import Failure

if TYPE_CHECKING:
    from resnet_desktop.core.progress import Cancelled, Progress
    from resnet_desktop.session.engine import Engine
    from resnet_desktop.session.requests import Work

_KEPT = 12


class RequestSlot(QObject):
    """Asks the same kind of thing again and again; the latest request wins.

    Signals:
        answered: an answer, or a Failure; for a remembered one within ``ask``.
        progressed: steps done, and of how many.
        outdated: the model has changed, or what it sees: no earlier answer is true any more, and none will come.
    """

    answered = Signal(object)
    progressed = Signal(int, int)
    outdated = Signal()

    def __init__(self, controller: SessionController, slot: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._controller, self._slot = controller, slot
        self._asked: Hashable = None
        self._kept: OrderedDict[Hashable, object] = OrderedDict()
        controller.answered.connect(self._on_answered)
        controller.progressed.connect(self._on_progressed)
        controller.model_ready.connect(self._on_model_changed)
        controller.fit_changed.connect(self._on_model_changed)
        controller.stopped.connect(self._on_stopped)

    @property
    def asked(self) -> Hashable:
        """What is under way; None for nothing."""
        return self._asked

    def remembers(self, key: Hashable) -> bool:
        """Whether the answer is there."""
        return key in self._kept

    def ask(self, key: Hashable, work: Work) -> None:
        """Ask; ``key`` stands for all that the answer depends on but the model."""
        self.drop()
        if key in self._kept:
            self._kept.move_to_end(key)
            self.answered.emit(self._kept[key])
            return
        self._asked = key
        self._controller.ask(self._slot, work)

    def drop(self) -> None:
        """Give up what is under way."""
        if self._asked is not None:
            self._asked = None
            self._controller.drop(self._slot)

    def _on_answered(self, slot: str, answer: object) -> None:
        if slot != self._slot or self._asked is None:
            return
        if not isinstance(answer, Failure):
            self._kept[self._asked] = answer
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._asked = None
        self.answered.emit(answer)

    def _on_progressed(self, slot: str, done: int, total: int) -> None:
        if slot == self._slot and self._asked is not None:
            self.progressed.emit(done, total)

    def _on_model_changed(self, _what: object) -> None:
        self._kept.clear()
        self._asked = None
        self.outdated.emit()

    def _on_stopped(self, failure: Failure) -> None:
        if self._asked is not None:
            self.drop()
            self.answered.emit(failure)


def careful(work: Work) -> Work:
    """Asked with a class of one model and served by the next, while that was on its way in, a request has no answer."""

    def carefully(engine: Engine, cancelled: Cancelled, progress: Progress) -> object:
        try:
            return work(engine, cancelled, progress)
        except IndexError:
            return Failure("unknown_class", "The model has changed in the meantime.", "Choose a class again.")

    return carefully
