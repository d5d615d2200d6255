"""One photo by itself: where the new model sees what it is, and where what it was taken for."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.gui.inspect.heatmap.legend import Legend
from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.style.qt_image import legend_qimage, to_qimage
from resnet_desktop.gui.style.screen import size_within_screen
from resnet_desktop.gui.widgets.plain import plain_tip
from resnet_desktop.gui.wizard.page import secondary
from resnet_desktop.gui.wizard.pictures.captioned_picture import CaptionedPicture
from resnet_desktop.gui.wizard.pictures.picture_heatmaps import Heatmaps
from resnet_desktop.session.results import Failure

if TYPE_CHECKING:
    from resnet_desktop.explain.report.model_diff import Look
    from resnet_desktop.jobs.results import PictureResult

COLOURS = "viridis"


class PictureDialog(QDialog):
    """The photo, its heatmaps side by side, and the photos before and after it on the sheet.

    Args:
        heatmaps: who makes them.
    """

    def __init__(self, heatmaps: Heatmaps, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("A photo and its evidence"))
        self._heatmaps = heatmaps
        self._pictures: tuple[PictureResult, ...] = ()
        self._place = self._asked = 0
        self.photo, self.first, self.second = CaptionedPicture(), CaptionedPicture(), CaptionedPicture()
        self._words, self._legend = secondary(), Legend()
        self._previous, self._next = QPushButton(self.tr("Previous photo")), QPushButton(self.tr("Next photo"))
        self._build()

    @property
    def words(self) -> str:
        """What is said about the photo."""
        return self._words.text()

    def show_pictures(self, pictures: Sequence[PictureResult], place: int) -> None:
        """Open with one photo of a sheet."""
        self._pictures, self._place = tuple(pictures), place
        for button in (self._previous, self._next):
            button.setEnabled(len(self._pictures) > 1)
        self._ask()
        self.open()

    def show_other(self, step: int) -> None:
        """To another photo of the sheet."""
        self._place = (self._place + step) % len(self._pictures)
        self._ask()

    def _build(self) -> None:
        size_within_screen(self, (920, 480))
        row = QHBoxLayout()
        for view in (self.photo, self.first, self.second):
            row.addWidget(view, 1)
        self._previous.clicked.connect(lambda: self.show_other(-1))
        self._next.clicked.connect(lambda: self.show_other(1))
        for button, key in ((self._previous, Qt.Key.Key_Left), (self._next, Qt.Key.Key_Right)):
            QShortcut(QKeySequence(key), self, button.click)
            button.setToolTip(plain_tip(QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)))
        close = QPushButton(self.tr("Close"))
        close.clicked.connect(self.close)
        close.setDefault(True)
        close.setFocus()
        buttons = QHBoxLayout()
        for widget in (self._previous, self._next):
            buttons.addWidget(widget)
        buttons.addStretch(1)
        self._legend.setFixedWidth(200)
        buttons.addWidget(self._legend)
        buttons.addSpacing(theme.L)
        buttons.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setSpacing(theme.M)
        layout.addWidget(self._words)
        layout.addLayout(row, 1)
        layout.addLayout(buttons)

    def _ask(self) -> None:
        self._asked += 1
        asked, picture = self._asked, self._pictures[self._place]
        labels = (picture.label,) if picture.right else (picture.label, picture.predicted)
        self._words.setText(self._sentence(picture))
        for view in (self.photo, self.first, self.second):
            view.show_picture(QImage(), "")
        self.second.setVisible(not picture.right)
        self._heatmaps.look(picture.path, labels, lambda future: self._on_looked(asked, picture, future))

    def _sentence(self, picture: PictureResult) -> str:
        name = picture.path.replace("\\", "/").rsplit("/", 1)[-1]
        share = wording.percent(picture.probability)
        if picture.right:
            text = self.tr("{name}: {label}, predicted correctly with {share} confidence. Photo {place} of {count}.")
        else:
            text = self.tr("{name}: {label}, predicted {other} with {share} confidence. Photo {place} of {count}.")
        where = {"place": wording.number(self._place + 1), "count": wording.number(len(self._pictures))}
        return text.format(name=name, label=picture.label, other=picture.predicted, share=share, **where)

    def _on_looked(self, asked: int, picture: PictureResult, future: Future[tuple[Look, ...]]) -> None:
        if asked != self._asked:
            return
        try:
            looks = future.result()
        except ResNetDesktopError as error:
            self._words.setText(Failure.of(error).text)
            return
        self._legend.show_colours(legend_qimage(COLOURS))
        self.photo.show_picture(to_qimage(looks[0].photo), self.tr("The photo"))
        for view, seen, truth in zip((self.first, self.second), looks, (True, False), strict=False):
            view.show_picture(to_qimage(seen.overlay), self._title(seen, truth, picture.right), self._detail(seen))

    def _title(self, seen: Look, truth: bool, right: bool) -> str:
        if right:
            return self.tr("Evidence for {label}").format(label=seen.score.label)
        text = self.tr("For {label}, the actual class") if truth else self.tr("For {label}, the predicted class")
        return text.format(label=seen.score.label)

    def _detail(self, seen: Look) -> str:
        share = wording.percent(seen.score.probability)
        if seen.empty:
            return self.tr("{share}; no evidence in the photo").format(share=share)
        return self.tr("{share} probability; at {layer}").format(share=share, layer=seen.layer)
