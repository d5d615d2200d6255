"""The page with photos: list, photo, predictions and evidence, kept in step with each other."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSplitter, QVBoxLayout, QWidget

from resnet_desktop.core.settings import COLORMAP, FIT, HEATMAP_OPACITY, HEATMAP_SHOWN, Settings
from resnet_desktop.gui import theme
from resnet_desktop.gui.inspect.gallery import GalleryModel, GalleryView, Item
from resnet_desktop.gui.inspect.heatmap_panel import HeatmapPanel
from resnet_desktop.gui.inspect.image_view import ImageView
from resnet_desktop.gui.inspect.prediction_panel import PredictionPanel
from resnet_desktop.gui.pictures import Photos
from resnet_desktop.gui.qt_image import heat_qimage, legend_qimage
from resnet_desktop.gui.results import Evidence, Failure, Result
from resnet_desktop.gui.session_controller import SessionController


class InspectPage(QWidget):
    """Signal: ``seconds_changed`` (of the photo that is looked at; None where there is no prediction)."""

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
        self._model, self._controller, self._photos = model, controller, photos
        self._colormap = settings.string(COLORMAP)
        self._evidence: Evidence | None = None
        self._loaded: int | None = None  # the number of the photo in the view
        self.gallery = GalleryView(model)
        self.view = ImageView()
        self.predictions = PredictionPanel()
        self.heatmap = HeatmapPanel(settings.number(HEATMAP_OPACITY), self._colormap, settings.string(FIT))
        self._caption, self._zoom = QLabel(), QLabel()
        self._build()
        self._connect()
        self.view.set_opacity(settings.number(HEATMAP_OPACITY))
        self.set_heat_shown(settings.flag(HEATMAP_SHOWN))

    @property
    def evidence(self) -> Evidence | None:
        """What lies over the photo."""
        return self._evidence

    def set_heat_shown(self, shown: bool) -> None:
        """Switch the heatmap on or off."""
        self.view.set_heat_shown(shown)
        self.heatmap.set_heat_enabled(shown)

    def start_anew(self) -> None:
        """The model or what it sees has changed: ask again for the photo that is looked at."""
        self._on_current_changed(self.gallery.current)

    def refresh_fonts(self) -> None:
        """Follow the app's font."""
        self.predictions.refresh_fonts()
        self.heatmap.refresh_fonts()

    def _build(self) -> None:
        side = QFrame()
        side.setProperty("panel", "true")
        side.setMinimumWidth(260)
        side_layout = QVBoxLayout(side)
        side_layout.setContentsMargins(0, 0, 0, 0)
        side_layout.setSpacing(0)
        side_layout.addWidget(self.predictions, 1)
        line = QFrame()
        line.setFixedHeight(1)
        line.setBackgroundRole(line.palette().ColorRole.Mid)
        line.setAutoFillBackground(True)
        side_layout.addWidget(line)
        side_layout.addWidget(self.heatmap)
        middle = QWidget()
        middle_layout = QVBoxLayout(middle)
        middle_layout.setContentsMargins(0, 0, 0, 0)
        middle_layout.setSpacing(0)
        middle_layout.addWidget(self._caption_bar())
        middle_layout.addWidget(self.view, 1)
        self.gallery.setMinimumWidth(180)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.setHandleWidth(1)
        splitter.setChildrenCollapsible(False)
        for place, (widget, stretch) in enumerate(((self.gallery, 0), (middle, 1), (side, 0))):
            splitter.addWidget(widget)
            splitter.setStretchFactor(place, stretch)
        splitter.setSizes([240, 640, 290])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)

    def _caption_bar(self) -> QWidget:
        bar = QWidget()
        layout = QHBoxLayout(bar)
        layout.setContentsMargins(theme.L, theme.S, theme.L, theme.S)
        for label in (self._caption, self._zoom):
            label.setProperty("tone", "secondary")
        self._caption.setTextFormat(Qt.TextFormat.PlainText)
        self._caption.setMinimumWidth(40)
        layout.addWidget(self._caption, 1)
        layout.addWidget(self._zoom)
        return bar

    def _connect(self) -> None:
        self.gallery.current_changed.connect(self._on_current_changed)
        self.predictions.class_chosen.connect(self._on_class_chosen)
        self.heatmap.opacity_changed.connect(self.view.set_opacity)
        self.heatmap.colormap_changed.connect(self._on_colormap_changed)
        self.view.zoom_changed.connect(self._on_zoom_changed)
        self._photos.photo_ready.connect(self._on_photo_ready)
        self._photos.photo_failed.connect(self._on_photo_failed)
        self._controller.item_finished.connect(self._on_item_finished)
        self._controller.evidence_ready.connect(self._on_evidence_ready)

    def _is_current(self, number: int) -> bool:
        current = self.gallery.current
        return current is not None and current.number == number

    def _on_current_changed(self, item: Item | None) -> None:
        self._evidence = None
        self.heatmap.clear_evidence()
        self.view.clear_evidence()
        if item is None:
            self._photos.drop_request()
            self._controller.drop_request()
            self._loaded = None
            self.view.clear()
            self._caption.clear()
            self.predictions.show_waiting("")
            self.seconds_changed.emit(None)
            return
        self._caption.setText(item.name)
        self._show_outcome(item)
        if self._loaded != item.number:
            self.view.clear()
            self._loaded = None
        if isinstance(item.outcome, Failure):
            self._photos.drop_request()
            self._controller.drop_request()
            return
        if self._loaded is None:
            self._photos.request(item.number, item.source)
        self._controller.explain(item.number, item.source, None)

    def _show_outcome(self, item: Item) -> None:
        outcome = item.outcome
        if isinstance(outcome, Result):
            self.predictions.show_result(outcome)
            self._caption.setText("{}  ·  {} × {}".format(item.name, *outcome.full_size))
        elif isinstance(outcome, Failure):
            self._loaded = None
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

    def _on_class_chosen(self, target: int) -> None:
        item = self.gallery.current
        if item is not None:
            self._controller.explain(item.number, item.source, target)

    def _on_evidence_ready(self, evidence: Evidence) -> None:
        if self._is_current(evidence.item):
            self._evidence = evidence
            self.heatmap.show_evidence(evidence)
            self._paint_evidence()

    def _on_photo_ready(self, number: int, image: QImage) -> None:
        if self._is_current(number):
            self._loaded = number
            self.view.show_photo(image)
            self._paint_evidence()

    def _on_photo_failed(self, number: int, failure: Failure) -> None:
        if self._is_current(number):
            self.view.show_failure(failure)

    def _on_colormap_changed(self, name: str) -> None:
        self._colormap = name
        self._paint_evidence()

    def _paint_evidence(self) -> None:
        evidence = self._evidence
        if evidence is None or not self.view.has_photo:
            return
        self.heatmap.show_legend(legend_qimage(self._colormap))
        something = evidence.values is not None and not evidence.empty
        heat = heat_qimage(evidence.values, self._colormap) if something else QImage()  # type: ignore[arg-type]
        self.view.show_evidence(heat, evidence.box)

    def _on_zoom_changed(self, zoom: float) -> None:
        self._zoom.setText("" if zoom == 1.0 else f"× {zoom:.1f}")
