"""Settings are declared once, checked always, and never keep the app from starting."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from resnet_desktop.core import paths, settings
from resnet_desktop.core.errors import SettingsError, StorageError
from resnet_desktop.core.settings import Setting, Settings


def test_every_default_is_allowed_and_every_key_is_its_own() -> None:
    for setting in settings.SETTINGS:
        assert setting.check(setting.default) == setting.default
        assert setting.title
    assert len({setting.key for setting in settings.SETTINGS}) == len(settings.SETTINGS)


def test_a_change_is_kept(home: Path) -> None:
    Settings().change(settings.TOP_K, 7)
    Settings().change(settings.HEATMAP_OPACITY, 1)
    again = Settings()
    assert again.integer(settings.TOP_K) == 7
    assert again.number(settings.HEATMAP_OPACITY) == 1.0
    assert again.string(settings.COLORMAP) == "viridis"
    assert again.flag(settings.HEATMAP_SHOWN) is True
    assert again.problem is None
    assert (home / "config" / "settings.json").is_file()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        (settings.TOP_K, 0),
        (settings.TOP_K, 1001),
        (settings.TOP_K, "5"),
        (settings.TOP_K, 5.0),
        (settings.TOP_K, True),
        (settings.HEATMAP_SHOWN, 1),
        (settings.HEATMAP_OPACITY, 1.5),
        (settings.THEME, "pink"),
        (settings.MODEL, 3),
    ],
)
def test_nonsense_is_refused(setting: Setting, value: str | float | bool) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings().change(setting, value)
    assert caught.value.code == "bad_setting"
    assert setting.title in caught.value.message
    assert not (paths.config_folder() / "settings.json").exists()


def test_bad_values_in_the_file_count_as_defaults(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"top_k": -4, "theme": ["dark"], "of_the_future": 1}))
    read = Settings(path)
    assert read.integer(settings.TOP_K) == 5
    assert read.string(settings.THEME) == "system"
    read.change(settings.TOP_K, 3)
    assert json.loads(path.read_text())["of_the_future"] == 1


@pytest.mark.parametrize("content", [b"{not json", b"[1, 2]", b"\xff\xfe\x00", b""])
def test_a_damaged_file_is_set_aside(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(content)
    read = Settings(path)
    assert read.problem is not None
    assert "settings.damaged.json" in read.problem
    assert (tmp_path / "settings.damaged.json").read_bytes() == content
    read.change(settings.THEME, "dark")
    assert Settings(path).string(settings.THEME) == "dark"


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        Settings(tmp_path / "file" / "settings.json").change(settings.TOP_K, 3)
