"""A folder of results of a cluster, opened as a list: with its answers where these are still true."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QUrl
from pytestqt.qtbot import QtBot

from resnet_desktop.batch_inference import columns, manifest
from resnet_desktop.batch_inference.results_folder import Results
from resnet_desktop.bundle.file.bundle import read
from resnet_desktop.core.settings import GROUP_THRESHOLD, TOP_K, Settings
from resnet_desktop.gui.intake import drops
from resnet_desktop.gui.shell.main_window import MainWindow
from resnet_desktop.session.results import Limits, Result
from tests.unit.batch_inference.making import Given, album, classified, options

from .conftest import WAIT, OpenWindow, wait_settled, write_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, model_file: Path) -> Path:
    """Results of four photos, one of which has changed since, of a detection, and of a photo in a storage."""
    root = tmp_path_factory.mktemp("results")
    paths = album(root / "album", 4)
    detection = {"image": 0, "detection": 0, "category": "animal", "confidence": 0.9, "bbox": [0.0, 0.0, 0.5, 0.5]}
    given: list[Given] = [*paths, (paths[0], {"detection": detection}), f"file://{paths[0]}"]
    limits = Limits.of(Settings())
    made = options(top=limits.top_k + 1, group_threshold=limits.group_threshold, max_pixels=limits.max_pixels)
    classified(root / "results", read(model_file), given, made=made)
    Path(paths[3]).write_bytes(Path(paths[2]).read_bytes())
    return root / "results"


def opened(open_window: OpenWindow, qtbot: QtBot, path: Path, **more: object) -> tuple[MainWindow, list[str]]:
    """A window with what is in the folder, and the names of the photos that its model was asked about."""
    window = open_window(**more)
    asked: list[str] = []
    classify = window.controller.classify

    def listen(items: object) -> None:
        given = list(items)  # type: ignore[call-overload]
        asked.extend(source.name for _, source in given)
        classify(given)

    window.controller.classify = listen  # type: ignore[method-assign]
    window.add_paths((path,))
    qtbot.waitUntil(lambda: len(window.gallery.items) == 4 and not window.companions.sessions.coming, timeout=WAIT)
    wait_settled(qtbot, window)
    return window, asked


def test_stored_answers_are_shown(open_window: OpenWindow, qtbot: QtBot, folder: Path) -> None:
    window, asked = opened(open_window, qtbot, folder)
    assert set(asked) == {"003.jpg"}
    stored = {row["path"]: row for row in map(columns.row, Results(folder).records()) if "detection" not in row}
    kept = [item for item in window.gallery.items if item.name != "003.jpg"]
    assert len(kept) == 3
    for item in kept:
        assert isinstance(item.outcome, Result)
        row = stored[str(item.source)]["predictions"][: int(TOP_K.default)]
        assert [(one.index, one.label) for one in item.outcome.scores] == [(one["index"], one["label"]) for one in row]
        # The photo that is looked at is run again for its heatmap, and then has all digits.
        shares = [one["probability"] for one in row]
        assert [one.probability for one in item.outcome.scores] == pytest.approx(shares, abs=1e-6)
    assert "2 results are of parts of photos" in window.notice.text


@pytest.mark.parametrize("change", ["model", "settings"])
def test_other_answers_are_not_taken_over(
    open_window: OpenWindow, qtbot: QtBot, folder: Path, tmp_path: Path, change: str
) -> None:
    settings = Settings()
    more: dict[str, object] = {"settings": settings}
    if change == "model":
        more["model"] = write_model(tmp_path / "other.onnx", seed=5)
    else:
        settings.change(GROUP_THRESHOLD, 0.25)
    window, asked = opened(open_window, qtbot, folder / manifest.NAME, **more)
    assert set(asked) == {"000.jpg", "001.jpg", "002.jpg", "003.jpg"}
    assert "classified again with" in window.notice.text


def test_what_a_drop_promises_and_what_is_damaged(
    open_window: OpenWindow, qtbot: QtBot, folder: Path, tmp_path: Path
) -> None:
    assert drops.kind_of(folder) == drops.kind_of(folder / manifest.NAME) == drops.RESULTS
    assert drops.kind_of(folder.parent) == drops.FOLDER
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(folder))])
    assert drops.promise(mime) == "Drop to open these results"
    (tmp_path / manifest.NAME).write_text('{"format": "resnet-desktop-results", "v": 1}')
    window = open_window()
    window.add_paths((tmp_path,))
    qtbot.waitUntil(lambda: "it is damaged" in window.notice.text, timeout=WAIT)
    assert not window.gallery.items
