"""The choices behind the presets: each is left to them until it is set, and says what they would choose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from resnet_desktop.gui.style import icons, theme
from resnet_desktop.gui.widgets.inputs import Box, OptionBox
from resnet_desktop.gui.widgets.plain import PlainLabel, plain_tip
from resnet_desktop.gui.wizard.model.advanced_fields import TEACHER, Field, groups, nested
from resnet_desktop.gui.wizard.page import heading, secondary

_BOX_WIDTH = 172
_BACK_SIDE = 22
_WORDS_WIDTH = 560


class AdvancedPanel(QWidget):
    """Signals: ``changed``; ``rate_asked``: a learning rate is to be looked for."""

    changed = Signal()
    rate_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: dict[str, _Row] = {}
        self._obstacles: Mapping[str, str] = {}
        self._layout = QGridLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setHorizontalSpacing(theme.S)
        self._layout.setVerticalSpacing(theme.S)
        self._layout.setColumnStretch(0, 100)  # as wide as its words may become
        self._layout.setColumnStretch(3, 1)
        self._reset = QPushButton(self.tr("Reset to automatic"))
        self._reset.clicked.connect(self._on_reset)
        self._find = QPushButton(self.tr("Find a learning rate…"))
        self._find.clicked.connect(self.rate_asked)
        for group in groups():
            self._add_heading(group.title)
            for field in group.fields:
                self._add(field)
        self._layout.addWidget(self._reset, self._layout.rowCount(), 0, 1, 4, Qt.AlignmentFlag.AlignLeft)
        self._refresh()

    @property
    def chosen(self) -> dict[str, Any]:
        """What is set and applies, by key."""
        values = {key: row.value for key, row in self._rows.items() if key not in self._obstacles}
        return {key: value for key, value in values.items() if value is not None}

    def values(self) -> dict[str, Any]:
        """What is set and applies, nested as in the job file."""
        return nested(self.chosen)

    def show_values(self, values: Mapping[str, Any]) -> None:
        """Show what is set in a job; all else becomes automatic."""
        for key, row in self._rows.items():
            where, *rest = key.split(".")
            value = values.get(where)
            if rest:
                value = value.get(rest[0]) if isinstance(value, Mapping) else None
            row.choose(value)
        self._refresh()

    def choose(self, key: str, value: Any) -> None:  # noqa: ANN401 - as in the job
        """Set one value, as the user would; None for automatic."""
        self._rows[key].choose(value)
        self._on_changed()

    def show_defaults(self, values: Mapping[str, Any]) -> None:
        """Say what automatic comes to, by key."""
        for key, row in self._rows.items():
            row.box.show_default(values.get(key))

    def show_obstacles(self, reasons: Mapping[str, str]) -> None:
        """Put out of reach what does not apply, by key, and say why."""
        self._obstacles = dict(reasons)
        for key, row in self._rows.items():
            row.obstruct(self._obstacles.get(key, ""))
        no_rate = self._obstacles.get("learning_rate", "")
        self._find.setEnabled(not no_rate)
        self._find.setToolTip(plain_tip(no_rate))
        self._refresh()

    def offer_teachers(self, names: Sequence[str]) -> None:
        """The models that can be learnt from."""
        box = self._rows[TEACHER].box
        assert isinstance(box, OptionBox), "one of some models"
        box.offer([({"model": name}, name) for name in names])
        self._refresh()

    def box(self, key: str) -> Box:
        """The box of a value."""
        return self._rows[key].box

    def sentence(self, key: str) -> str:
        """What is said beside a box."""
        return self._rows[key].words.text()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the palette and the font."""
        if event.type() == QEvent.Type.PaletteChange:
            self._refresh()
        super().changeEvent(event)

    def _add_heading(self, title: str) -> None:
        label = heading(title)
        label.setContentsMargins(0, theme.S if self._rows else 0, 0, 0)
        self._layout.addWidget(label, self._layout.rowCount(), 0, 1, 4)

    def _add(self, field: Field) -> None:
        place, row = self._layout.rowCount(), _Row(field)
        for column, widget in enumerate((row.cell, row.box, row.back)):
            self._layout.addWidget(widget, place, column)
        row.box.changed.connect(self._on_changed)
        row.back.clicked.connect(row.forget)
        self._rows[field.key] = row
        if field.key == "learning_rate":
            self._layout.addWidget(self._find, place + 1, 1)

    def _on_changed(self) -> None:
        self._refresh()
        self.changed.emit()

    def _on_reset(self) -> None:
        self.show_values({})
        self.changed.emit()

    def _refresh(self) -> None:
        for row in self._rows.values():
            row.refresh()
        self._reset.setEnabled(any(row.value is not None for row in self._rows.values()))


class _Row:
    """One value: its title, its box, the way back to automatic, its sentence."""

    def __init__(self, field: Field) -> None:
        self._field = field
        self.title, self.box, self.words = PlainLabel(field.title), field.make(), secondary(field.text)
        self.title.setBuddy(self.box)
        self.cell = QWidget()
        self.cell.setMaximumWidth(_WORDS_WIDTH)
        column = QVBoxLayout(self.cell)
        column.setContentsMargins(0, 0, theme.L, 0)
        column.setSpacing(0)
        column.addWidget(self.title)
        column.addWidget(self.words)
        self.box.setAccessibleName(field.title)
        self.box.setAccessibleDescription(field.text)
        self.box.setMinimumWidth(_BOX_WIDTH)
        self.back = QToolButton()
        self.back.setFixedSize(_BACK_SIDE, _BACK_SIDE)
        self.back.setStyleSheet("QToolButton { padding: 0; }")
        words = self.box.tr("Reset to automatic")
        self.back.setToolTip(plain_tip(words))
        self.back.setAccessibleName(f"{field.title}: {words}")
        policy = self.back.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.back.setSizePolicy(policy)

    @property
    def value(self) -> Any:  # noqa: ANN401 - as in the job
        """What is set; None for automatic."""
        value = self.box.chosen
        return [value, 1.0] if self._field.share and value is not None else value

    def choose(self, value: Any) -> None:  # noqa: ANN401 - as in the job
        """Set it without telling anybody."""
        if self._field.share and value is not None:
            value = value[0]
        self.box.blockSignals(True)
        self.box.choose(value)
        self.box.blockSignals(False)

    def forget(self) -> None:
        """Automatic again, as the user would."""
        self.box.choose(None)
        self.box.setFocus()

    def obstruct(self, reason: str) -> None:
        """Say why it does not apply; empty where it does."""
        for widget in (self.title, self.box):
            widget.setEnabled(not reason)
            widget.setToolTip(plain_tip(reason))
        self.words.setText(reason or self._field.text)
        self.box.setAccessibleDescription(reason or self._field.text)

    def refresh(self) -> None:
        """Stand out where something is set."""
        is_set = self.box.chosen is not None and self.box.isEnabled()
        self.back.setVisible(is_set)
        self.back.setIcon(icons.icon("close"))
        self.title.setFont(theme.font(strong=is_set))
