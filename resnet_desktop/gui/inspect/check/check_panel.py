"""Can you trust this heatmap? The verdict first, then what it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from resnet_desktop.gui.background.request_slot import RequestSlot
from resnet_desktop.gui.background.session_controller import SessionController
from resnet_desktop.gui.inspect.check.check_details import CheckDetails
from resnet_desktop.gui.style import icons, theme, wording
from resnet_desktop.gui.widgets.layouts import scrolled
from resnet_desktop.gui.widgets.plain import PlainLabel
from resnet_desktop.gui.widgets.working import Working
from resnet_desktop.session.inspections import CheckedHeatmap, check_map
from resnet_desktop.session.results import EvidenceRequest, Failure, Source

if TYPE_CHECKING:
    from resnet_desktop.core.progress import Cancelled, Progress
    from resnet_desktop.explain.checks.heatmap_checks import HeatmapCheck
    from resnet_desktop.session.engine import Engine


@dataclass(frozen=True, slots=True)
class _Item:
    number: int
    source: Source
    request: EvidenceRequest
    label: str

    @property
    def key(self) -> tuple[int, EvidenceRequest]:
        return self.number, self.request


class CheckPanel(QWidget):
    """Tests the heatmap that is looked at, when the button is pressed."""

    def __init__(self, controller: SessionController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._item: _Item | None = None
        self._question = RequestSlot(controller, "check", self)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._title, self._about = PlainLabel(), PlainLabel()
        self.check_button = QPushButton(self.tr("Check this heatmap"))
        self.check_button.setProperty("primary", "true")
        self.working = Working()
        """What is said while there is no verdict."""
        self.verdict, self.details = VerdictCard(), CheckDetails()
        self._build()
        self.check_button.clicked.connect(self._ask)
        self._question.answered.connect(self._on_answered)
        self._question.progressed.connect(self.working.advance)
        self._question.outdated.connect(self._on_outdated)
        self.working.cancelled.connect(self._on_cancelled)
        self.working.wanted.connect(self._ask)
        self._later.timeout.connect(self._show_item)
        self.clear()

    def show_item(self, number: int, source: Source, request: EvidenceRequest, label: str) -> None:
        """The heatmap that is looked at is this one of the class ``label``; an earlier verdict on it is shown again."""
        before, self._item = self._item, _Item(number, source, request, label)
        if before is None or before.key != self._item.key:
            self._question.drop()
            self._show_item()

    def check_item(self, number: int, source: Source, request: EvidenceRequest, label: str) -> None:
        """Test this heatmap, unless that is done or under way."""
        self.show_item(number, source, request, label)
        if not self.check_button.isHidden():
            self._ask()

    def show_checked(self, checked: CheckedHeatmap) -> None:
        """Show the outcome of the tests."""
        self.working.hide()
        self.check_button.hide()
        self.verdict.show_check(checked.check)
        self.details.show_check(checked)
        self.verdict.show()
        self.details.show()

    def clear(self) -> None:
        """Nothing is looked at."""
        self._item = None
        self._question.drop()
        self._show_item()

    def set_colormap(self, name: str) -> None:
        """Maps in other colours, one of ``imaging.heat.overlay.COLORMAPS``."""
        self.details.set_colormap(name)

    def refresh_theme(self) -> None:
        """Follow colours and font."""
        self._title.setFont(theme.font(1.25, strong=True))
        self.verdict.refresh_theme()
        self.details.refresh_theme()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A narrow panel has its charts below each other."""
        super().resizeEvent(event)
        self.details.arrange(event.size().width())

    def _build(self) -> None:
        self._title.setText(self.tr("Can you trust this heatmap?"))
        self._title.setWordWrap(True)
        self._about.setProperty("tone", "secondary")
        self._about.setWordWrap(True)
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(theme.L, theme.L, theme.L, theme.L)
        layout.setSpacing(theme.S)
        layout.addWidget(self._title)
        layout.addWidget(self._about)
        layout.addSpacing(theme.XS)
        layout.addWidget(self.check_button, 0, Qt.AlignmentFlag.AlignLeft)
        for widget in (self.working, self.verdict, self.details):
            layout.addWidget(widget)
        layout.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scrolled(body))
        self.refresh_theme()

    def _show_item(self) -> None:
        """What is known of the heatmap that is looked at."""
        item = self._item
        self.working.hide()
        self.verdict.hide()
        self.details.hide()
        self.check_button.setVisible(item is not None)
        if item is None:
            self._about.setText(self.tr("Open a photo to test its heatmap."))
            return
        self._about.setText(
            self.tr(
                "A heatmap always looks convincing. Three tests for the {label} heatmap: remove its hottest part, "
                "remove and restore more and more, and scramble the network. This takes a few seconds."
            ).format(label=item.label)
        )
        if self._question.remembers(item.key):
            self._ask()

    def _ask(self) -> None:
        item = self._item
        if item is None:
            return

        def work(engine: Engine, cancelled: Cancelled, progress: Progress) -> object:
            return check_map(engine, item.number, item.source, item.request, cancelled, progress)

        self.check_button.hide()
        self.working.work(self.tr("Testing the heatmap…"))
        self.working.show()
        self._question.ask(item.key, work)

    def _on_answered(self, answer: CheckedHeatmap | Failure) -> None:
        if isinstance(answer, Failure):
            self.working.say(answer.message, answer.hint, again=self.tr("Try again"))
        else:
            self.show_checked(answer)

    def _on_cancelled(self) -> None:
        self._question.drop()
        self._show_item()

    def _on_outdated(self) -> None:
        """The window may name the photo anew, before or after this."""
        self._later.start(0)


class VerdictCard(QFrame):
    """A word, a mark, and what it means in plain sentences."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", "true")
        self._check: HeatmapCheck | None = None
        self._mark, self._word, self._text, self._time = PlainLabel(), PlainLabel(), PlainLabel(), PlainLabel()
        for label in (self._text, self._time):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._time.setProperty("tone", "secondary")
        head = QHBoxLayout()
        head.setSpacing(theme.S)
        head.addWidget(self._mark)
        head.addWidget(self._word, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.L, theme.M, theme.L, theme.M)
        layout.setSpacing(theme.S)
        layout.addLayout(head)
        layout.addWidget(self._text)
        layout.addWidget(self._time)

    @property
    def word(self) -> str:
        """The verdict in a word or two."""
        return self._word.text()

    @property
    def text(self) -> str:
        """The verdict in sentences."""
        return self._text.text()

    def show_check(self, check: HeatmapCheck) -> None:
        """Show a verdict."""
        self._check = check
        words = {
            "good": self.tr("This heatmap holds up"),
            "mixed": self.tr("This heatmap partly holds up"),
            "poor": self.tr("Do not rely on this heatmap"),
        }
        self._word.setText(words[check.grade])
        self._text.setText(check.verdict)
        self._time.setText(self.tr("Tested in {time}.").format(time=wording.duration(check.seconds)))
        self.refresh_theme()

    def refresh_theme(self) -> None:
        """Follow colours and font."""
        self._word.setFont(theme.font(1.1, strong=True))
        if self._check is None:
            return
        colours = theme.current()
        name, colour = {
            "good": ("check", colours.accent),
            "mixed": ("info", colours.secondary),
            "poor": ("warning", colours.error),
        }[self._check.grade]
        self._mark.setPixmap(icons.pixmap(name, 20, colour))
