"""Finding photos: words, kinds with their counts, and how confident the answer is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QPushButton, QSpinBox, QToolButton, QVBoxLayout, QWidget

from resnet_desktop.gui.gallery import photo_filter
from resnet_desktop.gui.gallery.facet_list import Facet, FacetList
from resnet_desktop.gui.gallery.photo_filter import LABELLED, STATES, PhotoFilter
from resnet_desktop.gui.gallery.shown_photos import ShownPhotos
from resnet_desktop.gui.style import icons, theme, wording
from resnet_desktop.gui.widgets.elided_label import ElidedLabel
from resnet_desktop.gui.widgets.plain import plain_tip


class FindField(QLineEdit):
    """Signals: ``left``: Esc in an empty field; ``down``: on to the photos."""

    left = Signal()
    down = Signal()

    def event(self, event: QEvent) -> bool:
        """Esc is for the field while it has the keyboard."""
        key = event.key() if isinstance(event, QKeyEvent) else None
        if event.type() == QEvent.Type.ShortcutOverride and key == Qt.Key.Key_Escape:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc empties it, then leaves; Enter and Down go to the photos."""
        if event.key() == Qt.Key.Key_Escape:
            if self.text():
                self.clear()
            else:
                self.left.emit()
        elif event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.down.emit()
        else:
            super().keyPressEvent(event)


class FindBar(QWidget):
    """A line to type in, and below it, when it is asked for, what can be chosen.

    Signal: ``list_wanted``: the keyboard goes on to the photos.
    """

    list_wanted = Signal()

    def __init__(self, shown: ShownPhotos, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown = shown
        self.field, self.more, self.facets = FindField(), QToolButton(), FacetList()
        self.low, self.high, self.all_button = QSpinBox(), QSpinBox(), QPushButton(self.tr("Show all"))
        self._panel = QFrame()
        self._titles = {
            photo_filter.UNSURE: self.tr("Unsure"),
            photo_filter.UNFAMILIAR: self.tr("Unfamiliar"),
            photo_filter.FAILED: self.tr("Errors"),
            photo_filter.LABELLED: self.tr("Labelled"),
            photo_filter.UNLABELLED: self.tr("Not labelled"),
        }
        self._build()
        self.refresh()
        self._panel.hide()
        self.field.textChanged.connect(lambda words: self._change(words=words))
        self.field.left.connect(self.list_wanted)
        self.field.down.connect(self.list_wanted)
        self.more.toggled.connect(self._on_more)
        self.facets.toggled.connect(self._on_facet)
        self.low.valueChanged.connect(self._on_low)
        self.high.valueChanged.connect(self._on_high)
        self.all_button.clicked.connect(self.clear)
        shown.filter_changed.connect(self._on_filter_changed)
        shown.sieved.connect(self._show_counts)

    def start(self) -> None:
        """The keyboard comes to the line."""
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()

    def clear(self) -> None:
        """All photos are seen."""
        self._shown.set_filter(PhotoFilter())

    def refresh(self) -> None:
        """Follow the app's colours."""
        self.more.setIcon(icons.icon("filter"))
        self.facets.viewport().update()

    def _change(self, **conditions: object) -> None:
        self._shown.set_filter(replace(self._shown.filter, **conditions))  # type: ignore[arg-type]

    def _on_filter_changed(self, wanted: PhotoFilter) -> None:
        """However it came to be."""
        for widget in (self.field, self.low, self.high):
            widget.blockSignals(True)
        if self.field.text() != wanted.words:
            self.field.setText(wanted.words)
        self.low.setValue(round(100 * wanted.low))
        self.high.setValue(round(100 * wanted.high))
        for widget in (self.field, self.low, self.high):
            widget.blockSignals(False)
        if wanted.active and replace(wanted, words="").active:
            self.more.setChecked(True)
        self.all_button.setVisible(wanted.active)

    def _on_more(self, shown: bool) -> None:
        self._panel.setVisible(shown)
        self._show_counts()

    def _on_facet(self, facet: Facet) -> None:
        chosen = self._shown.filter.classes if facet.is_class else self._shown.filter.states
        after = chosen ^ {facet.key}
        self._change(**{"classes" if facet.is_class else "states": after})

    def _on_low(self, low: int) -> None:
        self._change(low=low / 100, high=max(low / 100, self._shown.filter.high))

    def _on_high(self, high: int) -> None:
        self._change(high=high / 100, low=min(high / 100, self._shown.filter.low))

    def _show_counts(self) -> None:
        """How many there are of each kind, as long as that is seen."""
        if not self.more.isChecked():
            return
        found, wanted = self._shown.count(), self._shown.filter
        some_labelled = bool(found.states[LABELLED]) or bool(wanted.states & {LABELLED, photo_filter.UNLABELLED})
        states = [
            Facet(state, self._titles[state], found.states[state], state in wanted.states, is_class=False)
            for state in STATES
            if state in wanted.states or (found.states[state] and (state != photo_filter.UNLABELLED or some_labelled))
        ]
        counts = dict.fromkeys(wanted.classes, 0) | dict(found.by_class)
        classes: Sequence[Facet] = [
            Facet(name, name, count, name in wanted.classes, is_class=True, first=bool(states) and place == 0)
            for place, (name, count) in enumerate(sorted(counts.items(), key=lambda pair: -pair[1]))
        ]
        self.facets.show_facets([*states, *classes])
        self.facets.setVisible(bool(states or classes))

    def _build(self) -> None:
        self.field.setPlaceholderText(self.tr("Find photos"))
        self.field.setClearButtonEnabled(True)
        self.field.setAccessibleName(self.tr("Find photos"))
        self.field.setToolTip(plain_tip(self.tr("Words in the name, the folder, the class or the label (Ctrl+F)")))
        self.field.setMinimumWidth(60)
        self.more.setCheckable(True)
        self.more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.more.setAccessibleName(self.tr("Filter"))
        self.more.setToolTip(plain_tip(self.tr("Filter by class, confidence and more")))
        for box, name in ((self.low, self.tr("Least confidence")), (self.high, self.tr("Greatest confidence"))):
            box.setRange(0, 100)
            box.setSuffix(wording.PERCENT)
            box.setAccessibleName(name)
            box.setFixedWidth(62)
        self.high.setValue(100)
        self.all_button.hide()
        line = QHBoxLayout()
        line.setContentsMargins(theme.S, 0, theme.XS, theme.XS)
        line.setSpacing(theme.XS)
        line.addWidget(self.field, 1)
        line.addWidget(self.more)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(line)
        layout.addWidget(self._panel)
        self._fill_panel()

    def _fill_panel(self) -> None:
        confidence = ElidedLabel(self.tr("Confidence"))
        confidence.setProperty("tone", "secondary")
        row = QHBoxLayout()
        row.setContentsMargins(theme.M, theme.XS, theme.S, 0)
        row.setSpacing(theme.XS)
        row.addWidget(confidence, 1)
        row.addWidget(self.low)
        row.addWidget(self.high)
        foot = QHBoxLayout()
        foot.setContentsMargins(theme.S, 0, theme.S, theme.S)
        foot.addStretch(1)
        foot.addWidget(self.all_button)
        inside = QVBoxLayout(self._panel)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(theme.XS)
        inside.addWidget(self.facets)
        inside.addLayout(row)
        inside.addLayout(foot)
