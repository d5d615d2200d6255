"""Step four: what is trained, and for how long."""

from __future__ import annotations

import contextlib
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QButtonGroup,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from resnet_desktop.core.errors import ModelError, ResNetDesktopError
from resnet_desktop.gui import theme, wording
from resnet_desktop.gui.choice import Choice
from resnet_desktop.gui.results import Failure
from resnet_desktop.gui.tasks import Tasks
from resnet_desktop.gui.wizard.advanced import AdvancedPanel
from resnet_desktop.gui.wizard.draft import Draft
from resnet_desktop.gui.wizard.page import WizardPage, card, heading, scrolling, secondary
from resnet_desktop.gui.wizard.trainer_page import TrainerPage

if TYPE_CHECKING:
    from resnet_desktop.finetune.estimate import Estimate

ESTIMATE_DELAY_MS = 400


class ModelPage(WizardPage):
    """The base, how much of it is set free, the preset; what that costs is measured on this machine."""

    def __init__(self, tasks: Tasks, trainer: TrainerPage, parent: QWidget | None = None) -> None:
        super().__init__(
            self.tr("Training"),
            self.tr("What is trained?"),
            self.tr("The network has learnt to see already. Train only as much of it as your photos need."),
            parent,
        )
        self._tasks, self._trainer = tasks, trainer
        self._draft = Draft()
        self._asked = 0
        self._base, self._name = Choice(), QLineEdit()
        self._parts = {name: QRadioButton(title) for name, (title, _) in self._choices().items()}
        self._presets = {name: QRadioButton(title) for name, title in self._preset_titles().items()}
        self._estimate = QLabel()
        self._advanced = AdvancedPanel()
        self._fold = QPushButton(self.tr("More choices"))
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(ESTIMATE_DELAY_MS)
        self._timer.timeout.connect(self._ask_estimate)
        self._build()

    @property
    def complete(self) -> bool:
        """Once there is a base to start from."""
        return self._base.count() > 0 and bool(self._name.text().strip())

    @property
    def next_text(self) -> str:
        """The next step is the training itself."""
        return self.tr("Start training")

    @property
    def estimate(self) -> str:
        """What is said about time and size."""
        return self._estimate.text()

    def show_draft(self, draft: Draft) -> None:
        """Show what is chosen."""
        self._draft = draft
        self._parts[draft.train].setChecked(True)
        self._presets[draft.preset].setChecked(True)
        if not self._name.text():
            self._name.setText(draft.name or draft.proposed_name)
        self._tasks.run_task(_bases, self._on_bases)

    def into(self, draft: Draft) -> Draft:
        """The draft with these choices."""
        train = next(name for name, button in self._parts.items() if button.isChecked())
        preset = next(name for name, button in self._presets.items() if button.isChecked())
        base = str(self._base.currentData() or draft.base)
        name = self._name.text().strip()
        return replace(draft, train=train, preset=preset, base=base, name=name, advanced=self._advanced.values())

    def left(self) -> None:
        """Nothing is asked any more."""
        self._asked += 1
        self._timer.stop()

    def choose(self, train: str, preset: str) -> None:
        """Choose a part and a preset."""
        self._parts[train].setChecked(True)
        self._presets[preset].setChecked(True)

    def _choices(self) -> dict[str, tuple[str, str]]:
        return {
            "head": (
                self.tr("Only the last layer"),
                self.tr("Seconds. Right for a few dozen photos of things that look like everyday photos."),
            ),
            "last-stage": (
                self.tr("The last stage too"),
                self.tr(
                    "Minutes. Right for a few hundred photos, or things that the network has not seen the like of."
                ),
            ),
            "last-two-stages": (
                self.tr("The last two stages"),
                self.tr("Longer. Right for a thousand photos or more that look unlike everyday photos."),
            ),
            "all": (
                self.tr("The whole network"),
                self.tr("Longest. For many thousands of photos, and best with a graphics card."),
            ),
            "scratch": (
                self.tr("From nothing"),
                self.tr("To see what learnt features are worth. It needs tens of thousands of photos to be any good."),
            ),
        }

    def _preset_titles(self) -> dict[str, str]:
        return {"quick": self.tr("Quick"), "balanced": self.tr("Balanced"), "best": self.tr("Best")}

    def _build(self) -> None:
        inside = QWidget()
        layout = QVBoxLayout(inside)
        layout.setContentsMargins(0, 0, theme.M, 0)
        layout.setSpacing(theme.M)
        layout.addLayout(self._form())
        layout.addWidget(self._parts_card())
        row = QHBoxLayout()
        row.addWidget(heading(self.tr("How thoroughly?")))
        group = QButtonGroup(self)
        for button in self._presets.values():
            group.addButton(button)
            row.addWidget(button)
        row.addStretch(1)
        layout.addLayout(row)
        self._fold.setCheckable(True)
        self._fold.toggled.connect(self._advanced.setVisible)
        self._advanced.hide()
        layout.addWidget(self._fold, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self._advanced)
        self.body.addWidget(scrolling(inside), 1)
        self._estimate.setWordWrap(True)
        self.body.addWidget(self._estimate)
        for button in (*self._parts.values(), *self._presets.values()):
            button.toggled.connect(self._on_changed)
        self._advanced.changed.connect(self._on_changed)
        self._base.currentIndexChanged.connect(self._on_changed)
        self._name.textChanged.connect(self.complete_changed)

    def _form(self) -> QGridLayout:
        form = QGridLayout()
        form.setColumnStretch(1, 1)
        form.setHorizontalSpacing(theme.M)
        form.addWidget(QLabel(self.tr("Start from")), 0, 0)
        form.addWidget(self._base, 0, 1)
        form.addWidget(QLabel(self.tr("Name of the new model")), 1, 0)
        form.addWidget(self._name, 1, 1)
        self._base.setAccessibleName(self.tr("Model to start from"))
        self._name.setAccessibleName(self.tr("Name of the new model"))
        self._name.setMaxLength(60)
        return form

    def _parts_card(self) -> QWidget:
        frame, layout = card()
        layout.addWidget(heading(self.tr("How much of the network?")))
        group = QButtonGroup(self)
        for name, (_, text) in self._choices().items():
            group.addButton(self._parts[name])
            layout.addWidget(self._parts[name])
            words = secondary(text)
            words.setContentsMargins(theme.XL, 0, 0, theme.XS)
            layout.addWidget(words)
        return frame

    def _on_bases(self, future: Future[list[tuple[str, str]]]) -> None:
        chosen = self._base.currentData() or self._draft.base
        self._base.blockSignals(True)
        self._base.clear()
        for name, arch in future.result():
            self._base.addItem(f"{name}  ({arch})", name)
        index = self._base.findData(chosen)
        self._base.setCurrentIndex(max(0, index))
        self._base.blockSignals(False)
        self.complete_changed.emit()
        self._on_changed()

    def _on_changed(self) -> None:
        self._asked += 1
        self._estimate.setText(self.tr("Measuring how long that takes here…"))
        self._timer.start()

    def _ask_estimate(self) -> None:
        asked, job, python = self._asked, self.into(self._draft).job(), self._trainer.python
        self._tasks.run_task(lambda: _measured(job, python), lambda future: self._on_estimate(asked, future))

    def _on_estimate(self, asked: int, future: Future[Estimate]) -> None:
        if asked != self._asked:
            return
        try:
            found = future.result()
        except ResNetDesktopError as error:
            self._estimate.setText(Failure.of(error).text)
            return
        text = self.tr("About {time} on this computer ({device}). {trainable} of {total} parameters are trained.")
        self._estimate.setText(
            text.format(
                time=wording.long_duration(found.seconds),
                device=found.device,
                trainable=wording.number(found.trainable),
                total=wording.number(found.total),
            )
        )


def _bases() -> list[tuple[str, str]]:
    """Name and architecture of every model that can be trained further."""
    from resnet_desktop.bundle import bundle as bundles  # brings in onnx, which the window does not wait for
    from resnet_desktop.bundle.architectures import ARCHITECTURES
    from resnet_desktop.bundle.library import Library

    found = []
    for entry in Library().entries():
        with contextlib.suppress(ModelError):  # a file that cannot be read is no base; the model menu says why
            arch = bundles.read(entry.path).metadata.arch
            if arch in ARCHITECTURES:
                found.append((entry.name, arch))
    return found


def _measured(job: dict[str, Any], python: Path | None) -> Estimate:
    from resnet_desktop.finetune.estimate import estimate

    return estimate(job, python)
