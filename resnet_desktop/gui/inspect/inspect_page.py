"""The page with photos: list, photo, predictions and evidence, kept in step with each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QFrame, QSplitter, QStackedWidget, QVBoxLayout, QWidget

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
from resnet_desktop.gui.inspect.photo.caption_bar import BLOCKS, COMPARE, PHOTO, CaptionBar
from resnet_desktop.gui.inspect.photo.image_view import ImageView
from resnet_desktop.gui.inspect.photo.photo_presenter import PhotoPresenter
from resnet_desktop.gui.inspect.photo.prediction_panel import PredictionPanel
from resnet_desktop.gui.labels.class_panel import ClassPanel
from resnet_desktop.gui.style.qt_image import legend_qimage
from resnet_desktop.session.results import (
    Evidence,
    EvidenceRequest,
    Failure,
    Listed,
    ModelInfo,
    Result,
    classes_in,
    meant_by,
)

__all__ = ["BLOCKS", "COMPARE", "PHOTO", "InspectPage"]


class InspectPage(QWidget):
    """The photos and all that is said of the one that is looked at.

    Signals:
        seconds_changed: of that photo; None where there is no prediction.
        view_changed: PHOTO, COMPARE or BLOCKS.
    """

    seconds_changed = Signal(object)
    view_changed = Signal(int)

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
        self._info: ModelInfo | None = None
        self._style = HeatStyle(
            settings.string(COLORMAP), settings.flag(HEATMAP_SMOOTH), settings.number(HEATMAP_CONTOUR)
        )
        self.presenter = EvidencePresenter(controller, self)
        self.gallery, self.class_panel = GalleryView(model), ClassPanel()
        self.photo_list = PhotoList(model, self.gallery, settings.string(LIST_ORDER))
        self.view, self.compare, self.blocks = ImageView(), CompareView(controller), BlockPage(controller)
        self.predictions = PredictionPanel()
        self.heatmap = HeatmapPanel(self._style, settings.number(HEATMAP_OPACITY), settings.string(FIT))
        self.check, self.search = CheckDialog(controller, self), ClassSearch(controller, self)
        self.bar, self._middle = CaptionBar(), QStackedWidget()
        self.photo = PhotoPresenter(self.view, photos, model, self)
        self._build()
        self._connect()
        self._on_opacity(settings.number(HEATMAP_OPACITY))
        self._restyle(self._style)
        self.set_heat_shown(settings.flag(HEATMAP_SHOWN))

    @property
    def evidence(self) -> Evidence | None:
        """What lies over the photo."""
        return self.presenter.evidence

    @property
    def style_of_heat(self) -> HeatStyle:
        """How heatmaps look."""
        return self._style

    @property
    def model_name(self) -> str:
        """Of the model that is open."""
        return "" if self._info is None else self._info.name

    @property
    def place(self) -> int:
        """The view that is shown: PHOTO, COMPARE or BLOCKS."""
        return self._middle.currentIndex()

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

    def show_view(self, place: int) -> None:
        """PHOTO, COMPARE or BLOCKS."""
        self._middle.setCurrentIndex(place)
        self.bar.switch.choose(place)
        self.bar.show_value("")
        view = self.compare.cells[0].view if place == COMPARE and self.compare.cells else self.view
        self.bar.show_zoom(1.0 if place == BLOCKS else view.zoom)
        self.view_changed.emit(place)

    def toggle_view(self, place: int) -> None:
        """Show a view, or the photo again."""
        self.show_view(PHOTO if self.place == place else place)

    def fit(self) -> None:
        """The whole photo, in the view that is shown."""
        (self.compare.grid if self.place == COMPARE else self.view).fit()

    def zoom_by(self, factor: float) -> None:
        """Zoom the view that is shown."""
        (self.compare.grid if self.place == COMPARE else self.view).zoom_by(factor)

    def put_beside(self) -> None:
        """Put the heatmap that is shown into the comparison, where it stays."""
        evidence = self.evidence
        if evidence is not None and evidence.values is not None:
            self.compare.keep(replace(evidence, request=evidence.exact))
            self.show_view(COMPARE)

    def toggle_runner_up(self) -> None:
        """Contrast the class with the best of the others, or no longer."""
        item, evidence = self.gallery.current, self.evidence
        if item is None or evidence is None or not isinstance(item.outcome, Result):
            return
        others = [score.index for score in item.outcome.scores if score.index not in classes_in(evidence.target)]
        self.presenter.choose_against(others[0] if self.presenter.request.against is None and others else None)

    def search_classes(self, chosen: Callable[[Listed], None]) -> None:
        """Open the list of all classes; ``chosen`` is called with what the user picks."""
        photo, item = self.presenter.photo, self.gallery.current
        if photo is not None and self._info is not None and item is not None and isinstance(item.outcome, Result):
            self.search.open_for(*photo, self._info.classes, chosen)

    def open_check(self) -> None:
        """Test the heatmap that is shown."""
        evidence, photo = self.evidence, self.presenter.photo
        if evidence is not None and evidence.values is not None and photo is not None:
            self.check.open_for(*photo, evidence.exact, evidence.label)

    def hideEvent(self, event: QHideEvent) -> None:
        """The tests belong to this page."""
        super().hideEvent(event)
        self.check.close()

    def _build(self) -> None:
        for view in (self.view, self.compare, self.blocks):
            self._middle.addWidget(view)
        middle = self.middle = QWidget()
        middle_layout = QVBoxLayout(middle)
        middle_layout.setContentsMargins(0, 0, 0, 0)
        middle_layout.setSpacing(0)
        middle_layout.addWidget(self.bar)
        middle_layout.addWidget(self._middle, 1)
        splitter = self.splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.setHandleWidth(1)
        splitter.setChildrenCollapsible(False)
        for place, (widget, stretch) in enumerate(((self._list(), 0), (middle, 1), (self._side(), 0))):
            splitter.addWidget(widget)
            splitter.setStretchFactor(place, stretch)
        splitter.setSizes([230, 640, 310])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)

    def _list(self) -> QWidget:
        """The photos, and below them the classes that they are sorted into."""
        self.gallery.setMinimumSize(170, 88)
        left = QSplitter(Qt.Orientation.Vertical)
        left.setHandleWidth(1)
        left.setChildrenCollapsible(False)
        for widget, stretch in ((self.photo_list, 1), (self.class_panel, 0)):
            left.addWidget(widget)
            left.setStretchFactor(left.count() - 1, stretch)
        return left

    def _side(self) -> QWidget:
        """Predictions above, evidence below; both scroll where the window is low."""
        self.predictions.setMinimumHeight(150)
        side = QSplitter(Qt.Orientation.Vertical)
        side.setHandleWidth(1)
        side.setChildrenCollapsible(False)
        for widget, stretch in ((self.predictions, 1), (self.heatmap, 0)):
            panel = QFrame()
            panel.setProperty("panel", "true")
            inside = QVBoxLayout(panel)
            inside.setContentsMargins(0, 0, 0, 0)
            inside.addWidget(widget)
            side.addWidget(panel)
            side.setStretchFactor(side.count() - 1, stretch)
        side.setSizes([276, 402])
        return side

    def _connect(self) -> None:
        self.gallery.current_changed.connect(self._on_current_changed)
        self.predictions.class_chosen.connect(self.presenter.choose_target)
        self.predictions.all_asked.connect(lambda: self.search_classes(self._show_found))
        self.bar.switch.chosen.connect(self.show_view)
        self.photo.shown.connect(self._on_photo_shown)
        self.photo.part_chosen.connect(self.gallery.reveal)
        self._controller.item_finished.connect(self._on_item_finished)
        self._controller.queue_changed.connect(self.photo_list.follow_queue)
        self._controller.model_ready.connect(self._on_model_ready)
        self.view.zoom_changed.connect(self.bar.show_zoom)
        self.view.hovered.connect(lambda where: self._on_hovered(self.evidence, where))
        self.compare.grid.zoom_changed.connect(self.bar.show_zoom)
        self.compare.grid.hovered.connect(self._on_hovered)
        self.compare.grid.class_asked.connect(self.search_classes)
        self.blocks.layer_chosen.connect(self._on_layer_of_block)
        self._connect_evidence()

    def _connect_evidence(self) -> None:
        panel, controls, presenter = self.heatmap, self.heatmap.controls, self.presenter
        panel.look.opacity_changed.connect(self._on_opacity)
        panel.look.style_changed.connect(self._restyle)
        panel.look.swipe_changed.connect(self.view.set_swipe)
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
        presenter.depths_changed.connect(panel.busy.show_preparing)
        presenter.progressed.connect(panel.busy.advance)
        presenter.evidence_changed.connect(self._on_evidence)

    def _show_found(self, found: Listed) -> None:
        self.predictions.show_found(found)
        self.presenter.choose_target(found.target)

    def _is_current(self, number: int) -> bool:
        current = self.gallery.current
        return current is not None and current.number == number

    def _on_current_changed(self, item: Item | None) -> None:
        if item is None:
            self._forget_photo()
            self.bar.show_caption("")
            self.predictions.show_waiting("")
            self.seconds_changed.emit(None)
            return
        self.bar.show_caption(item.name)
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
            self.bar.show_caption("{}  ·  {} × {}".format(item.name, *outcome.full_size), " ".join(outcome.notes))
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
        self._model.set_outcome(number, outcome)
        if not self._is_current(number):
            return
        if known and isinstance(outcome, Result):
            return  # the same answer again, made to have its evidence: leave the chosen class as it is
        self._show_outcome(item)

    def _on_model_ready(self, info: ModelInfo) -> None:
        self._info = info
        self.predictions.show_model(info.classes)
        self.heatmap.controls.show_model(info.layers, info.categories)
        self.heatmap.show_request(self.presenter.request, self.presenter.methods)
        self.compare.show_model(info)

    def _on_request_changed(self, request: EvidenceRequest) -> None:
        self.predictions.show_target(request.target)
        self.heatmap.show_request(request, self.presenter.methods)
        self.compare.show_request(request)

    def _on_evidence(self, evidence: Evidence | None) -> None:
        self.bar.show_value("")
        if evidence is None:
            self.heatmap.clear_evidence()
            self.view.clear_evidence()
            return
        self.heatmap.show_evidence(evidence, self.presenter.methods)
        self._paint()
        photo = self.presenter.photo
        if photo is not None:
            self.blocks.show_item(*photo, evidence.exact, evidence.label)
            if evidence.values is not None:
                self.check.follow(*photo, evidence.exact, evidence.label)

    def _on_photo_shown(self) -> None:
        self._paint()
        self._update_compare()

    def _update_compare(self) -> None:
        item, picture = self.gallery.current, self.photo.picture()
        if item is not None and isinstance(item.outcome, Result) and not picture.isNull():
            classes = tuple(score.index for score in item.outcome.scores)
            said = (meant_by(item.outcome), item.outcome.headline)
            self.compare.show_photo(ComparePhoto(item.number, item.source, item.name, picture, classes, *said))

    def _on_layer_of_block(self, layer: str) -> None:
        self.presenter.choose_layer(layer)
        self.show_view(PHOTO)

    def _restyle(self, style: HeatStyle) -> None:
        self._style = style
        self._paint()
        self.compare.grid.set_style(style)
        self.check.panel.set_colormap(style.colormap)

    def _on_opacity(self, opacity: float) -> None:
        self.view.set_opacity(opacity)
        self.compare.grid.set_opacity(opacity)

    def _paint(self) -> None:
        if self.evidence is not None and self.view.has_photo:
            self.heatmap.show_legend(legend_qimage(self._style.colormap))
            self.photo.show_evidence(self.evidence, self._style)

    def _on_hovered(self, evidence: Evidence | None, where: QPointF | None) -> None:
        self.bar.show_place(evidence, where, smooth=self._style.smooth)
