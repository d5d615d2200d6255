"""The commands around the heatmap, from keys and menus to the page."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction

from resnet_desktop.core.settings import (
    COLORMAP,
    HEATMAP_CONTOUR,
    HEATMAP_OPACITY,
    HEATMAP_SHOWN,
    HEATMAP_SMOOTH,
)
from resnet_desktop.gui.background.preferences import Preferences
from resnet_desktop.gui.inspect.heatmap.heat_painter import HeatStyle
from resnet_desktop.gui.inspect.inspect_page import InspectPage
from resnet_desktop.gui.inspect.photo.caption_bar import BLOCKS, COMPARE, PHOTO
from resnet_desktop.gui.widgets.actions import Actions
from resnet_desktop.session.results import Evidence, Result, classes_in

HALF = 50
"""The contour that the key switches on, in percent of the peak."""


class EvidenceActions(QObject):
    """Signals: ``said`` (a sentence): what became of a command; ``busy_changed``: see ``busy``."""

    said = Signal(str)
    busy_changed = Signal()

    def __init__(self, does: Actions, page: InspectPage, preferences: Preferences, parent: QObject) -> None:
        super().__init__(parent)
        self._does, self._page, self._preferences = does, page, preferences
        self._connect_views()
        self._connect_evidence()
        self._on_style(page.heatmap.look.style_of_heat)
        self._on_evidence(None)

    @property
    def busy(self) -> bool:
        """Whether a heatmap is on its way."""
        return self._page.presenter.waiting or self._page.compare.waiting

    def cancel(self) -> None:
        """Give up the heatmap that is on its way."""
        self._page.presenter.cancel()
        self._page.compare.requests.cancel()

    def _connect_views(self) -> None:
        does, page = self._does, self._page
        _when(does.show_photo, lambda: page.views.show_view(PHOTO))
        _when(does.show_compare, lambda: page.views.toggle_view(COMPARE))
        _when(does.show_blocks, lambda: page.views.toggle_view(BLOCKS))
        _when(does.fit, page.views.fit)
        _when(does.actual_size, page.views.show_actual_size)
        _when(does.zoom_in, lambda: page.views.zoom_by(1.25))
        _when(does.zoom_out, lambda: page.views.zoom_by(0.8))
        page.compare.said.connect(self.said)
        page.compare.requests.waiting_changed.connect(self.busy_changed)

    def _connect_evidence(self) -> None:
        does, page = self._does, self._page
        presenter, look, change = page.presenter, page.heatmap.look, self._preferences.change
        does.heatmap.setChecked(self._preferences.settings.flag(HEATMAP_SHOWN))
        does.heatmap.toggled.connect(page.set_heat_shown)
        does.heatmap.toggled.connect(lambda shown: change(HEATMAP_SHOWN, shown))
        _when(does.deeper, lambda: presenter.change(presenter.choice.deeper(1)))
        _when(does.shallower, lambda: presenter.change(presenter.choice.deeper(-1)))
        _when(does.next_method, lambda: presenter.change(presenter.choice.next_method(1)))
        _when(does.last_method, lambda: presenter.change(presenter.choice.next_method(-1)))
        _when(does.runner_up, self._on_runner_up)
        _when(does.all_classes, page.predictions.all_asked.emit)
        _when(does.check, page.open_check)
        _when(does.put_beside, page.put_beside)
        does.cells.triggered.connect(lambda cells: look.set_smooth(not cells))
        does.contour.triggered.connect(lambda on: look.contour.setValue(HALF if on else 0))
        does.swipe.triggered.connect(look.set_swipe)
        look.swipe_changed.connect(does.swipe.setChecked)
        look.style_changed.connect(self._on_style)
        look.opacity_changed.connect(lambda opacity: change(HEATMAP_OPACITY, opacity))
        presenter.evidence_changed.connect(self._on_evidence)
        presenter.request_changed.connect(lambda request: does.runner_up.setChecked(request.against is not None))
        presenter.waiting_changed.connect(lambda _waiting: self.busy_changed.emit())

    def _on_runner_up(self) -> None:
        """Contrast the class with the best of the others, or no longer."""
        item, presenter = self._page.gallery.current, self._page.presenter
        if item is not None and presenter.evidence is not None and isinstance(item.outcome, Result):
            shown = classes_in(presenter.evidence.target)
            others = [score.index for score in item.outcome.scores if score.index not in shown]
            presenter.choose_against(others[0] if presenter.choice.request.against is None and others else None)
        self._does.runner_up.setChecked(presenter.choice.request.against is not None)

    def _on_style(self, style: HeatStyle) -> None:
        self._does.cells.setChecked(not style.smooth)
        self._does.contour.setChecked(style.contour > 0)
        change = self._preferences.change
        change(COLORMAP, style.colormap)
        change(HEATMAP_SMOOTH, style.smooth)
        change(HEATMAP_CONTOUR, style.contour)

    def _on_evidence(self, evidence: Evidence | None) -> None:
        does, there = self._does, evidence is not None and evidence.values is not None
        for action in (does.check, does.put_beside):
            action.setEnabled(there)
        for action in (does.deeper, does.shallower, does.next_method, does.last_method, does.runner_up):
            action.setEnabled(evidence is not None)
        does.all_classes.setEnabled(evidence is not None)


def _when(action: QAction, do: Callable[[], object]) -> None:
    """Do something when an action is chosen, whether it is checkable or not."""
    action.triggered.connect(lambda _checked=False: do())
