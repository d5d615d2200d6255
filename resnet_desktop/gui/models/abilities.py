"""What a model knows and how good it is, in a line, and the list of its classes."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QCoreApplication, QSortFilterProxyModel, QStringListModel, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QLineEdit, QListView, QVBoxLayout, QWidget

from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.style.screen import size_within_screen
from resnet_desktop.gui.widgets.plain import PlainLabel
from resnet_desktop.session.results import Accuracy, ModelInfo

MOST_TOPICS = 4
MOST_NAMES = 4


def what_it_knows(info: ModelInfo) -> str:
    """``1,000 things: animals, vehicles, food, clothing …``; where topics are not known, the first few labels."""
    tr = QCoreApplication.translate
    count = wording.number(info.classes)
    if not info.has_labels:
        return tr("abilities", "{count} classes without names").format(count=count)
    names = [name for name, _ in info.topics[:MOST_TOPICS]]
    more = len(names) < len(info.topics) or bool(names)
    if not names:
        names = list(info.categories[:MOST_NAMES])
        more = len(names) < len(info.categories)
    things = tr("abilities", "{count} classes: {names}") if count != "1" else tr("abilities", "one class: {names}")
    return things.format(count=count, names=", ".join(names) + (" …" if more else ""))


def how_good(accuracy: Accuracy | None) -> str:
    """How often it is right, and on what; empty where nobody says."""
    tr = QCoreApplication.translate
    if accuracy is None:
        return ""
    share = wording.percent(accuracy.share)
    if accuracy.images is None:
        text = tr("abilities", "{share} accuracy on {photos}, according to its publisher")
        return text.format(share=share, photos=accuracy.photos or tr("abilities", "its own photos"))
    kinds = {
        "validation": tr("abilities", "validation photos"),
        "test": tr("abilities", "test photos"),
        "cross-validation": tr("abilities", "photos in cross-validation"),
    }
    photos = kinds.get(accuracy.photos, tr("abilities", "photos"))
    text = tr("abilities", "{share} of {images} {photos} classified correctly")
    return text.format(share=share, images=wording.number(accuracy.images), photos=photos)


class Knowing(Protocol):
    """A model, as far as its classes go: a ModelInfo, or ModelFacts."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def categories(self) -> tuple[str, ...]:
        """Its classes."""

    @property
    def topics(self) -> tuple[tuple[str, int], ...]:
        """What they are kinds of, and how many each has."""

    @property
    def accuracy(self) -> Accuracy | None:
        """How often it is right."""


class AbilitiesDialog(QDialog):
    """Every class that a model knows, with a field to search in. Not modal."""

    def __init__(self, info: Knowing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("What {name} knows").format(name=info.name))
        size_within_screen(self, (420, 560), (320, 300))
        self.search, self.classes = QLineEdit(), QListView()
        self._found, self._summary = PlainLabel(), PlainLabel()
        self._names = QStringListModel(sorted(info.categories, key=str.casefold), self)
        self._filter = QSortFilterProxyModel(self)
        self._filter.setSourceModel(self._names)
        self._filter.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._build(info)
        self._on_search("")

    @property
    def shown(self) -> list[str]:
        """The classes that the search leaves."""
        rows = range(self._filter.rowCount())
        return [str(self._filter.index(row, 0).data()) for row in rows]

    def _build(self, info: Knowing) -> None:
        for label in (self._summary, self._found):
            label.setWordWrap(True)
            label.setProperty("tone", "secondary")
        counted = ", ".join(f"{name} ({wording.number(count)})" for name, count in info.topics)
        lines = [how_good(info.accuracy), counted]
        self._summary.setText("\n".join(line for line in lines if line))
        self._summary.setHidden(not self._summary.text())
        self.search.setPlaceholderText(self.tr("Search classes"))
        self.search.setAccessibleName(self.tr("Search classes"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._on_search)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self, self.search.setFocus)
        self.classes.setModel(self._filter)
        self.classes.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.classes.setUniformItemSizes(True)
        self.classes.setAccessibleName(self.tr("Classes"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.L, theme.L, theme.L, theme.L)
        layout.setSpacing(theme.S)
        layout.addWidget(self._summary)
        layout.addWidget(self.search)
        layout.addWidget(self.classes, 1)
        layout.addWidget(self._found)
        self.search.setFocus()

    def _on_search(self, text: str) -> None:
        self._filter.setFilterFixedString(text.strip())
        found, total = self._filter.rowCount(), self._names.rowCount()
        if not found:
            self._found.setText(self.tr("No matching classes."))
        elif found == total:
            self._found.setText(self.tr("{count} classes").format(count=wording.number(total)))
        else:
            words = self.tr("{found} of {count} classes")
            self._found.setText(words.format(found=wording.number(found), count=wording.number(total)))
