"""What of a heatmap is saved: the picture, the map, the report; and that nothing is written over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from resnet_desktop.gui.shell.welcome import sample_photos

from .conftest import OpenWindow, arrived, page_with, wait_settled

CAT, COFFEE, ROCKET = sample_photos()[:3]
LAYERS = ("layer1.0", "layer1.1", "layer2.0", "layer2.1", "layer3.0", "layer3.1", "layer4.0", "layer4.1")


def test_a_picture_is_saved_as_it_is_seen(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window, page = page_with(open_window, qtbot)
    target, bare = tmp_path / "cat.png", tmp_path / "bare.png"
    window.saver.save_picture(target)
    qtbot.waitUntil(lambda: window.notice.text == f"Saved as {target}.", timeout=10_000)
    photo, saved = QImage(str(CAT)), QImage(str(target))
    assert saved.width() == photo.width()
    assert saved.height() > photo.height()  # the caption
    window.actions_.caption.trigger()
    page.heatmap.opacity_slider.setValue(0)
    window.saver.save_picture(bare)
    qtbot.waitUntil(lambda: window.notice.text == f"Saved as {bare}.", timeout=10_000)
    plain = QImage(str(bare))
    assert plain.size() == photo.size()
    box = page.presenter.evidence.box  # type: ignore[union-attr]
    outside = (round(box.left * photo.width() / 2), photo.height() // 2)
    assert saved.pixelColor(*outside) == plain.pixelColor(*outside)
    assert saved.copy(0, 0, photo.width(), photo.height()) != plain
    window.saver.save_picture(tmp_path)
    qtbot.waitUntil(lambda: "could not be written" in window.notice.text, timeout=10_000)


def test_the_raw_map_and_the_report_are_saved(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window, page = page_with(open_window, qtbot)
    page.presenter.choose_layer("layer3.1")
    shown = arrived(qtbot, page)
    window.saver.save_map(tmp_path / "cat.npz")
    qtbot.waitUntil(lambda: "Saved as" in window.notice.text, timeout=10_000)
    with np.load(tmp_path / "cat.npz") as saved:
        assert shown.raw is not None
        np.testing.assert_allclose(saved["cam"], shown.raw, rtol=1e-3, atol=1e-5)
        assert saved["target"] == shown.target
    report = tmp_path / "cat.html"
    window.saver.save_report(report)
    assert window.saver.busy
    qtbot.waitUntil(lambda: window.notice.text == f"Saved as {report}.", timeout=60_000)
    text = report.read_text("utf-8")
    assert "cat.jpg" in text
    assert shown.label in text
    assert str(CAT.parent) not in text
    assert not window.saver.busy


def test_a_report_is_given_up_with_its_model_or_by_hand(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path, wary_model_file: Path
) -> None:
    window, _ = page_with(open_window, qtbot)
    report = tmp_path / "cat.html"
    window.saver.save_report(report)
    window.actions_.cancel.trigger()
    assert window.notice.text == "Cancelled. Nothing was saved."
    window.saver.save_report(report)
    window.open_model(str(wary_model_file))
    qtbot.waitUntil(lambda: "has changed" in window.notice.text, timeout=20_000)
    wait_settled(qtbot, window)
    assert not report.exists()


def test_a_photo_is_refused_as_the_place_of_its_own_heatmap(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    window, _ = page_with(open_window, qtbot)
    link = tmp_path / "link.png"
    link.symlink_to(CAT)
    before = CAT.read_bytes()
    for save in (window.saver.save_picture, window.saver.save_map, window.saver.save_report):
        save(link)
        assert "would be overwritten" in window.notice.text
    assert CAT.read_bytes() == before
    assert link.is_symlink()
