"""The same photo as the base and the new model see it, side by side, with the difference."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.gui import theme, wording
from resnet_desktop.gui.qt_image import to_qimage
from resnet_desktop.gui.results import Failure
from resnet_desktop.gui.tasks import Tasks
from resnet_desktop.gui.wizard.page import secondary
from resnet_desktop.gui.wizard.picture_grid import sample_of

if TYPE_CHECKING:
    from resnet_desktop.explain.change import Change
    from resnet_desktop.explain.explainer import Explainer
    from resnet_desktop.finetune.results import PictureResult, Results


class BeforeAfterView(QWidget):
    """Goes through the photos that were set apart, one at a time."""

    def __init__(self, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._base, self._model = "", Path()
        self._pictures: tuple[PictureResult, ...] = ()
        self._place = 0
        self._asked = 0
        self._explainers: tuple[Explainer, Explainer] | None = None  # touched by the worker alone
        self._views = tuple(CaptionedPicture() for _ in range(3))
        self._words = secondary()
        self._previous, self._next = QPushButton(self.tr("Previous photo")), QPushButton(self.tr("Next photo"))
        self._build()

    @property
    def words(self) -> str:
        """What is said about the photo."""
        return self._words.text()

    def show_run(self, base: str, model: Path, results: Results) -> None:
        """Compare these models on the photos that were set apart; wrongly named ones come first."""
        self._base, self._model = base, model
        self._explainers = None
        self._pictures = tuple(sorted(results.pictures, key=lambda p: (p.right, -(p.loss or 0.0))))
        self._place = 0
        self._ask()

    def show_other(self, step: int) -> None:
        """To another photo."""
        if self._pictures:
            self._place = (self._place + step) % len(self._pictures)
            self._ask()

    def _ask(self) -> None:
        self._asked += 1
        for button in (self._previous, self._next):
            button.setEnabled(len(self._pictures) > 1)
        if not self._pictures:
            self._words.setText(self.tr("No photos were set apart to look at."))
            return
        asked, name = self._asked, self._pictures[self._place].path
        self._words.setText(self.tr("Looking with both models…"))
        self._tasks.run_task(lambda: self._compared(name), lambda future: self._on_compared(asked, future))

    def _compared(self, name: str) -> Change:
        from resnet_desktop.explain.change import compare
        from resnet_desktop.finetune.dataset import SampleReader

        if self._explainers is None:
            self._explainers = _explainer(self._base), _explainer(str(self._model))
        reader = SampleReader()
        try:
            return compare(*self._explainers, reader.read(sample_of(name)))
        finally:
            reader.close()

    def _on_compared(self, asked: int, future: Future[Change]) -> None:
        if asked != self._asked:
            return
        try:
            change = future.result()
        except ResNetDesktopError as error:
            self._words.setText(Failure.of(error).text)
            return
        before, after = change.before, change.after
        captions = (
            self.tr("Before: {label}, {share}").format(label=before.label, share=wording.percent(before.probability)),
            self.tr("After: {label}, {share}").format(label=after.label, share=wording.percent(after.probability)),
            self.tr("Change: orange is new evidence, blue is gone"),
        )
        images = (change.overlay_before, change.overlay_after, change.difference)
        for view, pixels, caption in zip(self._views, images, captions, strict=True):
            view.show_picture(to_qimage(pixels), caption)
        picture = self._pictures[self._place]
        text = self.tr("{name}: it is {label}. Photo {place} of {count}; wrongly named ones come first.")
        name = picture.path.rsplit("/", 1)[-1]
        self._words.setText(
            text.format(name=name, label=picture.label, place=self._place + 1, count=len(self._pictures))
        )

    def _build(self) -> None:
        row = QHBoxLayout()
        for view in self._views:
            row.addWidget(view, 1)
        self._previous.clicked.connect(lambda: self.show_other(-1))
        self._next.clicked.connect(lambda: self.show_other(1))
        buttons = QHBoxLayout()
        for button in (self._previous, self._next):
            buttons.addWidget(button)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, theme.M, 0, 0)
        layout.addLayout(row, 1)
        layout.addWidget(self._words)
        layout.addLayout(buttons)


class CaptionedPicture(QWidget):
    """A picture as large as it fits, and a line below it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image, self._caption = QImage(), ""
        self.setMinimumSize(120, 120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    @property
    def caption(self) -> str:
        """The line."""
        return self._caption

    def sizeHint(self) -> QSize:
        """Roomy."""
        return QSize(260, 260)

    def show_picture(self, image: QImage, caption: str) -> None:
        """Show both."""
        self._image, self._caption = image, caption
        self.setAccessibleName(caption)
        self.setToolTip(caption)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 - Qt gives it
        """Picture and line."""
        if self._image.isNull():
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        line = self.fontMetrics().height() + theme.S
        room = QRectF(0, 0, self.width(), self.height() - line)
        size = self._image.size().scaled(room.size().toSize(), Qt.AspectRatioMode.KeepAspectRatio)
        left, top = (room.width() - size.width()) / 2, (room.height() - size.height()) / 2
        painter.drawImage(QRectF(left, top, size.width(), size.height()), self._image)
        painter.setPen(QColor(theme.current().text))
        text = self.fontMetrics().elidedText(self._caption, Qt.TextElideMode.ElideRight, self.width())
        below = QRectF(0, top + size.height() + theme.XS, self.width(), line)
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, text)
        painter.end()


def _explainer(name: str) -> Explainer:
    from resnet_desktop.bundle import bundle as bundles
    from resnet_desktop.bundle.library import Library
    from resnet_desktop.explain.explainer import Explainer
    from resnet_desktop.inference.classifier import Classifier

    return Explainer(Classifier(bundles.read(Library().find(name)), provider="cpu"))
