"""The window's way to the model: one session thread, whose answers arrive as signals on the GUI thread.

The session thread serves what the user waits for (a model, the evidence for the photo that is looked at) before the
queue of photos, and between any two results of it. All answers come from that one thread in the order of its work, so
that a result of an old model never arrives after the word that the new one is open.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal

from resnet_desktop.core.errors import AnswerError, ImageError, ResNetDesktopError
from resnet_desktop.core.progress import CancelledError
from resnet_desktop.core.running import stoppable
from resnet_desktop.gui.background.outstanding import Outstanding
from resnet_desktop.gui.background.requests import Ask, Asks, Looked
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.session.results import Evidence, EvidenceRequest, Failure, Limits, ModelInfo, Result, Source

if TYPE_CHECKING:
    from resnet_desktop.gui.background.requests import Work
    from resnet_desktop.imaging.transforms import Fit
    from resnet_desktop.session.engine import Engine


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
    _explained = Signal(int, object)
    _looking = Signal(int, int, int)
    _asked = Signal(object, object)
    _advanced = Signal(object, int, int)
    _gave_up = Signal(object)
    _replaced = Signal(str)

    def __init__(self, limits: Limits, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._limits = limits
        self._tasks = Tasks(1, "session", self)
        self._engine: Engine | None = None  # touched by the session thread alone
        self._lock = threading.Lock()  # guards the next block, which both threads use
        self._commands: deque[Callable[[Engine], None]] = deque()
        self._request: Looked | None = None
        self._pending: OrderedDict[int, Source] = OrderedDict()  # a dict's front is slow to take from again and again
        self._asks = Asks()
        self._epoch = self._token = 0
        self._working = self._closed = False
        self._outstanding = Outstanding(self.queue_changed.emit)
        self._loads: list[Callable[[Engine], None]] = []
        queued = Qt.ConnectionType.QueuedConnection
        self._opened.connect(self._on_opened, queued)
        self._refitted.connect(self._on_refitted, queued)
        self._finished.connect(self._on_finished, queued)
        self._explained.connect(self._on_explained, queued)
        self._looking.connect(self._on_looking, queued)
        self._asked.connect(self._on_asked, queued)
        self._advanced.connect(self._on_advanced, queued)
        self._gave_up.connect(self._on_gave_up, queued)
        self._replaced.connect(self.provider_fell_back, queued)

    @property
    def busy(self) -> bool:
        """Whether photos wait for their result."""
        return bool(self._outstanding)

    @property
    def loading(self) -> int:
        """How many models are still to be opened, one after the other."""
        return len(self._loads)

    def open_model(self, wanted: str, provider: str, *, or_default: bool = False) -> None:
        """Open a model by name or path, empty for the default; ``or_default``: that one if it cannot be opened."""
        self._loads.append(lambda engine: self._open(engine, wanted, provider, or_default))
        self.model_loading.emit(wanted)
        self._command(self._loads[-1])

    def set_fit(self, fit: Fit) -> None:
        """Show the network the centre crop or the whole of each photo."""
        self._command(lambda engine: self._refit(engine, fit))

    def classify(self, items: Iterable[tuple[int, Source]]) -> None:
        """Put numbered photos into the queue."""
        new = dict(items)
        if not new:
            return
        with self._lock:
            self._pending.update(new)
        self._outstanding.add(new)
        self._wake()

    def explain(self, number: int, source: Source, request: EvidenceRequest) -> None:
        """Ask for a heatmap of a photo; replaces the request before it."""
        self._token += 1
        with self._lock:
            self._request = (self._token, number, source, request)
        self._wake()

    def ask(self, slot: str, work: Work) -> None:
        """Have ``work`` done on the session thread; its answer comes as ``answered``, unless ``slot`` is used again.

        ``work`` gets the engine, a function that says whether to give up (it then raises CancelledError), and one that
        is told of progress. What the user looks at goes before it, also while it runs. A new model and a new fit drop
        all that was asked of the old.
        """
        self._asks.put(slot, work)
        self._wake()

    def drop(self, slot: str) -> None:
        """Give up what was asked in ``slot``; nothing arrives."""
        self._asks.drop(slot)

    def drop_request(self) -> None:
        """Nothing is looked at any more: let an answer that is under way be forgotten."""
        self._token += 1
        with self._lock:
            self._request = None

    def forget(self, numbers: Iterable[int]) -> None:
        """Take photos out of the queue."""
        gone = set(numbers)
        with self._lock:
            for number in gone:
                self._pending.pop(number, None)
        self._outstanding.forget(gone)

    def cancel(self) -> None:
        """Empty the queue; the photos that were in it stay without a result."""
        with self._lock:
            self._pending.clear()
            self._epoch += 1
        self._outstanding.reset()
        self._outstanding.report()

    def give_up(self) -> None:
        """Stop all, for good, without waiting."""
        with self._lock:
            self._closed = True
            self._commands.clear()
        self._start_anew()

    def close(self) -> None:
        """Stop, and wait for the session thread to end; a run of the model under way is ended."""
        self.give_up()
        self._tasks.drain()
        self._engine = None

    # On the session thread ------------------------------------------------------------------------------------------

    def _work(self) -> None:
        engine = self._engine
        if engine is None:
            # Imported here, on this thread and after the window is up: it brings in NumPy, ONNX and ONNX Runtime.
            from resnet_desktop.session.engine import Engine

            engine = Engine(self._limits, on_fallback=self._replaced.emit)
            engine.closing = lambda: self._closed
            self._engine = engine
        while True:
            if self._serve(engine):
                continue
            with self._lock:
                waited_for = self._commands or (engine.ready and (self._request is not None or self._asks))
                queued = engine.ready and bool(self._pending)
                self._working = bool(waited_for or queued)
                if not self._working:
                    return
                if waited_for:
                    continue
            self._run_queue(engine)

    def _serve(self, engine: Engine) -> bool:
        """Do one thing that the user waits for, if there is one."""
        with self._lock:
            command = self._commands.popleft() if self._commands else None
        if command is not None:
            command(engine)
            return True
        if not engine.ready:
            return False
        if self._serve_request(engine):
            return True
        ask = self._asks.take()
        if ask is not None:
            self._perform(engine, ask)
        return ask is not None

    def _serve_request(self, engine: Engine) -> bool:
        """Make the heatmap that the user waits for, if there is one."""
        with self._lock:
            request, self._request = self._request, None
        if request is not None:
            self._answer(engine, request)
        return request is not None

    def _perform(self, engine: Engine, ask: Ask) -> None:
        def cancelled() -> bool:
            return bool(self._commands) or not self._asks.wanted(ask)

        def progress(done: int, total: int) -> None:
            self._advanced.emit(ask, done, total)
            while not cancelled() and self._serve_request(engine):
                pass

        try:
            with stoppable(cancelled):
                answer = ask.work(engine, cancelled, progress)
        except CancelledError:
            self._asks.put_back(ask)  # wanted still, if it was a command that came in between
            return
        except ResNetDesktopError as error:
            answer = Failure.of(error)
        self._asked.emit(ask, answer)

    def _run_queue(self, engine: Engine) -> None:
        with self._lock:
            epoch = self._epoch
        results = engine.classify_many(self._feed(), lambda: self._epoch != epoch)
        try:
            for number, result in results:
                self._finished.emit(number, result)
                while self._epoch == epoch and self._serve(engine):
                    pass
        except ResNetDesktopError as error:
            with self._lock:
                self._pending.clear()
            self._gave_up.emit(Failure.of(error))

    def _feed(self) -> Iterator[tuple[int, Source]]:
        while True:
            with self._lock:
                if not self._pending:
                    return
                number, source = self._pending.popitem(last=False)
            yield number, source

    def _open(self, engine: Engine, wanted: str, provider: str, or_default: bool) -> None:
        try:
            with stoppable(engine.closing):
                info = engine.open_model(wanted, provider)
        except CancelledError:  # the window closes
            return
        except ResNetDesktopError as error:
            again = or_default and bool(wanted)
            self._opened.emit(Failure.of(error), not again)
            if again:
                self._open(engine, "", provider, or_default=False)
            return
        self._start_anew()
        self._opened.emit(info, True)

    def _refit(self, engine: Engine, fit: Fit) -> None:
        engine.set_fit(fit)
        self._start_anew()
        self._refitted.emit(fit)

    def _start_anew(self) -> None:
        """The queue under way was for other answers: whoever hears of the change fills it again."""
        with self._lock:
            self._pending.clear()
            self._request = None
            self._epoch += 1
        self._asks.clear()

    def _answer(self, engine: Engine, request: Looked) -> None:
        token, number, source, wanted = request

        def cancelled() -> bool:
            return token != self._token or self._closed or bool(self._commands)

        try:
            with stoppable(cancelled):
                if not engine.remembers(number):
                    with self._lock:
                        self._pending.pop(number, None)
                    self._finished.emit(number, engine.classify(number, source))
                looking = partial(self._looking.emit, token)
                evidence = engine.analysis.evidence(number, source, wanted, cancelled, looking)
            self._explained.emit(token, evidence)
        except CancelledError:
            with self._lock:
                if self._request is None and token == self._token and not self._closed:  # a command came in between
                    self._request = request
        except (ImageError, AnswerError) as error:
            self._finished.emit(number, Failure.of(error))
        except ResNetDesktopError as error:
            self._gave_up.emit(Failure.of(error))

    # On the GUI thread; what was under way at the end is dropped ------------------------------------------------

    def _command(self, command: Callable[[Engine], None]) -> None:
        with self._lock:
            self._commands.append(command)
        self._wake()

    def _wake(self) -> None:
        with self._lock:
            if self._working or self._closed:
                return
            self._working = True
        self._tasks.run_task(self._work, self._on_work_ended)

    def _on_work_ended(self, future: Future[None]) -> None:
        error = future.exception()
        if not isinstance(error, ResNetDesktopError):  # there is none: others do not come through
            return
        with self._lock:
            self._working = False
            self._pending.clear()
            lost = [load for load in self._loads if load not in self._commands]
            self._loads = [load for load in self._loads if load in self._commands]
            more = bool(self._commands or self._request is not None or self._asks)
        failure = Failure.of(error)
        if lost:
            self.model_failed.emit(failure)
        self._on_gave_up(failure)
        if more:  # it came between the fault and this word of it
            self._wake()

    def _on_opened(self, answer: ModelInfo | Failure, final: bool) -> None:
        if self._closed:
            return
        del self._loads[: int(final)]
        if isinstance(answer, Failure):
            self.model_failed.emit(answer)
            return
        self._outstanding.reset()
        self.model_ready.emit(answer)

    def _on_refitted(self, fit: str) -> None:
        if not self._closed:
            self._outstanding.reset()
            self.fit_changed.emit(fit)

    def _on_finished(self, number: int, result: Result | Failure) -> None:
        if not self._closed:
            self._outstanding.finish(number)
            self.item_finished.emit(number, result)
            self._outstanding.report()

    def _on_explained(self, token: int, evidence: Evidence) -> None:
        if token == self._token and not self._closed:  # else something else is looked at by now
            self.evidence_ready.emit(evidence)

    def _on_looking(self, token: int, done: int, total: int) -> None:
        if token == self._token and not self._closed:
            self.evidence_progressed.emit(done, total)

    def _on_asked(self, ask: Ask, answer: object) -> None:
        if not self._closed and self._asks.finish(ask):
            self.answered.emit(ask.slot, answer)

    def _on_advanced(self, ask: Ask, done: int, total: int) -> None:
        if not self._closed and self._asks.wanted(ask):
            self.progressed.emit(ask.slot, done, total)

    def _on_gave_up(self, failure: Failure) -> None:
        if self._closed:
            return
        self._outstanding.reset()
        self._outstanding.report()
        self.stopped.emit(failure)
