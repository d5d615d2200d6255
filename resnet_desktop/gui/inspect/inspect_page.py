"""The page with photos: list, photo, predictions and evidence, kept in step with each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QFrame, QSplitter, QVBoxLayout, QWidget

from resnet_desktop.core.settings import (
    COLORMAP,
    FIT,
    HEATMAP_CONTOUR,
    HEATMAP_OPACITY,
    HEATMAP_SHOWN,
    HEATMAP_SMOOTH,
    LIST_ORDER,
    Settings,
)
from resnet_desktop.gui.background.pictures import Photos
from resnet_desktop.gui.background.session_controller import SessionController
from resnet_desktop.gui.gallery.gallery_model import GalleryModel, Item
from resnet_desktop.gui.gallery.gallery_view import GalleryView
from resnet_desktop.gui.gallery.photo_list import PhotoList
from resnet_desktop.gui.inspect.blocks.block_page import BlockPage
from resnet_desktop.gui.inspect.check.check_dialog import CheckDialog
from resnet_desktop.gui.inspect.compare.compare_presets import ComparePhoto
from resnet_desktop.gui.inspect.compare.compare_view import CompareView
from resnet_desktop.gui.inspect.heatmap.evidence_presenter import EvidencePresenter
from resnet_desktop.gui.inspect.heatmap.heat_painter import HeatStyle
from resnet_desktop.gui.inspect.heatmap.heatmap_panel import HeatmapPanel
from resnet_desktop.gui.inspect.photo.all_classes import ClassSearch
from resnet_desktop.gui.inspect.photo.caption_bar import COMPARE, PHOTO
from resnet_desktop.gui.inspect.photo.image_view import ImageView
from resnet_desktop.gui.inspect.photo.photo_presenter import PhotoPresenter
from resnet_desktop.gui.inspect.photo.prediction_panel import PredictionPanel
from resnet_desktop.gui.inspect.views_panel import ViewsPanel
from resnet_desktop.gui.labels.class_panel import ClassPanel
from resnet_desktop.gui.style.qt_image import legend_qimage
from resnet_desktop.session.results import (
    Evidence,
    EvidenceRequest,
    Failure,
    Listed,
    ModelInfo,
    Result,
    meant_by,
)


class InspectPage(QWidget):
    """The photos and all that is said of the one that is looked at.

    Signal: ``seconds_changed`` (of that photo; None where there is no prediction).
    """

    seconds_changed = Signal(object)

    def __init__(
        self,
        model: GalleryModel,
        controller: SessionController,
        photos: Photos,
        settings: Settings,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._model, self._controller = model, controller
        self.presenter = EvidencePresenter(controller, self)
        self.gallery, self.class_panel = GalleryView(model), ClassPanel()
        self.photo_list = PhotoList(model, self.gallery, settings.string(LIST_ORDER))
        self.view, self.compare, self.blocks = ImageView(), CompareView(controller), BlockPage(controller)
        self.predictions = PredictionPanel()
        style = HeatStyle(settings.string(COLORMAP), settings.flag(HEATMAP_SMOOTH), settings.number(HEATMAP_CONTOUR))
        opacity = settings.number(HEATMAP_OPACITY)
        self.heatmap = HeatmapPanel(style, opacity, settings.string(FIT))
        self.check, self.search = CheckDialog(controller, self), ClassSearch(controller, self)
        self.views = ViewsPanel(self.view, self.compare, self.blocks)
        self.photo = PhotoPresenter(self.view, photos, model, self)
        self._build()
        self._connect()
        self.view.set_opacity(opacity)
        self.compare.grid.set_opacity(opacity)
        self._restyle(style)
        self.set_heat_shown(settings.flag(HEATMAP_SHOWN))

    def set_heat_shown(self, shown: bool) -> None:
        """Switch the heatmap on or off."""
        self.view.set_heat_shown(shown)
        self.compare.grid.set_heat_shown(shown)
        self.heatmap.set_heat_enabled(shown)

    def start_anew(self, *, from_file: bool = False) -> None:
        """The model or what it sees has changed, or the photo's file has: ask again for what is looked at."""
        if from_file:
            self.photo.read_again()
        self._on_current_changed(self.gallery.current)

    def refresh_fonts(self) -> None:
        """Follow the app's font and colours."""
        self.photo_list.refresh()
        self.predictions.refresh_fonts()
        self.class_panel.refresh()
        self.heatmap.refresh_fonts()
        self.compare.grid.refresh_theme()
        self.blocks.refresh_theme()
        self.check.panel.refresh_theme()

    def put_beside(self) -> None:
        """Put the heatmap that is shown into the comparison, where it stays."""
        evidence = self.presenter.evidence
        if evidence is not None and evidence.values is not None:
            self.compare.keep(replace(evidence, request=evidence.exact))
            self.views.show_view(COMPARE)

    def search_classes(self, chosen: Callable[[Listed], None]) -> None:
        """Open the list of all classes; ``chosen`` is called with what the user picks."""
        photo, info, item = self.presenter.photo, self.presenter.info, self.gallery.current
        if photo is not None and info is not None and item is not None and isinstance(item.outcome, Result):
            self.search.open_for(*photo, info.classes, chosen)

    def open_check(self) -> None:
        """Test the heatmap that is shown."""
        evidence, photo = self.presenter.evidence, self.presenter.photo
        if evidence is not None and evidence.values is not None and photo is not None:
            self.check.open_for(*photo, evidence.exact, evidence.label)

    def hideEvent(self, event: QHideEvent) -> None:
        """The tests belong to this page."""
        super().hideEvent(event)
        self.check.close()

    def _build(self) -> None:
        self.splitter = _splitter(Qt.Orientation.Horizontal, (self._list(), 0), (self.views, 1), (self._side(), 0))
        self.splitter.setSizes([230, 640, 310])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.splitter)

    def _list(self) -> QWidget:
        """The photos, and below them the classes that they are sorted into."""
        self.gallery.setMinimumSize(170, 88)
        return _splitter(Qt.Orientation.Vertical, (self.photo_list, 1), (self.class_panel, 0))

    def _side(self) -> QWidget:
        """Predictions above, evidence below; both scroll where the window is low."""
        self.predictions.setMinimumHeight(150)
        side = _splitter(Qt.Orientation.Vertical, (_panel(self.predictions), 1), (_panel(self.heatmap), 0))
        side.setSizes([276, 402])
        return side

    def _connect(self) -> None:
        self.gallery.current_changed.connect(self._on_current_changed)
        self.predictions.class_chosen.connect(self.presenter.choose_target)
        self.predictions.all_asked.connect(lambda: self.search_classes(self._show_found))
        self.photo.shown.connect(self._paint)
        self.photo.shown.connect(self._update_compare)
        self.photo.part_chosen.connect(self.gallery.reveal)
        self._controller.item_finished.connect(self._on_item_finished)
        self._controller.queue_changed.connect(self.photo_list.follow_queue)
        self._controller.model_ready.connect(self._on_model_ready)
        self.view.hovered.connect(lambda where: self._on_hovered(self.presenter.evidence, where))
        self.compare.grid.hovered.connect(self._on_hovered)
        self.compare.grid.class_asked.connect(self.search_classes)
        self.blocks.layer_chosen.connect(self.presenter.choose_layer)
        self.blocks.layer_chosen.connect(lambda _layer: self.views.show_view(PHOTO))
        self._connect_evidence()

    def _connect_evidence(self) -> None:
        panel, controls, presenter = self.heatmap, self.heatmap.controls, self.presenter
        panel.look.opacity_changed.connect(self.view.set_opacity)
        panel.look.opacity_changed.connect(self.compare.grid.set_opacity)
        panel.look.style_changed.connect(self._restyle)
        panel.look.swipe_changed.connect(self.view.divider.set_on)
        panel.check_asked.connect(self.open_check)
        panel.compare_asked.connect(self.put_beside)
        panel.cancelled.connect(presenter.cancel)
        panel.method_wanted.connect(presenter.choose_method)
        controls.layer_chosen.connect(presenter.choose_layer)
        controls.method_chosen.connect(presenter.choose_method)
        controls.against_chosen.connect(presenter.choose_against)
        controls.depth_touched.connect(presenter.prepare_depths)
        presenter.request_changed.connect(self._on_request_changed)
        presenter.waiting_changed.connect(panel.show_waiting)
        presenter.depths.preparing_changed.connect(panel.busy.show_preparing)
        presenter.progressed.connect(panel.busy.advance)
        presenter.evidence_changed.connect(self._on_evidence)

    def _show_found(self, found: Listed) -> None:
        self.predictions.show_found(found)
        self.presenter.choose_target(found.target)

    def _on_current_changed(self, item: Item | None) -> None:
        if item is None:
            self._forget_photo()
            self.views.bar.show_caption("")
            self.predictions.show_waiting("")
            self.seconds_changed.emit(None)
            return
        self.views.bar.show_caption(item.name)
        if not isinstance(item.outcome, Failure):
            self.photo.look_at(item)
        self._show_outcome(item)
        if isinstance(item.outcome, Failure):
            return
        self.presenter.look_at(item.number, item.source)

    def _forget_photo(self) -> None:
        self.photo.forget()
        self.presenter.clear()
        for panel in (self.compare, self.blocks, self.check.panel):
            panel.clear()
        self.check.close()

    def _show_outcome(self, item: Item) -> None:
        outcome = item.outcome
        if isinstance(outcome, Result):
            self.predictions.show_result(outcome)
            self.heatmap.controls.show_classes([score.index for score in outcome.scores])
            self.views.bar.show_caption("{}  ·  {} × {}".format(item.name, *outcome.full_size), " ".join(outcome.notes))
            self._update_compare()
        elif isinstance(outcome, Failure):
            self._forget_photo()
            self.predictions.show_failure(outcome)
            self.view.show_failure(outcome)
        else:
            self.predictions.show_waiting(self.tr("Classifying…"))
        self.seconds_changed.emit(outcome.seconds if isinstance(outcome, Result) else None)

    def _on_item_finished(self, number: int, outcome: Result | Failure) -> None:
        item = self._model.item(number)
        if item is None:
            return
        known = item.outcome is not None
        self._model.set_outcomes({number: outcome})
        if self.gallery.current is not item:
            return
        if known and isinstance(outcome, Result):
            return  # the same answer again, made to have its evidence: leave the chosen class as it is
        self._show_outcome(item)

    def _on_model_ready(self, info: ModelInfo) -> None:
        self.predictions.show_model(info.classes)
        self.heatmap.controls.show_model(info.layers, info.categories)
        self.heatmap.show_request(self.presenter.choice.request, self.presenter.choice.methods)
        self.compare.show_model(info)

    def _on_request_changed(self, request: EvidenceRequest) -> None:
        self.predictions.show_target(request.target)
        self.heatmap.show_request(request, self.presenter.choice.methods)
        self.compare.show_request(request)

    def _on_evidence(self, evidence: Evidence | None) -> None:
        self.views.bar.show_value("")
        if evidence is None:
            self.heatmap.clear_evidence()
            self.view.clear_evidence()
            return
        self.heatmap.show_evidence(evidence, self.presenter.choice.methods)
        self._paint()
        photo = self.presenter.photo
        if photo is not None:
            self.blocks.show_item(*photo, evidence.exact)
            if evidence.values is not None:
                self.check.follow(*photo, evidence.exact, evidence.label)

    def _update_compare(self) -> None:
        item, picture = self.gallery.current, self.photo.picture()
        if item is not None and isinstance(item.outcome, Result) and not picture.isNull():
            classes = tuple(score.index for score in item.outcome.scores)
            said = (meant_by(item.outcome), item.outcome.headline)
            self.compare.show_photo(ComparePhoto(item.number, item.source, item.name, picture, classes, *said))

    def _restyle(self, style: HeatStyle) -> None:
        self._paint()
        self.compare.grid.set_style(style)
        self.check.panel.set_colormap(style.colormap)

    def _paint(self) -> None:
        evidence, style = self.presenter.evidence, self.heatmap.look.style_of_heat
        if evidence is not None and self.view.has_photo:
            self.heatmap.show_legend(legend_qimage(style.colormap))
            self.photo.show_evidence(evidence, style)

    def _on_hovered(self, evidence: Evidence | None, where: QPointF | None) -> None:
        self.views.bar.show_place(evidence, where, smooth=self.heatmap.look.style_of_heat.smooth)


def _splitter(orientation: Qt.Orientation, *placed: tuple[QWidget, int]) -> QSplitter:
    """Widgets, each with its stretch, parted by lines that can be dragged."""
    splitter = QSplitter(orientation)
    splitter.setHandleWidth(1)
    splitter.setChildrenCollapsible(False)
    for place, (widget, stretch) in enumerate(placed):
        splitter.addWidget(widget)
        splitter.setStretchFactor(place, stretch)
    return splitter


def _panel(widget: QWidget) -> QFrame:
    panel = QFrame()
    panel.setProperty("panel", "true")
    layout = QVBoxLayout(panel)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(widget)
    return panel
