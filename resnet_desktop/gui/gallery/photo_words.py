"""What is known of a photo of the list, in words."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from resnet_desktop.gui.gallery.gallery_model import Item
from resnet_desktop.gui.style import wording
from resnet_desktop.imaging.region import Region
from resnet_desktop.session.results import Failure, Result, file_of


def words(item: Item) -> str:
    """In one line: what came of it, and its label or the one that is suggested."""
    tr, said = QCoreApplication.translate, _answer(item)
    if item.label is not None:
        return tr("photo_words", "{words}. Labelled {label}").format(words=said, label=item.label.name)
    if item.suggestion is not None:
        name, share = item.suggestion.label.name, wording.percent(item.suggestion.probability)
        text = tr("photo_words", "{words}. Suggested label: {label}, {share}")
        return text.format(words=said, label=name, share=share)
    return said


def tip(item: Item) -> str:
    """Where it lies, and in a line below it what is known of it. Plain text."""
    file = file_of(item.source)
    place = item.name if file is None else str(file)
    if isinstance(item.source, Region) and file is not None:
        place = f"{place}\n{item.name}"
    return f"{place}\n{words(item)}"


def _answer(item: Item) -> str:
    if isinstance(item.outcome, Result):
        return f"{wording.answer(item.outcome)}, {wording.percent(item.outcome.headline.probability)}"
    if isinstance(item.outcome, Failure):
        return item.outcome.message
    tr = QCoreApplication.translate
    return tr("photo_words", "Waiting…") if item.queued else tr("photo_words", "Not classified")
