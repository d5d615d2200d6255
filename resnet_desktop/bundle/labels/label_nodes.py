"""Lists and objects out of JSON, out of a Python program, or within YAML: one reader that knows lines.

Nothing is evaluated: the text is cut into brackets, texts, numbers and words, and anything else is refused with its
line. Nesting and the number of entries are bounded. JSON: RFC 8259; literals: the Python language reference, 2.4.
"""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass, field

MAX_DEPTH = 8
"""Brackets within brackets; names of classes need three or four."""
MAX_ENTRIES = 1_000_000

_SPACE = re.compile(r"(?:\s|#[^\n]*)+")
_TEXT = re.compile(r"""[urUR]?("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')""", re.DOTALL)
_NUMBER = re.compile(r"-?\d[\d_]*(?:\.\d*)?(?:[eE][-+]?\d+)?(?![\w.])")
_WORD = re.compile(r"true|false|null|True|False|None|NaN")
_BARE = re.compile(r"[^\s,\[\]{}#'\"](?:[^,\[\]{}:#\n]|:(?![\s,\]}])|(?<!\s)#)*")
"""What stands without quotation marks in YAML."""
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "True": True, "False": False}
_CLOSING = {"[": "]", "(": ")", "{": "}"}


class NoLabelsError(ValueError):
    """Why a text names no classes, in words that follow the name of the file."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A value, the line that it begins in, and in objects its key."""

    value: Value
    line: int
    key: str | int | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A list."""

    entries: list[Entry] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Mapped:
    """An object: keys may be there twice, for whoever reads it to complain."""

    entries: list[Entry] = field(default_factory=list)


Value = str | int | float | bool | None | Listed | Mapped


def at_line(line: int, what: str) -> NoLabelsError:
    """A fault that names its line."""
    return NoLabelsError(f"cannot be read at line {line}: {what}")


def read_nodes(text: str, *, first_line: int = 1, bare: bool = False) -> Value:
    """The value that a text holds; several that follow each other, as in JSON Lines, are a list.

    Args:
        text: all of it.
        first_line: what its first line is called.
        bare: whether texts may stand without quotation marks, as in YAML.

    Raises:
        NoLabelsError: it is neither JSON nor a literal of Python, or is nested too deeply.
    """
    reader = _Reader(text, first_line, bare)
    found = [reader.entry(0)]
    while not reader.at_end():
        found.append(reader.entry(0))
    if len(found) == 1:
        return found[0].value
    if not all(isinstance(entry.value, Mapped) for entry in found):
        raise at_line(found[1].line, "there is text after the end of the list")
    return Listed(found)


class _Reader:
    def __init__(self, text: str, first_line: int, bare: bool) -> None:
        self._text, self._bare = text, bare
        self._at, self._line, self._counted = 0, first_line, 0
        self._entries = 0
        self._skip()

    def at_end(self) -> bool:
        return self._at >= len(self._text)

    def entry(self, depth: int) -> Entry:
        self._entries += 1
        if self._entries > MAX_ENTRIES:
            raise at_line(self._line, f"it has more than {MAX_ENTRIES:,} entries")
        line, letter = self._line, self._text[self._at : self._at + 1]
        if letter in _CLOSING and letter:
            if depth >= MAX_DEPTH:
                raise at_line(line, "it is nested too deeply")
            return Entry(self._bracketed(letter, depth + 1), line)
        return Entry(self._scalar(), line)

    def _bracketed(self, opening: str, depth: int) -> Listed | Mapped:
        began, closing = self._line, _CLOSING[opening]
        entries: list[Entry] = []
        self._step()
        while not self._take(closing):
            if self.at_end():
                raise at_line(began, f"this “{opening}” is never closed")
            entry = self.entry(depth)
            if opening == "{":
                if not self._take(":"):
                    raise at_line(self._line, "there must be a colon after a key")
                if isinstance(entry.value, bool) or not isinstance(entry.value, str | int):
                    raise at_line(entry.line, "a key must be text or a whole number")
                entry = Entry(self.entry(depth).value, entry.line, entry.value)
            entries.append(entry)
            if not self._take(",") and self._text[self._at : self._at + 1] != closing and not self.at_end():
                raise at_line(self._line, f"there must be a comma or “{closing}” after an entry")
        return Mapped(entries) if opening == "{" else Listed(entries)

    def _scalar(self) -> Value:
        if (found := _TEXT.match(self._text, self._at)) is not None:
            return self._moved(found, _unquoted(found[1], self._line))
        if not self._bare and (found := _NUMBER.match(self._text, self._at)) is not None:
            digits = found[0].replace("_", "")
            return self._moved(found, int(digits) if digits.lstrip("-").isdigit() else float(digits))
        if not self._bare and (found := _WORD.match(self._text, self._at)) is not None:
            return self._moved(found, _WORDS.get(found[0]))
        if self._bare and (found := _BARE.match(self._text, self._at)) is not None:
            return self._moved(found, found[0].strip())
        what = self._text[self._at : self._at + 20].split("\n")[0]
        raise at_line(self._line, f"“{what}” is neither a name nor a number" if what else "it ends too early")

    def _moved(self, found: re.Match[str], value: Value) -> Value:
        self._at = found.end()
        self._skip()
        return value

    def _take(self, letter: str) -> bool:
        if self._text[self._at : self._at + 1] != letter:
            return False
        self._step()
        return True

    def _step(self) -> None:
        self._at += 1
        self._skip()

    def _skip(self) -> None:
        found = _SPACE.match(self._text, self._at)
        if found is not None:
            self._at = found.end()
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = max(self._counted, self._at)


def _unquoted(token: str, line: int) -> str:
    """The text between quotation marks, with escapes as JSON has them, else as Python has them."""
    try:
        if token.startswith('"'):
            return str(json.loads(token, strict=False))
    except ValueError:
        pass
    try:
        return str(ast.literal_eval(token))
    except (ValueError, SyntaxError) as error:
        raise at_line(line, f"{token[:20]} is not text") from error
