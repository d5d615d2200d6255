"""Folders that leave open what the classes are: the guide offers what names and depths suggest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from resnet_desktop.core.settings import Settings
from resnet_desktop.imaging.decode import encode_png

from .conftest import SCREENSHOTS, WAIT, OpenWindow, OpenWizard


def photos(root: Path, *names: str) -> Path:
    rng = np.random.default_rng(0)
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_png(rng.integers(0, 255, (24, 24, 3)).astype(np.uint8)))
    return root


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    """Ants and bees in one folder."""
    return photos(tmp_path / "flat", *(f"{kind}_{number:02}.png" for kind in ("ant", "bee") for number in range(4)))


def test_a_flat_folder_is_sorted_by_its_names(open_wizard: OpenWizard, qtbot: QtBot, flat: Path, home: Path) -> None:
    del home
    wizard = open_wizard()
    wizard.add_sources([flat])
    offer = wizard.pages.data.offer
    qtbot.waitUntil(offer.isVisible, timeout=WAIT)
    assert not wizard.pages.data.complete
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    wizard.grab().save(str(SCREENSHOTS / "guide-classes-by-name.png"))
    assert [button.text() for button in offer.buttons] == ["Use these 2"]
    qtbot.mouseClick(offer.buttons[0], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: wizard.pages.data.complete, timeout=WAIT)
    assert "8 photos in 2 classes" in wizard.pages.data.summary
    assert not offer.isVisible()
    assert sorted(flat.iterdir())[0].name == "ant_00.png", "nothing was moved"


def test_the_depth_of_the_classes_is_asked_for(
    open_wizard: OpenWizard, qtbot: QtBot, tmp_path: Path, home: Path
) -> None:
    del home
    names = [
        f"{order}/{kind}/{n}.png" for order, kind in (("b", "weevil"), ("b", "stag"), ("f", "hover")) for n in "12"
    ]
    wizard = open_wizard()
    wizard.add_sources([photos(tmp_path / "nested", *names)])
    offer = wizard.pages.data.offer
    qtbot.waitUntil(offer.isVisible, timeout=WAIT)
    wizard.grab().save(str(SCREENSHOTS / "guide-classes-by-depth.png"))
    assert sorted(button.isEnabled() for button in offer.buttons) == [False, True], "one of them is in force"
    other = next(button for button in offer.buttons if button.isEnabled())
    count = "3" if "3" in other.text() else "2"
    qtbot.mouseClick(other, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: f"6 photos in {count} classes" in wizard.pages.data.summary, timeout=WAIT)


def test_what_says_nothing_leads_to_labelling(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    root = photos(tmp_path / "mute", "IMG_1.png", "IMG_2.png", "IMG_3.png")
    window = open_window(settings=Settings())
    window.open_wizard(root)
    assert window.wizard is not None
    offer = window.wizard.pages.data.offer
    qtbot.waitUntil(offer.isVisible, timeout=WAIT)
    qtbot.mouseClick(offer.buttons[0], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(window.gallery.items) == 3, timeout=WAIT)
    assert window.inspect.class_panel.isVisible()
    window.wizard.close()


def test_one_folder_for_each_class_is_not_asked_about(open_wizard: OpenWizard, qtbot: QtBot, tmp_path: Path) -> None:
    wizard = open_wizard()
    wizard.add_sources([photos(tmp_path / "plain", "ant/1.png", "ant/2.png", "bee/1.png", "bee/2.png")])
    qtbot.waitUntil(lambda: wizard.pages.data.complete, timeout=WAIT)
    qtbot.wait(200)
    assert not wizard.pages.data.offer.isVisible()
