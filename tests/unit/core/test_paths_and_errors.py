"""Where things are, and how errors speak."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from resnet_desktop.core import errors, paths


def test_one_variable_moves_all_that_is_the_users(home: Path) -> None:
    folders = [paths.data_folder(), paths.config_folder(), paths.cache_folder(), paths.user_models_folder()]
    assert all(folder.is_relative_to(home) for folder in folders)
    assert len(set(folders)) == 4
    assert list(home.iterdir()) == []  # asking makes nothing


def test_without_it_the_platforms_folders_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RESNET_DESKTOP_HOME")
    assert paths.APP in str(paths.data_folder())
    assert paths.data_folder().is_absolute()


def test_what_is_shipped_does_not_move(home: Path) -> None:
    assert not paths.bundled_models_folder().is_relative_to(home)
    assert paths.assets_folder().name == "assets"


def test_an_error_is_a_sentence_with_a_code() -> None:
    error = errors.ImageError("empty_file", "a.jpg is empty.", "Copy or download it again.")
    assert str(error) == "a.jpg is empty. Copy or download it again."
    assert str(errors.ImageError("empty_file", "a.jpg is empty.")) == "a.jpg is empty."
    assert error.as_dict() == {"code": "empty_file", "message": "a.jpg is empty."}
    assert error.args == ("empty_file", "a.jpg is empty.", "Copy or download it again.")


def test_every_error_of_the_app_has_one_root_and_names_its_codes() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    assert len(kinds) > 5
    for kind in kinds:
        assert issubclass(kind, errors.ResNetDesktopError)
        assert "code" in (kind.__doc__ or "").lower()
