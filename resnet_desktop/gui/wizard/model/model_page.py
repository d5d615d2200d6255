"""Step three: what is trained, and for how long."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QGridLayout, QLineEdit, QVBoxLayout, QWidget

from resnet_desktop.core.progress import Cancelled
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.background.trainer_inquiry import Tell, TrainerInquiry
from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.widgets.collapsible import Collapsible
from resnet_desktop.gui.widgets.plain import PlainLabel
from resnet_desktop.gui.wizard.draft import Draft
from resnet_desktop.gui.wizard.model.advanced_fields import conflict
from resnet_desktop.gui.wizard.model.base_choice import BaseChoice
from resnet_desktop.gui.wizard.model.network_diagram import spelt_number
from resnet_desktop.gui.wizard.model.part_choice import PartChoice
from resnet_desktop.gui.wizard.model.part_costs import REFUSALS, PartCosts, measured
from resnet_desktop.gui.wizard.model.rate_finder import RateFinder
from resnet_desktop.gui.wizard.model.recipe_panel import RecipePanel
from resnet_desktop.gui.wizard.page import WizardPage, scrolling
from resnet_desktop.gui.wizard.trainer.trainer_page import TrainerPage
from resnet_desktop.session.results import Failure

if TYPE_CHECKING:
    from resnet_desktop.jobs.launching.estimate import Estimate

ESTIMATE_DELAY_MS = 400


class ModelPage(WizardPage):
    """The base, how much of it is set free, the preset; what that costs is measured on this machine.

    The trainer is asked one question at a time, for two at once would slow down what is measured: what it costs, what
    its pictures look like (while that is unfolded), or a learning rate. A change of the choices, leaving the page, and
    closing the window end what is asked.

    Attributes:
        part: how much is trained.
        recipe: all that few need to choose.
        more: it folds open there.

    Signal: ``networks_wanted``: a stronger network to start from is to be had.
    """

    networks_wanted = Signal()

    def __init__(self, tasks: Tasks, trainer: TrainerPage, parent: QWidget | None = None) -> None:
        super().__init__(
            self.tr("What should be trained?"),
            self.tr("The network already knows how to see. Train only as much of it as your photos need."),
            parent,
        )
        self._trainer, self._draft = trainer, Draft()
        self._shown: Draft | None = None
        self._questions = Tasks(1, "questions", self)
        self._cost, self._rate = TrainerInquiry(self._questions, self), TrainerInquiry(self._questions, self)
        self._base_choice, self._name = BaseChoice(tasks), QLineEdit()
        self.part, self._estimate = PartChoice(), PlainLabel()
        self.recipe = RecipePanel(self.part.others, TrainerInquiry(self._questions, self))
        self.more = Collapsible(self.tr("More choices"), self.recipe)
        self._costs = PartCosts(self._questions, self.part, self)
        self._found: Estimate | None = None
        self._found_for: tuple[str, ...] = ()
        self._refused = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(ESTIMATE_DELAY_MS)
        self._build()
        self._connect()

    @property
    def complete(self) -> bool:
        """Once there is something to start from, a name, and nothing that the trainer refuses."""
        return self._base_choice.base is not None and bool(self._name.text().strip()) and not self._refused

    @property
    def next_text(self) -> str:
        """The next step is the training itself."""
        return self.tr("Start training")

    @property
    def estimate(self) -> str:
        """What is said about time and size."""
        return self._estimate.text()

    def show_draft(self, draft: Draft) -> None:
        """Show what is chosen. Coming back to the page with the same draft leaves its choices as they are."""
        before, self._draft, self._shown = self._shown, draft, draft
        if before is None or _choices(before) != _choices(draft):
            self.part.choose(draft.train)
            self.recipe.show_draft(draft)
            if draft.train not in self.part.main:  # what is chosen is seen
                self.more.set_open(True)
        if not self._name.text():
            self._name.setText(draft.name or draft.proposed_name)
        self.look_for_models()

    def look_for_models(self) -> None:
        """Read the library again."""
        recipe = self._draft.advanced.get("recipe") or {}
        self._base_choice.look(self._draft.base, recipe.get("arch"))

    def into(self, draft: Draft) -> Draft:
        """The draft with these choices."""
        advanced = self.recipe.values()
        if self._base_choice.arch is not None:
            advanced["recipe"] = {"arch": self._base_choice.arch, **advanced.get("recipe", {})}
        base, name, preset = self._base_choice.model or draft.base, self._name.text().strip(), self.recipe.preset
        return replace(draft, train=self.part.chosen, preset=preset, base=base, name=name, advanced=advanced)

    def left(self) -> None:
        """Nothing is asked any more."""
        self._give_up()
        self._questions.drain()

    def hideEvent(self, event: QHideEvent) -> None:
        """Another page is shown: training must not share the machine with questions."""
        if not event.spontaneous():
            self._give_up()
        super().hideEvent(event)

    def choose(self, train: str, preset: str) -> None:
        """Choose a part and a preset."""
        self.part.choose(train)
        self.recipe.choose_preset(preset)

    def find_rate(self) -> RateFinder:
        """Open the learning-rate finder for the choices as they are."""
        self._give_up()
        finder = RateFinder(self._rate, self)
        finder.rate_wanted.connect(lambda rate: self.recipe.advanced.choose("learning_rate", rate))
        finder.finished.connect(self._on_finder_finished)
        finder.open()
        finder.start(self._job(), self._trainer.python)
        return finder

    def _job(self) -> dict[str, Any]:
        return self.into(self._draft).job()

    def _build(self) -> None:
        inside = QWidget()
        layout = QVBoxLayout(inside)
        layout.setContentsMargins(0, 0, theme.M, 0)
        layout.setSpacing(theme.M)
        layout.addLayout(self._form())
        layout.addWidget(self.part)
        layout.addWidget(self.more)
        self.body.addWidget(scrolling(inside), 1)
        self._estimate.setWordWrap(True)
        self.body.addWidget(self._estimate)

    def _form(self) -> QGridLayout:
        form = QGridLayout()
        form.setColumnStretch(1, 1)
        form.setHorizontalSpacing(theme.M)
        form.addWidget(PlainLabel(self.tr("Start from")), 0, 0)
        form.addWidget(self._base_choice, 0, 1)
        form.addWidget(PlainLabel(self.tr("Name of the new model")), 1, 0)
        form.addWidget(self._name, 1, 1)
        self._name.setAccessibleName(self.tr("Name of the new model"))
        self._name.setMaxLength(60)
        return form

    def _connect(self) -> None:
        self._timer.timeout.connect(self._ask)
        self._base_choice.found.connect(lambda: self.recipe.advanced.offer_teachers(self._base_choice.names))
        self._base_choice.found.connect(self._on_changed)
        self._base_choice.more_asked.connect(self.networks_wanted)
        for part in (self._base_choice, self.part, self.recipe):
            part.changed.connect(self._on_changed)
        self._name.textChanged.connect(self.complete_changed)
        self.recipe.advanced.rate_asked.connect(self.find_rate)
        self.recipe.preview_fold.toggled.connect(self._on_preview_toggled)
        self._cost.answered.connect(self._on_estimate)
        self._cost.refused.connect(self._on_refused)

    def _on_changed(self) -> None:
        """Any choice: what it means is shown at once, what it costs a little later."""
        self._give_up()
        self._base_choice.build_from_nothing(self.part.chosen == "scratch")
        problem = conflict(self.part.chosen, self._show_choices())
        self._refused = bool(problem)
        self._estimate.setText(problem or self.tr("Measuring how long this takes…"))
        self.complete_changed.emit()
        if self._base_choice.base is not None and self.isVisible() and not problem:
            self._timer.start()

    def _show_choices(self) -> dict[str, Any]:
        """Show what follows from the choices and from what the trainer said last; all values, by key."""
        draft, found = self.into(self._draft), self._found
        known = found if self._found_for == self._asked_for(draft) else None
        classes = None if found is None else found.classes
        values = self.recipe.show_choices(draft, self._base_choice.base, classes, known)
        self.more.say(self.recipe.summary)
        self._costs.show(draft, has_pytorch=self._trainer.complete)
        return values

    def _asked_for(self, draft: Draft) -> tuple[str, ...]:
        """What the parts of the network and the machine's choices depend on."""
        base, head = self._base_choice.base, self.recipe.head.values()
        return (draft.train, "" if base is None else base.name, str(head.get("hidden", "")))

    def _ask(self) -> None:
        job, python = self._job(), self._trainer.python

        def question(tell: Tell, cancelled: Cancelled) -> object:
            del tell
            return measured(job, python, cancelled)

        self._cost.ask(question)
        if self.recipe.preview_fold.opened:
            self.recipe.preview.ask(job, python)

    def _give_up(self) -> None:
        self._timer.stop()
        self._cost.stop()
        self._costs.stop()
        self._rate.stop()
        self.recipe.preview.stop()

    def _on_preview_toggled(self, opened: bool) -> None:
        if opened and self._base_choice.base is not None and not self._timer.isActive():
            self.recipe.preview.ask(self._job(), self._trainer.python)
        elif not opened:
            self.recipe.preview.stop()

    def _on_finder_finished(self) -> None:
        if self.isVisible():
            self._on_changed()

    def _on_estimate(self, found: Estimate) -> None:
        draft = self.into(self._draft)
        self._found, self._found_for = found, self._asked_for(draft)
        self._costs.know(draft.job(), found.seconds)
        self._show_choices()
        self._costs.ask(draft, self._trainer.python, has_pytorch=self._trainer.complete)
        text = self.tr("About {time} on this computer ({device}). {trainable} of {total} parameters are trained.")
        self._estimate.setText(
            text.format(
                time=wording.long_duration(found.seconds),
                device=wording.device(found.device),
                trainable=spelt_number(found.trainable),
                total=spelt_number(found.total),
            )
        )

    def _on_refused(self, failure: Failure) -> None:
        self._estimate.setText(failure.text)
        self._refused = failure.code in REFUSALS
        self.complete_changed.emit()


def _choices(draft: Draft) -> tuple[object, ...]:
    """The part of a draft that is chosen on this page."""
    return draft.train, draft.preset, dict(draft.advanced)
