"""The first steps: three words on what is to be seen, once, when the first photo has its answer."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from resnet_desktop.core.settings import HINT_SEEN
from resnet_desktop.gui.background.preferences import Preferences
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.widgets.plain import PlainLabel

WIDTH = 300


class FirstSteps(QFrame):
    """A card in the upper corner of the photo, with a button that leads on and one that ends it.

    Args:
        place: what it lies over.
        preferences: remember that it was seen.
    """

    def __init__(self, place: QWidget, preferences: Preferences) -> None:
        super().__init__(place)
        self._place_, self._preferences = place, preferences
        self._at = 0
        self._over = bool(preferences.value(HINT_SEEN))
        self.words, self._count = PlainLabel(), PlainLabel()
        self.next, self.skip = QPushButton(), QPushButton(self.tr("Skip"))
        self._build()
        self.hide()
        place.installEventFilter(self)

    @property
    def texts(self) -> tuple[str, ...]:
        """What is said, step by step."""
        return (
            self.tr("On the right are the classes that the network sees in this photo. Click one to see why."),
            self.tr("The bright places are its evidence. H hides them, W splits the photo, the wheel zooms."),
            self.tr("F1 opens the guide, ? shows all keys. Ctrl+T teaches the network classes of your own."),
        )

    def begin(self) -> None:
        """Show the first step, if it was never seen."""
        if not self._over and self.isHidden():
            self._show(0)

    def lead_on(self) -> None:
        """The next step, or the end."""
        if self._at + 1 < len(self.texts):
            self._show(self._at + 1)
        else:
            self.end()

    def end(self) -> None:
        """It was seen, and does not come again."""
        self.leave()
        self._preferences.change(HINT_SEEN, True)

    def leave(self) -> None:
        """Not now."""
        self._over = True
        self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay in the corner."""
        if event.type() == QEvent.Type.Resize:
            self._put()
        return super().eventFilter(watched, event)

    def _show(self, at: int) -> None:
        self._at = at
        self.words.setText(self.texts[at])
        self._count.setText(self.tr("{step} of {steps}").format(step=at + 1, steps=len(self.texts)))
        self.next.setText(self.tr("Next") if at + 1 < len(self.texts) else self.tr("Done"))
        self.skip.setVisible(at + 1 < len(self.texts))
        self.setAccessibleName(self.words.text())
        self._put()
        self.show()
        self.raise_()

    def _put(self) -> None:
        width = min(WIDTH, self._place_.width() - 2 * theme.M)
        self.ensurePolished()
        self.setGeometry(theme.M, theme.M, width, max(self.heightForWidth(width), self.minimumSizeHint().height()))

    def _build(self) -> None:
        self.setProperty("card", "true")
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.words.setWordWrap(True)
        self._count.setProperty("tone", "secondary")
        self.next.clicked.connect(self.lead_on)
        self.skip.clicked.connect(self.end)
        row = QHBoxLayout()
        row.addWidget(self._count)
        row.addStretch(1)
        row.addWidget(self.skip)
        row.addWidget(self.next)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.M, theme.M, theme.M, theme.M)
        layout.setSpacing(theme.S)
        layout.addWidget(self.words)
        layout.addLayout(row)
