"""Timings that can be compared on a machine that has other things to do.

What is to be compared runs by turns in one process, so that whatever else the machine does falls on all alike; a ratio
is the median of the ratios inside each round, not the ratio of two medians.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

PAUSE = 0.1
"""Seconds between two cases, in which the threads of the one before stop spinning."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some numbers and their quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        """Of at least one number."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)

    def text(self, digits: int) -> str:
        """As the tables show it: median [quartile – quartile]."""
        return f"{self.median:.{digits}f} [{self.low:.{digits}f}–{self.high:.{digits}f}]"


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds of each case in each round."""

    seconds: dict[str, list[float]]

    def spread(self, case: str, scale: float = 1.0) -> Spread:
        """Of the case's seconds times ``scale``."""
        return Spread.of([value * scale for value in self.seconds[case]])

    def ratio(self, case: str, base: str) -> Spread:
        """How many times as long as ``base`` the case takes, round by round."""
        pairs = zip(self.seconds[case], self.seconds[base], strict=True)
        return Spread.of([value / reference for value, reference in pairs])

    def per_image(self, images: Mapping[str, int]) -> Timings:
        """The same as seconds an image."""
        return Timings({case: [v / images[case] for v in values] for case, values in self.seconds.items()})


def by_turns(cases: Mapping[str, Callable[[], object]], rounds: int) -> Timings:
    """Run every case once to warm up, then all of them by turns, each second round in the opposite order."""
    for run in cases.values():
        run()
    seconds: dict[str, list[float]] = {case: [] for case in cases}
    for number in range(rounds):
        order = list(cases) if number % 2 == 0 else list(cases)[::-1]
        for case in order:
            time.sleep(PAUSE)
            start = time.perf_counter()
            cases[case]()
            seconds[case].append(time.perf_counter() - start)
    return Timings(seconds)
