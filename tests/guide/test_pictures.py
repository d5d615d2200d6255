"""The pictures of the guide: each is used, and the window still comes to the state that it shows."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

os.environ["QT_QPA_PLATFORM"] = "offscreen"  # before Qt is imported by anyone

from PIL import Image
from PySide6.QtWidgets import QApplication

from resnet_desktop.gui.shell import app as gui_app
from tests.guide import pictures
from tests.guide.pages import GUIDE, pages

LARGEST = 150_000  # bytes: they come with every clone


def shown() -> set[str]:
    """The pictures that the pages show."""
    found = set[str]()
    for text in pages().values():
        found |= set(re.findall(r"!\[[^\]]+\]\((pictures/[a-z-]+\.(?:png|jpg))\)", text))
    return found


def test_each_picture_is_shown_and_small() -> None:
    there = {f"pictures/{path.name}" for path in pictures.FOLDER.iterdir()}
    assert shown() == there
    assert sum("![" in line for text in pages().values() for line in text.splitlines()) == len(there)
    for name in there:
        assert (GUIDE / name).stat().st_size < LARGEST, name


@pytest.mark.slow
def test_the_window_comes_to_what_they_show(tmp_path: Path, tried_once: None) -> None:
    if QApplication.instance() is None:  # else tests of the window have run in this process
        gui_app.create_application()
    pictures.make(tmp_path)
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {path.name for path in pictures.FOLDER.iterdir()}
    for name in made:
        with Image.open(tmp_path / name) as new, Image.open(pictures.FOLDER / name) as old:
            assert new.size == old.size, name
            colours = new.convert("RGB").getcolors(1 << 24)
            assert colours is not None
            assert len(colours) > 20, name
