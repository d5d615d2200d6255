"""Colours, spacing and the style sheet: light and dark, quiet so that the photo speaks."""

from __future__ import annotations

from dataclasses import dataclass
from string import Template

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QApplication

from resnet_desktop.core import paths

XS, S, M, L, XL = 4, 8, 12, 16, 24
"""The spacing scale, in pixels."""

RADIUS = 8


@dataclass(frozen=True, slots=True)
class Theme:
    """One set of colours, each ``#rrggbb``."""

    dark: bool
    window: str
    panel: str
    canvas: str
    raised: str
    hover: str
    border: str
    text: str
    secondary: str
    disabled: str
    accent: str
    on_accent: str
    tint: str
    bar: str
    track: str
    error: str
    notice: str
    notice_border: str
    notice_text: str


LIGHT = Theme(
    dark=False,
    window="#f5f6f7",
    panel="#ffffff",
    canvas="#e9ebee",
    raised="#ffffff",
    hover="#eceef1",
    border="#dcdfe4",
    text="#1d2126",
    secondary="#5c636d",
    disabled="#a2a8b1",
    accent="#1f6f8b",
    on_accent="#ffffff",
    tint="#e3f0f4",
    bar="#9db9c4",
    track="#e8ebee",
    error="#b3372c",
    notice="#fdf5e2",
    notice_border="#ecdcb0",
    notice_text="#654b0b",
)

DARK = Theme(
    dark=True,
    window="#1b1d20",
    panel="#232529",
    canvas="#141518",
    raised="#2d3035",
    hover="#31343a",
    border="#383b42",
    text="#e9ebee",
    secondary="#a3a9b3",
    disabled="#666c76",
    accent="#5db3cf",
    on_accent="#0d1c22",
    tint="#24373f",
    bar="#4c6b77",
    track="#33363c",
    error="#ee9a8f",
    notice="#352e1d",
    notice_border="#574a2a",
    notice_text="#eed9a2",
)

