"""Cells that no spreadsheet runs, and lines that every reader splits alike."""

from __future__ import annotations

import csv
import io

import pytest

from resnet_desktop.core.text.csv_text import line, neutral, original

RUN = ["=1+1", "+SUM(A1)", "-2+3", "@A1", "\t=1", "\r=1", "\n=1", "＝1", "-", "=", "-1e", "+49 30 1234"]
NOT_RUN = ["", "cat", "a=1", "-1", "+2.5", "-1e-9", ".5", " =1", "'", "'quoted'", "/home/=x"]


@pytest.mark.parametrize("text", RUN)
def test_what_would_be_run_is_made_text(text: str) -> None:
    assert neutral(text) == f"'{text}"


@pytest.mark.parametrize("text", NOT_RUN)
def test_anything_else_stays(text: str) -> None:
    assert neutral(text) == text


@pytest.mark.parametrize("text", [*RUN, *NOT_RUN, "'=1", "''=1", "'-1", "''"])
def test_there_is_a_way_back(text: str) -> None:
    assert original(neutral(text)) == text


def test_numbers_stay_numbers() -> None:
    assert line([-1.5, 2, True, None, "-1.5"]) == "-1.5,2,True,,-1.5\r\n"


def test_readers_split_it_as_it_was_written() -> None:
    cells = ["a,b", 'say "so"', "one\rtwo", "one\ntwo", "one\r\ntwo", " edge ", "semi;colon", "plain", ""]
    for end in ("\r\n", "\n"):
        text = line(cells, end) + line(["next"], end)
        assert list(csv.reader(io.StringIO(text, newline=""))) == [cells, ["next"]]
    assert line(["a\rb"], "\n") == '"a\rb"\n'
