"""The empty window: an invitation."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QImageReader, QKeySequence, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from resnet_desktop.core import paths
from resnet_desktop.gui import icons, theme

TILE = QSize(120, 80)


def sample_photos() -> tuple[Path, ...]:
    """The photos that come with the app."""
    return tuple(sorted((paths.assets_folder() / "samples").glob("*.jpg")))


class WelcomePage(QWidget):
    """A place to drop photos, a button to open some, and the sample photos.

    Signals: ``open_asked``; ``samples_chosen`` (tuple of paths).
    """

    open_asked = Signal()
    samples_chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = QLabel(self.tr("Drop photos here"))
        self._detail = QLabel(self._details())
        self._mark = QLabel()
        self._open = QPushButton(self.tr("Open photos…"))
        self._open.setProperty("primary", "true")
        self._open.clicked.connect(self.open_asked)
        self._tiles = [self._tile(path) for path in sample_photos()]
        self._samples_title = QLabel(self.tr("or look at a sample first"))
        self._build()
        self._refresh()

    @property
    def tiles(self) -> list[QToolButton]:
        """The buttons of the sample photos."""
        return self._tiles

    def load_tiles(self) -> None:
        """Decode the sample photos' small pictures; asked for once the window is on the screen."""
        for tile, path in zip(self._tiles, sample_photos(), strict=True):
            tile.setIcon(QIcon(_rounded(path, self.devicePixelRatioF())))

    def changeEvent(self, event: QEvent) -> None:
        """Follow palette and font."""
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._refresh()
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 - Qt gives it
        """The dashed outline of the place to drop on."""
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(colours.window))
        area = QRectF(self.rect()).adjusted(theme.XL, theme.XL, -theme.XL, -theme.XL)
        painter.setBrush(QColor(colours.panel))
        pen = QPen(QColor(colours.bar), 1.6, Qt.PenStyle.CustomDashLine)
        pen.setDashPattern([5.0, 4.0])
        painter.setPen(pen)
        painter.drawRoundedRect(area, 14, 14)
        painter.end()

    def _details(self) -> str:
        paste = QKeySequence(QKeySequence.StandardKey.Paste).toString(QKeySequence.SequenceFormat.NativeText)
        text = self.tr("or folders, or paste an image with {shortcut}. Your photos never leave this computer.")
        return text.format(shortcut=paste)

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.XL * 2, theme.XL * 2, theme.XL * 2, theme.XL * 2)
        layout.setSpacing(0)
        layout.addStretch(5)
        for widget, gap in (
            (self._mark, theme.L),
            (self._title, theme.XS),
            (self._detail, theme.XL),
        ):
            widget.setAlignment(Qt.AlignmentFlag.AlignCenter)
            layout.addWidget(widget)
            layout.addSpacing(gap)
        self._detail.setWordWrap(True)
        self._detail.setProperty("tone", "secondary")
        layout.addWidget(self._open, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(3)
        self._samples_title.setProperty("tone", "secondary")
        self._samples_title.setVisible(bool(self._tiles))
        layout.addWidget(self._samples_title, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addSpacing(theme.S)
        row = QHBoxLayout()
        row.setSpacing(theme.S)
        row.addStretch(1)
        for tile in self._tiles:
            row.addWidget(tile)
        row.addStretch(1)
        layout.addLayout(row)
        layout.addStretch(2)

    def _tile(self, path: Path) -> QToolButton:
        tile = QToolButton()
        tile.setIconSize(TILE)
        tile.setFixedSize(TILE + QSize(theme.L, theme.L))
        tile.setAccessibleName(self.tr("Sample photo: {name}").format(name=path.stem))
        tile.setToolTip(self.tr("Classify this sample photo: {name}").format(name=path.stem))
        tile.clicked.connect(lambda: self.samples_chosen.emit((path,)))
        return tile

    def _refresh(self) -> None:
        colours = theme.current()
        self._mark.setPixmap(icons.pixmap("drop", 52, colours.accent))
        self._title.setFont(theme.font(1.9, strong=True))


def _rounded(path: Path, ratio: float) -> QPixmap:
    """A small photo, cut to the shape of a tile, with round corners."""
    wanted = TILE * ratio
    reader = QImageReader(str(path))
    reader.setAutoTransform(True)
    reader.setScaledSize(reader.size().scaled(wanted, Qt.AspectRatioMode.KeepAspectRatioByExpanding))
    image = reader.read()
    result = QPixmap(wanted)
    result.fill(Qt.GlobalColor.transparent)
    painter = QPainter(result)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    shape = QPainterPath()
    shape.addRoundedRect(QRectF(result.rect()), 8 * ratio, 8 * ratio)
    painter.setClipPath(shape)
    painter.drawImage((result.width() - image.width()) // 2, (result.height() - image.height()) // 2, image)
    painter.end()
    result.setDevicePixelRatio(ratio)
    return result
