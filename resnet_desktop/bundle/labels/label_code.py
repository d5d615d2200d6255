"""Text of programs where names of classes were expected: a list in it is found, all else is told apart from names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from resnet_desktop.bundle.labels.label_nodes import NoLabelsError
from resnet_desktop.bundle.labels.label_values import COUNT_KEYS, NAME_KEYS, usual
from resnet_desktop.core.text.printable import printable

_ASSIGNED = re.compile(
    r"\s*(?:(?:export|const|let|var|val|pub|static|final)\s+)*[A-Za-z_]\w*\s*(?::[^=\n]{1,60})?=\s*(?=[\[({]|\w+\.?\w*\([\[({])"
)
_WRAPPED = re.compile(
    r"\s*(?:\w{2,12}\.)?(?:array|dict_keys|dict_values|odict_keys|Index|list|tuple|OrderedDict)\(\s*(?=[\[({])"
)
_WRAPPED_END = re.compile(r"(?:,\s*(?:dtype|name)\s*=[^(),]*)*,?\s*\)\s*;?\s*\Z")
_END = re.compile(r"\s*;\s*\Z")
_TAIL = 200
"""Characters in which a program's text ends behind its list: a search in all of it could take long."""
_STRUCTURE = re.compile(r"""[\[\]{}(),;]+|<[^>]*>.*|\w+\s*(?:[:=]\s*)?(?:[\[(]|\{.*)|["'][^"']*["']\s*:.*""")
_KEYWORDS = (
    "export|import|const|constexpr|let|var|val|static|public|private|pub|final|def|class|return|package|using|module"
)
_CODE = re.compile(
    rf"#\s*(?:define|include|pragma|if|ifdef|ifndef|endif)\b.*|(?:{_KEYWORDS})\b[^=;{{(]*(?:[=;{{]|(?<=\w)\().*"
    r"""|.*[\[{]\s*["'].*|.*\w\(\s*[\["'].*|(?://|/\*).*|\w+:\s*"[^"]*"|\|.*\|"""
)
_SETTING = re.compile(r"([A-Za-z_][\w.]*)\s*=\s*\S.*")
_SETTINGS = frozenset({*NAME_KEYS, *COUNT_KEYS, "train", "val", "valid", "test", "path", "backup"})
_PAIRS = (("[", "]"), ("{", "}"))


def unwrapped(text: str) -> str | None:
    """The list or object of a program, without what stands around it; None where there is none.

    ``names = […]``, ``let names = […];``, ``array([…], dtype=…)``, ``dict_keys([…])``. Lines stay where they are.
    """
    found = text.rstrip()
    for opening, ending in ((_ASSIGNED, _END), (_WRAPPED, _WRAPPED_END)):
        match = opening.match(found)
        if match is not None:
            end = ending.search(found, max(match.end(), len(found) - _TAIL))
            if end is None and opening is _WRAPPED:
                continue
            found = "\n" * found[: match.end()].count("\n") + found[match.end() : None if end is None else end.start()]
    return found if found.lstrip()[:1] in ("[", "{", "(") else None


def refuse_code(lines: Sequence[str], first: int) -> None:
    """Refuse lines that are no names, but a program's text, settings or brackets. Raises NoLabelsError.

    Args:
        lines: without space around them.
        first: what the first of them is called.
    """
    for number, line in enumerate(lines, first):
        if _STRUCTURE.fullmatch(line) or _is_code(line):
            what = f"is not a list of names: line {number} is “{printable(line[:40])}”"
            raise NoLabelsError(f"{what}. Save the names alone, one on each line")
    settings = [_SETTING.fullmatch(line) for line in lines]
    if all(settings) and any(found is not None and usual(found[1]) in _SETTINGS for found in settings):
        shown = printable(lines[0][:40])
        raise NoLabelsError(
            f"holds settings, such as “{shown}” on line {first}, and no names. Choose the file with the names"
        )


def _is_code(line: str) -> bool:
    return _CODE.fullmatch(line) is not None or any(line.count(a) != line.count(b) for a, b in _PAIRS)
