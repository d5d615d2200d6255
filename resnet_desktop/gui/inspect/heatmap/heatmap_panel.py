"""The evidence: what is shown, how it is made, and how it looks."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSlider,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from resnet_desktop.explain.cam.methods import METHODS
from resnet_desktop.gui.inspect.heatmap.evidence_controls import EvidenceControls
from resnet_desktop.gui.inspect.heatmap.heat_look import HeatLook, WheelGuard
from resnet_desktop.gui.inspect.heatmap.heat_painter import HeatStyle
from resnet_desktop.gui.inspect.heatmap.legend import Legend
from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.widgets.plain import PlainLabel
from resnet_desktop.gui.widgets.view_switch import ViewSwitch
from resnet_desktop.session.results import Evidence, EvidenceRequest

MADE, LOOK = range(2)
_LEAST = 64
"""Of what scrolls, this is always seen."""
PATIENCE_MS = 250
"""What takes longer shows that it is under way."""


class HeatmapPanel(QWidget):
    """Controls below the predictions.

    Signals:
        check_asked, compare_asked: of the heatmap that is shown.
        cancelled: what is on its way is no longer wanted.
        method_wanted: a method's name, offered where another one does not work.
    """

    check_asked = Signal()
    compare_asked = Signal()
    cancelled = Signal()
    method_wanted = Signal(str)

    def __init__(self, style: HeatStyle, opacity: float, fit: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title, self._note = PlainLabel(self.tr("Evidence")), PlainLabel()
        self._busy, self._legend, self._line = BusyLine(), Legend(), QStackedWidget()
        self._way_on = QPushButton()
        self.controls, self.look = EvidenceControls(), HeatLook(style, opacity, fit)
        tabs = (
            (self.tr("Method"), self.tr("Method, class to compare with, and layer")),
            (self.tr("Display"), self.tr("Opacity, colours, cells, contour, swipe")),
        )
        self.tabs = ViewSwitch(tabs, self.tr("How the heatmap is computed or displayed"), stretch=True)
        self._pages = QStackedWidget()
        self._check, self._compare = QPushButton(self.tr("Check this heatmap…")), QPushButton(self.tr("Pin"))
        self._build()
        self._connect()
        self.clear_evidence()

    @property
    def title(self) -> str:
        """Which class the evidence is for."""
        return self._title.text()

    @property
    def note(self) -> str:
        """What is said about the evidence that is shown."""
        return self._note.text()

    @property
    def busy(self) -> BusyLine:
        """Whether something is on its way, and how far."""
        return self._busy

    @property
    def way_on(self) -> QPushButton:
        """Offers another method where the chosen one does not work."""
        return self._way_on

    @property
    def opacity_slider(self) -> QSlider:
        """The slider, in percent."""
        return self.look.opacity

    @property
    def contour_slider(self) -> QSlider:
        """The slider, in percent of the peak; 0 is off."""
        return self.look.contour

    def show_evidence(self, evidence: Evidence, methods: tuple[str, ...]) -> None:
        """Say what the colours on the photo mean; ``methods``: those that work at the layer."""
        title = self.tr("Evidence for {label}").format(label=evidence.label)
        if evidence.against is not None:
            title = self.tr("{label} rather than {other}").format(label=evidence.label, other=evidence.against_label)
        self._title.setText(title)
        self._note.setText(self._about(evidence))
        offered = "" if evidence.problem is None else next((name for name in methods if name != evidence.method), "")
        self._way_on.setProperty("method", offered)
        self._way_on.setVisible(bool(offered))
        if offered:
            self._way_on.setText(self.tr("Use {method} instead").format(method=METHODS[offered].title))
        self._set_actions(evidence.values is not None and not evidence.empty)

    def show_request(self, request: EvidenceRequest, methods: tuple[str, ...]) -> None:
        """What is wanted now."""
        self.controls.show_request(request, methods)

    def show_waiting(self, waiting: bool) -> None:
        """An answer is on its way, or has come."""
        self._busy.show_waiting(waiting)

    def clear_evidence(self) -> None:
        """There is nothing to explain."""
        self._title.setText(self.tr("Evidence"))
        self._note.setText(self.tr("Nothing to show yet."))
        self._way_on.hide()
        self._set_actions(False)

    def show_legend(self, colours: QImage) -> None:
        """The colours of the legend, cold to hot."""
        self._legend.show_colours(colours, self.look.contour.value() / 100)

    def set_heat_enabled(self, shown: bool) -> None:
        """Grey out what has no effect while the heatmap is off."""
        self._legend.setEnabled(shown)
        self.look.set_heat_enabled(shown)

    def refresh_fonts(self) -> None:
        """Follow the app's font."""
        self._title.setFont(theme.font(strong=True))
        self.controls.refresh_fonts()

    def _about(self, evidence: Evidence) -> str:
        if evidence.problem is not None:
            return evidence.problem.text
        info = METHODS[evidence.method]
        if evidence.empty:
            text = self.tr("{method} finds no positive evidence for {label} at {layer}. Another depth may show some.")
        elif not info.needs_layer:
            text = self.tr("{method}, {time}.")
        else:
            text = self.tr("{method} at {layer}, {time}.")
        time = wording.duration(evidence.seconds) if evidence.seconds else self.tr("no extra run")
        return text.format(method=info.title, layer=evidence.where, time=time, label=evidence.label)

    def _set_actions(self, possible: bool) -> None:
        for button in (self._check, self._compare):
            button.setEnabled(possible)

    def _build(self) -> None:
        self.refresh_fonts()
        for label in (self._title, self._note):
            label.setWordWrap(True)
        self._note.setProperty("tone", "secondary")
        for page in (self.controls, self.look):
            self._pages.addWidget(page)
        self._pages.setContentsMargins(0, 0, 2, 0)
        for line in (self._legend, self._busy):
            self._line.addWidget(line)
        self._line.setFixedHeight(self._busy.sizeHint().height())
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.S)
        buttons.addWidget(self._check, 1)
        buttons.addWidget(self._compare, 0)
        self._check.setToolTip(self.tr("Can you trust this heatmap? Test it (K)"))
        self._compare.setToolTip(self.tr("Add this heatmap to the comparison (P)"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.L, theme.M, theme.L, theme.M)
        layout.setSpacing(theme.S - 2)
        for part in (self._title, self._note, self._line):
            layout.addWidget(part)
        layout.addWidget(self._way_on, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addSpacing(2)
        layout.addWidget(self.tabs)
        layout.addWidget(_scrolling(self._pages), 1)
        layout.addLayout(buttons)

    def _connect(self) -> None:
        guard = WheelGuard(self)
        for widget in (self.controls.layer, self.controls.method, self.controls.against, self.controls.depth_slider):
            widget.installEventFilter(guard)
        self.tabs.chosen.connect(self._pages.setCurrentIndex)
        self._busy.cancelled.connect(self.cancelled)
        self._busy.shown_changed.connect(
            lambda shown: self._line.setCurrentWidget(self._busy if shown else self._legend)
        )
        self._check.clicked.connect(self.check_asked)
        self._compare.clicked.connect(self.compare_asked)
        self._way_on.clicked.connect(lambda: self.method_wanted.emit(str(self._way_on.property("method"))))


def _scrolling(widget: QWidget) -> QScrollArea:
    """As high as its contents where there is room, and scrolled where there is not."""
    area = _FittingArea(widget)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area


class _FittingArea(QScrollArea):
    def __init__(self, contents: QWidget) -> None:
        super().__init__()
        self._contents = contents
        self.setWidget(contents)

    def sizeHint(self) -> QSize:
        return self._contents.sizeHint()

    def minimumSizeHint(self) -> QSize:
        return QSize(self._contents.minimumSizeHint().width() + self.verticalScrollBar().sizeHint().width(), _LEAST)


class BusyLine(QWidget):
    """A thin line with progress, and a way to cancel.

    Signals: ``cancelled``; ``shown_changed`` (whether it has something to show).
    """

    cancelled = Signal()
    shown_changed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._waiting = self._preparing = self._shown = False
        self._bar, self._cancel = QProgressBar(), QToolButton()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Computing the heatmap"))
        self._cancel.setText(self.tr("Cancel"))
        self._cancel.setToolTip(self.tr("Cancel and keep the current heatmap (Esc)"))
        self._cancel.clicked.connect(self.cancelled)
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(PATIENCE_MS)
        self._patience.timeout.connect(lambda: self._set_shown(True))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.S)
        layout.addWidget(self._bar, 1)
        layout.addWidget(self._cancel)

    @property
    def shown(self) -> bool:
        """Whether it is seen that something is under way."""
        return self._shown

    @property
    def cancel_button(self) -> QToolButton:
        """Gives up."""
        return self._cancel

    def show_waiting(self, waiting: bool) -> None:
        """The heatmap that is wanted is on its way, or there."""
        self._waiting = waiting
        self._refresh()

    def show_preparing(self, preparing: bool) -> None:
        """The heatmaps of all depths are being made, or there."""
        self._preparing = preparing
        self._refresh()

    def advance(self, done: int, total: int) -> None:
        """It has come so far."""
        self._bar.setRange(0, max(1, total))
        self._bar.setValue(done)

    def _refresh(self) -> None:
        if not self._waiting and not self._preparing:
            self._patience.stop()
            self._bar.setRange(0, 0)
            self._set_shown(False)
        elif not self._shown and not self._patience.isActive():
            self._patience.start()

    def _set_shown(self, shown: bool) -> None:
        if shown != self._shown:
            self._shown = shown
            self.shown_changed.emit(shown)
