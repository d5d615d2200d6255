"""Where a run stands in its schedule, how fast it goes, and how long it has to go."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any

from resnet_desktop.jobs.job import Phase
from resnet_desktop.trainer.distributed.process_group import ProcessGroup
from resnet_desktop.trainer.loop.budget import Budget
from resnet_desktop.trainer.loop.eta import Eta
from resnet_desktop.trainer.loop.remaining_work import RemainingWork
from resnet_desktop.trainer.loop.schedule import Schedule


class Course:
    """The schedule of a run, and the time that it takes.

    Args:
        recipe: its phases.
        pictures: to train on.
        validation: pictures that each epoch is judged by.
        ending: what comes after the last step.
        budget: what the time is limited by; None where it is not.
        world: the processes, which all keep one schedule.
    """

    def __init__(
        self,
        recipe: Sequence[Phase],
        pictures: int,
        validation: int,
        ending: RemainingWork,
        budget: Budget | None,
        world: ProcessGroup,
    ) -> None:
        self._recipe, self._pictures, self._validation = recipe, pictures, validation
        self._ending, self._budget, self._world = ending, budget, world
        self.pace = Eta()
        self.schedule = Schedule.whole([(phase.epochs, self.whole_epoch(phase)) for phase in recipe])

    def __len__(self) -> int:
        return len(self.schedule)

    def phase(self, epoch: int) -> Phase:
        """The phase of the recipe that an epoch belongs to."""
        return self._recipe[self.schedule.phases[epoch]]

    def steps(self, epoch: int) -> int:
        """Of an epoch, as it is planned now."""
        return self.schedule.steps[epoch]

    def made(self) -> list[Phase]:
        """The phases with the epochs that they have in the end, those without any left out."""
        counts = Counter(self.schedule.phases)
        return [dataclasses.replace(self._recipe[number], epochs=counts[number]) for number in sorted(counts)]

    def batch(self, phase: Phase) -> int:
        """Pictures in a step."""
        return min(phase.batch_size, self._pictures)

    def whole_epoch(self, phase: Phase) -> int:
        """Steps in which all pictures are seen."""
        return max(1, self._pictures // self.batch(phase))

    def fit(self, epoch: int, step: int) -> None:
        """Before a step: fit the schedule to the time that is left, where it is limited, for all processes alike."""
        if self._budget is None:
            return
        found = self._budget.refitted(self.schedule, epoch, step) if self._world.first else None
        if self._world.agree(int(found is not None)):
            self.schedule = self._world.told(found)

    def step_taken(self, phase: Phase, pictures: int) -> None:
        """A step on so many pictures is done."""
        self.pace.step(pictures)
        if self._budget is not None:
            self._budget.step_taken(phase)

    def judged(self, phase: Phase, seconds: float) -> None:
        """An epoch was judged in so many seconds."""
        self.pace.evaluated(seconds)
        if self._budget is not None:
            self._budget.judged(phase)

    def saved(self) -> None:
        """A checkpoint is there."""
        self.pace.saved()
        if self._budget is not None:
            self._budget.saved()

    def seconds_left(self, epoch: int, step: int) -> float:
        """After so many steps of this epoch: until the report is there."""
        now, pixels = self.phase(epoch), 1.0
        steps, evaluations = float(self.steps(epoch) - step), 1.0
        for number in range(epoch + 1, len(self)):
            phase = self.phase(number)
            pixels = (phase.size / now.size) ** 2  # of a picture, beside one of now
            steps += pixels * self.steps(number) * self.batch(phase) / self.batch(now)
            evaluations += pixels
        left = self.pace.seconds_left(steps, evaluations) + self._ending.seconds(pixels * self._answer)
        return round(left if self._budget is None else max(0.0, min(left, self._budget.left)), 1)

    def ending(self) -> tuple[int, float]:
        """What comes after training: pictures that go through the network, and seconds."""
        return self._ending.pictures, round(self._ending.seconds(self._answer), 1)

    @property
    def _answer(self) -> float:
        """Seconds in which a picture is judged, of the size of now."""
        return self.pace.seconds_per_evaluation / max(1, self._validation)

    def kept(self) -> dict[str, Any] | None:
        """What a checkpoint keeps of the schedule; None where it is that of the recipe."""
        return None if self._budget is None else self.schedule.as_values()

    def restore(self, kept: dict[str, Any] | None) -> None:
        """Go on with what a checkpoint has kept."""
        if self._budget is not None and kept is not None:
            self.schedule = Schedule.of_values(kept)
