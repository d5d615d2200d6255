"""What the pages of the guide have in common."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from resnet_desktop.gui.style import theme
from resnet_desktop.gui.widgets.plain import PlainLabel
from resnet_desktop.gui.wizard.draft import Draft


class WizardPage(QWidget):
    """One step: a title, a sentence that says what it is for, and ``body`` to fill; it scrolls where there is no room.

    Signals: ``complete_changed``: whether the next step can be taken may have changed.
    """

    complete_changed = Signal()

    def __init__(self, title: str, explanation: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title, self._explanation = PlainLabel(title), secondary(explanation)
        self.body = QVBoxLayout()
        self.body.setSpacing(theme.M)
        inside = _Inside()
        outside = QVBoxLayout(self)
        outside.setContentsMargins(0, 0, 0, 0)
        outside.addWidget(_area(inside))
        layout = QVBoxLayout(inside)
        layout.setContentsMargins(theme.XL, theme.XL, theme.XL, theme.M)
        layout.setSpacing(theme.XS)
        layout.addWidget(self._title)
        layout.addWidget(self._explanation)
        layout.addSpacing(theme.M)
        layout.addLayout(self.body, 1)
        self.refresh_fonts()

    @property
    def complete(self) -> bool:
        """Whether the next step can be taken."""
        return True

    @property
    def next_text(self) -> str:
        """What the button to the next step says; empty for the usual word."""
        return ""

    def show_draft(self, draft: Draft) -> None:
        """What is chosen so far, as the page is shown."""

    def into(self, draft: Draft) -> Draft:
        """The draft with what is chosen on the page."""
        return draft

    def entered(self) -> None:
        """The page is shown."""

    def left(self) -> None:
        """The window closes: give up what is under way."""

    def refresh_fonts(self) -> None:
        """Follow the app's font."""
        self._title.setFont(theme.font(1.5, strong=True))

    def explain(self, text: str, title: str | None = None) -> None:
        """Change the sentence below the title, and the title."""
        self._explanation.setText(text)
        if title is not None:
            self._title.setText(title)


def secondary(text: str = "") -> QLabel:
    """Quiet words that wrap."""
    label = PlainLabel(text)
    label.setProperty("tone", "secondary")
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def heading(text: str) -> QLabel:
    """A line that names a part of a page."""
    label = PlainLabel(text)
    label.setFont(theme.font(1.05, strong=True))
    return label


def card() -> tuple[QFrame, QVBoxLayout]:
    """A panel with room inside."""
    frame = QFrame()
    frame.setProperty("card", "true")
    layout = QVBoxLayout(frame)
    layout.setContentsMargins(theme.L, theme.M, theme.L, theme.M)
    layout.setSpacing(theme.S)
    return frame, layout


def scrolling(widget: QWidget) -> QScrollArea:
    """A widget that may be higher than its place."""
    widget.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
    area = _area(widget)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area


def _area(widget: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidget(widget)
    area.setBackgroundRole(area.palette().ColorRole.Window)
    return area


class _Inside(QWidget):
    """What lies in a page's scroll area: it is squeezed to its least height before it scrolls."""

    def heightForWidth(self, width: int) -> int:
        layout = self.layout()
        return -1 if layout is None else layout.totalMinimumHeightForWidth(width)
