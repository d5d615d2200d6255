"""*About this photo*: what its file says of it, read off the GUI thread."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QLocale
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from resnet_desktop.core.errors import ImageError
from resnet_desktop.core.text.printable import printable
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.gallery.gallery_model import Item
from resnet_desktop.gui.gallery.gallery_view import GalleryView
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.style.screen import size_within_screen
from resnet_desktop.gui.style.show_file import show_in_folder
from resnet_desktop.gui.widgets.fact_sheet import FactSheet, Lines
from resnet_desktop.imaging.region import Region
from resnet_desktop.session.results import Source, file_of

if TYPE_CHECKING:
    from resnet_desktop.imaging.about import PictureFacts

_THOUSANDS = QLocale.DataSizeFormat.DataSizeSIFormat


class AboutPhoto(QDialog):
    """Follows the photo that is looked at while it is open.

    Args:
        view: the list, whose current photo it is.
        tasks: reads the file.
        parent: the window.
    """

    def __init__(self, view: GalleryView, tasks: Tasks, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("About this photo"))
        size_within_screen(self, (460, 480), (320, 240))
        self._tasks = tasks
        self._item: Item | None = None
        self.facts = FactSheet(self.tr("About this photo"))
        kinds = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(kinds.Close)
        self._folder = buttons.addButton(self.tr("Show in folder"), QDialogButtonBox.ButtonRole.ActionRole)
        self._folder.clicked.connect(self._on_folder)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.L, theme.S, theme.L, theme.L)
        layout.addWidget(self.facts, 1)
        layout.addWidget(buttons)
        view.current_changed.connect(self._on_current_changed)
        self._view = view

    def showEvent(self, event: QShowEvent) -> None:
        """The photo that is looked at now."""
        self.show_photo(self._view.current)
        super().showEvent(event)

    def show_photo(self, item: Item | None) -> None:
        """Read what the file of a photo says."""
        self._item = item
        self._folder.setEnabled(item is not None and file_of(item.source) is not None)
        if item is None:
            self.facts.show_facts([(self.tr("No photo is selected."), [("", " ")])])
            return
        source = item.source
        self._tasks.run_task(lambda: _about(source), lambda future: self._on_read(item, future))

    def _on_current_changed(self, item: Item | None) -> None:
        if self.isVisible():
            self.show_photo(item)

    def _on_read(self, item: Item, future: Future[PictureFacts]) -> None:
        if item is not self._item:  # another one is looked at by now
            return
        try:
            found = future.result()
        except ImageError as error:
            self.facts.show_facts([(item.name, [(self.tr("Problem"), str(error))])])
            return
        self.facts.show_facts([(item.name, self._file(item, found)), (self.tr("Taken"), self._taken(found))])

    def _file(self, item: Item, found: PictureFacts) -> Lines:
        width, height = found.size
        pixels = self.tr("{width} × {height} pixels ({megapixels} megapixels)").format(
            width=width, height=height, megapixels=QLocale().toString(width * height / 1e6, "f", 1)
        )
        bits = "" if found.bits is None else self.tr("{bits} bits a channel").format(bits=found.bits)
        changed = "" if found.changed is None else found.changed.isoformat(" ", "seconds")
        file = file_of(item.source)
        return [
            (self.tr("Format"), found.format),
            (self.tr("Size"), pixels),
            (self.tr("Colours"), ", ".join(filter(None, (found.colours, bits)))),
            (self.tr("Colour profile"), found.profile),
            (self.tr("File size"), QLocale().formattedDataSize(found.bytes, 1, _THOUSANDS)),
            (self.tr("Changed"), changed),
            (self.tr("Folder"), "" if file is None else printable(file.parent)),
            (self.tr("Part"), _part(item.source, found.size)),
        ]

    def _taken(self, found: PictureFacts) -> Lines:
        place = "" if found.place is None else "{:.5f}, {:.5f}".format(*found.place)
        return [
            (self.tr("Date"), found.taken),
            (self.tr("Camera"), found.camera),
            (self.tr("Lens"), found.lens),
            (self.tr("Exposure"), found.exposure),
            (self.tr("Place (GPS)"), place),
            (self.tr("Title"), found.title),
            (self.tr("Author"), found.author),
            (self.tr("Software"), found.software),
        ]

    def _on_folder(self) -> None:
        file = None if self._item is None else file_of(self._item.source)
        if file is not None:
            show_in_folder(file)


def _part(source: Source, size: tuple[int, int]) -> str:
    """Which part of the photo is looked at; nothing where it is the whole."""
    if not isinstance(source, Region):
        return ""
    left, top, width, height = (round(x * side) for x, side in zip(source.bbox, (*size, *size), strict=True))
    text = "{width} × {height} pixels, {left} from the left, {top} from the top"
    words = QCoreApplication.translate("AboutPhoto", text)
    return words.format(width=width, height=height, left=left, top=top)


def _about(source: Source) -> PictureFacts:
    from resnet_desktop.imaging.about import about  # the window is up before this is loaded

    return about(source)
