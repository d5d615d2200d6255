"""How long each of the choices takes on this machine: measured one after the other, and remembered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from resnet_desktop.core.progress import Cancelled
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.background.trainer_inquiry import Tell, TrainerInquiry
from resnet_desktop.gui.style import wording
from resnet_desktop.gui.wizard.model.part_choice import PartChoice
from resnet_desktop.session.results import Failure

if TYPE_CHECKING:
    from resnet_desktop.jobs.estimate import Estimate

REFUSALS = ("bad_job", "no_images", "one_class", "bad_data", "missing_data", "unknown_model", "damaged_model")
"""Codes of what a run would refuse just as well."""
Job = Mapping[str, Any]


class PartCosts(QObject):
    """Fills in the times of the cards.

    Args:
        questions: asks the trainer one question at a time.
        parts: whose cards are filled in.
    """

    def __init__(self, questions: Tasks, parts: PartChoice, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._parts, self._inquiry = parts, TrainerInquiry(questions, self)
        self._seconds: dict[str, float] = {}
        self._waiting: dict[str, Job] = {}
        self._asked: tuple[str, Job] | None = None
        self._python: Path | None = None
        self._inquiry.answered.connect(self._on_answered)
        self._inquiry.refused.connect(self._on_refused)

    @property
    def busy(self) -> bool:
        """Whether something is still being measured."""
        return self._inquiry.busy

    def know(self, job: Job, seconds: float) -> None:
        """What a job takes is known from elsewhere."""
        self._seconds[_key(job)] = seconds

    def show(self, jobs: Mapping[str, Job]) -> None:
        """Show what is known of each part's job."""
        for train, job in jobs.items():
            seconds = self._seconds.get(_key(job))
            self._parts.card(train).tell_time("" if seconds is None else self._words(seconds))

    def ask(self, jobs: Mapping[str, Job], python: Path | None) -> None:
        """Measure these, one by one, as far as they are not known."""
        self.stop()
        self._python = python
        self._waiting = {train: job for train, job in jobs.items() if _key(job) not in self._seconds}
        self._next()

    def stop(self) -> None:
        """Measure no more."""
        self._waiting = {}
        self._inquiry.stop()

    def _next(self) -> None:
        if not self._waiting:
            return
        train = next(iter(self._waiting))
        job, python = self._waiting.pop(train), self._python
        self._asked = train, job

        def question(tell: Tell, cancelled: Cancelled) -> object:
            del tell
            return measured(job, python, cancelled)

        self._inquiry.ask(question)

    def _on_answered(self, found: Estimate) -> None:
        assert self._asked is not None, "it was asked"
        train, job = self._asked
        self.know(job, found.seconds)
        self.show({train: job})
        self._next()

    def _on_refused(self, failure: Failure) -> None:
        assert self._asked is not None, "it was asked"
        if failure.code in REFUSALS:
            self._parts.card(self._asked[0]).tell_problem(failure.text)
        self._next()

    def _words(self, seconds: float) -> str:
        return self.tr("about {time}").format(time=wording.long_duration(seconds))


def measured(job: Job, python: Path | None, cancelled: Cancelled) -> Estimate:
    """Ask the trainer, on a worker. Raises TrainingError."""
    from resnet_desktop.jobs.estimate import estimate

    return estimate(job, python, cancelled)


def _key(job: Job) -> str:
    """What the time depends on: not on the name."""
    return json.dumps({key: value for key, value in job.items() if key != "output"}, sort_keys=True, default=str)
