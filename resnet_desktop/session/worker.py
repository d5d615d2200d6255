"""The work of the thread that owns the model: it serves what somebody waits for before the queue of photos.

Between any two results of the queue come first the commands (another model, another fit), then the requests, urgent
ones first. All answers come from that one thread in the order of its work, so that a result of an old model never
arrives after the word that the new one is open.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.core.processes.running import stoppable
from resnet_desktop.core.progress import CancelledError
from resnet_desktop.session.requests import Request, Requests
from resnet_desktop.session.results import Failure, Limits, ModelInfo, Result, Source

if TYPE_CHECKING:
    from resnet_desktop.imaging.transforms import Fit
    from resnet_desktop.session.engine import Engine

Command = Callable[["Engine"], None]


@dataclass(frozen=True, slots=True)
class SessionListener:
    """Who hears of the work; each is called on the session thread.

    Attributes:
        opened: a model, or why there is none; and whether that is the last word on it.
        refitted: the network sees another part of each photo.
        finished: the number of a photo, and what came of it.
        answered: a request, and its answer or a Failure.
        advanced: a request, how many steps are done, and of how many.
        gave_up: the queue was given up.
        replaced: another provider than the wanted one does the work; a sentence.
    """

    opened: Callable[[ModelInfo | Failure, bool], None]
    refitted: Callable[[str], None]
    finished: Callable[[int, Result | Failure], None]
    answered: Callable[[Request, object], None]
    advanced: Callable[[Request, int, int], None]
    gave_up: Callable[[Failure], None]
    replaced: Callable[[str], None]


class SessionWorker:
    """What waits to be done with the model, and doing it. All methods but ``work`` return at once, on any thread."""

    def __init__(self, limits: Limits, heard: SessionListener) -> None:
        self.requests = Requests()
        self.closed = False
        self.limits = limits
        """Of the models that are opened from now on."""
        self._heard = heard
        self._engine: Engine | None = None  # touched by the session thread alone
        self._lock = threading.Lock()  # guards what follows
        self._commands: deque[Command] = deque()
        self._pending: OrderedDict[int, Source] = OrderedDict()  # a dict's front is slow to take from again and again
        self._epoch = 0
        self._working = False

    @property
    def working(self) -> bool:
        """Whether ``work`` runs, or is about to."""
        return self._working

    def begins(self) -> bool:
        """Whether ``work`` has to be started: it does not run, and may. It counts as running from now on."""
        with self._lock:
            if self._working or self.closed:
                return False
            self._working = True
            return True

    def command(self, command: Command) -> None:
        """Do this before all else."""
        with self._lock:
            self._commands.append(command)

    def add(self, photos: Mapping[int, Source]) -> None:
        """Put numbered photos into the queue."""
        with self._lock:
            self._pending.update(photos)

    def forget(self, numbers: Iterable[int]) -> None:
        """Take photos out of the queue."""
        with self._lock:
            for number in numbers:
                self._pending.pop(number, None)

    def cancel(self) -> None:
        """Empty the queue, also of what is under way."""
        with self._lock:
            self._pending.clear()
            self._epoch += 1

    def give_up(self) -> None:
        """Stop all, for good."""
        with self._lock:
            self.closed = True
            self._commands.clear()
        self._start_anew()

    def after_fault(self) -> tuple[frozenset[Command], bool]:
        """``work`` has ended with an error: the commands that wait still, and whether there is more to do."""
        with self._lock:
            self._working = False
            self._pending.clear()
            return frozenset(self._commands), bool(self._commands or self.requests)

    def let_go(self) -> None:
        """Close the model; ``work`` has ended."""
        self._engine = None

    def open(self, wanted: str, provider: str, *, or_default: bool) -> Command:
        """The command that opens a model; ``or_default``: the one that comes with the app, if it cannot be opened."""

        def command(engine: Engine) -> None:
            self._open(engine, wanted, provider, or_default)

        return command

    def refit(self, fit: Fit) -> Command:
        """The command that shows the network another part of each photo."""

        def command(engine: Engine) -> None:
            engine.set_fit(fit)
            self._start_anew()
            self._heard.refitted(fit)

        return command

    # On the session thread ------------------------------------------------------------------------------------------

    def work(self) -> None:
        """Do all that waits."""
        engine = self._engine
        if engine is None:
            # Imported here, on this thread and after the window is up: it brings in NumPy, ONNX and ONNX Runtime.
            from resnet_desktop.session.engine import Engine

            engine = Engine(self.limits, on_fallback=self._heard.replaced)
            engine.closing = lambda: self.closed
            self._engine = engine
        while True:
            if self._serve(engine):
                continue
            with self._lock:
                waited_for = self._commands or (engine.ready and self.requests)
                self._working = bool(waited_for or (engine.ready and self._pending))
                if not self._working:
                    return
                if waited_for:
                    continue
            self._run_queue(engine)

    def _serve(self, engine: Engine) -> bool:
        """Do one thing that somebody waits for, if there is one."""
        with self._lock:
            command = self._commands.popleft() if self._commands else None
        if command is not None:
            command(engine)
            return True
        return engine.ready and self._serve_request(engine)

    def _serve_request(self, engine: Engine, *, urgent: bool = False) -> bool:
        request = self.requests.take(urgent=urgent)
        if request is not None:
            self._perform(engine, request)
        return request is not None

    def _perform(self, engine: Engine, request: Request) -> None:
        def cancelled() -> bool:
            return bool(self._commands) or not self.requests.wanted(request)

        def progress(done: int, total: int) -> None:
            self._heard.advanced(request, done, total)
            while not request.urgent and not cancelled() and self._serve_request(engine, urgent=True):
                pass

        try:
            with stoppable(cancelled):
                answer = request.work(engine, cancelled, progress)
        except CancelledError:
            self.requests.put_back(request)  # wanted still, if it was a command that came in between
            return
        except ResNetDesktopError as error:
            answer = Failure.of(error)
        self._heard.answered(request, answer)

    def _run_queue(self, engine: Engine) -> None:
        with self._lock:
            epoch = self._epoch
        results = engine.classify_many(self._feed(epoch), lambda: self._epoch != epoch)
        try:
            for number, result in results:
                self._heard.finished(number, result)
                while self._epoch == epoch and self._serve(engine):
                    pass
        except ResNetDesktopError as error:
            with self._lock:
                self._pending.clear()
            self._heard.gave_up(Failure.of(error))

    def _feed(self, epoch: int) -> Iterator[tuple[int, Source]]:
        while True:
            with self._lock:
                if not self._pending or self._epoch != epoch:  # what came since then is for the next run
                    return
                number, source = self._pending.popitem(last=False)
            yield number, source

    def _open(self, engine: Engine, wanted: str, provider: str, or_default: bool) -> None:
        try:
            with stoppable(engine.closing):
                engine.limits = self.limits
                info = engine.open_model(wanted, provider)
        except CancelledError:  # the window closes
            return
        except ResNetDesktopError as error:
            again = or_default and bool(wanted)
            self._heard.opened(Failure.of(error), not again)
            if again:
                self._open(engine, "", provider, or_default=False)
            return
        self._start_anew()
        self._heard.opened(info, True)

    def _start_anew(self) -> None:
        """What is under way was for other answers: whoever hears of the change asks again."""
        self.cancel()
        self.requests.clear()
