"""What an error of Python's own says, for a sentence that a person reads: no numbers of the system, no offsets."""

from __future__ import annotations

import json


def said(error: BaseException) -> str:
    """The words of an error without its inner workings, to stand behind a colon or in brackets."""
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg[:1].lower()}{error.msg[1:]} in line {error.lineno}, column {error.colno}"
    if isinstance(error, UnicodeError):
        return "it is not text in UTF-8"
    return str(error) or type(error).__name__
