"""What each of the choices needs, and how long it takes here: measured one after the other, and remembered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from resnet_desktop.core.progress import Cancelled
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.background.trainer_inquiry import Tell, TrainerInquiry
from resnet_desktop.gui.style import wording
from resnet_desktop.gui.wizard.draft import Draft
from resnet_desktop.gui.wizard.model.part_choice import PartChoice
from resnet_desktop.session.results import Failure

if TYPE_CHECKING:
    from resnet_desktop.jobs.launching.estimate import Estimate

REFUSALS = ("bad_job", "no_images", "one_class", "bad_data", "missing_data", "unknown_model", "damaged_model")
"""Codes of what a run would refuse just as well."""
Job = Mapping[str, Any]


class PartCosts(QObject):
    """Fills in the cards.

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

    def show(self, draft: Draft, *, has_pytorch: bool) -> None:
        """Show what each part needs for these choices, and how long it takes as far as that is known."""
        for train in self._parts.main:
            choice = replace(draft, train=train)
            if not choice.needs_pytorch:
                needs = self.tr("Works without PyTorch.")
            elif has_pytorch:
                needs = self.tr("Uses PyTorch.")
            else:
                needs = self.tr("Needs PyTorch, which the next step can add.")
            self._parts.card(train).tell_needs(needs)
            self._show_time(train, choice.job())

    def ask(self, draft: Draft, python: Path | None, *, has_pytorch: bool) -> None:
        """Measure what can be trained here, part by part, as far as it is not known."""
        self.stop()
        self._python = python
        for train in self._parts.main:
            choice = replace(draft, train=train)
            job = choice.job()
            if (has_pytorch or not choice.needs_pytorch) and _key(job) not in self._seconds:
                self._waiting[train] = job
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
        self._show_time(train, job)
        self._next()

    def _on_refused(self, failure: Failure) -> None:
        assert self._asked is not None, "it was asked"
        if failure.code in REFUSALS:
            self._parts.card(self._asked[0]).tell_problem(failure.text)
        self._next()

    def _show_time(self, train: str, job: Job) -> None:
        seconds = self._seconds.get(_key(job))
        about = self.tr("about {time}")
        words = "" if seconds is None else about.format(time=wording.long_duration(seconds))
        self._parts.card(train).tell_time(words)


def measured(job: Job, python: Path | None, cancelled: Cancelled) -> Estimate:
    """Ask the trainer, on a worker. Raises TrainingError."""
    from resnet_desktop.jobs.launching.estimate import estimate

    return estimate(job, python, cancelled)


def _key(job: Job) -> str:
    """What the time depends on: not on the name."""
    return json.dumps({key: value for key, value in job.items() if key != "output"}, sort_keys=True, default=str)
