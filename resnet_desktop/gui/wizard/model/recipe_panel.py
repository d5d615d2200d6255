"""How it is trained, as far as few need to choose it: thoroughness, other parts, the head, and all settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QRadioButton, QVBoxLayout, QWidget

from resnet_desktop.gui.background.trainer_inquiry import TrainerInquiry
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.widgets.collapsible import Collapsible
from resnet_desktop.gui.wizard.draft import Draft
from resnet_desktop.gui.wizard.model.advanced import AdvancedPanel
from resnet_desktop.gui.wizard.model.advanced_fields import defaults, obstacles
from resnet_desktop.gui.wizard.model.base_choice import Base
from resnet_desktop.gui.wizard.model.head_choice import HeadChoice
from resnet_desktop.gui.wizard.model.part_choice import NetworkCard
from resnet_desktop.gui.wizard.model.preset_words import exact_sentence, preset_sentence
from resnet_desktop.gui.wizard.model.preview_panel import PreviewPanel
from resnet_desktop.gui.wizard.page import heading, secondary

if TYPE_CHECKING:
    from resnet_desktop.jobs.launching.estimate import Estimate


class RecipePanel(QWidget):
    """The preset, and below it what goes beyond it.

    Args:
        others: the choices of a part that few need.
        inquiry: asks what the network will see.

    Attributes:
        network: drawn for the choices.
        head: the new one.
        preview: what the network will see.
        advanced: all else that can be set.
        preview_fold: holds the preview; nobody asks for it while it is closed.

    Signal: ``changed``: something else is chosen.
    """

    changed = Signal()

    def __init__(self, others: QWidget, inquiry: TrainerInquiry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.network, self.head = NetworkCard(), HeadChoice()
        self.preview, self.advanced = PreviewPanel(inquiry), AdvancedPanel()
        titles = {"quick": self.tr("Quick"), "balanced": self.tr("Balanced"), "best": self.tr("Best")}
        self._presets = {name: QRadioButton(title) for name, title in titles.items()}
        self._preset_words = secondary()
        self._head_fold = Collapsible(self.tr("New head"), self.head)
        self.preview_fold = Collapsible(self.tr("What the network will see"), self.preview)
        self._advanced_fold = Collapsible(self.tr("All settings"), self.advanced)
        self._build(others)

    @property
    def preset(self) -> str:
        """How thoroughly."""
        return next(name for name, button in self._presets.items() if button.isChecked())

    @property
    def summary(self) -> str:
        """What is chosen, in a few words."""
        return "; ".join((self._presets[self.preset].text().lower(), self._set_words()))

    def choose_preset(self, preset: str) -> None:
        """How thoroughly."""
        self._presets[preset].setChecked(True)

    def values(self) -> dict[str, Any]:
        """What is set beyond the preset, as a job takes it."""
        head = self.head.values()
        return self.advanced.values() | ({"head": head} if head else {})

    def show_draft(self, draft: Draft) -> None:
        """Show what is chosen in a draft."""
        self.choose_preset(draft.preset)
        self.head.show_values(draft.advanced.get("head") or {})
        self.advanced.show_values(draft.advanced)

    def show_choices(
        self, draft: Draft, base: Base | None, classes: int | None, known: Estimate | None
    ) -> dict[str, Any]:
        """Show defaults, what does not apply, the drawing and the words; all values, by key.

        Args:
            draft: all choices.
            base: what is started from, if that is known.
            classes: how many there are, if that is known.
            known: what the trainer says of a base, a part and a head like these; None: nothing yet.
        """
        usual = defaults(draft.train, draft.preset) | self._machine_choices(known)
        values = usual | self.advanced.chosen
        views = int(values["recipe.views"])
        exact = draft.train == "head" and not draft.needs_pytorch
        self.advanced.show_defaults(usual)
        self.advanced.show_obstacles(obstacles(draft.train, views, draft.validation, exact=exact))
        self.network.show_network(
            draft.train,
            4 if base is None else base.stages,
            float(values["recipe.stage_rate"]),
            () if known is None else known.parts,
            norms_freeze=bool(values["recipe.freeze_norms"]),
        )
        if base is not None:
            self.head.describe(base.features, classes)
        self._head_fold.say(self.head.summary)
        self._advanced_fold.say(self._set_words())
        self.preview.explain(draft.train, views)
        self._preset_words.setText(exact_sentence(views) if exact else preset_sentence(draft.train, values))
        return values

    def _machine_choices(self, known: Estimate | None) -> dict[str, Any]:
        """What the trainer filled in; what is set itself is no default."""
        preset = ("epochs",)  # known without asking, and for the preset that is chosen now
        chosen = {} if known is None else known.chosen
        return {key: value for key, value in chosen.items() if key not in (*preset, *self.advanced.chosen)}

    def _set_words(self) -> str:
        count = len(self.advanced.chosen)
        return self.tr("{count} set").format(count=count) if count else self.tr("all automatic")

    def _build(self, others: QWidget) -> None:
        row, group = QHBoxLayout(), QButtonGroup(self)
        row.setSpacing(theme.L)
        row.addWidget(heading(self.tr("How thoroughly?")))
        for button in self._presets.values():
            group.addButton(button)
            row.addWidget(button)
        row.addStretch(1)
        self.choose_preset("balanced")
        column = QVBoxLayout()
        column.setSpacing(theme.XS)
        column.addLayout(row)
        column.addWidget(self._preset_words)
        layout = QVBoxLayout(self)
        layout.setSpacing(theme.M)
        layout.addLayout(column)
        for widget in (others, self.network, self._head_fold, self.preview_fold, self._advanced_fold):
            layout.addWidget(widget)
        self.preview_fold.say(self.tr("your own photos, varied as in training"))
        for button in self._presets.values():
            button.toggled.connect(self._on_preset)
        self.head.changed.connect(self.changed)
        self.advanced.changed.connect(self.changed)

    def _on_preset(self, checked: bool) -> None:
        if checked:
            self.changed.emit()
