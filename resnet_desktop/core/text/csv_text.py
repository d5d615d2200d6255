"""Lines of CSV that no spreadsheet runs and every reader splits alike.

A spreadsheet takes a cell that begins with ``=``, ``+``, ``-``, ``@`` or a tab for a formula and runs it, wherever the
text came from: a label, a file's name, a message. An apostrophe before it makes it text. Numbers stay numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

Cell = str | int | float | bool | None

_TRIGGERS = "=+-@\t\r\n＝＋－＠"
"""The wide forms are taken for formulas by spreadsheets in East Asian languages."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_QUOTED = re.compile(r'[,;"\r\n\t]|^\s|\s$')


def neutral(text: str) -> str:
    """``text`` as a cell that is not run; see ``original`` for the way back."""
    return f"'{text}" if _is_run(text) else text


def original(cell: str) -> str:
    """What ``neutral`` was given."""
    return cell[1:] if cell.startswith("'") and _is_run(cell[1:]) else cell


def line(cells: Iterable[Cell], end: str = "\r\n") -> str:
    """One line (RFC 4180): what holds a separator, a quotation mark, a carriage return or a line feed is quoted."""
    return ",".join(map(_written, cells)) + end


def _written(cell: Cell) -> str:
    if cell is None:
        return ""
    if not isinstance(cell, str):
        return str(cell)
    text = neutral(cell)
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text


def _is_run(text: str) -> bool:
    """Whether a spreadsheet would; or whether it looks like the cell of such a text, which must stay told apart."""
    bare = text.lstrip("'")
    return bool(bare) and bare[0] in _TRIGGERS and not _NUMBER.fullmatch(bare)
