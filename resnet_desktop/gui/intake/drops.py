"""What a drop or the clipboard holds: files and folders, or a picture itself; and what comes of each."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QMimeData, QUrl
from PySide6.QtGui import QGuiApplication, QImage

from resnet_desktop.batch_inference.manifest import is_results
from resnet_desktop.gui.gallery.photo_classes import MIME
from resnet_desktop.gui.style import wording
from resnet_desktop.session.saved import SUFFIX

# A browser offers a picture it shows as one of these, beside its address.
_IMAGE_TYPES = ("image/png", "image/jpeg", "image/webp", "image/avif", "image/gif", "image/bmp", "image/tiff")
_FIREFOX_NAME = "application/x-moz-file-promise-dest-filename"
"""The name under which Firefox would save a picture, in UTF-16."""
_LONGEST_TEXT = 100_000
_MOST_LOOKED_AT = 50
"""So many files of a drag are looked at to say what it will do."""

PHOTOS, FOLDER, ZIP, MODEL, WEIGHTS, TABLE = "photos", "folder", "zip", "model", "weights", "table"
SESSION, RESULTS = "session", "results"
_SUFFIXES = {
    **dict.fromkeys((".zip",), ZIP),
    **dict.fromkeys((".onnx",), MODEL),
    **dict.fromkeys((".pth", ".pt", ".pt2", ".safetensors", ".ckpt"), WEIGHTS),
    **dict.fromkeys((".csv", ".tsv"), TABLE),
    SUFFIX: SESSION,
}


@dataclass(frozen=True, slots=True)
class Dropped:
    """What there is of it; at most one.

    ``paths``: files and folders. ``data``: the bytes of an image file, and the ``name`` it has on the web, where that
    is known. ``image``: one that some program has drawn. ``online``: there is only a web address. ``missing``: the text
    names files that do not exist.
    """

    paths: tuple[Path, ...] = ()
    data: bytes | None = None
    image: QImage | None = None
    online: bool = False
    name: str = ""
    missing: bool = False


def accepts(mime: QMimeData) -> bool:
    """Whether ``read`` would find something, or has something to say."""
    if mime.hasFormat(MIME):  # out of our own list
        return False
    if mime.hasUrls() or mime.hasImage() or any(mime.hasFormat(kind) for kind in _IMAGE_TYPES):
        return True
    return mime.hasText() and bool(_paths_in(mime.text()))


def clipboard_content() -> QMimeData:
    """What is on the clipboard; nothing where the system has none to give."""
    content: QMimeData | None = QGuiApplication.clipboard().mimeData()  # None, whatever Qt's types say
    return QMimeData() if content is None else content


def read(mime: QMimeData) -> Dropped:
    """What there is to classify. The app is offline: the address of a picture is not followed."""
    urls = mime.urls()
    paths = tuple(Path(url.toLocalFile()) for url in urls if url.isLocalFile())
    if paths:
        return Dropped(paths)
    for kind in _IMAGE_TYPES:
        if mime.hasFormat(kind):
            data = bytes(mime.data(kind).data())
            if data:
                return Dropped(data=data, name=_name(mime, urls))
    image = mime.imageData() if mime.hasImage() else None
    if isinstance(image, QImage) and not image.isNull():
        return Dropped(image=image, name=_name(mime, urls))
    if urls:
        return Dropped(online=True)
    named = _paths_in(mime.text()) if mime.hasText() else ()
    there = tuple(path for path in named if os.path.exists(path))  # noqa: PTH110 - as below
    return Dropped(there, missing=bool(named) and not there)


def kind_of(path: Path) -> str:
    """What is done with a file or folder: PHOTOS, FOLDER, ZIP, MODEL, WEIGHTS, TABLE, SESSION or RESULTS."""
    if is_results(path):
        return RESULTS
    if os.path.isdir(path):  # noqa: PTH112 - that of Path raises where a folder above may not be entered
        return FOLDER
    return _SUFFIXES.get(path.suffix.lower(), PHOTOS)


def promise(mime: QMimeData) -> str:
    """What a drop would do, in a line."""
    dropped = read(mime)
    if dropped.online:
        return _tr("Only an address: save the picture first")
    if not dropped.paths:
        return _tr("Drop to classify this picture")
    kinds = Counter(kind_of(path) for path in dropped.paths[:_MOST_LOOKED_AT])
    kind = kinds.most_common(1)[0][0] if len(kinds) == 1 else PHOTOS
    if len(dropped.paths) > 1:
        return _tr("Drop to open these {count}").format(count=wording.number(len(dropped.paths)))
    words = {
        FOLDER: _tr("Drop to classify the photos in this folder"),
        ZIP: _tr("Drop to classify the photos in this zip file"),
        MODEL: _tr("Drop to use this model"),
        WEIGHTS: _tr("Drop to install these weights as a model"),
        TABLE: _tr("Drop to take labels from this table"),
        SESSION: _tr("Drop to open this session"),
        RESULTS: _tr("Drop to open these results"),
    }
    return words.get(kind, _tr("Drop to classify this photo"))


def _paths_in(text: str) -> tuple[Path, ...]:
    """The files that a text names, one a line, however they are quoted; empty where a line is no path."""
    lines = [line.strip() for line in text[:_LONGEST_TEXT].splitlines()]
    found = [_path(line.strip("\"'")) for line in lines if line]
    return tuple(path for path in found if path is not None) if None not in found else ()


def _path(line: str) -> Path | None:
    if line.startswith("file:"):
        url = QUrl(line)
        return Path(url.toLocalFile()) if url.isLocalFile() else None
    path = Path.home() / line[2:] if line.startswith("~/") else Path(line)
    return path if path.is_absolute() and not line.startswith("//") else None


def _name(mime: QMimeData, urls: Sequence[QUrl]) -> str:
    """What a picture is called where it comes from; empty where nobody says."""
    promised = bytes(mime.data(_FIREFOX_NAME).data()).decode("utf-16-le", "replace")
    names: Iterable[str] = (promised, *(url.fileName(QUrl.ComponentFormattingOption.FullyDecoded) for url in urls))
    cleaned = (" ".join(re.sub(r"[\x00-\x1f\x7f/\\]", " ", name).split())[:200] for name in names)
    return next((name for name in cleaned if name), "")


def _tr(text: str) -> str:
    return QCoreApplication.translate("drops", text)
