"""The pages of the guide, each made when it is first needed: all at once would take too long to open."""

from __future__ import annotations

from enum import IntEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget

from resnet_desktop.core.settings import Settings
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.background.trainer_process import TrainingRun
from resnet_desktop.gui.wizard.data.data_page import DataPage
from resnet_desktop.gui.wizard.page import WizardPage
from resnet_desktop.gui.wizard.trainer.trainer_page import TrainerPage

if TYPE_CHECKING:
    from resnet_desktop.gui.wizard.check.check_page import CheckPage
    from resnet_desktop.gui.wizard.model.model_page import ModelPage
    from resnet_desktop.gui.wizard.result.result_page import ResultPage
    from resnet_desktop.gui.wizard.run.run_page import RunPage

Page = TypeVar("Page", bound=WizardPage)


class Step(IntEnum):
    """The steps of the guide, in their order."""

    DATA = 0
    CHECK = 1
    MODEL = 2
    TRAINER = 3
    PROGRESS = 4
    RESULT = 5


class Pages(QStackedWidget):
    """One page for each step.

    The first is there from the start, and the trainer's: what it knows is asked about before it is shown.

    Attributes:
        made: the pages that there are so far.

    Signals:
        complete_changed: whether a page is complete may have changed.
        resume_asked: an earlier run (Path) is to be taken up.
        trainer_asked: PyTorch is to be seen to before the photos.
        finished: there is a model in a run folder (Path).
        again_asked: train once more, with another draft.
        model_wanted: the path of a model to be used in the main window.
        networks_wanted: a stronger network to start from is to be had.
        labelling_wanted: the paths of photos that are to be sorted by hand.
    """

    complete_changed = Signal()
    resume_asked = Signal(Path)
    trainer_asked = Signal()
    finished = Signal(Path)
    again_asked = Signal(object)
    model_wanted = Signal(str)
    networks_wanted = Signal()
    labelling_wanted = Signal(object)

    def __init__(self, settings: Settings, tasks: Tasks, run: TrainingRun) -> None:
        super().__init__()
        self._tasks, self._run = tasks, run
        self.made: list[WizardPage] = []
        self.data, self.trainer = self._added(DataPage(tasks)), self._added(TrainerPage(settings))
        self.data.runs.resume_asked.connect(self.resume_asked)
        self.data.offer.labelling_wanted.connect(self.labelling_wanted)
        self.data.notice.asked.connect(self.trainer_asked)
        self.trainer.complete_changed.connect(
            lambda: self.data.notice.show_state(self.trainer.found, self.trainer.busy)
        )

    @cached_property
    def check(self) -> CheckPage:
        """Step two."""
        from resnet_desktop.gui.wizard.check.check_page import CheckPage

        return self._added(CheckPage(self._tasks))

    @cached_property
    def model(self) -> ModelPage:
        """Step three."""
        from resnet_desktop.gui.wizard.model.model_page import ModelPage

        page = self._added(ModelPage(self._tasks, self.trainer))
        page.networks_wanted.connect(self.networks_wanted)
        return page

    @cached_property
    def progress(self) -> RunPage:
        """Step five."""
        from resnet_desktop.gui.wizard.run.run_page import RunPage

        page = self._added(RunPage(self._run, self.trainer))
        page.finished.connect(self.finished)
        return page

    @cached_property
    def result(self) -> ResultPage:
        """Step six."""
        from resnet_desktop.gui.wizard.result.result_page import ResultPage

        page = self._added(ResultPage(self._tasks))
        page.model_wanted.connect(self.model_wanted)
        page.again_asked.connect(self.again_asked)
        return page

    def at(self, step: Step) -> WizardPage:
        """The page of a step."""
        match step:
            case Step.DATA:
                return self.data
            case Step.CHECK:
                return self.check
            case Step.MODEL:
                return self.model
            case Step.TRAINER:
                return self.trainer
            case Step.PROGRESS:
                return self.progress
            case Step.RESULT:
                return self.result

    def look_for_models(self) -> None:
        """Other models are installed than before."""
        if "model" in self.__dict__:  # else it looks once it is made
            self.model.look_for_models()

    def _added(self, page: Page) -> Page:
        page.complete_changed.connect(self.complete_changed)
        self.made.append(page)
        self.addWidget(page)
        return page
