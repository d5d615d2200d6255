"""The empty window: an invitation."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QIcon,
    QImageReader,
    QKeySequence,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from resnet_desktop.core import paths
from resnet_desktop.gui.models.abilities import how_good, what_it_knows
from resnet_desktop.gui.style import icons, theme
from resnet_desktop.gui.widgets.plain import PlainLabel, plain_tip
from resnet_desktop.session.results import ModelInfo

TILE = QSize(120, 80)
MINIMUM_FOR_SAMPLES = 490
"""Height of the page, in pixels, below which the samples would squeeze what stands above them."""
_FIRST = ("cat", "coffee", "rocket", "cameraman", "officer", "raccoon")
"""The order in which samples are offered; others come behind."""


def sample_photos() -> tuple[Path, ...]:
    """The photos that come with the app."""

    def place(path: Path) -> tuple[int, str]:
        return (_FIRST.index(path.stem) if path.stem in _FIRST else len(_FIRST), path.stem)

    return tuple(sorted((paths.assets_folder() / "samples").glob("*.jpg"), key=place))


class WelcomePage(QWidget):
    """A place to drop photos, a button to open some, what the model knows, and the sample photos.

    Signals: ``open_asked``; ``samples_chosen`` (tuple of paths); ``classes_asked``: what the model knows is wanted.
    """

    open_asked = Signal()
    samples_chosen = Signal(object)
    classes_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = PlainLabel(self.tr("Drop photos here"))
        self._detail = PlainLabel(self._details())
        self._mark = PlainLabel()
        self._open = QPushButton(self.tr("Open photos…"))
        self._open.setProperty("primary", "true")
        self._open.clicked.connect(self.open_asked)
        self._tiles = [self._tile(path) for path in sample_photos()]
        self._samples_title = PlainLabel(self.tr("or try a sample first"))
        self._knows = PlainLabel()
        self.list_button = QToolButton()
        self.list_button.setText(self.tr("See everything it knows"))
        self.list_button.setProperty("tone", "link")
        self.list_button.clicked.connect(self.classes_asked)
        self._build()
        self._refresh()

    @property
    def tiles(self) -> list[QToolButton]:
        """The buttons of the sample photos."""
        return self._tiles

    @property
    def abilities(self) -> str:
        """What is said of the model."""
        return self._knows.text()

    def load_tiles(self) -> None:
        """Decode the sample photos' small pictures; asked for once the window is on the screen."""
        for tile, path in zip(self._tiles, sample_photos(), strict=True):
            tile.setIcon(QIcon(_rounded(path, self.devicePixelRatioF())))

    def show_model(self, info: ModelInfo) -> None:
        """What the model knows and how good it is, in a line each."""
        knows = self.tr("{name} knows {things}").format(name=info.name, things=what_it_knows(info))
        self._knows.setText("\n".join(line for line in (knows, how_good(info.accuracy)) if line))
        self._knows.show()
        self.list_button.show()

    def minimumSizeHint(self) -> QSize:
        """Room for what is shown without the samples, which are hidden where there is none for them."""
        return QSize(360, 340)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As many samples as there is room for beside each other, and none where the window is low."""
        super().resizeEvent(event)
        room = self.width() - 4 * theme.XL
        width = TILE.width() + theme.L
        fit = max(1, (room + theme.S) // (width + theme.S))
        high_enough = self.height() >= MINIMUM_FOR_SAMPLES
        for number, tile in enumerate(self._tiles):
            tile.setVisible(high_enough and number < fit)
        self._samples_title.setVisible(high_enough and bool(self._tiles))

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
        layout.addSpacing(theme.XL)
        self._build_abilities(layout)
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

    def _build_abilities(self, layout: QVBoxLayout) -> None:
        self._knows.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._knows.setWordWrap(True)
        self._knows.setProperty("tone", "secondary")
        layout.addWidget(self._knows)
        layout.addSpacing(theme.XS)
        layout.addWidget(self.list_button, 0, Qt.AlignmentFlag.AlignHCenter)
        self._knows.setText("\n")  # the room of two lines, so that nothing moves when the model is there
        for widget in (self._knows, self.list_button):
            policy = widget.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            widget.setSizePolicy(policy)
            widget.hide()

    def _tile(self, path: Path) -> QToolButton:
        tile = QToolButton()
        tile.setIconSize(TILE)
        tile.setFixedSize(TILE + QSize(theme.L, theme.L))
        tile.setAccessibleName(self.tr("Sample photo: {name}").format(name=path.stem))
        tile.setToolTip(plain_tip(self.tr("Classify this sample photo: {name}").format(name=path.stem)))
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
    above = (image.height() - result.height()) // 4  # faces are rather in the upper half
    painter.drawImage((result.width() - image.width()) // 2, -above, image)
    painter.end()
    result.setDevicePixelRatio(ratio)
    return result
