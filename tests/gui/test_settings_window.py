"""The settings window: made from the declarations, true at once, written once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QCheckBox, QDoubleSpinBox, QLineEdit, QSpinBox
from pytestqt.qtbot import QtBot

from resnet_desktop.core import settings as declared
from resnet_desktop.core.settings import MODEL, PAGES, PROVIDER, SETTINGS, THEME, TOP_K, WHEEL, Setting, Settings
from resnet_desktop.gui.background.preferences import Preferences
from resnet_desktop.gui.settings.fields import field_for
from resnet_desktop.gui.settings.settings_dialog import SettingsDialog
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.gui.style import theme
from resnet_desktop.gui.widgets.canvas.zoom_view import ZoomView
from resnet_desktop.gui.widgets.choice import Choice
from resnet_desktop.session.results import Result

from .conftest import SCREENSHOTS, WAIT, OpenWindow, wait_settled

CAT = sample_photos()[0]


@pytest.fixture(autouse=True)
def wheel_as_it_was() -> Iterator[None]:
    before = ZoomView.wheel_zooms
    yield
    ZoomView.wheel_zooms = before


@pytest.fixture
def preferences() -> Iterator[Preferences]:
    made = Preferences(Settings())
    yield made
    made.close()


@pytest.fixture
def dialog(qtbot: QtBot, preferences: Preferences) -> SettingsDialog:
    made = SettingsDialog(preferences)
    qtbot.addWidget(made)
    return made


def test_every_setting_with_a_page_has_its_control(dialog: SettingsDialog) -> None:
    assert set(dialog.fields) == {setting for setting in SETTINGS if setting.page}
    assert [dialog.pages.item(row).text() for row in range(dialog.pages.count())] == list(PAGES)
    for setting, field in dialog.fields.items():
        assert setting.title in (field.widget.accessibleName(), field.widget.accessibleDescription())


@pytest.mark.parametrize(
    ("setting", "kind", "other"),
    [
        (Setting("a", True, "A"), QCheckBox, False),
        (Setting("b", 3, "B", minimum=1, maximum=9), QSpinBox, 7),
        (Setting("c", 0.5, "C", minimum=0, maximum=1), QDoubleSpinBox, 0.25),
        (Setting("d", "x", "D"), QLineEdit, "words"),
        (Setting("e", "x", "E", choices=("x", "y")), Choice, "y"),
    ],
)
def test_a_declaration_is_enough_for_a_control(qtbot: QtBot, setting: Setting, kind: type, other: object) -> None:
    field = field_for(setting)
    qtbot.addWidget(field.widget)
    assert isinstance(field.widget, kind)
    said: list[object] = []
    field.changed.connect(said.append)
    field.put(setting.default)
    assert said == [], "to show a value is no change"
    match field.widget:
        case QCheckBox():
            field.widget.click()
        case QSpinBox() | QDoubleSpinBox():
            field.widget.setValue(other)  # type: ignore[arg-type]
        case QLineEdit():
            field.widget.setText(str(other))
            field.widget.editingFinished.emit()
        case Choice():
            _choose(field.widget, other)
    assert said == [other]


def _choose(box: Choice, value: object) -> None:
    box.setCurrentIndex(box.findData(value))
    box.activated.emit(box.currentIndex())


def test_window_menu_and_file_agree(open_window: OpenWindow) -> None:
    window = open_window(settings=Settings())
    shown = window.companions.settings.open()
    for setting, value in ((THEME, "dark"), (WHEEL, "scroll")):
        box = shown.fields[setting].widget
        assert isinstance(box, Choice)
        _choose(box, value)
    assert theme.current().dark
    assert window.actions_.themes.checkedAction().data() == "dark"
    assert not ZoomView.wheel_zooms
    assert not window.actions_.wheel.isChecked()
    window.actions_.wheel.trigger()
    box = shown.fields[WHEEL].widget
    assert isinstance(box, Choice)
    assert box.currentData() == "zoom"
    shown.close()
    window.close()
    assert (Settings().string(THEME), Settings().string(WHEEL)) == ("dark", "zoom")


def test_defaults_come_back_page_by_page(dialog: SettingsDialog, preferences: Preferences) -> None:
    preferences.change(THEME, "dark")
    preferences.change(TOP_K, 9)
    dialog.pages.setCurrentRow(PAGES.index(declared.ANSWERS))
    dialog.restore_defaults()
    assert preferences.value(TOP_K) == TOP_K.default
    assert preferences.value(THEME) == "dark"


def test_what_was_proven_is_said_and_photos_are_answered_anew(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(CAT, settings=Settings())
    wait_settled(qtbot, window)
    shown = window.companions.settings.open()
    qtbot.waitUntil(lambda: "✓ CPU: ran a test model" in shown.proven, timeout=WAIT)
    provider = shown.fields[PROVIDER].widget
    assert isinstance(provider, Choice)
    assert {provider.itemData(row) for row in range(provider.count())} >= {"auto", "cpu"}
    top_k = shown.fields[TOP_K].widget
    assert isinstance(top_k, QSpinBox)
    with qtbot.waitSignal(window.controller.model_ready, timeout=WAIT):
        top_k.setValue(3)
    wait_settled(qtbot, window)
    outcome = window.gallery.items[0].outcome
    assert isinstance(outcome, Result)
    assert len(outcome.scores) == 3
    shown.close()


def test_a_model_that_is_chosen_becomes_the_setting_once_it_is_open(
    open_window: OpenWindow, qtbot: QtBot, small_base: str
) -> None:
    window = open_window(settings=Settings())
    shown = window.companions.settings.open()
    qtbot.waitUntil(lambda: _has(shown, small_base), timeout=WAIT)
    box = shown.fields[MODEL].widget
    assert isinstance(box, Choice)
    with qtbot.waitSignal(window.preferences.changed, timeout=WAIT):
        _choose(box, small_base)
    assert window.preferences.value(MODEL) == small_base
    shown.close()


def _has(shown: SettingsDialog, name: str) -> bool:
    box = shown.fields[MODEL].widget
    return isinstance(box, Choice) and box.findData(name) >= 0


def test_a_file_of_an_older_version_is_read(home: Path) -> None:
    folder = home / "config"
    folder.mkdir(exist_ok=True)
    old = {"theme": "dark", "top_k": 7, "heatmap_opacity": 0.25, "told_problem": "x", "provider": "cpu", "gone": [1]}
    (folder / "settings.json").write_text(json.dumps(old))
    read = Settings()
    assert (read.string(THEME), read.integer(TOP_K), read.problem) == ("dark", 7, None)
    read.change(declared.THREADS, 2)
    assert json.loads((folder / "settings.json").read_text()) == {**old, "threads": 2}


@pytest.mark.parametrize("appearance", ["light", "dark"])
def test_pictures(open_window: OpenWindow, qtbot: QtBot, appearance: str) -> None:
    window = open_window(appearance=appearance, size=(800, 600))
    shown = window.companions.settings.open()
    qtbot.waitUntil(lambda: "CPU" in shown.proven, timeout=WAIT)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for place, page in enumerate(PAGES):
        shown.pages.setCurrentRow(place)
        assert shown.grab().save(str(SCREENSHOTS / f"settings-{page.lower()}-{appearance}.png"))
    shown.close()
