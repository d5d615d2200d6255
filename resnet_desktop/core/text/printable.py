"""Text from elsewhere, made fit to be shown: file names, labels, what a model file or a server says.

A terminal obeys control characters, marks of direction turn a line's end into its middle, and half surrogates cannot
be encoded. All of them appear as escapes; the result is for people, it no longer names a file.
"""

from __future__ import annotations

import os
import unicodedata

_JOINERS = "\u200c\u200d"
"""Format characters that Persian, Indic scripts and emoji are written with; they change no order of the letters."""


def printable(text: str | os.PathLike[str], *, lines: bool = False) -> str:
    r"""``text`` as it can be shown, printed and logged anywhere.

    Bytes that are not UTF-8 and control characters (a name may hold a newline or a terminal's escape code) appear as
    ``\xNN``, characters that nobody sees or that change the direction of writing as ``\uNNNN``.

    Args:
        text: a text or a path.
        lines: keep line breaks and tabs, for text of several lines.
    """
    said = os.fspath(text)
    if said.isprintable():  # nearly always
        return said
    kept = "\n\t" if lines else ""
    return "".join(letter if letter in kept or _is_seen(letter) else _escaped(letter) for letter in said)


def _is_seen(letter: str) -> bool:
    return letter.isprintable() or letter in _JOINERS or unicodedata.category(letter) == "Zs"


def _escaped(letter: str) -> str:
    byte = ord(letter) - 0xDC00  # how Python carries a byte that is not UTF-8 (PEP 383)
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else letter.encode("unicode_escape").decode("ascii")
