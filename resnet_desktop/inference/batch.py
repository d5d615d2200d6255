"""Many images through one classifier, by one of two roads.

On the CPU each thread of a pool decodes an image and then runs the session on it, side by side with the others: no core
waits for another inside a layer, or for a batch to be full.

Elsewhere, and where a size of batch is asked for, images are decoded on the pool while the session runs. Decoders write
straight into their place in a batch. A fixed number of batches is in memory: the one that runs, and as many behind it
as keep every decoder busy. The generator itself runs the session, in the thread that iterates it.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.core.errors import AnswerError, ImageError
from resnet_desktop.core.processes.running import stoppable
from resnet_desktop.core.progress import CancelledError
from resnet_desktop.imaging.budget import DEFAULT_BUDGET_BYTES
from resnet_desktop.imaging.decode import DecodeBudget, Source
from resnet_desktop.inference.classifier import Classifier, Prediction, RawOutputs, Seen
from resnet_desktop.inference.runtime import CPU

T = TypeVar("T")

_POLL_SECONDS = 0.05
MOST_RUNS = 8
"""Side by side: each takes memory for all that it computes."""
_AHEAD = 3  # images for each thread that are taken before they can be yielded


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What became of one input: a prediction, or the error that says why there is none.

    ``index`` counts the inputs from 0.
    """

    index: int
    source: Source
    prediction: Prediction | None
    error: ImageError | AnswerError | None

    @property
    def ok(self) -> bool:
        """Whether there is a prediction."""
        return self.prediction is not None


@dataclass(frozen=True, slots=True)
class _Prepared:
    seen: Seen
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    index: int
    source: Source
    future: Future[_Prepared | ImageError]


@dataclass(frozen=True, slots=True, eq=False)
class _Whole:
    """One image on its way through a lane."""

    index: int
    source: Source
    future: Future[Prediction | ImageError | AnswerError]


@dataclass(slots=True, eq=False)
class _Batch:
    buffer: NDArray[np.float32]
    jobs: list[_Job] = field(default_factory=list)


def never() -> bool:
    """Not cancelled."""
    return False


