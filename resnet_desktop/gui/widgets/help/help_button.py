"""A small “i” beside what it explains; the explanation opens in a card and closes with Escape or a click elsewhere."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QFrame, QLabel, QToolButton, QVBoxLayout, QWidget

from resnet_desktop.gui.style import icons, theme
from resnet_desktop.gui.widgets.help.help_texts import Help
from resnet_desktop.gui.widgets.plain import PlainLabel, plain_tip

_WIDTH = 400
_SIDE = 22


class HelpButton(QToolButton):
    """Opens an explanation."""

    def __init__(self, help_: Help, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._help = help_
        self._card: HelpCard | None = None
        self.setStyleSheet("QToolButton { padding: 0; border-radius: 4px; }")
        self.setFixedSize(_SIDE, _SIDE)
        self.clicked.connect(self._on_clicked)
        self.show_help(help_)
        self.refresh_theme()

    @property
    def card(self) -> HelpCard | None:
        """The card that is open."""
        return self._card if self._card is not None and self._card.isVisible() else None

    def show_help(self, help_: Help) -> None:
        """Explain something else from now on."""
        self._help = help_
        self.setToolTip(plain_tip(self.tr("What is this? {title}").format(title=help_.title)))
        self.setAccessibleName(self.toolTip())

    def refresh_theme(self) -> None:
        """Follow the colours."""
        self.setIcon(icons.icon("info"))

    def _on_clicked(self) -> None:
        if self._card is not None:
            self._card.deleteLater()
        self._card = HelpCard(self._help, self)
        self._card.open_below(self)


class HelpCard(QFrame):
    """Title, paragraphs and sources."""

    def __init__(self, help_: Help, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("help_card")
        self.setAccessibleName(help_.title)
        colours = theme.current()
        self.setStyleSheet(f"#help_card {{ background: {colours.raised}; border: 1px solid {colours.border}; }}")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.L, theme.M, theme.L, theme.M)
        layout.setSpacing(theme.S)
        title = PlainLabel(help_.title)
        title.setFont(theme.font(1.1, strong=True))
        layout.addWidget(title)
        for text in help_.paragraphs:
            layout.addWidget(_words(text))
        for text in help_.sources:
            source = _words(text)
            source.setProperty("tone", "secondary")
            source.setFont(theme.font(0.85))
            layout.addWidget(source)

    def open_below(self, widget: QWidget) -> None:
        """Below ``widget``, or where there is room on its screen."""
        screen = widget.screen().availableGeometry()
        width = min(_WIDTH, screen.width() - 2 * theme.S)
        self.setFixedWidth(width)
        self.setFixedHeight(self.heightForWidth(width))
        corner = widget.mapToGlobal(QPoint(0, widget.height() + theme.XS))
        place = QRect(corner, self.size())
        place.moveRight(min(place.right(), screen.right() - theme.S))
        if place.bottom() > screen.bottom() - theme.S:
            place.moveBottom(max(screen.top() + self.height(), widget.mapToGlobal(QPoint(0, -theme.XS)).y()))
        place.moveLeft(max(place.left(), screen.left() + theme.S))
        self.move(place.topLeft())
        self.show()


def _words(text: str) -> QLabel:
    label = PlainLabel(text)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
