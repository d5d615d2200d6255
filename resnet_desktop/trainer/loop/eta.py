"""How fast a run goes, and how long it has to go."""

from __future__ import annotations

import time

SMOOTHING = 0.1
LONGEST = 5.0
"""A step that took so many times the usual was held up by a pause, and is counted as no longer than this."""


class Eta:
    """Keeps the time of steps and evaluations."""

    def __init__(self) -> None:
        self._last = self._saved = time.monotonic()
        self._step: float | None = None
        self._picture: float | None = None
        self.seconds_per_evaluation = 0.0
        self.steps = 0

    def begin(self) -> None:
        """What was before the next step does not count."""
        self._last = time.monotonic()

    def step(self, pictures: int) -> None:
        """A step of so many pictures is done."""
        now = time.monotonic()
        seconds, self._last = now - self._last, now
        self.steps += 1
        self._step = _smoothed(self._step, seconds)
        self._picture = _smoothed(self._picture, seconds / pictures)

    def evaluated(self, seconds: float) -> None:
        """An evaluation has taken so long."""
        self.seconds_per_evaluation = seconds
        self.begin()

    def saved(self) -> None:
        """A checkpoint is there."""
        self._saved = time.monotonic()
        self.begin()

    @property
    def seconds_since_saved(self) -> float:
        """Since the last checkpoint, or the start."""
        return time.monotonic() - self._saved

    @property
    def images_per_second(self) -> float:
        """Lately."""
        return 1 / self._picture if self._picture else 0.0

    @property
    def seconds_per_step(self) -> float:
        """Lately."""
        return self._step or 0.0

    def seconds_left(self, steps: float, evaluations: float) -> float:
        """For so many more steps and evaluations, in steps and evaluations of now."""
        return round(steps * self.seconds_per_step + evaluations * self.seconds_per_evaluation, 1)


def _smoothed(before: float | None, now: float) -> float:
    if before is None:
        return now
    return before + SMOOTHING * (min(now, LONGEST * before) - before)
