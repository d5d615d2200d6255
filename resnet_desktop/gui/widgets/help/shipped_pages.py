"""Pages of Markdown that ship with the app, with their pictures and the links between them."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QImage, QImageReader, QResizeEvent, QTextCursor, QTextDocument
from PySide6.QtWidgets import QTextBrowser, QWidget

from resnet_desktop.gui.style import theme

_SETTLED_MS = 150
"""After so long without another change of its size, pictures are fitted to a page anew."""
_NARROWEST = 160


class ShippedPages(QTextBrowser):
    """Shows pages of a folder that ships with the app: the only text that is markup, for it is our own.

    Pictures are never wider than the page.

    Signals: ``web_asked`` (str): an address of the web was clicked; ``page_changed`` (str): another page is shown, by
    the name of its file in the folder.

    Args:
        folder: where the pages lie; nothing else is read.
        parent: the widget that it lies in.
    """

    web_asked = Signal(str)
    page_changed = Signal(str)

    def __init__(self, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = folder.resolve()
        self._page = ""
        self._fitted = 0  # pixels, the width that the pictures of this page were fitted to
        self._settled = QTimer(self, singleShot=True, interval=_SETTLED_MS)
        self._settled.timeout.connect(self._fit_again)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)  # the width is that of the text
        self.setOpenLinks(False)
        self.anchorClicked.connect(self._on_link)
        self.sourceChanged.connect(self._on_source)

    @property
    def page(self) -> str:
        """The page that is shown, such as ``guide/index.md``."""
        return self._page

    def open_page(self, name: str, section: str = "") -> None:
        """Show a page by the name of its file in the folder, from one of its headings on."""
        self._fitted = self._width
        address = QUrl.fromLocalFile(str(self._folder / name))
        self.setSource(address, QTextDocument.ResourceType.MarkdownResource)
        if section:
            self._show_section(section)

    def loadResource(self, kind: int, address: QUrl | str) -> object:
        """A page, or a picture at the width that there is; nothing from elsewhere."""
        path = Path(self.source().resolved(QUrl(address)).toLocalFile()).resolve()
        if not path.is_relative_to(self._folder) or not path.is_file():
            return None
        if kind != QTextDocument.ResourceType.ImageResource.value:
            return super().loadResource(kind, address)
        return self._fitting(QImageReader(str(path)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Pictures follow the width, once it stays."""
        super().resizeEvent(event)
        if self._width != self._fitted:
            self._settled.start()

    @property
    def _width(self) -> int:
        """Of the text, in pixels."""
        return max(_NARROWEST, self.viewport().width() - 2 * round(self.document().documentMargin()))

    def _fitting(self, reader: QImageReader) -> QImage:
        natural, ratio = reader.size(), self.devicePixelRatioF()
        shown = min(natural.width(), self._width)
        if round(shown * ratio) < natural.width():
            reader.setScaledSize(natural * (shown * ratio / natural.width()))  # what is a JPEG is decoded so
        picture = reader.read()
        if not picture.isNull():
            picture.setDevicePixelRatio(picture.width() / shown)
        return picture

    def _space_out(self) -> None:
        """Room between paragraphs, which Markdown has none of; commands that are too long for a line go on below it."""
        block = self.document().begin()
        while block.isValid():
            space, cursor = block.blockFormat(), QTextCursor(block)
            space.setTopMargin(theme.XL if space.headingLevel() and block.position() else theme.XS)
            space.setBottomMargin(0 if space.nonBreakableLines() else theme.S)
            space.setNonBreakableLines(False)
            cursor.setBlockFormat(space)
            block = block.next()

    def _fit_again(self) -> None:
        if self._width == self._fitted:
            return
        self._fitted, bar = self._width, self.verticalScrollBar()
        place = bar.value() / max(1, bar.maximum())
        self.document().clear()  # with the pictures that it keeps
        self.reload()
        bar.setValue(round(place * bar.maximum()))

    def _show_section(self, section: str) -> None:
        block = self.document().begin()
        while block.isValid():
            if block.blockFormat().headingLevel() and _slug(block.text()) == section:
                self.setTextCursor(QTextCursor(block))
                self.verticalScrollBar().setValue(self.verticalScrollBar().value() + self.cursorRect().top())
                return
            block = block.next()

    def _on_source(self, address: QUrl) -> None:
        """Also of pages that one goes back to; ``source`` is still the page before."""
        self._page = Path(address.toLocalFile()).relative_to(self._folder).as_posix()
        self._space_out()
        self.page_changed.emit(self._page)

    def _on_link(self, address: QUrl) -> None:
        if address.scheme() in ("http", "https"):
            self.web_asked.emit(address.toString())
            return
        wanted = self.source().resolved(address)
        path = Path(wanted.toLocalFile()).resolve()
        if path.suffix == ".md" and path.is_relative_to(self._folder) and path.is_file():
            self.open_page(path.relative_to(self._folder).as_posix(), wanted.fragment())


def _slug(heading: str) -> str:
    """What links to a heading call it."""
    return re.sub(r"[^\w-]", "", heading.strip().casefold().replace(" ", "-"))