def cores() -> int:
    """The processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def default_batch_size(provider: str) -> int:
    """Images in one run, where images are run in batches.

    On a CPU of two cores two images a run are a few percent faster than one, and more gain little (tests/benchmarks
    measures it); more cores find too little to share in one image. A GPU needs more to be busy.
    """
    return min(8, max(2, cores())) if provider == CPU else 32


def classify_many(
    classifier: Classifier,
    sources: Iterable[Source],
    *,
    batch_size: int | None = None,
    workers: int | None = None,
    memory: int = DEFAULT_BUDGET_BYTES,
    cancelled: Callable[[], bool] = never,
) -> Generator[Outcome, None, None]:
    """Classify every source and yield one outcome for each, in input order.

    Sources are taken only a few batches ahead of what was yielded, so that ``sources`` may be endless. The first image
    is run alone, so that the first answer comes soon; batches double from there. Closing the generator, an exception
    and cancelling all join its threads.

    Args:
        classifier: must not be used by others for long meanwhile: they share the processor.
        sources: paths or bytes of image files.
        batch_size: most images in one run; None: as the classifier's way says, which leaves it open to the provider:
            on the CPU one, several side by side.
        workers: threads; None: as the classifier's way says, else one for each core.
        memory: bytes that all pictures decoded at once share.
        cancelled: asked often, also from another thread; once it says True, a run under way is ended, and the
            generator ends without yielding any more.

    Raises:
        ProviderError, ModelError: the model cannot be run; what is no fault of an image ends the whole.
    """
    session, way = classifier.session, classifier.way
    batch_size = way.batch if batch_size is None else batch_size
    size = batch_size if batch_size is not None else default_batch_size(classifier.provider)
    threads = workers if workers is not None else way.photos or cores()
    if size < 1 or threads < 1:
        raise ValueError(f"batch_size and workers must be at least 1, not {size} and {threads}")
    if batch_size is None and session.side_by_side and session.fixed_batch in (None, 1):
        return _Lanes(classifier, threads, memory, cancelled).run(sources)
    return _Pipeline(classifier, size, threads, memory, cancelled).run(sources)


class _CancelledError(Exception):
    """Left the road because the caller cancelled."""


class _Road:
    """What both roads have: a pool of threads that a caller can cancel."""

    def __init__(self, classifier: Classifier, workers: int, memory: int, cancelled: Callable[[], bool]) -> None:
        self._classifier = classifier
        self._cancelled = cancelled
        self._closed = False
        self._budget = DecodeBudget(memory)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")

    def _close(self) -> None:
        self._closed = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _predicted(self, batch: NDArray[np.float32]) -> RawOutputs:
        """Run a batch, on any thread; a run that nobody waits for any more is ended."""
        try:
            with stoppable(self._given_up):
                return self._classifier.run(batch)
        except CancelledError:
            if not self._given_up():  # somebody ended all runs, whoever asked for them
                raise
            raise _CancelledError from None

    def _given_up(self) -> bool:
        return self._closed or self._cancelled()

    def _wait(self, future: Future[T]) -> T:
        while not wait([future], timeout=_POLL_SECONDS).done:
            if self._cancelled():
                raise _CancelledError
        if self._cancelled():
            raise _CancelledError
        return future.result()


class _Lanes(_Road):
    """Each thread takes an image from its file to its prediction; runs of the session go side by side."""

    def __init__(self, classifier: Classifier, workers: int, memory: int, cancelled: Callable[[], bool]) -> None:
        super().__init__(classifier, workers, memory, cancelled)
        self._ahead = _AHEAD * workers
        self._inputs = deque(classifier.new_batch(1) for _ in range(workers))
        self._first_done = threading.Event()
        self._running = threading.Semaphore(MOST_RUNS)

    def run(self, sources: Iterable[Source]) -> Generator[Outcome, None, None]:
        numbered = enumerate(sources)
        waiting: deque[_Whole] = deque()
        try:
            while True:
                for index, source in itertools.islice(numbered, self._ahead - len(waiting)):
                    waiting.append(_Whole(index, source, self._pool.submit(self._classify, index, source)))
                if not waiting:
                    return
                image = waiting.popleft()
                found = self._wait(image.future)
                if not isinstance(found, Prediction):
                    yield Outcome(image.index, image.source, None, found)
                else:
                    yield Outcome(image.index, image.source, found, None)
        except _CancelledError:
            return
        finally:
            self._close()

    def _classify(self, index: int, source: Source) -> Prediction | ImageError | AnswerError:
        prepared = self._inputs.pop()
        try:
            return self._through(index, source, prepared)
        except (ImageError, AnswerError) as error:
            return error
        finally:
            self._inputs.append(prepared)
            if index == 0:
                self._first_done.set()

    def _through(self, index: int, source: Source, prepared: NDArray[np.float32]) -> Prediction:
        start = time.perf_counter()
        seen = self._classifier.prepare(source, prepared[0], self._budget)
        seconds = time.perf_counter() - start
        if index:  # the first image has all cores; threads start their images in order, so that it is on its way
            self._first_done.wait()
        with self._running:
            if self._closed:
                raise _CancelledError
            start = time.perf_counter()
            raw = self._predicted(prepared)
        return self._classifier.prediction(raw, 0, seconds + time.perf_counter() - start, seen.full_size, seen.notes)


class _Pipeline(_Road):
    def __init__(
        self, classifier: Classifier, size: int, workers: int, memory: int, cancelled: Callable[[], bool]
    ) -> None:
        super().__init__(classifier, workers, memory, cancelled)
        self._size = size
        self._batches = 1 + -(-workers // size)

    def run(self, sources: Iterable[Source]) -> Generator[Outcome, None, None]:
        free = [self._classifier.new_batch(self._size) for _ in range(self._batches)]
        sizes = itertools.chain(_doubling(self._size), itertools.repeat(self._size))
        numbered = enumerate(sources)
        waiting: deque[_Batch] = deque()
        more = True
        try:
            while more or waiting:
                while more and free:
                    batch = self._submit(itertools.islice(numbered, next(sizes)), free.pop())
                    more = bool(batch.jobs)
                    if more:
                        waiting.append(batch)
                if waiting:
                    batch = waiting.popleft()
                    yield from self._finish(batch)
                    free.append(batch.buffer)
        except _CancelledError:
            return
        finally:
            self._close()

    def _submit(self, taken: Iterable[tuple[int, Source]], buffer: NDArray[np.float32]) -> _Batch:
        batch = _Batch(buffer)
        for slot, (index, source) in enumerate(taken):
            batch.jobs.append(_Job(index, source, self._pool.submit(self._prepare, source, buffer[slot])))
        return batch

    def _prepare(self, source: Source, out: NDArray[np.float32]) -> _Prepared | ImageError:
        if self._closed:
            raise _CancelledError
        start = time.perf_counter()
        try:
            seen = self._classifier.prepare(source, out, self._budget)
        except ImageError as error:
            return error
        return _Prepared(seen, time.perf_counter() - start)

    def _finish(self, batch: _Batch) -> Iterator[Outcome]:
        prepared = [self._wait(job.future) for job in batch.jobs]
        good = [slot for slot, item in enumerate(prepared) if isinstance(item, _Prepared)]
        predictions = iter(self._predict(batch.buffer, good, prepared))
        for job, item in zip(batch.jobs, prepared, strict=True):
            if self._cancelled():
                raise _CancelledError
            answer = item if isinstance(item, ImageError) else next(predictions)
            if isinstance(answer, Prediction):
                yield Outcome(job.index, job.source, answer, None)
            else:
                yield Outcome(job.index, job.source, None, answer)

    def _predict(
        self, buffer: NDArray[np.float32], good: list[int], prepared: list[_Prepared | ImageError]
    ) -> list[Prediction | AnswerError]:
        if not good:
            return []
        for row, slot in enumerate(good):
            if row != slot:  # close the gaps that unreadable images left
                buffer[row] = buffer[slot]
        start = time.perf_counter()
        raw = self._predicted(buffer[: len(good)])
        share = (time.perf_counter() - start) / len(good)
        found: list[Prediction | AnswerError] = []
        for row, slot in enumerate(good):
            item = prepared[slot]
            assert isinstance(item, _Prepared)
            seen, seconds = item.seen, item.seconds + share
            try:
                found.append(self._classifier.prediction(raw, row, seconds, seen.full_size, seen.notes))
            except AnswerError as error:
                found.append(error)
        return found


def _doubling(limit: int) -> Iterator[int]:
    size = 1
    while size < limit:
        yield size
        size *= 2
