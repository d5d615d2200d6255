"""Residual blocks opened up: what each adds to its skip, what reaches it on the way back, what is lost without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QBoxLayout,
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from resnet_desktop.gui.background.request_slot import RequestSlot
from resnet_desktop.gui.background.session_controller import SessionController
from resnet_desktop.gui.inspect.blocks.block_chart import BlockChart
from resnet_desktop.gui.inspect.blocks.block_details import BlockDetails
from resnet_desktop.gui.inspect.blocks.block_measures import SILENCE, Measure, has_linear_ends, measures, readout
from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.widgets.help import help_texts
from resnet_desktop.gui.widgets.help.help_button import HelpButton
from resnet_desktop.gui.widgets.layouts import scrolled
from resnet_desktop.gui.widgets.plain import PlainLabel, plain_tip
from resnet_desktop.gui.widgets.working import Working
from resnet_desktop.session.inspections import OpenedBlocks, feature_maps, open_blocks
from resnet_desktop.session.results import EvidenceRequest, Failure, Source

if TYPE_CHECKING:
    from resnet_desktop.core.progress import Cancelled, Progress
    from resnet_desktop.explain.cam.target import Target
    from resnet_desktop.explain.residual.analysis import FeatureSheet
    from resnet_desktop.session.engine import Engine


@dataclass(frozen=True, slots=True)
class _Item:
    number: int
    source: Source
    target: Target | None

    @property
    def key(self) -> tuple[int, Target | None]:
        return self.number, self.target


class BlockPage(QWidget):
    """The residual blocks at work on the photo that is looked at. It asks for them only while it is shown.

    Signals: ``layer_chosen`` (a layer's name): its heatmap is wanted on the photo.
    """

    layer_chosen = Signal(str)

    def __init__(self, controller: SessionController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._item: _Item | None = None
        self._opened: OpenedBlocks | None = None
        self._block = ""  # the name of the block that is looked at, kept from photo to photo
        self._measures = measures()
        self._measure = self._measures[0]
        self._blocks = RequestSlot(controller, "blocks", self)
        self._sheets = RequestSlot(controller, "feature maps", self)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._title, self._subtitle, self._sentence = PlainLabel(), PlainLabel(), PlainLabel()
        self._help = HelpButton(help_texts.residual_learning())
        self._measure_help = HelpButton(self._measure.help)
        self.working = Working()
        """What is said where there is no chart."""
        self._buttons = QButtonGroup(self)
        self.chart, self.details = BlockChart(), BlockDetails()
        self._content = QWidget()
        self._build()
        self._connect()
        self.choose_measure(self._measure.key)
        self.clear()

    @property
    def opened(self) -> OpenedBlocks | None:
        """What is shown."""
        return self._opened

    @property
    def measure(self) -> Measure:
        """What the chart is about."""
        return self._measure

    def show_item(self, number: int, source: Source, request: EvidenceRequest) -> None:
        """Look at a photo and a class; at first the block at the layer of ``request`` is chosen."""
        before = self._item
        self._block = self._block or request.layer or ""
        self._item = _Item(number, source, request.target)
        if before is not None and before.key == self._item.key and (self._opened or self._blocks.asked is not None):
            return
        self._ask()

    def clear(self) -> None:
        """Nothing is looked at."""
        self._item = None
        self._blocks.drop()
        self._show_nothing(self.tr("Open a photo to see what its residual blocks do."))

    def choose_measure(self, key: str) -> None:
        """Draw something else, by its name in ``block_measures``."""
        next(button for button in self._buttons.buttons() if button.property("measure") == key).setChecked(True)

    def refresh_theme(self) -> None:
        """Follow colours and font."""
        self._title.setFont(theme.font(1.25, strong=True))
        self._help.refresh_theme()
        self._measure_help.refresh_theme()
        self.details.refresh_theme()
        self.chart.update()

    def showEvent(self, event: QShowEvent) -> None:
        """Ask for what was not asked while hidden."""
        super().showEvent(event)
        if self._opened is None and self._blocks.asked is None:
            self._ask()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A narrow page has its parts below each other."""
        super().resizeEvent(event)
        self.details.arrange(event.size().width())

    def _build(self) -> None:
        self._title.setText(self.tr("Residual blocks opened up"))
        for label in (self._subtitle, self._sentence):
            label.setProperty("tone", "secondary")
            label.setWordWrap(True)
        content = QVBoxLayout(self._content)
        content.setContentsMargins(0, 0, 0, 0)
        content.setSpacing(theme.M)
        content.addWidget(self._chart_card())
        content.addWidget(self.details)
        title = QHBoxLayout()
        title.setSpacing(theme.XS)
        title.addWidget(self._title)
        title.addWidget(self._help)
        title.addStretch(1)
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(theme.L, theme.L, theme.L, theme.L)
        layout.setSpacing(theme.S)
        layout.addLayout(title)
        layout.addWidget(self._subtitle)
        layout.addWidget(self.working)
        layout.addWidget(self._content)
        layout.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scrolled(body))
        self.refresh_theme()

    def _chart_card(self) -> QFrame:
        card = QFrame()
        card.setProperty("card", "true")
        choices = QHBoxLayout()
        choices.setSpacing(theme.XS)
        for measure in self._measures:
            button = QToolButton()
            button.setText(measure.title)
            button.setCheckable(True)
            button.setProperty("measure", measure.key)
            button.setToolTip(plain_tip(measure.sentence))
            self._buttons.addButton(button)
            choices.addWidget(button)
        choices.addStretch(1)
        layout = QVBoxLayout(card)
        layout.setContentsMargins(theme.M, theme.S, theme.M, theme.M)
        layout.setSpacing(theme.S)
        layout.addLayout(choices)
        self._sentence.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        explained = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        explained.addWidget(self._sentence, 1)
        explained.addWidget(self._measure_help, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(explained)
        layout.addWidget(self.chart)
        return card

    def _connect(self) -> None:
        self._blocks.answered.connect(self._on_blocks_answered)
        self._blocks.progressed.connect(self.working.advance)
        self._blocks.outdated.connect(self._on_outdated)
        self._sheets.answered.connect(self._on_sheet_answered)
        self.working.cancelled.connect(self._on_cancelled)
        self.working.wanted.connect(self._ask)
        self._later.timeout.connect(self._ask)
        self._buttons.buttonToggled.connect(self._on_measure_toggled)
        self.chart.block_chosen.connect(self._on_block_chosen)
        self.details.heatmap_wanted.connect(self.layer_chosen)

    def _ask(self) -> None:
        item = self._item
        if item is None or not self.isVisible():
            if self._opened is not None:
                self._show_nothing("")
            return
        self._opened = None
        self._sheets.drop()

        def work(engine: Engine, cancelled: Cancelled, progress: Progress) -> object:
            return open_blocks(engine, item.number, item.source, item.target, cancelled, progress)

        if not self._blocks.remembers(item.key):
            self._show_nothing("")
            self.working.work(self.tr("Analysing every block…"))
        self._blocks.ask(item.key, work)

    def _on_blocks_answered(self, answer: OpenedBlocks | Failure) -> None:
        if isinstance(answer, Failure):
            self._show_failure(answer)
            return
        if not answer.analysis.reports:
            self._show_failure(Failure("no_blocks", self.tr("This network has no residual blocks.")))
            return
        self._opened = answer
        self._fit_measures(has_linear_ends(answer))
        self.working.hide()
        self._content.show()
        analysis = answer.analysis
        probability = wording.percent(analysis.probability, 1)
        self._subtitle.setText(
            self.tr("What they do for {label} ({probability})").format(label=analysis.label, probability=probability)
        )
        self._subtitle.show()
        self._draw()
        names = [report.name for report in analysis.reports]
        self._choose(names.index(self._block) if self._block in names else len(names) - 1)

    def _fit_measures(self, linear: bool) -> None:
        """Offer what these blocks have: there are no silent units where no ReLU stands behind the sum."""
        self._measures = measures(linear=linear)
        for button in self._buttons.buttons():
            button.setHidden(linear and button.property("measure") == SILENCE)
        keys = [measure.key for measure in self._measures]
        if self._measure.key not in keys:
            self.choose_measure(keys[0])
        self._measure = self._measures[keys.index(self._measure.key)]
        self._measure_help.show_help(self._measure.help)

    def _draw(self) -> None:
        opened = self._opened
        if opened is not None:
            lines = [readout(opened, index) for index in range(len(opened.sketches))]
            self.chart.show_plot(self._measure.plot(opened), [sketch.stage for sketch in opened.sketches], lines)

    def _on_measure_toggled(self, button: QAbstractButton, checked: bool) -> None:
        if checked:
            key = button.property("measure")
            self._measure = next(measure for measure in self._measures if measure.key == key)
            self._sentence.setText(self._measure.sentence)
            self._measure_help.show_help(self._measure.help)
            self._draw()

    def _on_block_chosen(self, index: int) -> None:
        if self._opened is not None:
            self._block = self._opened.sketches[index].name
            self._choose(index)

    def _choose(self, index: int) -> None:
        opened, item = self._opened, self._item
        if opened is None or item is None:
            return
        self.chart.choose(index)
        self.details.show_block(opened, index)
        layer, target = opened.sketches[index].name, opened.analysis.target

        def work(engine: Engine, _cancelled: Cancelled, _progress: Progress) -> object:
            return feature_maps(engine, item.number, item.source, layer, target)

        self._sheets.ask((item.number, target, layer), work)

    def _on_sheet_answered(self, answer: FeatureSheet | Failure) -> None:
        if isinstance(answer, Failure):
            self.details.show_problem(answer.text)
        else:
            self.details.show_sheet(answer)

    def _on_cancelled(self) -> None:
        self._blocks.drop()
        self._show_nothing(self.tr("Cancelled."), again=self.tr("Try again"))

    def _on_outdated(self) -> None:
        """The window may name the photo anew, before or after this: ask when it has had its turn."""
        self._sheets.drop()
        self._show_nothing("")
        self._later.start(0)

    def _show_failure(self, failure: Failure) -> None:
        if failure.code == "no_blocks":
            more = self.tr(
                "It is a plain network: each layer passes on only what it computes, with no skip around it. "
                "Heatmaps still work."
            )
            self._show_nothing(failure.message, more)
        else:
            self._show_nothing(failure.message, failure.hint, again=self.tr("Try again"))

    def _show_nothing(self, words: str, more: str = "", *, again: str = "") -> None:
        self._opened = None
        self._content.hide()
        self._subtitle.hide()
        self.chart.clear()
        self.working.say(words, more, again=again)
        self.working.show()
