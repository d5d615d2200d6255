"""Photos of the data set, large: one by one, and those that show the same side by side."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.style.screen import size_within_screen
from resnet_desktop.gui.widgets.plain import plain_tip
from resnet_desktop.gui.wizard.page import secondary
from resnet_desktop.gui.wizard.pictures.captioned_picture import CaptionedPicture
from resnet_desktop.gui.wizard.pictures.picture_grid import Picture, sample_of
from resnet_desktop.session.results import Failure

SIDE_BY_SIDE = 4
"""Photos of a group that are shown at once; the next ones come after them."""


class PhotoViewer(QDialog):
    """Leafs through the photos of a sheet, group by group where there are groups."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Photos"))
        self._tasks = Tasks(1, "viewer", self)
        self._sets: list[tuple[Picture, ...]] = []
        self._place = self._asked = 0
        self.views = [CaptionedPicture() for _ in range(SIDE_BY_SIDE)]
        self._words = secondary()
        self._previous, self._next = QPushButton(self.tr("Previous")), QPushButton(self.tr("Next"))
        self._build()

    @property
    def names(self) -> list[str]:
        """The photos that are shown."""
        return [picture.name for picture in self._sets[self._place]] if self._sets else []

    def show_pictures(self, pictures: Sequence[Picture], name: str) -> None:
        """Open with the photo of this name."""
        self._sets = _sets(pictures)
        self._place = next((i for i, some in enumerate(self._sets) if name in [p.name for p in some]), 0)
        for button in (self._previous, self._next):
            button.setEnabled(len(self._sets) > 1)
        self._show()
        self.open()

    def show_other(self, step: int) -> None:
        """To other photos of the sheet."""
        self._place = (self._place + step) % len(self._sets)
        self._show()

    def close_thread(self) -> None:
        """Wait for the thread."""
        self._tasks.drain()

    def _show(self) -> None:
        self._asked += 1
        pictures = self._sets[self._place]
        text = self.tr("{place} of {count}")
        self._words.setText(text.format(place=wording.number(self._place + 1), count=wording.number(len(self._sets))))
        for i, view in enumerate(self.views):
            view.setVisible(i < len(pictures))
            view.show_picture(QImage(), "")
        for view, picture in zip(self.views, pictures, strict=False):
            self._tasks.run_task(partial(_load, picture.name), partial(self._on_loaded, self._asked, view, picture))

    def _on_loaded(self, asked: int, view: CaptionedPicture, picture: Picture, future: Future[QImage]) -> None:
        if asked != self._asked:
            return
        try:
            image = future.result()
        except ResNetDesktopError as error:
            self._words.setText(Failure.of(error).text)
            return
        view.show_picture(
            image, f"{picture.caption}, {picture.detail}" if picture.detail else picture.caption, picture.name
        )

    def _build(self) -> None:
        size_within_screen(self, (920, 600))
        row = QHBoxLayout()
        for view in self.views:
            row.addWidget(view, 1)
        for button, key, step in ((self._previous, Qt.Key.Key_Left, -1), (self._next, Qt.Key.Key_Right, 1)):
            button.clicked.connect(partial(self.show_other, step))
            QShortcut(QKeySequence(key), self, button.click)
            button.setToolTip(plain_tip(QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)))
        close = QPushButton(self.tr("Close"))
        close.clicked.connect(self.close)
        close.setDefault(True)
        buttons = QHBoxLayout()
        for widget in (self._previous, self._next, self._words):
            buttons.addWidget(widget, 1 if widget is self._words else 0)
        buttons.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.L, theme.L, theme.L, theme.M)
        layout.setSpacing(theme.M)
        layout.addLayout(row, 1)
        layout.addLayout(buttons)


def _sets(pictures: Sequence[Picture]) -> list[tuple[Picture, ...]]:
    """The photos of each group together, at most so many at once; the others one by one."""
    sets: list[tuple[Picture, ...]] = []
    for picture in pictures:
        last = sets[-1] if sets else ()
        if last and picture.grouped and last[0].grouped and last[0].group == picture.group and len(last) < SIDE_BY_SIDE:
            sets[-1] = (*last, picture)
        else:
            sets.append((picture,))
    return sets


def _load(name: str) -> QImage:
    from resnet_desktop.data.dataset import SampleReader
    from resnet_desktop.gui.background.pictures import load_photo
    from resnet_desktop.imaging.decode import DEFAULT_MAX_PIXELS

    reader = SampleReader()
    try:
        return load_photo(reader.read(sample_of(name)), DEFAULT_MAX_PIXELS)
    finally:
        reader.close()