_STYLE = Template("""
QMainWindow, QDialog { background: $window; }
QToolTip { color: $text; background: $raised; border: 1px solid $border; padding: 4px 6px; }
QMenuBar { background: $window; border: none; }
QMenuBar::item { padding: 4px 10px; background: transparent; border-radius: 4px; }
QMenuBar::item:selected { background: $hover; }
QMenu { background: $raised; border: 1px solid $border; padding: 4px; }
QMenu::item { padding: 5px 28px 5px 24px; border-radius: 4px; }
QMenu::item:selected { background: $tint; color: $text; }
QMenu::item:disabled { color: $disabled; }
QMenu::separator { height: 1px; background: $border; margin: 4px 8px; }
QToolBar { background: $window; border: none; border-bottom: 1px solid $border; padding: 4px 8px; spacing: 4px; }
QToolBar::separator { width: 1px; background: $border; margin: 6px 8px; }
QToolButton { background: transparent; border: 1px solid transparent; border-radius: 6px; padding: 4px 8px; }
QToolButton:hover { background: $hover; }
QToolButton:pressed { background: $track; }
QToolButton:checked { background: $tint; color: $text; }
QToolButton:focus { border-color: $accent; }
QToolButton:disabled { color: $disabled; }
QToolButton::menu-indicator { image: none; width: 0; }
QFrame[segments="true"] { background: $canvas; border: none; border-radius: 7px; }
QFrame[segments="true"] QToolButton { border-radius: 5px; padding: 2px 10px; color: $secondary; }
QFrame[segments="true"] QToolButton:hover { background: $hover; color: $text; }
QFrame[segments="true"] QToolButton:checked { background: $raised; color: $text; }
QFrame[segments="true"] QToolButton:focus { border-color: $accent; }
QToolButton#badge { border: 1px solid $border; border-radius: 9px; padding: 1px 9px; background: $raised; }
QToolButton#badge:hover { background: $hover; }
QToolButton#badge:focus { border-color: $accent; }
QPushButton { background: $raised; border: 1px solid $border; border-radius: 6px; padding: 5px 12px; }
QPushButton:hover { background: $hover; }
QPushButton:focus { border-color: $accent; }
QPushButton:disabled { color: $disabled; }
QPushButton[primary="true"] { background: $accent; color: $on_accent; border: none; padding: 8px 18px; }
QPushButton[primary="true"] { font-weight: 600; }
QPushButton[primary="true"]:hover { background: $accent; }
QPushButton[primary="true"]:focus { border: 2px solid $text; padding: 6px 16px; }
QPushButton[primary="true"]:disabled { background: $track; color: $disabled; }
QCheckBox::indicator, QRadioButton::indicator { width: 14px; height: 14px; border: 1px solid $secondary; }
QCheckBox::indicator, QRadioButton::indicator { background: $panel; }
QCheckBox::indicator { border-radius: 4px; }
QRadioButton::indicator { border-radius: 8px; }
QCheckBox::indicator:hover, QRadioButton::indicator:hover { border-color: $accent; }
QCheckBox::indicator:focus, QRadioButton::indicator:focus { border-color: $accent; }
QCheckBox::indicator:checked { background: $accent; border-color: $accent; image: url("$tick"); }
QRadioButton::indicator:checked { width: 6px; height: 6px; border: 5px solid $accent; background: $on_accent; }
QCheckBox::indicator:disabled, QRadioButton::indicator:disabled { border-color: $disabled; background: $track; }
QCheckBox::indicator:checked:disabled { border-color: $disabled; background: $disabled; }
QRadioButton::indicator:checked:disabled { border-color: $disabled; background: $track; }
QCheckBox::indicator:checked:focus, QRadioButton::indicator:checked:focus { border-color: $text; }
QTabBar::tab { padding: 6px 14px; border: none; border-bottom: 2px solid transparent; color: $secondary; }
QTabBar::tab:selected { color: $text; border-bottom: 2px solid $accent; }
QTabBar::tab:hover { color: $text; }
QTabWidget::pane { border: none; border-top: 1px solid $border; }
QTableWidget { background: $panel; border: none; gridline-color: $border; }
QHeaderView::section { background: $panel; border: none; border-bottom: 1px solid $border; padding: 4px 8px; }
QHeaderView::section { color: $secondary; }
QStatusBar { background: $window; border-top: 1px solid $border; }
QStatusBar::item { border: none; }
QSplitter::handle { background: $border; }
QLabel[tone="secondary"] { color: $secondary; }
QLabel[tone="error"] { color: $error; }
QToolButton[overlay="true"] { background: $raised; border: 1px solid $border; color: $text; padding: 0; }
QToolButton[overlay="true"]:hover { background: $hover; }
QTextBrowser { background: $panel; border: none; }
QTreeWidget { background: $panel; border: 1px solid $border; border-radius: 6px; outline: none; }
QTreeWidget::item { padding: 3px 4px; }
QToolButton[tone="link"] { color: $accent; text-decoration: underline; padding: 2px 6px; }
QFrame[panel="true"] { background: $panel; border: none; }
QFrame[notice="true"] { background: $notice; border: 1px solid $notice_border; border-radius: 8px; }
QFrame[notice="true"] QLabel { color: $notice_text; }
QFrame[notice="calm"] { background: $raised; border: 1px solid $border; border-radius: 8px; }
QFrame[card="true"] { background: $panel; border: 1px solid $border; border-radius: 8px; }
QFrame[card="true"][chosen="true"] { background: $tint; border: 1px solid $accent; }
QLineEdit, QSpinBox, QDoubleSpinBox { background: $raised; border: 1px solid $border; border-radius: 6px; }
QLineEdit, QSpinBox, QDoubleSpinBox { padding: 4px 8px; selection-background-color: $accent; }
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus { border-color: $accent; }
QSpinBox::up-button, QSpinBox::down-button { width: 0; border: none; }
QDoubleSpinBox::up-button, QDoubleSpinBox::down-button { width: 0; border: none; }
QSpinBox QLineEdit, QDoubleSpinBox QLineEdit { border: none; background: transparent; padding: 0 2px; }
QLineEdit[plain="true"] { background: transparent; border: none; padding: 0; }
QPlainTextEdit { background: $panel; border: 1px solid $border; border-radius: 6px; padding: 4px; }
QScrollArea, QScrollArea > QWidget > QWidget { background: transparent; }
QListView { background: $panel; border: none; outline: none; }
QListWidget::item { padding: 6px; border-radius: 6px; }
QListWidget::item:selected { background: $tint; color: $text; }
QComboBox { background: $raised; border: 1px solid $border; border-radius: 6px; padding: 3px 8px; }
QComboBox:disabled { color: $disabled; }
QComboBox:focus { border-color: $accent; }
QComboBox::drop-down { border: none; width: 22px; }
QComboBox::down-arrow { image: none; width: 0; height: 0; }
QComboBox QAbstractItemView { background: $raised; border: 1px solid $border; selection-background-color: $tint; }
QComboBox QAbstractItemView { selection-color: $text; }
QProgressBar { background: $track; border: none; border-radius: 3px; max-height: 6px; }
QProgressBar::chunk { background: $accent; border-radius: 3px; }
QSlider::groove:horizontal { height: 4px; background: $track; border-radius: 2px; }
QSlider::sub-page:horizontal { background: $bar; border-radius: 2px; }
QSlider::handle:horizontal { background: $accent; width: 14px; height: 14px; margin: -5px 0; border-radius: 7px; }
QSlider::handle:horizontal:disabled, QSlider::sub-page:horizontal:disabled { background: $disabled; }
QSlider::handle:horizontal:focus { border: 2px solid $text; width: 10px; height: 10px; }
QScrollBar:vertical { background: transparent; width: 10px; margin: 2px; }
QScrollBar::handle:vertical { background: $track; border-radius: 3px; min-height: 32px; }
QScrollBar::handle:vertical:hover { background: $bar; }
QScrollBar::add-line, QScrollBar::sub-line { height: 0; width: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
""")


