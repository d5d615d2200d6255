"""The page on speed: measuring, choosing, and the window that then runs so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file.variant import write_graph, write_variant
from resnet_desktop.bundle.library.library import Library
from resnet_desktop.core import paths
from resnet_desktop.core.settings import TUNED, Settings
from resnet_desktop.gui.background.preferences import Preferences
from resnet_desktop.gui.models.models_window import ModelsWindow
from resnet_desktop.gui.models.offers_table import title_of
from resnet_desktop.gui.models.speed_page import SpeedPage
from resnet_desktop.gui.saving.results_table import Export
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.inference.runtime import CPU
from resnet_desktop.inference.tuning import kept, timing, tuner
from resnet_desktop.inference.tuning.offers import Agreement, Offer, Refusal, Setup, Speed, Tuning
from resnet_desktop.inference.way import Way
from resnet_desktop.session.results import ModelInfo

from .conftest import OpenWindow, wait_settled

WAIT = 20_000


def measured(path: Path, folder: Path) -> None:
    """As if the tuner had made a variant; its graph is the model's own."""
    model = bundles.read(path)
    write_graph(model, folder / "graph.onnx")
    about = {"kind": "int8", "recipe": "minmax", "images": 24}
    target = kept.file_of(model.file_sha256, "int8", path.stem)
    write_variant(model, folder / "graph.onnx", target, about, warns=False)
    installed = Offer("installed", Setup(None, CPU), Speed((10.0,), 1.0))
    agreement = Agreement(24, 0.96, 0.2, 0.01)
    int8 = Offer("int8", Setup("int8", CPU, Way(1, 2)), Speed((20.0,), 2.0), agreement, "minmax", warns=False)
    refused = (Refusal("cores", "It was not faster here."),)
    kept.save(Tuning(path.stem, model.file_sha256, 2, 24, 24, 0, installed, (int8,), refused))


@pytest.fixture
def page(model_file: Path, tmp_path: Path, qtbot: QtBot) -> Iterator[SpeedPage]:
    """The page, with a small model looked at that was measured before."""
    path = Library().install(model_file, "small").path
    measured(path, tmp_path)
    window = ModelsWindow(Preferences(Settings()))
    window.show_current("small")
    window.open_at(window.speed)
    qtbot.waitUntil(lambda: len(window.speed.offers.rows) == 2, timeout=WAIT)
    yield window.speed
    window.close_threads()
    window.close()
    window.deleteLater()


def cells(page: SpeedPage, row: int) -> list[object]:
    return [page.offers.data(page.offers.index(row, column)) for column in range(page.offers.columnCount())]


def test_what_was_measured_is_shown_used_and_undone(page: SpeedPage) -> None:
    assert cells(page, 0) == ["✓ As installed", "CPU", "10.0", "1.00 ×", "–", "–"]
    assert cells(page, 1)[1:] == ["CPU, 2 × 1 cores", "20.0", "2.00 ×", "96.0\xa0%", "20\xa0%"]
    assert "4.0\xa0% of the photos get another answer" in page.notes
    assert "does not warn of unfamiliar photos" in page.notes
    assert "Cores shared differently: It was not faster here." in page.notes
    assert (page.use_button.text(), page.use_button.isEnabled()) == ("In use", False)
    page.table.selectRow(1)
    page.use_button.click()
    assert str(cells(page, 1)[0]).startswith("✓ ")
    assert '"int8"' in str(page._preferences.value(TUNED))
    assert title_of("int8") in page.state
    page.table.selectRow(0)
    page.use_button.click()
    assert page._preferences.value(TUNED) == ""
    assert list(paths.variants_folder().iterdir())
    Library().remove("small")
    assert not list(paths.variants_folder().iterdir()), "they go with the model"


def test_it_is_measured_on_the_photos_of_the_window_or_of_a_folder(
    page: SpeedPage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing, "SECONDS", 0.01)
    monkeypatch.setattr(timing, "ROUNDS", 1)
    monkeypatch.setattr(tuner, "FASTER", 1e9)
    assert not page.measure_button.isEnabled(), "there are no photos"
    page.photos_of_window = sample_photos
    page.look()
    page.measure_button.click()
    assert not page.measure_button.isEnabled()
    qtbot.waitUntil(page.measure_button.isEnabled, timeout=3 * WAIT)
    qtbot.waitUntil(lambda: len(page.offers.rows) == 1, timeout=WAIT)
    assert "At least 48 photos are needed" in page.notes
    page.take_folder(sample_photos()[0].parent)
    page.measure_button.click()
    page.cancel_button.click()
    assert page.state == "Cancelled."
    assert page.measure_button.isEnabled()


def test_the_window_runs_the_variant_and_says_so(
    open_window: OpenWindow, qtbot: QtBot, model_file: Path, tmp_path: Path
) -> None:
    path = Library().install(model_file, "small").path
    measured(path, tmp_path)
    window = open_window(sample_photos()[0], model=path)
    wait_settled(qtbot, window)
    opened: list[ModelInfo] = []
    window.controller.model_ready.connect(opened.append)
    window.models.manage()
    page = window.models.window.speed
    qtbot.waitUntil(lambda: len(page.offers.rows) == 2, timeout=WAIT)
    assert list(page.photos_of_window()) == [sample_photos()[0]]
    page.table.selectRow(1)
    page.use()
    qtbot.waitUntil(lambda: bool(opened), timeout=WAIT)
    assert (opened[0].name, opened[0].path, opened[0].variant) == ("small", path, "int8")
    wait_settled(qtbot, window)
    assert window.status.provider_badge.text() == "CPU · int8"
    window.exporting.write(tmp_path / "out.json", Export(window.gallery.items, "json"))
    qtbot.waitUntil((tmp_path / "out.json").exists, timeout=WAIT)
    assert '"variant": "int8"' in (tmp_path / "out.json").read_text("utf-8")
