"""The settings window: a page for each part, a row for each setting, made from the declarations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QListWidget,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from resnet_desktop.core.errors import SettingsError
from resnet_desktop.core.settings import DEVICE, MODEL, MODEL_FILE, PAGES, PROVIDER, SETTINGS, SPEED, Setting, Value
from resnet_desktop.gui.background.preferences import Preferences
from resnet_desktop.gui.settings.fields import Field, choice_field, field_for
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.style.screen import size_within_screen
from resnet_desktop.gui.widgets.layouts import scrolled
from resnet_desktop.gui.widgets.plain import PlainLabel

if TYPE_CHECKING:
    from resnet_desktop.inference.providers import ProviderStatus

_AUTO = "auto"


class SettingsDialog(QDialog):
    """What is changed is true at once.

    Signal: ``model_wanted`` (a name in the library; empty: the app's own choice): it becomes the setting once it is
    open.
    """

    model_wanted = Signal(str)

    def __init__(self, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Settings"))
        self._preferences = preferences
        self.fields: dict[Setting, Field] = {}
        self.pages, self._stack = QListWidget(), QStackedWidget()
        self._proven, self._said = PlainLabel(self.tr("Trying what this computer has…")), PlainLabel()
        self.pages.ensurePolished()  # rows have the height of the style sheet
        for page in PAGES:
            self.pages.addItem(page)
            self._stack.addWidget(self._page(page))
        self._build()
        for setting, field in self.fields.items():
            field.put(preferences.value(setting))
            field.changed.connect(lambda value, setting=setting: self._on_changed(setting, value))
        preferences.changed.connect(self._on_elsewhere)

    @property
    def proven(self) -> str:
        """What is said of the execution providers."""
        return self._proven.text()

    @property
    def said(self) -> str:
        """Why a value was not taken."""
        return self._said.text()

    def show_models(self, names: Sequence[str]) -> None:
        """The models that are installed."""
        self._offer(MODEL, [("", self.tr("The app's own choice")), *((name, name) for name in names)])

    def show_providers(self, statuses: Sequence[ProviderStatus]) -> None:
        """What came of trying each execution provider; those that do not run here can still be chosen, and say so."""
        options = [(status.short.lower(), status.short) for status in statuses]
        self._offer(PROVIDER, [(_AUTO, self.tr("Fastest that works")), *options])
        lines = [
            "{mark} {name}: {reason}".format(mark="✓" if s.usable else "–", name=s.short, reason=s.reason)
            for s in statuses
        ]
        self._proven.setText("\n".join(lines))

    def restore_defaults(self) -> None:
        """Of the page that is shown."""
        page = PAGES[self._stack.currentIndex()]
        for setting, field in self.fields.items():
            if setting.page == page and self._preferences.value(setting) != setting.default:
                field.put(setting.default)
                self._on_changed(setting, setting.default)

    def _on_changed(self, setting: Setting, value: Value) -> None:
        self._said.setText("")
        if setting is MODEL:
            self.model_wanted.emit(str(value))
            return
        try:
            self._preferences.change(setting, value)
        except SettingsError as error:
            self._said.setText(error.message)

    def _on_elsewhere(self, setting: Setting, value: Value) -> None:
        if setting in self.fields:
            self.fields[setting].put(value)

    def _offer(self, setting: Setting, options: Sequence[tuple[str, str]]) -> None:
        """Give a setting its choices, which are known only now."""
        old = self.fields[setting].widget
        field = self.fields[setting] = choice_field(setting, options)
        field.put(self._preferences.value(setting))
        field.changed.connect(lambda value: self._on_changed(setting, value))
        content = old.parentWidget()
        layout = None if content is None else content.layout()
        assert layout is not None
        layout.replaceWidget(old, field.widget)
        old.hide()
        old.deleteLater()

    def _page(self, page: str) -> QWidget:
        content = QWidget()
        grid = QGridLayout(content)
        grid.setContentsMargins(theme.L, theme.S, theme.L, theme.L)
        grid.setHorizontalSpacing(theme.L)
        grid.setVerticalSpacing(theme.XS)
        grid.setColumnStretch(0, 1)
        for setting in SETTINGS:
            if setting.page == page:
                self._add_row(grid, setting)
        if page == SPEED:
            self._proven.setProperty("tone", "secondary")
            self._proven.setWordWrap(True)
            self._proven.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            grid.addWidget(self._proven, grid.rowCount(), 0, 1, 2)
        grid.setRowStretch(grid.rowCount(), 1)
        area = scrolled(content)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        return area

    def _add_row(self, grid: QGridLayout, setting: Setting) -> None:
        later = setting.kind in (DEVICE, MODEL_FILE)
        field = self.fields[setting] = choice_field(setting, ()) if later else field_for(setting)
        row, title = grid.rowCount(), PlainLabel(setting.title)
        title.setWordWrap(True)
        grid.addWidget(title, row, 0)
        grid.addWidget(field.widget, row, 1)
        if setting.help:
            more = PlainLabel(setting.help)
            more.setWordWrap(True)
            more.setProperty("tone", "secondary")
            more.setFont(theme.font(0.9))
            grid.addWidget(more, row + 1, 0, 1, 2)
        grid.setRowMinimumHeight(row + 2, theme.S)

    def _build(self) -> None:
        size_within_screen(self, (720, 460), (460, 300))
        self.pages.setAccessibleName(self.tr("Pages"))
        self.pages.setFixedWidth(140)
        self.pages.currentRowChanged.connect(self._stack.setCurrentIndex)
        self.pages.setCurrentRow(0)
        kinds = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(kinds.Close | kinds.RestoreDefaults)
        buttons.rejected.connect(self.reject)
        buttons.button(kinds.RestoreDefaults).clicked.connect(self.restore_defaults)
        self._said.setProperty("tone", "error")
        row = QHBoxLayout()
        row.setSpacing(theme.M)
        row.addWidget(self.pages)
        row.addWidget(self._stack, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.M, theme.M, theme.M, theme.M)
        layout.addLayout(row, 1)
        layout.addWidget(self._said)
        layout.addWidget(buttons)