def current() -> Theme:
    """The theme that is in force now."""
    return DARK if QApplication.palette().color(QPalette.ColorRole.Window).lightness() < 128 else LIGHT


def apply(app: QApplication, appearance: str) -> None:
    """Dress the whole app; ``appearance`` is ``system``, ``light`` or ``dark``."""
    hints = app.styleHints()
    schemes = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}
    hints.setColorScheme(schemes.get(appearance, Qt.ColorScheme.Unknown))
    wants_dark = appearance == "dark" or (appearance == "system" and hints.colorScheme() == Qt.ColorScheme.Dark)
    theme = DARK if wants_dark else LIGHT
    app.setPalette(_palette(theme))
    tick = paths.assets_folder() / "icons" / f"tick-{'dark' if theme.dark else 'light'}.svg"
    values = {name: getattr(theme, name) for name in Theme.__slots__}
    app.setStyleSheet(_STYLE.substitute(values, tick=tick.as_posix()))


def font(scale: float = 1.0, *, strong: bool = False) -> QFont:
    """The app's font, larger or smaller by ``scale``; ``strong``: semibold."""
    result = QFont(QApplication.font())
    result.setPointSizeF(result.pointSizeF() * scale)
    if strong:
        result.setWeight(QFont.Weight.DemiBold)
    return result


def _palette(theme: Theme) -> QPalette:
    role = QPalette.ColorRole
    palette = QPalette()
    for kind, value in {
        role.Window: theme.window,
        role.WindowText: theme.text,
        role.Base: theme.panel,
        role.AlternateBase: theme.window,
        role.ToolTipBase: theme.raised,
        role.ToolTipText: theme.text,
        role.PlaceholderText: theme.secondary,
        role.Text: theme.text,
        role.Button: theme.raised,
        role.ButtonText: theme.text,
        role.BrightText: theme.error,
        role.Link: theme.accent,
        role.Highlight: theme.accent,
        role.HighlightedText: theme.on_accent,
        role.Accent: theme.accent,
        role.Mid: theme.border,
        role.Dark: theme.border,
    }.items():
        palette.setColor(kind, QColor(value))
    for kind in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, kind, QColor(theme.disabled))
    return palette
