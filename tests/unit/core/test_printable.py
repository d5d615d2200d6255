"""Text from elsewhere is made fit to be shown."""

from __future__ import annotations

import pytest

from resnet_desktop.core.text.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Änne 猫 🐞", "Änne 猫 🐞"),
        ("می\u200cخواهم 👩\u200d🔬", "می\u200cخواهم 👩\u200d🔬"),
        ("a\u3000b\u00a0c", "a\u3000b\u00a0c"),
        ("red\x1b[31m\x07\r", r"red\x1b[31m\x07\r"),
        ("\u202egpj.exe\u2066\u200f", r"\u202egpj.exe\u2066\u200f"),
        ("a\u2028b\n\tc", r"a\u2028b\n\tc"),
        ("caf\udce9 \ud800 \x9b", r"caf\xe9 \ud800 \x9b"),
    ],
)
def test_what_a_terminal_would_obey_appears_as_an_escape(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert printable(printable(text)) == shown
    shown.encode()


def test_lines_can_be_kept() -> None:
    assert printable("one\n\ttwo\x1b", lines=True) == "one\n\ttwo\\x1b"
