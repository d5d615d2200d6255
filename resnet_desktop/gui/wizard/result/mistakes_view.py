"""The photos that the model gets most wrong: often it is the label that is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.widgets.choice import Choice
from resnet_desktop.gui.wizard.decisions import Decisions, History
from resnet_desktop.gui.wizard.page import secondary
from resnet_desktop.gui.wizard.pictures.picture_grid import PictureGrid
from resnet_desktop.gui.wizard.pictures.picture_heatmaps import Heatmaps
from resnet_desktop.gui.wizard.pictures.picture_sheet import PictureSheet
from resnet_desktop.gui.wizard.result import result_words

if TYPE_CHECKING:
    from resnet_desktop.jobs.results import PictureResult, Results

MISTAKES, DOUBTS, DECIDED = "mistakes", "doubts", "decided"


class MistakesView(QWidget):
    """Photos to decide about: each can be left out or said to be of another class, until the next training.

    Attributes:
        sheet: the photos.
        history: what was decided, and the way back.

    Signal: ``again_asked`` (names to leave out, right class by name).
    """

    again_asked = Signal(object, object)

    def __init__(self, heatmaps: Heatmaps, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._results: Results | None = None
        self._known: dict[str, PictureResult] = {}
        self.history = History()
        self._which, self._class = Choice(), Choice()
        self.sheet = PictureSheet(heatmaps, self._which)
        self._leave, self._keep = QPushButton(self.tr("Leave out")), QPushButton(self.tr("Keep"))
        self._undo = QPushButton(self.tr("Undo"))
        self._again = QPushButton(self.tr("Train again"))
        self._changes = secondary()
        self._build()

    @property
    def grid(self) -> PictureGrid:
        """The photos."""
        return self.sheet.grid

    @property
    def decided(self) -> Decisions:
        """What was decided."""
        return self.history.now

    @property
    def words(self) -> str:
        """What is said about the sheet, or about the photo that is chosen."""
        return self.sheet.words

    @property
    def changes(self) -> str:
        """What was decided, in words."""
        return self._changes.text()

    def show_results(self, results: Results) -> None:
        """Show the mistakes, the worst first. What was decided stays if these are the results as before."""
        if self._results is None or results.pictures != self._results.pictures:
            self.history.begin(Decisions())
        self._results = results
        self._known = {picture.path: picture for picture in (*results.pictures, *results.suspects)}
        self._class.clear()
        self._class.addItem(self.tr("Correct label…"), None)
        for label in results.labels:
            self._class.addItem(label, label)
        self._which.setItemText(0, self.tr("Mistakes ({count})").format(count=wording.number(len(results.mistakes))))
        text = self.tr("Possibly wrong labels ({count})")
        self._which.setItemText(1, text.format(count=wording.number(len(results.suspects))))
        self._refill()

    def show_which(self, which: str) -> None:
        """``mistakes``, ``doubts`` (labels that look wrong) or ``decided``."""
        self._which.setCurrentIndex(self._which.findData(which))

    def close_loader(self) -> None:
        """Wait for the thread."""
        self.sheet.close_loader()

    def leave_out(self, names: list[str]) -> None:
        """Train without these next time."""
        self._decide(self.decided.without(names))

    def relabel(self, names: list[str], label: str) -> None:
        """Say what these really are; those that are of that class already are left as they are."""
        labels = {name: self._known[name].label for name in names if name in self._known}
        self._decide(self.decided.renamed(labels, label))

    def keep(self, names: list[str]) -> None:
        """Decide nothing about these after all."""
        self._decide(self.decided.kept(names))

    def undo(self) -> None:
        """Take the last decision back."""
        self.history.undo()
        self._show_changes()

    def _decide(self, decisions: Decisions) -> None:
        self.history.take(decisions)
        self._show_changes()

    def _refill(self) -> None:
        results = self._results
        if results is None:
            return
        which = self._which.currentData()
        if which == DECIDED:
            shown = [self._known[name] for name in self.decided.names if name in self._known]
        else:
            shown = list(results.suspects if which == DOUBTS else results.mistakes)
        self.sheet.show_pictures(shown)
        self._show_changes()

    def _show_changes(self) -> None:
        decided = self.decided
        self.sheet.mark(decided.exclude, decided.relabel)
        self._again.setEnabled(bool(decided))
        self._undo.setEnabled(self.history.can_undo)
        count = len(decided.names)
        self._which.setItemText(2, self.tr("Decided ({count})").format(count=wording.number(count)))
        text = self.tr("{out} left out, {moved} relabelled. Train again to see the effect.") if decided else ""
        numbers = {"out": len(decided.exclude), "moved": len(decided.relabel)}
        self._changes.setVisible(bool(decided))
        said = text.format(**{key: wording.number(value) for key, value in numbers.items()})
        judged = {picture.path for picture in self._results.judged} if self._results is not None else set()
        if judged.intersection(decided.names):
            said += " " + self.tr("This changes the validation set, so the accuracies will not be comparable.")
        self._changes.setText(said)
        self._on_chosen()

    def _on_again(self) -> None:
        self.again_asked.emit(list(self.decided.exclude), dict(self.decided.relabel))

    def _on_class(self, index: int) -> None:
        label = self._class.itemData(index)
        if label is not None and self.grid.chosen:
            self.relabel(self.grid.chosen, label)
        self._class.setCurrentIndex(0)

    def _on_chosen(self) -> None:
        chosen = self.grid.chosen
        for widget in (self._leave, self._class):
            widget.setEnabled(bool(chosen))
        self._keep.setEnabled(any(name in self.decided.names for name in chosen))
        if len(chosen) == 1 and chosen[0] in self._known:
            self.sheet.say(self._about(self._known[chosen[0]]))
        elif len(chosen) > 1:
            self.sheet.say(self.tr("{count} photos selected.").format(count=wording.number(len(chosen))))
        else:
            self.sheet.say(self._about_sheet())

    def _about(self, picture: PictureResult) -> str:
        """Why one photo is on the sheet."""
        values = {
            "name": picture.path.replace("\\", "/").rsplit("/", 1)[-1],
            "label": picture.label,
            "other": picture.predicted,
            "share": wording.percent(picture.probability),
        }
        if picture.role == "training":
            text = self.tr(
                "{name} is labelled {label}. A model not trained on it predicts {other} with {share} confidence."
            )
        elif picture.suspect:
            text = self.tr(
                "{name} is labelled {label}, but the model predicts {other} with {share} confidence: more than usual."
            )
        else:
            text = self.tr("{name} is labelled {label}. The model predicts {other} with {share} confidence.")
        return f"{text.format(**values)} {self._role(picture)}".strip()

    def _role(self, picture: PictureResult) -> str:
        """Of which photos it is one, where there are two kinds."""
        if self._results is None or self._results.metrics.get("on") != "test":
            return ""
        words = {
            "validation": self.tr("It is a validation photo, so it does not count towards the accuracy."),
            "test": self.tr("It is a test photo."),
        }
        return words.get(picture.role, "")

    def _about_sheet(self) -> str:
        which, results = self._which.currentData(), self._results
        if not self.grid.names:
            nothing = {
                MISTAKES: self.tr("No mistakes on the held-out photos."),
                DOUBTS: self._no_doubts(),
                DECIDED: self.tr("No decisions yet."),
            }
            if results is not None and not results.measured:
                nothing[MISTAKES] = self.tr("Nothing was measured: there were no held-out photos.")
            return nothing[which]
        doubts = self.tr("Another class is far more probable for these than their label. Some are just hard.")
        words = {
            MISTAKES: self.tr("Worst first: actual class → predicted class, with its confidence."),
            DOUBTS: f"{doubts} {result_words.doubts(results) if results is not None else ''}".strip(),
            DECIDED: self.tr("Photos left out are crossed out; relabelled ones show their new class."),
        }
        return words[which]

    def _no_doubts(self) -> str:
        """That no label looks wrong, if any was looked at."""
        looked = result_words.doubts(self._results) if self._results is not None else ""
        doubts = self._results.doubts if self._results is not None else {}
        if doubts and not doubts["training"]["pictures"] and not doubts["apart"]:
            return looked
        return f"{self.tr('No suspicious labels.')} {looked}".strip()

    def _build(self) -> None:
        for text, which in (
            (self.tr("Mistakes"), MISTAKES),
            (self.tr("Labels"), DOUBTS),
            (self.tr("Decided"), DECIDED),
        ):
            self._which.addItem(text, which)
        self._which.setMinimumContentsLength(20)
        self._which.setAccessibleName(self.tr("Which photos are shown"))
        self._which.currentIndexChanged.connect(self._refill)
        self._leave.clicked.connect(lambda: self.leave_out(self.grid.chosen))
        self._keep.clicked.connect(lambda: self.keep(self.grid.chosen))
        self._undo.clicked.connect(self.undo)
        self._class.activated.connect(self._on_class)
        self._class.setAccessibleName(self.tr("Correct class of the selected photos"))
        self._again.clicked.connect(self._on_again)
        self.grid.chosen_changed.connect(self._on_chosen)
        here = Qt.ShortcutContext.WidgetWithChildrenShortcut
        QShortcut(QKeySequence(QKeySequence.StandardKey.Undo), self, self.undo, context=here)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Delete), self, self._leave.click, context=here)
        row = QHBoxLayout()
        for widget in (self._leave, self._class, self._keep, self._undo):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self._again)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, theme.M, 0, 0)
        layout.addWidget(self.sheet, 1)
        layout.addWidget(self._changes)
        layout.addLayout(row)
        self._show_changes()
