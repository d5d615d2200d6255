"""Python's own errors in sentences for people."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from resnet_desktop.core.errors import DataError
from resnet_desktop.core.settings import Settings
from resnet_desktop.core.text.error_text import error_text
from resnet_desktop.data.sources.table import read_table


def raised(text: str) -> json.JSONDecodeError:
    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads(text)
    return caught.value


def test_no_offset_of_json() -> None:
    assert error_text(raised('{"a": 1,\n "b": }')) == "expecting value in line 2, column 7"


def test_no_number_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        (tmp_path / "none").read_text("utf-8")
    assert error_text(caught.value) == "No such file or directory"
    with pytest.raises(UnicodeDecodeError) as undecoded:
        b"\xff\xfe".decode("utf-8")
    assert error_text(undecoded.value) == "it is not text in UTF-8"
    assert error_text(ValueError("the header is cut off")) == "the header is cut off"


def test_a_table_in_words(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text("path,label\n" + "x" * 200_000 + ",cat\n", "utf-8")
    with pytest.raises(DataError, match=r"CSV file: a field has more than 131,072 characters\."):
        list(read_table(path).rows())
    with pytest.raises(csv.Error) as caught:
        list(csv.reader(["a\rb,c\n"]))
    assert error_text(caught.value) == "a line breaks off within a field"


def test_nothing_that_a_terminal_obeys() -> None:
    assert "\x1b" not in error_text(ValueError("colour \x1b[31m"))


def test_damaged_settings_are_told_without_offsets(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"theme": dark}', "utf-8")
    problem = Settings(path).problem
    assert problem is not None
    assert "char" not in problem
    assert "line 1, column 11" in problem
