"""What is dropped and pasted: where it goes, what is seen of it, and what is said before it is let go."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, Qt, QUrl
from pytestqt.qtbot import QtBot

from resnet_desktop.core.settings import MODEL, Settings
from resnet_desktop.gui.intake import drops
from resnet_desktop.gui.shell.main_window import MainWindow
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.session.results import Failure, Result

from .conftest import WAIT, OpenWindow, drag_over, save_screenshot, wait_settled

CAT, COFFEE, ROCKET = sample_photos()[:3]


def of_files(*paths: Path) -> QMimeData:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return mime


def of_text(text: str) -> QMimeData:
    mime = QMimeData()
    mime.setText(text)
    return mime


def current(window: MainWindow) -> str:
    item = window.inspect.gallery.current
    return "" if item is None else item.name


def test_the_first_new_photo_is_looked_at(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    for number in range(40):
        os.link(CAT, tmp_path / f"{number}.jpg") if CAT.stat().st_dev == tmp_path.stat().st_dev else shutil.copy(
            CAT, tmp_path / f"{number}.jpg"
        )
    window = open_window(tmp_path)
    wait_settled(qtbot, window)
    view = window.inspect.gallery
    window.add_mime(of_files(tmp_path / "3.jpg", COFFEE, ROCKET))
    qtbot.waitUntil(lambda: current(window) == "coffee.jpg", timeout=WAIT)
    wait_settled(qtbot, window)
    assert current(window) == "coffee.jpg", "the first one that is new"
    assert view.viewport().rect().contains(view.visualRect(view.currentIndex()))
    window.add_mime(of_files(tmp_path / "5.jpg", tmp_path / "6.jpg"))
    qtbot.waitUntil(lambda: current(window) == "5.jpg", timeout=WAIT)  # none is new: the first known one
    assert view.viewport().rect().contains(view.visualRect(view.currentIndex()))
    assert view.selected_numbers() == [window.gallery.items[view.currentIndex().row()].number]
    wait_settled(qtbot, window)


def test_a_zip_of_photos_opens_as_photos(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    archive = tmp_path / "album.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(COFFEE, "b/coffee.jpg")
        file.write(CAT, "a/cat.jpg")
        file.writestr("a/notes.txt", "no photo")
        file.writestr("../outside.jpg", ROCKET.read_bytes())
    window = open_window()
    window.add_mime(of_files(archive))
    qtbot.waitUntil(lambda: len(window.gallery.items) == 2, timeout=WAIT)
    wait_settled(qtbot, window)
    assert [item.name for item in window.gallery.items] == ["cat.jpg", "coffee.jpg"]
    assert all(isinstance(item.outcome, Result) for item in window.gallery.items)
    assert not list(tmp_path.glob("*.jpg"))
    window.add_mime(of_files(archive))  # the same again: no second row
    qtbot.waitUntil(lambda: window.inspect.gallery.currentIndex().row() == 0, timeout=WAIT)
    assert len(window.gallery.items) == 2
    (tmp_path / "bad.zip").write_bytes(b"no zip")
    window.add_mime(of_files(tmp_path / "bad.zip"))
    qtbot.waitUntil(lambda: "bad.zip is not a readable zip file" in window.notice.text, timeout=WAIT)


def test_no_picture_no_row(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "paper.pdf").write_bytes(b"%PDF-1.7\n")
    (tmp_path / "notes").write_text("no photo")
    shutil.copy(CAT, tmp_path / "cat without suffix")
    window = open_window()
    window.add_mime(of_files(tmp_path / "paper.pdf"))
    qtbot.waitUntil(lambda: window.notice.text == "paper.pdf is no picture, so it was left out.", timeout=WAIT)
    assert window.welcome.isVisible()
    window.add_mime(of_files(tmp_path / "paper.pdf", tmp_path / "cat without suffix", tmp_path / "notes"))
    qtbot.waitUntil(lambda: "paper.pdf, notes" in window.notice.text, timeout=WAIT)
    wait_settled(qtbot, window)
    assert [item.name for item in window.gallery.items] == ["cat without suffix"]


def test_a_model_is_opened_and_weights_may_be_installed(
    open_window: OpenWindow, qtbot: QtBot, wary_model_file: Path, tmp_path: Path
) -> None:
    window = open_window(settings=Settings())
    qtbot.waitUntil(lambda: window.status.model_button.text() == "small18", timeout=WAIT)
    window.add_mime(of_files(wary_model_file))
    qtbot.waitUntil(lambda: window.status.model_button.text() == "wary18", timeout=WAIT)
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"no model")
    window.add_mime(of_files(bad))
    qtbot.waitUntil(lambda: "bad.onnx" in window.notice.text, timeout=WAIT)
    weights = tmp_path / "mine.pth"
    weights.write_bytes(b"no weights")
    window.add_mime(of_files(weights))
    assert window.notice.text == "mine.pth holds a network. Install it as a model?"
    qtbot.mouseClick(window.notice.button, Qt.MouseButton.LeftButton)
    installed = window.models.window.installed
    qtbot.waitUntil(lambda: "mine.pth" in installed.said and "Checking" not in installed.said, timeout=WAIT)
    window.models.window.close()
    window.preferences.close()
    assert Settings().string(MODEL) == str(wary_model_file), "the one that became ready, not the one that failed"


def test_paths_pasted_as_text_are_opened(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window = open_window()
    window.add_mime(of_text(f'"{CAT}"\n{QUrl.fromLocalFile(str(COFFEE)).toString()}\n'))
    qtbot.waitUntil(lambda: len(window.gallery.items) == 2, timeout=WAIT)
    wait_settled(qtbot, window)
    window.add_mime(of_text(str(tmp_path / "none.jpg")))
    assert "do not exist" in window.notice.text
    assert not drops.accepts(of_text("A sentence, and / or another."))
    assert not drops.accepts(of_text(f"{CAT} is a cat\nand this is none"))
    assert drops.accepts(of_text(str(CAT)))


def test_a_picture_of_a_browser_keeps_its_name(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    mime = QMimeData()
    mime.setUrls([QUrl("https://example.org/pictures/sleeping%20cat.jpg?size=2")])
    mime.setData("image/jpeg", CAT.read_bytes())
    window.add_mime(mime)
    firefox = QMimeData()
    firefox.setUrls([QUrl("https://example.org/download?id=7")])
    firefox.setData("image/jpeg", COFFEE.read_bytes())
    firefox.setData("application/x-moz-file-promise-dest-filename", "a cup.jpg".encode("utf-16-le"))
    window.add_mime(firefox)
    wait_settled(qtbot, window)
    assert [item.name for item in window.gallery.items] == ["sleeping cat.jpg", "a cup.jpg"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.jpg", "Drop to classify this photo"),
        ("folder", "Drop to classify the photos in this folder"),
        ("a.zip", "Drop to classify the photos in this zip file"),
        ("a.onnx", "Drop to use this model"),
        ("a.pth", "Drop to install these weights as a model"),
        ("a.csv", "Drop to take labels from this table"),
    ],
)
def test_what_a_drop_would_do(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "folder").mkdir()
    assert drops.promise(of_files(tmp_path / name)) == words
    assert drops.promise(of_files(tmp_path / name, tmp_path / "b.jpg")) == "Drop to open these 2"


def test_the_overlay_says_it(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window = open_window(CAT)
    wait_settled(qtbot, window)
    drag_over(window, of_files(tmp_path / "mine.onnx"))
    assert window.drop_overlay.isVisible()
    assert window.drop_overlay.promise == "Drop to use this model"
    save_screenshot(window, "drop-model")
    window.drop_overlay.hide()


def test_a_table_that_is_dropped_labels(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window = open_window(settings=Settings())
    table = tmp_path / "labels.csv"
    table.write_text(f"path,label\n{CAT},animal\n", "utf-8")
    window.add_mime(of_files(table))
    qtbot.waitUntil(lambda: len(window.gallery.items) == 1, timeout=WAIT)
    wait_settled(qtbot, window)
    label = window.gallery.items[0].label
    assert label is not None
    assert label.name == "animal"
    assert not isinstance(window.gallery.items[0].outcome, Failure)
