"""Questions to the trainer from the window: one at a time, and a new one ends the one before."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from PySide6.QtCore import QObject, Qt, Signal

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.core.progress import Cancelled, CancelledError
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.session.results import Failure

T = TypeVar("T")
Tell = Callable[[object], None]
"""Called on any thread with whatever is to be shown while the question is under way."""
Question = Callable[[Tell, Cancelled], T]


class TrainerInquiry(QObject):
    """Asks off the GUI thread and answers on it. What a given-up question still says is not heard.

    Args:
        tasks: whose worker asks. Inquiries that share it wait for each other.

    Signals: ``told`` (what the question tells), ``answered`` (its answer), ``refused`` (Failure).
    """

    told = Signal(object)
    answered = Signal(object)
    refused = Signal(object)
    _said = Signal(int, object)

    def __init__(self, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._number = 0
        self._stop = threading.Event()
        self._future: Future[object] | None = None
        self._said.connect(self._on_said, Qt.ConnectionType.QueuedConnection)

    @property
    def busy(self) -> bool:
        """Whether an answer is waited for."""
        return self._future is not None

    def ask(self, question: Question[object]) -> None:
        """Ask; what was asked before is given up."""
        self.stop()
        number, stop = self._number, threading.Event()
        self._stop = stop

        def tell(something: object) -> None:
            if not stop.is_set():
                self._said.emit(number, something)

        self._future = self._tasks.run_task(
            lambda: question(tell, stop.is_set), lambda future: self._on_done(number, future)
        )

    def stop(self) -> None:
        """Give up what was asked; the worker is free within a tenth of a second or so."""
        self._number += 1
        self._stop.set()
        if self._future is not None:
            self._future.cancel()
            self._future = None

    def _on_said(self, number: int, something: object) -> None:
        if number == self._number:
            self.told.emit(something)

    def _on_done(self, number: int, future: Future[object]) -> None:
        if number != self._number:
            return
        self._future = None
        try:
            answer = future.result()
        except CancelledError:
            return
        except ResNetDesktopError as error:
            self.refused.emit(Failure.of(error))
            return
        self.answered.emit(answer)
