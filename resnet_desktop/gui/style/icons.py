"""The app's own icons: SVG in one colour, drawn in the colours of the theme."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QGuiApplication, QIcon, QPainter, QPixmap, QPixmapCache
from PySide6.QtSvg import QSvgRenderer

from resnet_desktop.core import paths
from resnet_desktop.gui.style import theme


def icon(name: str) -> QIcon:
    """``assets/icons/NAME.svg`` for buttons and menus, with its disabled state."""
    colours = theme.current()
    result = QIcon(pixmap(name, 18, colours.text))
    result.addPixmap(pixmap(name, 18, colours.disabled), QIcon.Mode.Disabled)
    return result


def app_icon() -> QIcon:
    """The app's own icon, in the sizes that desktops ask for."""
    result = QIcon()
    for side in (16, 32, 64, 128):
        result.addPixmap(_rendered("app", side, "", 1.0))
    return result


def pixmap(name: str, side: int, colour: str) -> QPixmap:
    """An icon of ``side`` × ``side`` logical pixels in ``colour``, sharp on the densest screen there is."""
    screens = QGuiApplication.screens()
    ratio = max((screen.devicePixelRatio() for screen in screens), default=1.0)
    return _rendered(name, side, colour, ratio)


def _rendered(name: str, side: int, colour: str, ratio: float) -> QPixmap:
    key = f"{name} {side} {colour} {ratio}"
    result = QPixmap()
    if QPixmapCache.find(key, result):
        return result
    svg = (paths.assets_folder() / "icons" / f"{name}.svg").read_text("utf-8").replace("currentColor", colour)
    result = QPixmap(QSize(side, side) * ratio)
    result.fill(Qt.GlobalColor.transparent)
    painter = QPainter(result)
    QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(result.rect()))
    painter.end()
    result.setDevicePixelRatio(ratio)
    QPixmapCache.insert(key, result)
    return result
