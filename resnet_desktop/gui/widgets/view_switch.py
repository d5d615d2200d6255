"""A few views of the same thing, side by side as one control."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QSizePolicy, QToolButton, QWidget

from resnet_desktop.gui.widgets.plain import plain_tip


class ViewSwitch(QFrame):
    """Exactly one of its buttons is down.

    Args:
        views: title and tooltip of each.
        name: what is switched, for people who do not see it.
        stretch: whether the buttons share all the width there is.

    Signal: ``chosen`` (the place of the view, from 0), when the user has chosen.
    """

    chosen = Signal(int)

    def __init__(
        self, views: Sequence[tuple[str, str]], name: str, *, stretch: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setProperty("segments", "true")
        self.setAccessibleName(name)
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.setSpacing(2)
        for place, (title, tip) in enumerate(views):
            button = QToolButton()
            button.setText(title)
            button.setToolTip(plain_tip(tip))
            button.setAccessibleName(title)
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            if stretch:
                button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            self._group.addButton(button, place)
            layout.addWidget(button)
        self._group.idClicked.connect(self.chosen)
        self.choose(0)

    @property
    def place(self) -> int:
        """The view that is shown."""
        return self._group.checkedId()

    def button(self, place: int) -> QToolButton:
        """One of the buttons."""
        found = self._group.button(place)
        assert isinstance(found, QToolButton)
        return found

    def choose(self, place: int) -> None:
        """Show another view; says nothing."""
        self._group.button(place).setChecked(True)
