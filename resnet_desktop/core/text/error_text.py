"""What an error of Python's own says, for a sentence that a person reads: no numbers of the system, no offsets."""

from __future__ import annotations

import csv
import json

from resnet_desktop.core.text.printable import printable


def error_text(error: BaseException) -> str:
    """The words of an error without its inner workings, to stand behind a colon or in brackets."""
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg[:1].lower()}{error.msg[1:]} in line {error.lineno}, column {error.colno}"
    if isinstance(error, UnicodeError):
        return "it is not text in UTF-8"
    if isinstance(error, csv.Error) and (words := _of_a_table(str(error))):
        return words
    return printable(str(error)) or type(error).__name__


def _of_a_table(text: str) -> str:
    """What Python's reader of tables means; empty where its own words do."""
    if text.startswith("field larger"):
        return f"a field has more than {csv.field_size_limit():,} characters"
    return "a line breaks off within a field" if text.startswith(("new-line", "unexpected end")) else ""
