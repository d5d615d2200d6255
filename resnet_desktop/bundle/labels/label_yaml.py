"""The part of YAML that names classes: mappings and lists, by indentation or in brackets, and nothing clever.

A name stays the text that it is written as: ``no`` and ``on`` are words here, not values of truth. Anchors, tags,
several documents and complex keys are refused with their line. YAML 1.2, chapters 7 and 8.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from resnet_desktop.bundle.labels.label_nodes import MAX_DEPTH, Entry, Listed, Mapped, Value, at_line, read_nodes

_KEY = re.compile(
    r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s\-\[\]{}#&*!|>'"%@`?][^#\n]*?|-[^\s#][^#\n]*?)[ \t]?:(?:\s+|$)"""
)
_COMMENT = re.compile(r"(?:^|\s)#.*$")
_QUOTED = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')\s*(?:#.*)?$""")
_REFUSED = "&*!?%@`"


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    indent: int
    text: str


def read_yaml(text: str) -> Value:
    """What a YAML document says, as far as it is plain. Raises NoLabelsError."""
    lines: list[_Line] = []
    for number, raw in enumerate(text.splitlines(), 1):
        stripped = raw.strip()
        if stripped == "---" and not lines:
            continue
        if stripped in ("---", "..."):
            break
        indent = len(raw) - len(raw.lstrip(" "))
        if raw[indent : indent + 1] == "\t" and stripped:
            raise at_line(number, "YAML must be indented with spaces, not tabs")
        lines.append(_Line(number, indent, stripped))
    reader = _Reader(lines)
    reader.pass_over()
    return reader.block(0, 0) if reader.more() else None


class _Reader:
    def __init__(self, lines: list[_Line]) -> None:
        self._lines, self._at = lines, 0

    def more(self) -> bool:
        return self._at < len(self._lines)

    def pass_over(self) -> None:
        """Go to the next line that says anything."""
        while self.more() and (not self._here.text or self._here.text.startswith("#")):
            self._at += 1

    @property
    def _here(self) -> _Line:
        return self._lines[self._at]

    def block(self, least: int, depth: int) -> Value:
        """A list or a mapping whose lines are indented by ``least`` or more; what is less ends it."""
        if depth > MAX_DEPTH:
            raise at_line(self._here.number, "it is nested too deeply")
        indent = self._here.indent
        if indent < least:
            return None
        if self._here.text[0] in "[{":
            return self._flow(self._here.text, self._here)
        if self._is_item():
            return self._items(indent, depth)
        if _KEY.match(self._here.text) is None:
            raise at_line(self._here.number, "there must be a key with a colon, or a list")
        return self._mapping(indent, depth)

    def _is_item(self) -> bool:
        return self._here.text == "-" or self._here.text.startswith("- ")

    def _items(self, indent: int, depth: int) -> Listed:
        entries: list[Entry] = []
        while self.more() and self._here.indent == indent and self._is_item():
            line = self._here
            rest = line.text[1:].lstrip()
            inner = indent + len(line.text) - len(rest)
            if _KEY.match(rest) is not None and rest[0] not in "\"'":
                self._lines[self._at] = _Line(line.number, inner, rest)
                entries.append(Entry(self._mapping(inner, depth + 1), line.number))
            else:
                entries.append(Entry(self._value(rest, line, indent + 1, depth), line.number))
            self.pass_over()
        self._check_end(indent)
        return Listed(entries)

    def _mapping(self, indent: int, depth: int) -> Mapped:
        entries: list[Entry] = []
        while self.more() and self._here.indent == indent and not self._is_item():
            line = self._here
            key = _KEY.match(line.text)
            if key is None:
                raise at_line(line.number, "there must be a key with a colon")
            # A list may stand as far to the left as its key.
            value = self._value(line.text[key.end() :].strip(), line, indent + 1, depth, beside=indent)
            name = _unquoted(key[1].rstrip())
            entries.append(Entry(value, line.number, int(name) if name.isdecimal() and name.isascii() else name))
            self.pass_over()
        self._check_end(indent)
        return Mapped(entries)

    def _check_end(self, indent: int) -> None:
        if self.more() and self._here.indent > indent:
            raise at_line(self._here.number, "its indentation does not match the lines above")

    def _value(self, rest: str, line: _Line, least: int, depth: int, beside: int | None = None) -> Value:
        if _QUOTED.fullmatch(rest) is None:
            rest = _COMMENT.sub("", rest).strip()
        if not rest:
            self._at += 1
            self.pass_over()
            if not self.more():
                return None
            if beside is not None and self._here.indent == beside and self._is_item():
                return self._items(beside, depth + 1)
            return self.block(least, depth + 1)
        if rest[0] in "[{":
            return self._flow(rest, line)
        self._at += 1
        if rest[0] in "|>":
            return self._literal(least)
        if rest[0] in _REFUSED:
            raise at_line(line.number, f"“{rest[0]}” is YAML syntax that is not supported here")
        quoted = _QUOTED.fullmatch(rest)
        return _unquoted(quoted[1] if quoted is not None else rest)

    def _literal(self, least: int) -> str:
        begun = self._at
        while self.more() and (not self._here.text or self._here.indent >= least):
            self._at += 1
        return "\n".join(line.text for line in self._lines[begun : self._at])

    def _flow(self, rest: str, line: _Line) -> Value:
        """What stands in brackets, over as many lines as it takes to close them."""
        parts = [rest]
        self._at += 1
        open_ = _left_open(rest)
        while open_ > 0 and self.more():
            parts.append(self._here.text)
            open_ += _left_open(self._here.text)
            self._at += 1
        return read_nodes("\n".join(parts), first_line=line.number, bare=True)


def _left_open(text: str) -> int:
    bare = _COMMENT.sub("", re.sub(r""""(?:[^"\\]|\\.)*"|(?<!\w)'(?:[^']|'')*'""", "", text))
    return sum(bare.count(letter) for letter in "[{") - sum(bare.count(letter) for letter in "]}")


def _unquoted(text: str) -> str:
    if text[:1] == "'" and text[-1:] == "'" and len(text) > 1:
        return text[1:-1].replace("''", "'")
    value = read_nodes(text) if text[:1] == '"' else text
    return value if isinstance(value, str) else text
