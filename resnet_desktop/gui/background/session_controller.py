"""The window's way to the model: one session thread, whose answers arrive as signals on the GUI thread."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal

from resnet_desktop.core.errors import AnswerError, ImageError, ResNetDesktopError
from resnet_desktop.gui.background.outstanding import Outstanding
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.session.requests import Request
from resnet_desktop.session.results import EvidenceRequest, Failure, Limits, ModelInfo, Result, Source
from resnet_desktop.session.worker import Command, SessionListener, SessionWorker

if TYPE_CHECKING:
    from resnet_desktop.core.progress import Cancelled, Progress
    from resnet_desktop.imaging.transforms import Fit
    from resnet_desktop.session.engine import Engine
    from resnet_desktop.session.requests import Work

_EVIDENCE = "evidence"
"""The slot of what the user looks at."""


class SessionController(QObject):
    """Classifies and explains; every method returns at once.

    Signals:
        model_loading: a model is about to be opened (its name, empty for the default).
        model_ready: ModelInfo; earlier results are no longer true, and the queue is empty.
        model_failed: Failure; the model before it goes on.
        fit_changed: earlier results are no longer true, and the queue is empty.
        item_finished: the number of a photo, and its Result or Failure.
        evidence_ready: Evidence for the latest request.
        evidence_progressed: how many steps of a long method are done, and of how many.
        answered: the slot of an ``ask``, and its answer or a Failure.
        progressed: the slot of an ``ask``, how many steps are done, and of how many.
        provider_fell_back: a sentence: another provider than the wanted one does the work from now on.
        queue_changed: how many photos of the present queue are done, and of how many.
        stopped: Failure; the model cannot be run, and the queue was given up.
    """

    model_loading = Signal(str)
    model_ready = Signal(object)
    model_failed = Signal(object)
    fit_changed = Signal(str)
    item_finished = Signal(int, object)
    evidence_ready = Signal(object)
    evidence_progressed = Signal(int, int)
    answered = Signal(str, object)
    progressed = Signal(str, int, int)
    provider_fell_back = Signal(str)
    queue_changed = Signal(int, int)
    stopped = Signal(object)

    # From the session thread, hence queued:
    _opened = Signal(object, bool)
    _refitted = Signal(str)
    _finished = Signal(int, object)
    _answered = Signal(object, object)
    _advanced = Signal(object, int, int)
    _gave_up = Signal(object)
    _replaced = Signal(str)

    def __init__(self, limits: Limits, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = Tasks(1, "session", self)
        self._worker = SessionWorker(
            limits,
            SessionListener(
                opened=self._opened.emit,
                refitted=self._refitted.emit,
                finished=self._finished.emit,
                answered=self._answered.emit,
                advanced=self._advanced.emit,
                gave_up=self._gave_up.emit,
                replaced=self._replaced.emit,
            ),
        )
        self._outstanding = Outstanding(self.queue_changed.emit)
        self._loads: list[Command] = []
        queued = Qt.ConnectionType.QueuedConnection
        self._opened.connect(self._on_opened, queued)
        self._refitted.connect(self._on_refitted, queued)
        self._finished.connect(self._on_finished, queued)
        self._answered.connect(self._on_answered, queued)
        self._advanced.connect(self._on_advanced, queued)
        self._gave_up.connect(self._on_gave_up, queued)
        self._replaced.connect(self.provider_fell_back, queued)

    def set_limits(self, limits: Limits) -> None:
        """Those of the models that are opened from now on."""
        self._worker.limits = limits

    @property
    def busy(self) -> bool:
        """Whether photos wait for their result."""
        return bool(self._outstanding)

    @property
    def working(self) -> bool:
        """Whether the session thread has anything to do, be it for a photo or a request."""
        return self._worker.working

    @property
    def loading(self) -> int:
        """How many models are still to be opened, one after the other."""
        return len(self._loads)

    def open_model(self, wanted: str, provider: str, *, or_default: bool = False) -> None:
        """Open a model by name or path, empty for the default; ``or_default``: that one if it cannot be opened."""
        self._loads.append(self._worker.open(wanted, provider, or_default=or_default))
        self.model_loading.emit(wanted)
        self._worker.command(self._loads[-1])
        self._wake()

    def set_fit(self, fit: Fit) -> None:
        """Show the network the centre crop or the whole of each photo."""
        self._worker.command(self._worker.refit(fit))
        self._wake()

    def classify(self, items: Iterable[tuple[int, Source]]) -> None:
        """Put numbered photos into the queue."""
        new = dict(items)
        if not new:
            return
        self._worker.add(new)
        self._outstanding.add(new)
        self._wake()

    def explain(self, number: int, source: Source, request: EvidenceRequest) -> None:
        """Ask for a heatmap of a photo; replaces the request before it."""

        def work(engine: Engine, cancelled: Cancelled, progress: Progress) -> object:
            try:
                if not engine.remembers(number):
                    result = engine.classify(number, source)  # gives up where something else is looked at by now:
                    self._worker.forget([number])  # only then is the photo out of the queue
                    self._finished.emit(number, result)
                return engine.analysis.evidence(number, source, request, cancelled, progress)
            except (ImageError, AnswerError) as error:  # the photo's fault
                self._worker.forget([number])
                self._finished.emit(number, Failure.of(error))
                return None

        self._worker.requests.put(Request(_EVIDENCE, work, urgent=True))
        self._wake()

    def ask(self, slot: str, work: Work) -> None:
        """Have ``work`` done on the session thread; its answer comes as ``answered``, unless ``slot`` is used again.

        ``work`` gets the engine, a function that says whether to give up (it then raises CancelledError), and one that
        is told of progress. What the user looks at goes before it, also while it runs. A new model and a new fit drop
        all that was asked of the old.
        """
        self._worker.requests.put(Request(slot, work))
        self._wake()

    def drop(self, slot: str) -> None:
        """Give up what was asked in ``slot``; nothing arrives."""
        self._worker.requests.drop(slot)

    def drop_request(self) -> None:
        """Nothing is looked at any more: let an answer that is under way be forgotten."""
        self.drop(_EVIDENCE)

    def forget(self, numbers: Iterable[int]) -> None:
        """Take photos out of the queue."""
        gone = set(numbers)
        self._worker.forget(gone)
        self._outstanding.forget(gone)

    def cancel(self) -> None:
        """Empty the queue; the photos that were in it stay without a result."""
        self._worker.cancel()
        self._outstanding.reset()
        self._outstanding.report()

    def give_up(self) -> None:
        """Stop all, for good, without waiting."""
        self._worker.give_up()

    def close(self) -> None:
        """Stop, and wait for the session thread to end; a run of the model under way is ended."""
        self.give_up()
        self._tasks.drain()
        self._worker.let_go()

    # On the GUI thread; what was under way at the end is dropped ------------------------------------------------

    def _wake(self) -> None:
        if self._worker.begins():
            self._tasks.run_task(self._worker.work, self._on_work_ended)

    def _on_work_ended(self, future: Future[None]) -> None:
        error = future.exception()
        if not isinstance(error, ResNetDesktopError):  # there is none: others do not come through
            return
        waiting, more = self._worker.after_fault()
        lost = [load for load in self._loads if load not in waiting]
        self._loads = [load for load in self._loads if load in waiting]
        failure = Failure.of(error)
        if lost:
            self.model_failed.emit(failure)
        self._on_gave_up(failure)
        if more:  # it came between the fault and this word of it
            self._wake()

    def _on_opened(self, answer: ModelInfo | Failure, final: bool) -> None:
        if self._worker.closed:
            return
        del self._loads[: int(final)]
        if isinstance(answer, Failure):
            self.model_failed.emit(answer)
            return
        self._outstanding.reset()
        self.model_ready.emit(answer)

    def _on_refitted(self, fit: str) -> None:
        if not self._worker.closed:
            self._outstanding.reset()
            self.fit_changed.emit(fit)

    def _on_finished(self, number: int, result: Result | Failure) -> None:
        if not self._worker.closed:
            self._outstanding.finish(number)
            self.item_finished.emit(number, result)
            self._outstanding.report()

    def _on_answered(self, request: Request, answer: object) -> None:
        if self._worker.closed or not self._worker.requests.finish(request):  # else something else is wanted by now
            return
        if request.slot != _EVIDENCE:
            self.answered.emit(request.slot, answer)
        elif isinstance(answer, Failure):
            self._on_gave_up(answer)
        elif answer is not None:
            self.evidence_ready.emit(answer)

    def _on_advanced(self, request: Request, done: int, total: int) -> None:
        if self._worker.closed or not self._worker.requests.wanted(request):
            return
        if request.slot == _EVIDENCE:
            self.evidence_progressed.emit(done, total)
        else:
            self.progressed.emit(request.slot, done, total)

    def _on_gave_up(self, failure: Failure) -> None:
        if self._worker.closed:
            return
        self._outstanding.reset()
        self._outstanding.report()
        self.stopped.emit(failure)
