"""What a user does with the window, from drop to answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication, QImage
from pytestqt.qtbot import QtBot

from resnet_desktop.core.settings import COLORMAP, FIT, HEATMAP_OPACITY, HEATMAP_SHOWN, MODEL, THEME, Settings
from resnet_desktop.gui.shell.main_window import MainWindow
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.session.results import Failure, Result
from tests.conftest import make_photo

from .conftest import LABELS, OpenWindow, drag_over, wait_settled

CAT, COFFEE, ROCKET = sample_photos()[:3]


def drop(window: MainWindow, mime: QMimeData) -> None:
    """What the platform does when something is dragged in and let go."""
    drag_over(window, mime)
    assert window.drop_overlay.isVisible()
    none = Qt.KeyboardModifier.NoModifier
    dropping = QDropEvent(QPointF(300, 300), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, none)
    QGuiApplication.sendEvent(window, dropping)
    assert not window.drop_overlay.isVisible()


def outcomes(window: MainWindow) -> list[Result | Failure | None]:
    return [item.outcome for item in window.gallery.items]


def test_the_empty_window_offers_the_samples(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    assert window.welcome.isVisible()
    assert not window.actions_.clear.isEnabled()
    qtbot.mouseClick(window.welcome.tiles[0], Qt.MouseButton.LeftButton)
    wait_settled(qtbot, window)
    assert window.inspect.isVisible()
    assert [item.name for item in window.gallery.items] == ["cat.jpg"]


def test_nothing_moves_when_cancel_comes(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    window.apply_theme("light")
    height = window.status.height()
    window.status.show_queue(1, 1000)
    qtbot.waitUntil(window.status.cancel_button.isVisible)
    qtbot.wait(50)
    assert window.status.height() == height
    button = window.status.cancel_button
    assert button.height() == button.sizeHint().height()


def test_dropped_files_and_folders_are_classified(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "album" / "deep").mkdir(parents=True)
    (tmp_path / "album" / "one.jpg").write_bytes(CAT.read_bytes())
    (tmp_path / "album" / "deep" / "two.jpg").write_bytes(COFFEE.read_bytes())
    (tmp_path / "album" / "notes.txt").write_text("no photo")
    window = open_window()
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(ROCKET)), QUrl.fromLocalFile(str(tmp_path / "album"))])
    drop(window, mime)
    wait_settled(qtbot, window)
    assert [item.name for item in window.gallery.items] == ["rocket.jpg", "one.jpg", "two.jpg"]
    for outcome in outcomes(window):
        assert isinstance(outcome, Result)
        assert outcome.top.label in LABELS
        assert len(outcome.scores) == 5
        assert outcome.provider == "CPU"
    assert window.inspect.predictions.title == window.gallery.items[0].outcome.top.label  # type: ignore[union-attr]
    assert window.status.time_label.text()


def test_the_same_file_twice_is_one_row(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(CAT, COFFEE)
    wait_settled(qtbot, window)
    window.add_paths((COFFEE,))
    qtbot.waitUntil(lambda: window.inspect.gallery.currentIndex().row() == 1, timeout=5000)
    assert len(window.gallery.items) == 2


def test_a_picture_from_a_browser_and_one_from_the_clipboard(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    mime = QMimeData()
    mime.setUrls([QUrl("https://example.org/cat.jpg")])
    mime.setData("image/jpeg", CAT.read_bytes())
    drop(window, mime)
    QGuiApplication.clipboard().setImage(QImage(str(COFFEE)))
    window.actions_.paste.trigger()
    wait_settled(qtbot, window)
    assert all(isinstance(outcome, Result) for outcome in outcomes(window))
    assert len(window.gallery.items) == 2


def test_a_web_address_alone_is_explained(open_window: OpenWindow) -> None:
    window = open_window()
    mime = QMimeData()
    mime.setUrls([QUrl("https://example.org/cat.jpg")])
    drop(window, mime)
    assert "does not go online" in window.notice.text
    assert not window.gallery.items


def test_an_unreadable_file_has_its_row_and_its_sentence(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(CAT.read_bytes()[:9000])
    window = open_window(broken, CAT, tmp_path / "missing.png")
    wait_settled(qtbot, window)
    first, second, third = outcomes(window)
    assert isinstance(first, Failure)
    assert first.code == "truncated_image"
    assert isinstance(second, Result)
    assert isinstance(third, Failure)
    assert third.code == "missing_file"
    assert not window.inspect.view.has_photo
    assert window.inspect.view.accessibleDescription() == first.text
    window.inspect.gallery.select_row(1)
    wait_settled(qtbot, window)
    assert window.inspect.view.has_photo


def test_a_folder_without_photos_is_reported(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window = open_window(tmp_path)
    qtbot.waitUntil(lambda: "No photos found" in window.notice.text, timeout=5000)


def test_a_bar_shows_its_evidence_by_mouse_and_keyboard(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(CAT)
    wait_settled(qtbot, window)
    bars = window.inspect.predictions.bars
    first = window.inspect.presenter.evidence
    assert first is not None
    outcome = window.gallery.items[0].outcome
    assert isinstance(outcome, Result)
    assert first.target == outcome.scores[0].index
    place = bars.visualRect(bars.model().index(2, 0)).center()
    qtbot.mouseClick(bars.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(lambda: window.inspect.presenter.evidence.target == outcome.scores[2].index, timeout=5000)  # type: ignore[union-attr]
    qtbot.keyClick(bars, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: window.inspect.presenter.evidence.target == outcome.scores[3].index, timeout=5000)  # type: ignore[union-attr]
    later = window.inspect.presenter.evidence
    assert later is not None
    assert first.values is not None
    assert later.values is not None
    assert later.empty or not (first.values == later.values).all()
    if later.empty:
        assert "no positive evidence" in window.inspect.heatmap.note


def test_the_heatmap_is_switched_with_h_and_remembered(open_window: OpenWindow, qtbot: QtBot, home: Path) -> None:
    settings = Settings()
    window = open_window(CAT, settings=settings)
    wait_settled(qtbot, window)
    assert window.inspect.view.layer is not None
    with_heat = window.inspect.view.grab().toImage()
    window.activateWindow()
    qtbot.keyClick(window.inspect.gallery, Qt.Key.Key_H)
    assert not window.actions_.heatmap.isChecked()
    assert window.inspect.view.grab().toImage() != with_heat
    window.inspect.heatmap.opacity_slider.setValue(80)
    colours = window.inspect.heatmap.look.colormap
    colours.setCurrentIndex(colours.findData("inferno"))
    window.close()
    written = Settings()
    assert written.flag(HEATMAP_SHOWN) is False
    assert written.number(HEATMAP_OPACITY) == pytest.approx(0.8)
    assert written.string(COLORMAP) == "inferno"


def test_the_whole_photo_can_be_shown_to_the_network(open_window: OpenWindow, qtbot: QtBot) -> None:
    settings = Settings()
    window = open_window(CAT, settings=settings)
    wait_settled(qtbot, window)
    crop = window.inspect.presenter.evidence
    before = outcomes(window)[0]
    window.inspect.heatmap.look.fit_changed.emit("whole")
    qtbot.waitUntil(
        lambda: window.inspect.presenter.evidence is not None and window.inspect.presenter.evidence.fit == "whole",
        timeout=9000,
    )
    whole = window.inspect.presenter.evidence
    assert crop is not None
    assert whole is not None
    assert crop.box.left > 0
    assert whole.box.left == pytest.approx(0.0)
    assert whole.box.top < 0  # a landscape photo has padding above and below
    after = outcomes(window)[0]
    assert isinstance(before, Result)
    assert isinstance(after, Result)
    assert before.scores != after.scores
    window.close()
    assert Settings().string(FIT) == "whole"


def test_another_model_classifies_again_and_a_bad_one_changes_nothing(
    open_window: OpenWindow, qtbot: QtBot, wary_model_file: Path, tmp_path: Path
) -> None:
    window = open_window(CAT, COFFEE, settings=Settings())
    wait_settled(qtbot, window)
    before = outcomes(window)
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"<html>not found</html>")
    window.open_model(str(bad))
    qtbot.waitUntil(lambda: bool(window.notice.text), timeout=9000)
    assert outcomes(window) == before
    assert window.status.model_button.text() == "small18"
    window.open_model(str(wary_model_file))
    qtbot.waitUntil(lambda: window.status.model_button.text() == "wary18", timeout=9000)
    wait_settled(qtbot, window)
    assert outcomes(window) != before
    assert window.inspect.predictions.warns_unfamiliar
    window.close()
    assert Settings().string(MODEL) == str(wary_model_file)


def test_a_model_that_is_gone_gives_way_to_the_default(
    open_window: OpenWindow, qtbot: QtBot, model_file: Path, home: Path
) -> None:
    installed = home / "data" / "models" / "aaa.onnx"
    installed.parent.mkdir(parents=True)
    installed.write_bytes(model_file.read_bytes())
    settings = Settings()
    settings.change(MODEL, "no-such-model")
    window = open_window(model=None, settings=settings)
    qtbot.waitUntil(lambda: window.status.provider_badge.isVisible(), timeout=20_000)
    assert "no-such-model" in window.notice.text


def test_removing_and_clearing(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(CAT, COFFEE, ROCKET)
    wait_settled(qtbot, window)
    window.inspect.gallery.select_row(1)
    window.actions_.remove.trigger()
    wait_settled(qtbot, window)
    assert [item.name for item in window.gallery.items] == ["cat.jpg", "rocket.jpg"]
    assert window.inspect.gallery.current is window.gallery.items[1]
    window.actions_.clear.trigger()
    assert not window.gallery.items
    assert window.welcome.isVisible()
    window.add_paths((CAT,))
    wait_settled(qtbot, window)
    assert len(window.gallery.items) == 1


def test_the_results_are_exported(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window = open_window(CAT, tmp_path / "missing.jpg")
    wait_settled(qtbot, window)
    target = tmp_path / "results.csv"
    window.exporting.write(target)
    qtbot.waitUntil(lambda: bool(window.notice.text), timeout=5000)
    lines = target.read_text("utf-8").splitlines()
    assert len(lines) == 1 + 5 + 1
    assert lines[1].startswith(f"{CAT},True,1,")
    assert ",missing_file," in lines[-1]


def test_the_theme_follows_the_choice(open_window: OpenWindow) -> None:
    window = open_window(settings=Settings())
    light = window.palette().window().color().lightness()
    next(a for a in window.actions_.themes.actions() if a.data() == "dark").trigger()
    assert window.palette().window().color().lightness() < light
    window.close()
    assert Settings().string(THEME) == "dark"


def test_how_a_photo_was_read_stands_below_its_name(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    deep = (make_photo(90, 70)[..., 0].astype(np.uint16) * 16).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.tif")
    window = open_window(tmp_path / "deep.tif", CAT)
    wait_settled(qtbot, window)
    bar = window.inspect.views.bar
    assert bar.caption.startswith("deep.tif")
    assert "4095 was used as white" in bar.notes
    window.inspect.gallery.select_row(1)
    qtbot.waitUntil(lambda: bar.caption.startswith("cat.jpg"))
    assert bar.notes == ""
