"""The same photo as the base and the new model see it, side by side, with the difference."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.gui.inspect.heatmap.legend import Legend
from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.style.qt_image import legend_qimage, to_qimage
from resnet_desktop.gui.widgets.choice import Choice
from resnet_desktop.gui.widgets.plain import plain_tip
from resnet_desktop.gui.wizard.page import secondary
from resnet_desktop.gui.wizard.pictures.captioned_picture import CaptionedPicture, DifferenceLegend
from resnet_desktop.gui.wizard.pictures.picture_heatmaps import Heatmaps
from resnet_desktop.session.results import Failure

if TYPE_CHECKING:
    from resnet_desktop.bundle.file.layers import Layer
    from resnet_desktop.explain.report.model_diff import Change, Look
    from resnet_desktop.jobs.results import PictureResult, Results

COLOURS = "viridis"
LEGEND = 180
"""Pixels."""
SAID, TRUTH = ("said", ""), ("truth", "")
"""Whose evidence is shown: of the class that each model says, or of what the photo is; else ("class", label)."""


class BeforeAfterView(QWidget):
    """Goes through the photos that were set apart, one at a time; wrongly named ones come first.

    Args:
        heatmaps: who asks the models.
    """

    def __init__(self, heatmaps: Heatmaps, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._heatmaps = heatmaps
        self._results: Results | None = None
        self._pictures: tuple[PictureResult, ...] = ()
        self._place = self._asked = 0
        self._stale = False
        self.before, self.after, self.difference = CaptionedPicture(), CaptionedPicture(), CaptionedPicture()
        self._words, self._note = secondary(), secondary()
        self._heat, self._change = Legend(), DifferenceLegend()
        self._previous, self._next = QPushButton(self.tr("Previous")), QPushButton(self.tr("Next"))
        self.photos, self.target, self.layer = Choice(), Choice(), Choice()
        self._build()

    @property
    def words(self) -> str:
        """What is said about the photo."""
        return self._words.text()

    def show_run(self, results: Results, note: str = "") -> None:
        """Compare on the photos of a run. ``note`` is said about the run as such."""
        self._results = results
        self._note.setText(note)
        self._note.setVisible(bool(note))
        for choice in (self.photos, self.target, self.layer):
            choice.blockSignals(True)
            choice.clear()
        self.photos.addItem(self.tr("All photos"), None)
        self.target.addItem(self.tr("Predicted class"), SAID)
        self.target.addItem(self.tr("Actual class"), TRUTH)
        for label in results.labels:
            self.photos.addItem(self.tr("Photos of {label}").format(label=label), label)
            self.target.addItem(label, ("class", label))
        self.layer.addItem(self.tr("Default layer"), None)
        for choice in (self.photos, self.target, self.layer):
            choice.blockSignals(False)
        self._sort()
        if self._heatmaps.base is not None:
            self._heatmaps.layers(self._on_layers)

    def show_other(self, step: int) -> None:
        """To another photo."""
        if self._pictures:
            self._place = (self._place + step) % len(self._pictures)
            self._ask()

    def showEvent(self, event: QShowEvent) -> None:
        """The models are asked once somebody looks."""
        super().showEvent(event)
        if self._stale:
            self._ask()

    def _sort(self) -> None:
        """The photos that are wanted, in their order."""
        wanted = self.photos.currentData()
        judged = self._results.judged if self._results is not None else ()
        found = [picture for picture in judged if wanted is None or wanted == picture.label]
        self._pictures = tuple(sorted(found, key=lambda p: (p.right, -(p.loss or 0.0))))
        self._place = 0
        self._ask()

    def _ask(self) -> None:
        self._stale = not self.isVisible()
        self._asked += 1
        for button in (self._previous, self._next):
            button.setEnabled(len(self._pictures) > 1)
        if self._heatmaps.base is None:
            self._words.setText(
                self.tr("This model was trained from scratch, so there is no earlier model to compare.")
            )
            return
        if not self._pictures:
            self._words.setText(self.tr("There are no held-out photos to show."))
            return
        if self._stale:
            return
        asked, picture = self._asked, self._pictures[self._place]
        self._words.setText(self.tr("Running both models…"))
        kind, label = self.target.currentData()
        wanted = {"said": None, "truth": picture.label}.get(kind, label)
        layer = self.layer.currentData()
        self._heatmaps.change(picture.path, wanted, layer, lambda future: self._on_compared(asked, future))

    def _on_compared(self, asked: int, future: Future[Change]) -> None:
        if asked != self._asked:
            return
        try:
            change = future.result()
        except ResNetDesktopError as error:
            self._words.setText(Failure.of(error).text)
            for view in (self.before, self.after, self.difference):
                view.show_picture(QImage(), "")
            return
        from resnet_desktop.explain.report.model_diff import GAINED, LOST

        self._heat.show_colours(legend_qimage(COLOURS))
        self._change.show_colours(LOST, GAINED)
        before, after = change.looks
        self._show(self.before, before, self.tr("Before: {label}"))
        self._show(self.after, after, self.tr("After: {label}"))
        moved = self.tr("{share} on average").format(share=wording.percent(change.moved))
        self.difference.show_picture(to_qimage(change.difference), self.tr("The difference"), moved)
        self._words.setText(self._about(self._pictures[self._place], before, after))

    def _show(self, view: CaptionedPicture, seen: Look, title: str) -> None:
        detail = self.tr("{share}, at {layer}")
        share = wording.percent(seen.score.probability)
        view.show_picture(
            to_qimage(seen.overlay),
            title.format(label=seen.score.label),
            detail.format(share=share, layer=seen.layer),
        )

    def _about(self, picture: PictureResult, before: Look, after: Look) -> str:
        name = picture.path.replace("\\", "/").rsplit("/", 1)[-1]
        where = {"place": wording.number(self._place + 1), "count": wording.number(len(self._pictures))}
        said = [
            self.tr("Photo {place} of {count}, worst mistakes first: {name}, labelled {label}.").format(
                name=name, label=picture.label, **where
            )
        ]
        if before.score.label != after.score.label and self.target.currentData() != SAID:
            text = self.tr("The base model has no class {label}, so its best guess is shown.")
            said.append(text.format(label=after.score.label))
        for seen, text in (
            (before, self.tr("Before, there was no evidence for {label}.")),
            (after, self.tr("Now, there is no evidence for {label}.")),
        ):
            if seen.empty:
                said.append(text.format(label=seen.score.label))
        return " ".join(said)

    def _on_layers(self, future: Future[tuple[Layer, ...]]) -> None:
        try:
            found = future.result()
        except ResNetDesktopError:
            return  # the comparison itself says why
        for layer in reversed(found):
            text = self.tr("{name} ({height} × {width})")
            self.layer.addItem(text.format(name=layer.name, height=layer.shape[1], width=layer.shape[2]), layer.name)

    def _build(self) -> None:
        pictures = QHBoxLayout()
        for view in (self.before, self.after, self.difference):
            pictures.addWidget(view, 1)
        legends = QHBoxLayout()
        for legend, room in ((self._heat, 2), (self._change, 1)):
            legend.setFixedWidth(LEGEND)
            legends.addWidget(legend, room, Qt.AlignmentFlag.AlignHCenter)
        self._previous.clicked.connect(lambda: self.show_other(-1))
        self._next.clicked.connect(lambda: self.show_other(1))
        here = Qt.ShortcutContext.WidgetWithChildrenShortcut
        for button, key in ((self._previous, Qt.Key.Key_PageUp), (self._next, Qt.Key.Key_PageDown)):
            QShortcut(QKeySequence(key), self, button.click, context=here)
            button.setToolTip(plain_tip(QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)))
        self.photos.currentIndexChanged.connect(self._sort)
        self.target.currentIndexChanged.connect(self._ask)
        self.layer.currentIndexChanged.connect(self._ask)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, theme.M, 0, 0)
        layout.addWidget(self._words)
        layout.addWidget(self._note)
        layout.addLayout(pictures, 1)
        layout.addLayout(legends)
        layout.addLayout(self._controls())

    def _controls(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.addWidget(self._previous)
        row.addWidget(self._next)
        for choice, name in (
            (self.photos, self.tr("Which photos")),
            (self.target, self.tr("Whose evidence")),
            (self.layer, self.tr("Where in the network")),
        ):
            choice.setAccessibleName(name)
            choice.setToolTip(plain_tip(name))
            row.addWidget(choice, 1)
        return row
