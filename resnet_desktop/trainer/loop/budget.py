"""A run that may take no longer than so many minutes: its schedule is fitted to what is left, again and again.

The first steps are made as if there were time for all; once they tell how long one takes, the schedule is fitted, and
again at each epoch and whenever it would take too long. What comes of it is kept with the checkpoint, so that a run
that goes on from there makes the same steps; only what is fitted after that follows from the time that it takes then.
"""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Sequence

from resnet_desktop.jobs.job import Phase
from resnet_desktop.trainer.loop.remaining_work import RemainingWork
from resnet_desktop.trainer.loop.schedule import Cost, Schedule, fitted, seconds_ahead
from resnet_desktop.trainer.loop.spent import Spent

MEASURED = 4
"""Steps that are enough to fit by, after the first one."""
RECENT = 300
"""Steps that an estimate looks back on: few enough to follow a machine that others use, too."""
ANSWER_SHARE = 0.4
"""Of the time that a picture takes in a step, what judging it takes, until that is measured."""
TOLERANCE = 0.02
"""Of the time left, the part by which a schedule may be too long before it is fitted anew."""
SAFETY = 1.5
"""The end of a run may take so many times what is thought."""


class Budget:
    """Fits schedules to the time that a run may take.

    Args:
        limit: seconds in all.
        spent: of them.
        recipe: the phases as they were asked for.
        steps: of an epoch of each phase.
        validation: pictures that each epoch is judged by.
        ending: what comes after the last step.
    """

    def __init__(
        self,
        limit: float,
        spent: Spent,
        recipe: Sequence[Phase],
        steps: Sequence[int],
        validation: int,
        ending: RemainingWork,
    ) -> None:
        self._limit, self._spent, self._ending = limit, spent, ending
        self._recipe, self._epoch_steps, self._validation = recipe, steps, validation
        self._seconds: dict[tuple[int, int], deque[float]] = {}
        self._judging: dict[int, float] = {}
        self._warm: set[tuple[int, int]] = set()
        self._saving, self._mark = 0.0, spent.seconds
        self._fitted = False

    @property
    def minutes(self) -> float:
        """That the run has taken so far."""
        return self._spent.seconds / 60

    @property
    def left(self) -> float:
        """Seconds until the limit; negative beyond it."""
        return self._limit - self._spent.seconds

    def begin(self) -> float:
        """What comes next begins now; the seconds since the last thing that was measured."""
        before, self._mark = self._mark, self._spent.seconds
        return self._mark - before

    def step_taken(self, phase: Phase) -> None:
        """A step of this phase is done."""
        kind, seconds = (phase.size, phase.batch_size), self.begin()
        if kind in self._warm:
            self._seconds.setdefault(kind, deque(maxlen=RECENT)).append(seconds)
        self._warm.add(kind)  # the first one allocates and tunes what the others only use
        self._spent.keep()

    def judged(self, phase: Phase) -> None:
        """An epoch of this phase is judged."""
        self._judging[phase.size] = self.begin()

    def saved(self) -> None:
        """A checkpoint is there."""
        self._saving = self.begin()
        self._spent.write()

    def refitted(self, schedule: Schedule, epoch: int, step: int) -> Schedule | None:
        """A schedule that fits from a position on; None where the present one does, or nothing is known yet."""
        if not self._knows_enough:
            return None
        costs = self._costs()
        left = self.left - SAFETY * (self._ending.seconds(self._per_answer(costs)) + self._saving)
        over = seconds_ahead(schedule, epoch, step, costs) - left
        if self._fitted and step and over <= TOLERANCE * max(0.0, left):
            return None
        self._fitted = True
        found = fitted(schedule, epoch, step, costs, left)
        return None if found == schedule else found

    @property
    def _knows_enough(self) -> bool:
        return any(len(seconds) >= MEASURED for seconds in self._seconds.values())

    def _costs(self) -> list[Cost]:
        """Of each phase; those that have not come yet follow from the others by their pixels."""
        measured = {kind: statistics.fmean(seconds) for kind, seconds in self._seconds.items()}
        found = []
        for phase, steps in zip(self._recipe, self._epoch_steps, strict=True):
            kind = (phase.size, phase.batch_size)
            like = kind if kind in measured else min(measured, key=lambda k: abs(k[0] - phase.size))
            per_step = measured[like] * _pixels(kind) / _pixels(like)
            guess = ANSWER_SHARE * per_step / phase.batch_size * self._validation
            near = min(self._judging, key=lambda size: abs(size - phase.size), default=None)
            judging = guess if near is None else self._judging[near] * (phase.size / near) ** 2
            found.append(Cost(phase.epochs, steps, per_step, judging))
        return found

    def _per_answer(self, costs: Sequence[Cost]) -> float:
        """Seconds in which a picture of the last size is judged."""
        if self._validation:
            return costs[-1].per_evaluation / self._validation
        return ANSWER_SHARE * costs[-1].per_step / self._recipe[-1].batch_size


def _pixels(kind: tuple[int, int]) -> int:
    size, batch = kind
    return size * size * batch
