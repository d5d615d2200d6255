"""What a model knows and how good it is: said in the empty window, listed, and a stronger one offered once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from resnet_desktop.bundle.library import packaged
from resnet_desktop.bundle.library.library import Library
from resnet_desktop.core.settings import MODEL, Settings
from resnet_desktop.gui.models.abilities import AbilitiesDialog, how_good, what_it_knows
from resnet_desktop.gui.shell.missing_words import missing_words
from resnet_desktop.gui.style import wording
from resnet_desktop.session.results import Accuracy, ModelInfo

from .conftest import WAIT, OpenWindow, wait_settled

PETS = ModelInfo(
    name="pets",
    path=Path("pets.onnx"),
    arch="",
    classes=6,
    side=64,
    provider="CPU",
    reason="",
    statuses=(),
    has_labels=True,
    is_prepared=True,
    explains=True,
    categories=("tabby", "<b>tiger cat</b>", "beagle", "parrot", "Persian cat", "goldfish"),
)


def test_what_is_known_in_a_line() -> None:
    assert what_it_knows(PETS) == "6 classes: tabby, <b>tiger cat</b>, beagle, parrot …"
    assert what_it_knows(replace(PETS, has_labels=False)) == "6 classes without names"
    topics = (("animals", 5), ("food", 1))
    assert what_it_knows(replace(PETS, topics=topics)) == "6 classes: animals, food …"


@pytest.mark.parametrize("labels", [True, False])
@pytest.mark.parametrize("prepared", [True, False])
def test_all_that_a_model_leaves_open_is_said(labels: bool, prepared: bool) -> None:
    said = missing_words(replace(PETS, has_labels=labels, is_prepared=prepared))
    text = "" if said is None else said[0]
    assert ("no class names" in text, "prepare photos" in text) == (not labels, not prepared)
    assert (said is None) == (labels and prepared)


def test_how_good_it_is_says_on_what() -> None:
    assert how_good(None) == ""
    said = how_good(Accuracy(0.751, None, "ImageNet-1k validation"))
    assert "75" in said
    assert "publisher" in said
    assert f"{wording.number(2000)} test photos" in how_good(Accuracy(0.5, 2000, "test"))


def test_the_list_is_searched(qtbot: QtBot) -> None:
    dialog = AbilitiesDialog(PETS)
    dialog.show()
    qtbot.waitExposed(dialog)
    assert len(dialog.shown) == 6
    dialog.search.setText("CAT")
    assert dialog.shown == ["<b>tiger cat</b>", "Persian cat"]
    dialog.search.setText("unicorn")
    assert dialog.shown == []
    dialog.close()


def test_the_app_starts_with_the_imagenet_network_and_says_what_it_knows(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(model=None)
    qtbot.waitUntil(lambda: window.welcome.list_button.isVisible(), timeout=WAIT)
    assert "efficientnet-lite0-imagenet knows 1,000 classes" in window.welcome.abilities.replace("1000", "1,000")
    assert "according to its publisher" in window.welcome.abilities
    window.welcome.list_button.click()
    dialog = next(w for w in QApplication.topLevelWidgets() if isinstance(w, AbilitiesDialog))
    dialog.search.setText("tarantula")
    assert dialog.shown == ["tarantula"]
    dialog.close()


def test_samples_that_do_not_fit_are_left_out(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(size=(800, 600))
    shown = [tile for tile in window.welcome.tiles if tile.isVisible()]
    assert 3 <= len(shown) < len(window.welcome.tiles)
    assert all(window.welcome.rect().contains(tile.geometry()) for tile in shown)
    window.resize(1300, 800)
    qtbot.waitUntil(lambda: all(tile.isVisible() for tile in window.welcome.tiles), timeout=WAIT)


def test_without_the_package_the_window_says_so_once(
    open_window: OpenWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = replace(packaged.PACKAGED[0], package="no-such-package-of-weights")
    monkeypatch.setattr(Library.__init__, "__defaults__", (None, None, (gone,)))
    window = open_window(model=None)
    qtbot.waitUntil(lambda: "Using resnet50-everyday40" in window.notice.text, timeout=WAIT)
    assert "pip install" in window.notice.text
    window.close()
    again = open_window(model=None)
    qtbot.waitUntil(lambda: again.welcome.list_button.isVisible(), timeout=WAIT)
    assert again.notice.text == ""


def test_a_stronger_network_is_offered_once(open_window: OpenWindow, qtbot: QtBot, model_file: Path) -> None:
    Library().install(model_file, "resnet50-imagenet-v2")
    window = open_window(model=None)
    qtbot.waitUntil(lambda: window.notice.button.isVisible(), timeout=WAIT)
    assert "ResNet-50" in window.notice.text
    window.notice.button.click()
    qtbot.waitUntil(lambda: window.status.model_button.text() == "resnet50-imagenet-v2", timeout=WAIT)
    window.close()
    assert Settings().string(MODEL) == "resnet50-imagenet-v2"
    Settings().change(MODEL, "")
    again = open_window(model=None)
    qtbot.waitUntil(lambda: again.welcome.list_button.isVisible(), timeout=WAIT)
    qtbot.wait(300)
    assert again.notice.text == ""


def test_the_cat_is_a_cat(open_window: OpenWindow, qtbot: QtBot) -> None:
    from resnet_desktop.gui.shell.welcome import sample_photos

    window = open_window(sample_photos()[0], model=None)
    wait_settled(qtbot, window)
    outcome = window.gallery.items[0].outcome
    labels = [score.label for score in outcome.scores[:3]]  # type: ignore[union-attr]
    assert set(labels) == {"tiger cat", "Egyptian cat", "tabby"}
