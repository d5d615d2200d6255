"""Work on many pictures on a few threads, in order, with a bound on the memory that those in flight take."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TypeVar

from resnet_desktop.core.errors import DataError
from resnet_desktop.data.pictures.samples import LARGEST_PICTURE_FILE, Sample, SampleReader
from resnet_desktop.imaging.budget import DecodeBudget

IN_FLIGHT = LARGEST_PICTURE_FILE
"""Bytes of unpacked members of zip files that are held at a time: a few hundred photos, or one as large as may be."""
_WINDOW = 4  # pictures in flight for each thread

Result = TypeVar("Result")


def on_pool(
    samples: Sequence[Sample], work: Callable[[Sample, bytes | Path], Result], workers: int
) -> Generator[tuple[Sample, Result | DataError]]:
    """What ``work`` makes of each sample's file, in order, a bounded window ahead.

    Members of zip files are unpacked here, not on the threads: an archive is for one thread.
    """
    reader, budget = SampleReader(), DecodeBudget(IN_FLIGHT)
    threads = max(1, workers)
    pool = ThreadPoolExecutor(threads, "pictures")

    def run(sample: Sample, source: bytes | Path, taken: int) -> Result:
        try:
            return work(sample, source)
        finally:
            budget.give_back(taken)

    def submit(sample: Sample) -> Future[Result] | DataError:
        taken = 0
        try:
            taken = budget.take(reader.unpacked_size(sample))
            return pool.submit(run, sample, reader.read(sample), taken)
        except DataError as error:
            budget.give_back(taken)
            return error

    try:
        waiting = iter(samples)
        window = deque((sample, submit(sample)) for sample in islice(waiting, _WINDOW * threads))
        while window:
            sample, future = window.popleft()
            following = next(waiting, None)
            if following is not None:
                window.append((following, submit(following)))
            yield sample, future if isinstance(future, DataError) else future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        reader.close()
