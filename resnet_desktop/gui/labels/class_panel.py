"""The panel below the list: classes, a line for a new one, and the way to training."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from resnet_desktop.gui.gallery.photo_classes import PhotoClass
from resnet_desktop.gui.labels.class_list import ClassList
from resnet_desktop.gui.style import icons, theme
from resnet_desktop.gui.widgets.menus import Entry, Line, copy_text, open_menu
from resnet_desktop.gui.widgets.plain import PlainLabel, plain_tip


class ClassPanel(QFrame):
    """Signals.

    * ``class_wanted`` (name): was typed.
    * ``removed``, ``photos_wanted`` (PhotoClass): take it away; select its photos.
    * ``teach_asked``; ``closed``.
    """

    class_wanted = Signal(str)
    removed = Signal(object)
    photos_wanted = Signal(object)
    teach_asked = Signal()
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("panel", "true")
        self.list = ClassList()
        self.new = QLineEdit()
        self.suggest, self._judged = QCheckBox(self.tr("Suggest labels")), PlainLabel()
        self.teach = QPushButton(self.tr("Teach it these classes…"))
        self._words, self._title, self._close = PlainLabel(), PlainLabel(self.tr("Classes")), QToolButton()
        self._build()
        self.refresh()

    def say(self, text: str) -> None:
        """What to do next."""
        self._words.setText(text)
        self._make_room()

    def tell_judged(self, right: int, photos: int) -> None:
        """How good the suggestions are; no photos: nothing is known of it."""
        text = self.tr("{right} of {photos} right").format(right=right, photos=photos) if photos else ""
        self._judged.setText(text)

    @property
    def judged(self) -> str:
        """What is said of the suggestions."""
        return self._judged.text()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Words wrap anew."""
        super().resizeEvent(event)
        self._make_room()

    @property
    def words(self) -> str:
        """What is said."""
        return self._words.text()

    def refresh(self) -> None:
        """Follow the app's font and colours."""
        self._title.setFont(theme.font(strong=True))
        self._words.setFont(theme.font(0.9))
        self._judged.setFont(theme.font(0.9))
        self._close.setIcon(icons.icon("close"))
        self.list.viewport().update()

    def _make_room(self) -> None:
        """A splitter asks nobody how high wrapped words are."""
        self._words.setMinimumHeight(self._words.heightForWidth(self.width() - 2 * theme.M))

    def _build(self) -> None:
        self.new.setPlaceholderText(self.tr("New class…"))
        self.new.setAccessibleName(self.tr("Name of a new class"))
        self.new.returnPressed.connect(self._on_typed)
        self._close.setToolTip(self.tr("Close. The labels are kept."))
        self._close.setAccessibleName(self.tr("Close the classes"))
        self._close.setAutoRaise(True)
        self._close.clicked.connect(self.closed)
        self._words.setWordWrap(True)
        self._words.setProperty("tone", "secondary")
        self.teach.clicked.connect(self.teach_asked)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._on_menu)
        tip = self.tr("Learns from your labels as you go, and suggests one for each other photo. Enter accepts it.")
        self.suggest.setToolTip(plain_tip(tip))
        self._judged.setProperty("tone", "secondary")
        self._judged.setToolTip(plain_tip(self.tr("Labelled photos, each named by what was learnt from the others")))
        line = QHBoxLayout()
        line.addWidget(self.suggest, 1)
        line.addWidget(self._judged)
        head = QHBoxLayout()
        head.setContentsMargins(theme.M, theme.XS, theme.XS, 0)
        head.addWidget(self._title, 1)
        head.addWidget(self._close)
        foot = QVBoxLayout()
        foot.setContentsMargins(theme.M, theme.XS, theme.M, theme.M)
        foot.setSpacing(theme.S)
        foot.addWidget(self.new)
        foot.addLayout(line)
        foot.addWidget(self._words)
        foot.addWidget(self.teach)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.XS)
        layout.addLayout(head)
        layout.addWidget(self.list, 1)
        layout.addLayout(foot)

    def _on_typed(self) -> None:
        if self.new.text().strip():
            self.class_wanted.emit(self.new.text())
            self.new.clear()

    def _on_menu(self, where: QPoint) -> None:
        index = self.list.indexAt(where)
        if not index.isValid():
            return
        self.list.setCurrentIndex(index)
        one = self.list.current
        if not isinstance(one, PhotoClass):
            return
        lines: list[Line] = [
            Entry(self.tr("Label the selected photos"), lambda: self.list.chosen.emit(one)),
            Entry(self.tr("Select its photos"), lambda: self.photos_wanted.emit(one)),
            None,
            Entry(self.tr("Rename"), lambda: self.list.edit(self.list.currentIndex()), key="F2"),
            Entry(self.tr("Copy its name"), lambda: copy_text(one.name)),
            None,
            Entry(self.tr("Remove class"), lambda: self.removed.emit(one)),
        ]
        open_menu(self, lines, self.list.viewport().mapToGlobal(where))
