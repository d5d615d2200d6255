"""Step three: what is trained, and for how long."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from resnet_desktop.core.progress import Cancelled
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.background.trainer_inquiry import Tell, TrainerInquiry
from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.widgets.collapsible import Collapsible
from resnet_desktop.gui.widgets.plain import PlainLabel
from resnet_desktop.gui.wizard.draft import Draft
from resnet_desktop.gui.wizard.model.advanced import AdvancedPanel
from resnet_desktop.gui.wizard.model.advanced_fields import conflict, defaults, obstacles
from resnet_desktop.gui.wizard.model.base_choice import BaseChoice
from resnet_desktop.gui.wizard.model.head_choice import HeadChoice
from resnet_desktop.gui.wizard.model.network_diagram import spelt_number
from resnet_desktop.gui.wizard.model.part_choice import NetworkCard, PartChoice
from resnet_desktop.gui.wizard.model.part_costs import REFUSALS, PartCosts, measured
from resnet_desktop.gui.wizard.model.preset_words import exact_sentence, preset_sentence
from resnet_desktop.gui.wizard.model.preview_panel import PreviewPanel
from resnet_desktop.gui.wizard.model.rate_finder import RateFinder
from resnet_desktop.gui.wizard.page import WizardPage, heading, scrolling, secondary
from resnet_desktop.gui.wizard.trainer.trainer_page import TrainerPage
from resnet_desktop.session.results import Failure

if TYPE_CHECKING:
    from resnet_desktop.jobs.estimate import Estimate

ESTIMATE_DELAY_MS = 400


class ModelPage(WizardPage):
    """The base, how much of it is set free, the preset; what that costs is measured on this machine.

    The trainer is asked one question at a time, for two at once would slow down what is measured: what it costs, what
    its pictures look like (while that is unfolded), or a learning rate. A change of the choices, leaving the page, and
    closing the window end what is asked.

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
        self._base = self._base_choice.models
        self._part, self._head, self._network = PartChoice(), HeadChoice(), NetworkCard()
        self._presets = {name: QRadioButton(title) for name, title in self._preset_titles().items()}
        self._preset_words, self._estimate = secondary(), PlainLabel()
        self._preview, self._advanced = PreviewPanel(TrainerInquiry(self._questions, self)), AdvancedPanel()
        self._costs = PartCosts(self._questions, self._part, self)
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

    @property
    def part(self) -> PartChoice:
        """How much is trained."""
        return self._part

    @property
    def network(self) -> NetworkCard:
        """The network drawn for the choices."""
        return self._network

    @property
    def head(self) -> HeadChoice:
        """The new head."""
        return self._head

    @property
    def advanced(self) -> AdvancedPanel:
        """All else that can be set."""
        return self._advanced

    @property
    def preview(self) -> PreviewPanel:
        """What the network will see."""
        return self._preview

    @property
    def folds(self) -> tuple[Collapsible, Collapsible, Collapsible]:
        """The new head; what the network will see; all settings."""
        return self._head_fold, self._preview_fold, self._advanced_fold

    @property
    def more(self) -> Collapsible:
        """All that few need to choose."""
        return self._more

    def show_draft(self, draft: Draft) -> None:
        """Show what is chosen. Coming back to the page with the same draft leaves its choices as they are."""
        before, self._draft, self._shown = self._shown, draft, draft
        if before is None or _choices(before) != _choices(draft):
            self._part.choose(draft.train)
            self._presets[draft.preset].setChecked(True)
            self._head.show_values(draft.advanced.get("head") or {})
            self._advanced.show_values(draft.advanced)
            if draft.train not in self._part.main:  # what is chosen is seen
                self._more.set_open(True)
        if not self._name.text():
            self._name.setText(draft.name or draft.proposed_name)
        self.look_for_models()

    def look_for_models(self) -> None:
        """Read the library again."""
        recipe = self._draft.advanced.get("recipe") or {}
        self._base_choice.look(self._draft.base, recipe.get("arch"))

    def into(self, draft: Draft) -> Draft:
        """The draft with these choices."""
        preset = next(name for name, button in self._presets.items() if button.isChecked())
        advanced = self._advanced.values()
        if self._base_choice.arch is not None:
            advanced["recipe"] = {"arch": self._base_choice.arch, **advanced.get("recipe", {})}
        if self._head.values():
            advanced["head"] = self._head.values()
        base, name = self._base_choice.model or draft.base, self._name.text().strip()
        return replace(draft, train=self._part.chosen, preset=preset, base=base, name=name, advanced=advanced)

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
        self._part.choose(train)
        self._presets[preset].setChecked(True)

    def find_rate(self) -> RateFinder:
        """Open the learning-rate finder for the choices as they are."""
        self._give_up()
        finder = RateFinder(self._rate, self)
        finder.rate_wanted.connect(lambda rate: self._advanced.choose("learning_rate", rate))
        finder.finished.connect(self._on_finder_finished)
        finder.open()
        finder.start(self._job(), self._trainer.python)
        return finder

    def _job(self) -> dict[str, Any]:
        return self.into(self._draft).job()

    def _preset_titles(self) -> dict[str, str]:
        return {"quick": self.tr("Quick"), "balanced": self.tr("Balanced"), "best": self.tr("Best")}

    def _build(self) -> None:
        inside = QWidget()
        layout = QVBoxLayout(inside)
        layout.setContentsMargins(0, 0, theme.M, 0)
        layout.setSpacing(theme.M)
        layout.addLayout(self._form())
        layout.addWidget(self._part)
        self._more = Collapsible(self.tr("More choices"), self._inside_more())
        layout.addWidget(self._more)
        self.body.addWidget(scrolling(inside), 1)
        self._estimate.setWordWrap(True)
        self.body.addWidget(self._estimate)

    def _inside_more(self) -> QWidget:
        inside = QWidget()
        layout = QVBoxLayout(inside)
        layout.setSpacing(theme.M)
        layout.addLayout(self._preset_row())
        layout.addWidget(self._part.others)
        layout.addWidget(self._network)
        titles = (self.tr("New head"), self.tr("What the network will see"), self.tr("All settings"))
        parts = (self._head, self._preview, self._advanced)
        self._head_fold, self._preview_fold, self._advanced_fold = map(Collapsible, titles, parts)
        for fold in self.folds:
            layout.addWidget(fold)
        self._preview_fold.say(self.tr("your own photos, varied as in training"))
        return inside

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

    def _preset_row(self) -> QVBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(theme.L)
        row.addWidget(heading(self.tr("How thoroughly?")))
        group = QButtonGroup(self)
        for button in self._presets.values():
            group.addButton(button)
            row.addWidget(button)
        row.addStretch(1)
        self._presets["balanced"].setChecked(True)
        column = QVBoxLayout()
        column.setSpacing(theme.XS)
        column.addLayout(row)
        column.addWidget(self._preset_words)
        return column

    def _connect(self) -> None:
        self._timer.timeout.connect(self._ask)
        for button in self._presets.values():
            button.toggled.connect(self._on_preset_toggled)
        self._base_choice.found.connect(lambda: self._advanced.offer_teachers(self._base_choice.names))
        self._base_choice.found.connect(self._on_changed)
        self._base_choice.more_asked.connect(self.networks_wanted)
        for part in (self._base_choice, self._part, self._head, self._advanced):
            part.changed.connect(self._on_changed)
        self._name.textChanged.connect(self.complete_changed)
        self._advanced.rate_asked.connect(self.find_rate)
        self._preview_fold.toggled.connect(self._on_preview_toggled)
        self._cost.answered.connect(self._on_estimate)
        self._cost.refused.connect(self._on_refused)

    def _on_preset_toggled(self, checked: bool) -> None:
        if checked:
            self._on_changed()

    def _on_changed(self) -> None:
        """Any choice: what it means is shown at once, what it costs a little later."""
        self._give_up()
        self._base_choice.build_from_nothing(self._part.chosen == "scratch")
        problem = conflict(self._part.chosen, self._show_choices())
        self._refused = bool(problem)
        self._estimate.setText(problem or self.tr("Measuring how long this takes…"))
        self.complete_changed.emit()
        if self._base_choice.base is not None and self.isVisible() and not problem:
            self._timer.start()

    def _show_choices(self) -> dict[str, Any]:
        """Show defaults, what does not apply, the drawing and the words; all values, by key.

        That is as far as they follow from the choices and from what the trainer said last.
        """
        draft, set_here = self.into(self._draft), self._advanced.chosen
        usual = defaults(draft.train, draft.preset) | self._machine_choices(draft)
        values = usual | set_here
        views = int(values["recipe.views"])
        self._advanced.show_defaults(usual)
        exact = draft.train == "head" and not draft.needs_pytorch
        self._advanced.show_obstacles(obstacles(draft.train, views, draft.validation, exact=exact))
        base = self._base_choice.base
        known = self._found if self._found_for == self._asked_for(draft) else None
        self._network.show_network(
            draft.train,
            4 if base is None else base.stages,
            float(values["recipe.stage_rate"]),
            () if known is None else known.parts,
            norms_freeze=bool(values["recipe.freeze_norms"]),
        )
        if base is not None:
            self._head.describe(base.features, None if self._found is None else self._found.classes)
        self._head_fold.say(self._head.summary)
        count = len(set_here)
        settings = self.tr("{count} set").format(count=count) if count else self.tr("all automatic")
        self._advanced_fold.say(settings)
        self._more.say("; ".join((self._preset_titles()[draft.preset].lower(), settings)))
        self._show_parts(draft)
        self._preview.explain(draft.train, views)
        self._preset_words.setText(exact_sentence(views) if exact else preset_sentence(draft.train, values))
        return values

    def _show_parts(self, draft: Draft) -> None:
        """What each choice needs, and how long it takes as far as is known."""
        for train in self._part.main:
            if not replace(draft, train=train).needs_pytorch:
                needs = self.tr("Works without PyTorch.")
            elif self._trainer.complete:
                needs = self.tr("Uses PyTorch.")
            else:
                needs = self.tr("Needs PyTorch, which the next step can add.")
            self._part.card(train).tell_needs(needs)
        self._costs.show(self._part_jobs(draft))

    def _part_jobs(self, draft: Draft) -> dict[str, dict[str, Any]]:
        return {train: replace(draft, train=train).job() for train in self._part.main}

    def _machine_choices(self, draft: Draft) -> dict[str, Any]:
        """What the trainer filled in for choices like these; what is set itself is no default."""
        if self._found is None or self._found_for != self._asked_for(draft):
            return {}
        preset = ("epochs",)  # known without asking, and for the preset that is chosen now
        known = self._found.chosen.items()
        return {key: value for key, value in known if key not in preset and key not in self._advanced.chosen}

    def _asked_for(self, draft: Draft) -> tuple[str, ...]:
        """What the parts of the network and the machine's choices depend on."""
        base, head = self._base_choice.base, self._head.values()
        return (draft.train, "" if base is None else base.name, str(head.get("hidden", "")))

    def _ask(self) -> None:
        job, python = self._job(), self._trainer.python

        def question(tell: Tell, cancelled: Cancelled) -> object:
            del tell
            return measured(job, python, cancelled)

        self._cost.ask(question)
        if self._preview_fold.opened:
            self._preview.ask(job, python)

    def _give_up(self) -> None:
        self._timer.stop()
        self._cost.stop()
        self._costs.stop()
        self._rate.stop()
        self._preview.stop()

    def _on_preview_toggled(self, opened: bool) -> None:
        if opened and self._base_choice.base is not None and not self._timer.isActive():
            self._preview.ask(self._job(), self._trainer.python)
        elif not opened:
            self._preview.stop()

    def _on_finder_finished(self) -> None:
        if self.isVisible():
            self._on_changed()

    def _on_estimate(self, found: Estimate) -> None:
        draft = self.into(self._draft)
        self._found, self._found_for = found, self._asked_for(draft)
        self._costs.know(draft.job(), found.seconds)
        self._show_choices()
        jobs = self._part_jobs(draft)
        if not self._trainer.complete:
            jobs = {train: job for train, job in jobs.items() if not replace(draft, train=train).needs_pytorch}
        self._costs.ask(jobs, self._trainer.python)
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
