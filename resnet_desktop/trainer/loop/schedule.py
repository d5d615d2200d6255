"""The epochs of a run, how many steps each has, and how far the learning rate has come; and fitting them to a time.

A schedule that is fitted keeps its phases in proportion: each gets the same fraction of the steps that the recipe
gives it. What is done stays done, and the learning rate goes on from where it is, only faster or slower (Li, Yumer and
Ramanan 2020, arXiv:1905.04753, found that a rate that falls to zero within the budget is what counts).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

HALVINGS = 40


@dataclass(frozen=True, slots=True)
class Schedule:
    """Epochs in order.

    Attributes:
        phases: of each epoch the phase of the recipe that it belongs to, from 0.
        steps: of each epoch; those that are fitted to a time may see a part of the pictures.
        start: steps that were done when it was fitted.
        reached: how far the learning rate had come then, 0 to 1.
    """

    phases: tuple[int, ...]
    steps: tuple[int, ...]
    start: int = 0
    reached: float = 0.0

    def __len__(self) -> int:
        return len(self.phases)

    @property
    def total(self) -> int:
        """Steps of all epochs."""
        return sum(self.steps)

    def progress(self, epoch: int, step: int) -> float:
        """How far the learning rate has come before a step, 0 to 1."""
        done = sum(self.steps[:epoch]) + step - self.start
        return self.reached + (1 - self.reached) * (done / max(1, self.total - self.start))

    def as_values(self) -> dict[str, Any]:
        """As a checkpoint holds it."""
        return {
            "phases": list(self.phases),
            "steps": list(self.steps),
            "start": self.start,
            "reached": self.reached,
        }

    @staticmethod
    def of_values(values: dict[str, Any]) -> Schedule:
        """Out of a checkpoint."""
        phases, steps = tuple(values["phases"]), tuple(values["steps"])
        return Schedule(phases, steps, values["start"], values["reached"])

    @staticmethod
    def whole(phases: Sequence[tuple[int, int]]) -> Schedule:
        """All epochs of phases, each given by its number of epochs and the steps of one."""
        numbers = tuple(i for i, (epochs, _) in enumerate(phases) for _ in range(epochs))
        return Schedule(numbers, tuple(phases[i][1] for i in numbers))


@dataclass(frozen=True, slots=True)
class Cost:
    """A phase of the recipe: ``epochs`` of ``steps``, and the seconds of one step and of judging one epoch."""

    epochs: int
    steps: int
    per_step: float
    per_evaluation: float


def seconds_ahead(schedule: Schedule, epoch: int, step: int, costs: Sequence[Cost]) -> float:
    """What is left of a schedule after so many steps of an epoch, in seconds."""
    ahead = 0.0
    for number in range(epoch, len(schedule)):
        cost = costs[schedule.phases[number]]
        left = schedule.steps[number] - (step if number == epoch else 0)
        ahead += max(0, left) * cost.per_step + cost.per_evaluation
    return ahead


def fitted(schedule: Schedule, epoch: int, step: int, costs: Sequence[Cost], seconds: float) -> Schedule:
    """The schedule from a position on, so that what is left takes no more than ``seconds``, where that is possible.

    Args:
        schedule: as it was; epochs before the position stay as they are.
        epoch: that runs, or is to begin.
        step: steps of it that are done.
        costs: of each phase of the recipe, whose epochs are never exceeded.
        seconds: what is left.

    Returns:
        At least one step in all; the epoch that runs ends no sooner than now.
    """
    low, high = 0.0, 1.0
    found = _with(schedule, epoch, step, costs, high)
    if seconds_ahead(found, epoch, step, costs) > seconds:
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            tried = _with(schedule, epoch, step, costs, middle)
            fits = seconds_ahead(tried, epoch, step, costs) <= seconds
            low, high = (middle, high) if fits else (low, middle)
        found = _with(schedule, epoch, step, costs, low)
    if (found.phases, found.steps) == (schedule.phases, schedule.steps):
        return schedule
    return found


def _with(schedule: Schedule, epoch: int, step: int, costs: Sequence[Cost], fraction: float) -> Schedule:
    """The schedule in which each phase gets ``fraction`` of its steps, as far as they are not done."""
    done = [0] * len(costs)
    for phase, steps in zip(schedule.phases[:epoch], schedule.steps[:epoch], strict=True):
        done[phase] += steps
    phases, steps_of = list(schedule.phases[:epoch]), list(schedule.steps[:epoch])
    first = schedule.phases[epoch] if epoch < len(schedule) else len(costs)
    for number in range(first, len(costs)):
        cost = costs[number]
        wanted = int(fraction * cost.epochs * cost.steps) - done[number]
        if number == first and step:  # the epoch that runs
            here = max(step, min(cost.steps, wanted))
            phases.append(number)
            steps_of.append(here)
            wanted -= here
        shares = _evenly(wanted, cost.steps)
        phases += [number] * len(shares)
        steps_of += shares
    if not sum(steps_of):
        phases, steps_of = [len(costs) - 1], [1]
    before = sum(schedule.steps[:epoch]) + step
    return Schedule(tuple(phases), tuple(steps_of), before, schedule.progress(epoch, step))


def _evenly(steps: int, most: int) -> list[int]:
    """Steps in as few epochs of at most ``most`` as they take, all about equally long."""
    if steps <= 0:
        return []
    count = -(-steps // most)
    return [steps // count + (i < steps % count) for i in range(count)]
