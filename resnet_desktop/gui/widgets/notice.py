"""A calm line above the lower edge of the window: what happened, without a dialog in the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEasingCurve, QEvent, QObject, QPropertyAnimation, QRect, Qt, QTimer
from PySide6.QtWidgets import QFrame, QGraphicsOpacityEffect, QHBoxLayout, QPushButton, QToolButton, QWidget

from resnet_desktop.gui.style import icons, theme
from resnet_desktop.gui.style.show_file import open_file, show_in_folder
from resnet_desktop.gui.widgets.plain import PlainLabel

Offer = tuple[str, Callable[[], None]]
"""The words of a button, and what it does."""
PROBLEM, WORKING, DONE = "problem", "working", "done"
SECONDS_SHOWN = 8
FADE_MS = 400
LEAST_WIDTH, MOST_WIDTH = 440, 680


class NoticeBar(QFrame):
    """Shows one message over the contents, which keep their room.

    A problem stays until it is dismissed, replaced, or the user does something else; what was done fades by itself.

    Args:
        contents: what it lies over.
        middle: where in ``contents`` it stands, from left to right; what is there to be read lies beside it.
    """

    def __init__(self, contents: QWidget, middle: Callable[[], QRect]) -> None:
        super().__init__(contents)
        self._contents, self._middle = contents, middle
        self._mark, self._words = PlainLabel(), PlainLabel()
        self._words.setWordWrap(True)
        self._words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.buttons = (QPushButton(), QPushButton())
        self._offers: tuple[Offer, ...] = ()
        self._kind = PROBLEM
        self._close = QToolButton()
        self._close.setAccessibleName(self.tr("Dismiss"))
        self._close.setToolTip(self.tr("Dismiss"))
        self._close.clicked.connect(self.dismiss)
        for place, button in enumerate(self.buttons):
            button.clicked.connect(lambda _checked=False, place=place: self._on_button(place))
        self._effect = QGraphicsOpacityEffect(self)
        self._fading = self._make_fading()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_time)
        self._build()
        self.hide()
        contents.installEventFilter(self)

    @property
    def text(self) -> str:
        """What is said now; empty while hidden."""
        return "" if self.isHidden() else self._words.text()

    @property
    def kind(self) -> str:
        """PROBLEM, WORKING or DONE."""
        return self._kind

    @property
    def button(self) -> QPushButton:
        """The first thing that can be done about it."""
        return self.buttons[0]

    def say(self, text: str, *offers: Offer) -> None:
        """Something that the user has to know, and what can be done about it."""
        self._show(PROBLEM, text, offers)

    def tell(self, text: str, *offers: Offer) -> None:
        """Something went well."""
        self._show(DONE, text, offers)

    def tell_saved(self, text: str, path: Path) -> None:
        """A file was written."""
        self.tell(
            text,
            (self.tr("Open"), lambda: open_file(path)),
            (self.tr("Show in folder"), lambda: show_in_folder(path)),
        )

    def follow(self, text: str) -> None:
        """How far something is; it stays until the next word of it."""
        self._show(WORKING, text, ())

    def dismiss(self) -> None:
        """Say nothing any more."""
        self._timer.stop()
        self._fading.stop()
        self.hide()

    def next_action(self) -> None:
        """The user does something else: what was said before is of no use any more, unless it waits for an answer."""
        if self._kind == DONE or (self._kind == PROBLEM and not self._offers):
            self.dismiss()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay where it is when the window changes its size."""
        if event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the palette."""
        if event.type() == QEvent.Type.PaletteChange:
            self._refresh()
        super().changeEvent(event)

    def _show(self, kind: str, text: str, offers: tuple[Offer, ...]) -> None:
        self.dismiss()
        self._kind, self._offers = kind, offers
        self._words.setText(text)
        self.setAccessibleName(text)
        for button, offer in zip(self.buttons, (*offers, None, None), strict=False):
            button.setVisible(offer is not None)
            button.setText("" if offer is None else offer[0])
        self.setProperty("notice", "true" if kind == PROBLEM else "calm")
        self.style().unpolish(self)
        self.style().polish(self)
        self._refresh()
        self._effect.setEnabled(False)
        self._place()
        self.show()
        self.raise_()
        if kind == DONE:
            self._timer.start(SECONDS_SHOWN * 1000)

    def _place(self) -> None:
        """In the middle or left of it, above the lower edge, as high as its words need."""
        room = self._contents.rect()
        middle = self._middle()
        width = min(max(middle.width() - 2 * theme.M, LEAST_WIDTH), MOST_WIDTH, room.width() - 2 * theme.M)
        self.ensurePolished()
        height = max(self.heightForWidth(width), self.minimumSizeHint().height())
        centred = middle.center().x() - width // 2
        left = max(theme.M, min(centred, middle.right() - theme.M - width))  # rather over the list than over answers
        self.setGeometry(left, room.height() - height - theme.M, width, height)

    def _on_button(self, place: int) -> None:
        does = self._offers[place][1]
        self.dismiss()
        does()

    def _on_time(self) -> None:
        focus = self.window().focusWidget()
        read = self.underMouse() or (focus is not None and self.isAncestorOf(focus))
        if read or not self.window().isActiveWindow():
            self._timer.start(SECONDS_SHOWN * 1000)
            return
        self._effect.setEnabled(True)
        self._fading.start()

    def _make_fading(self) -> QPropertyAnimation:
        self._effect.setEnabled(False)
        self.setGraphicsEffect(self._effect)
        fading = QPropertyAnimation(self._effect, b"opacity", self)
        fading.setDuration(FADE_MS)
        fading.setStartValue(1.0)
        fading.setEndValue(0.0)
        fading.setEasingCurve(QEasingCurve.Type.InQuad)
        fading.finished.connect(self.dismiss)
        return fading

    def _build(self) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(theme.M, theme.S, theme.XS, theme.S)
        layout.setSpacing(theme.S)
        layout.addWidget(self._mark)
        layout.addWidget(self._words, 1)
        for button in self.buttons:
            layout.addWidget(button)
        layout.addWidget(self._close)

    def _refresh(self) -> None:
        colours = theme.current()
        name, colour = ("info", colours.notice_text) if self._kind == PROBLEM else ("info", colours.accent)
        if self._kind == DONE:
            name = "check"
        self._mark.setPixmap(icons.pixmap(name, 18, colour))
        self._close.setIcon(icons.icon("close"))
