"""Python's own errors in sentences for people."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from resnet_desktop.core.said import said
from resnet_desktop.core.settings import Settings


def raised(text: str) -> json.JSONDecodeError:
    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads(text)
    return caught.value


def test_no_offset_of_json() -> None:
    assert said(raised('{"a": 1,\n "b": }')) == "expecting value in line 2, column 7"


def test_no_number_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        (tmp_path / "none").read_text("utf-8")
    assert said(caught.value) == "No such file or directory"
    with pytest.raises(UnicodeDecodeError) as undecoded:
        b"\xff\xfe".decode("utf-8")
    assert said(undecoded.value) == "it is not text in UTF-8"
    assert said(ValueError("the header is cut off")) == "the header is cut off"


def test_damaged_settings_are_told_without_offsets(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"theme": dark}', "utf-8")
    problem = Settings(path).problem
    assert problem is not None
    assert "char" not in problem
    assert "line 1, column 11" in problem
