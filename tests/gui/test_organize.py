"""Many photos at once: sorted into folders, labelled as the model says, found by likeness."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from resnet_desktop.bundle.file.bundle import read
from resnet_desktop.bundle.library.library import Library
from resnet_desktop.core.errors import StorageError
from resnet_desktop.gui.organize.agreement_dialog import AgreementDialog
from resnet_desktop.gui.organize.sort_dialog import SortDialog
from resnet_desktop.gui.shell.main_window import MainWindow
from resnet_desktop.inference.classifier import Classifier
from resnet_desktop.sorting import files
from tests.gui.conftest import LABELS, REPO, WAIT, OpenWindow, wait_settled, write_model

SAMPLES = sorted((REPO / "assets" / "samples").glob("*.jpg"))[:4]


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Copies of four sample photos, which may be moved."""
    folder = tmp_path / "in"
    folder.mkdir()
    return [Path(shutil.copy(sample, folder)) for sample in SAMPLES]


def asked(window: MainWindow, folder: Path) -> SortDialog:
    """The dialog, with everything as sure as can be."""
    window.actions_.sort.trigger()
    dialog = window.organizer.sorting.dialog
    assert dialog is not None
    assert not dialog.start.isEnabled(), "no folder yet"
    dialog.folder.setText(str(folder))
    dialog.threshold.setValue(0)
    return dialog


def finished(window: MainWindow) -> bool:
    return window.organizer.sorting.dialog is None and not window.organizer.sorting._tasks._under_way


def preview(dialog: SortDialog) -> dict[str, int]:
    table = dialog.table
    cells = [[table.item(row, column) for column in (0, 1)] for row in range(table.rowCount())]
    return {name.text(): int(count.text()) for name, count in cells if name is not None and count is not None}


def sorted_into(folder: Path) -> dict[str, int]:
    return {path.name: len(list(path.iterdir())) for path in folder.iterdir() if path.is_dir()}


def test_copied_as_the_preview_says_and_taken_back(
    open_window: OpenWindow, qtbot: QtBot, photos: list[Path], tmp_path: Path
) -> None:
    window = open_window(*photos)
    wait_settled(qtbot, window)
    dialog, out = asked(window, tmp_path / "out"), tmp_path / "out"
    expected = preview(dialog)
    assert sum(expected.values()) == 4
    dialog.threshold.setValue(100)
    assert preview(dialog) == {"not sure": 4}
    dialog.threshold.setValue(0)
    dialog.start.click()
    qtbot.waitUntil(lambda: finished(window), timeout=WAIT)
    assert sorted_into(out) == expected
    assert str(out) in window.notice.text
    assert all(photo.exists() for photo in photos)
    window.actions_.undo.trigger()
    qtbot.waitUntil(lambda: not out.exists() and finished(window), timeout=WAIT)
    window.actions_.redo.trigger()
    qtbot.waitUntil(lambda: finished(window) and out.exists(), timeout=WAIT)
    assert sorted_into(out) == expected


def test_moved_after_a_question_and_the_list_follows(
    open_window: OpenWindow, qtbot: QtBot, photos: list[Path], tmp_path: Path
) -> None:
    window = open_window(*photos)
    wait_settled(qtbot, window)
    items, before = window.gallery.items, [item.source for item in window.gallery.items]
    dialog = asked(window, tmp_path / "out")
    dialog.move_them.setChecked(True)
    for answer in ("Cancel", "Move"):
        dialog.start.click()
        (box,) = [w for w in QApplication.topLevelWidgets() if isinstance(w, QMessageBox) and w.isVisible()]
        assert str(tmp_path / "out") in box.text()
        assert all(photo.exists() for photo in photos)
        next(button for button in box.buttons() if button.text().replace("&", "") == answer).click()
    qtbot.waitUntil(lambda: finished(window), timeout=WAIT)
    assert not any(photo.exists() for photo in photos)
    assert all(isinstance(item.source, Path) and item.source.is_file() for item in items)
    assert window.arrivals is not None
    window.add_paths([item.source for item in items if isinstance(item.source, Path)])
    qtbot.wait(100)
    assert len(window.gallery.items) == 4, "they are known where they are now"
    window.actions_.undo.trigger()
    qtbot.waitUntil(lambda: [item.source for item in items] == before, timeout=WAIT)
    assert all(photo.exists() for photo in photos)
    assert not (tmp_path / "out").exists()


def test_labels_are_what_is_sorted_by_and_what_has_none_stays_out(
    open_window: OpenWindow, qtbot: QtBot, photos: list[Path], tmp_path: Path
) -> None:
    window = open_window(*photos)
    wait_settled(qtbot, window)
    numbers = [item.number for item in window.gallery.items]
    window.labels.labelling.add("<b>a/b</b>", numbers[:2])
    dialog = asked(window, tmp_path / "out")
    dialog.by.setCurrentIndex(dialog.by.findData("label"))
    assert preview(dialog) == {"_b_a_b__b_": 2}
    assert dialog.words.startswith("2 without a label")
    assert not dialog.threshold.isVisible()
    dialog.reject()


def test_a_folder_that_cannot_be_written_is_said_in_the_dialog(
    open_window: OpenWindow, qtbot: QtBot, photos: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    window = open_window(*photos)
    wait_settled(qtbot, window)
    dialog = asked(window, photos[0])
    dialog.start.click()
    qtbot.waitUntil(lambda: "is a file" in dialog.working.text, timeout=WAIT)
    assert dialog.start.isEnabled()

    def full(source: Path, part: Path, _sha256: str) -> None:
        raise StorageError("disk_full", f"The disk is full: {part} could not be written from {source}.")

    monkeypatch.setattr(files, "write_copy", full)
    dialog.folder.setText(str(tmp_path / "out"))
    dialog.start.click()
    qtbot.waitUntil(lambda: "disk is full" in dialog.working.text, timeout=WAIT)
    dialog.reject()


def test_predictions_become_labels_after_a_look(open_window: OpenWindow, qtbot: QtBot, photos: list[Path]) -> None:
    window = open_window(*photos)
    wait_settled(qtbot, window)
    labelling, items = window.labels.labelling, window.gallery.items
    labelling.add("mine", [items[0].number])
    window.actions_.accept.trigger()
    dialog = window.organizer.accepting
    assert dialog is not None
    dialog.threshold.setValue(100)
    assert (dialog.names, dialog.start.isEnabled()) == ({}, False)
    dialog.threshold.setValue(0)
    offered = dialog.names
    assert set(offered) == {item.number for item in items[1:]}, "what has a label keeps it"
    shown = dialog.sheet.sheet.shown[0].item
    dialog.sheet.pressed_photo.emit(shown)
    assert set(offered) - set(dialog.names) == {shown.number}
    dialog.all_classes.click()
    assert dialog.names == {}
    title = dialog.table.item(0, 0)
    assert title is not None
    title.setCheckState(Qt.CheckState.Checked)
    dialog.sheet.pressed_photo.emit(shown)
    taken = dialog.names
    assert set(taken.values()) == {title.text()}
    dialog.start.click()
    assert {item.number: item.label.name for item in items[1:] if item.label} == taken
    assert not window.inspect.class_panel.isHidden()
    window.actions_.undo.trigger()
    assert [item.label.name if item.label else None for item in items] == ["mine", None, None, None]
    assert [one.name for one in labelling.classes] == ["mine"]


def test_similar_photos(open_window: OpenWindow, qtbot: QtBot, photos: list[Path]) -> None:
    twin = photos[0].with_name("twin.jpg")
    shutil.copy(photos[0], twin)
    window = open_window(*photos, twin)
    wait_settled(qtbot, window)
    window.inspect.gallery.select_row(0)
    window.actions_.similar.trigger()
    dialog = window.organizer.similar
    qtbot.waitUntil(lambda: bool(dialog.sheet.sheet.shown), timeout=WAIT)
    found = [shown.item for shown in dialog.sheet.sheet.shown]
    assert found[0].source == twin
    assert {item.number for item in found} == {item.number for item in window.gallery.items[1:]}
    assert dialog.label.isHidden()
    dialog.sheet.opened.emit(found[0])
    assert window.inspect.gallery.current is found[0]
    dialog.select.click()
    assert len(window.inspect.gallery.selected_numbers()) == 4
    window.labels.labelling.add("kind", [found[0].number])
    window.actions_.similar.trigger()
    dialog.like.setCurrentIndex(1)
    dialog.look()
    qtbot.waitUntil(lambda: bool(dialog.sheet.sheet.shown), timeout=WAIT)
    dialog.sheet.setCurrentIndex(dialog.sheet.sheet.index(0))
    dialog.label.click()
    assert window.labels.labelling.labelled == 2
    dialog.close()


def test_two_models_are_compared_on_the_list(
    open_window: OpenWindow, qtbot: QtBot, photos: list[Path], model_file: Path, tmp_path: Path
) -> None:
    names = (*LABELS[:4], "=1+1", *LABELS[5:])
    Library().install(write_model(tmp_path / "other18.onnx", seed=1, labels=names), "other18")
    damaged = photos[0].with_name("damaged.jpg")
    damaged.write_bytes(photos[0].read_bytes()[:200])
    window = open_window(*photos, damaged)
    wait_settled(qtbot, window)
    window.actions_.compare_models.trigger()
    dialog = window.organizer.agreement
    first, second = dialog.models
    qtbot.waitUntil(lambda: second.count() > 2, timeout=WAIT)
    assert first.currentData() == str(model_file), "the one in use, which is not in the library"
    second.setCurrentIndex(first.currentIndex())
    assert not dialog.start.isEnabled(), "with itself"
    second.setCurrentIndex(second.findData("other18"))
    dialog.start.click()
    dialog.working.cancel_button.click()
    assert (dialog.agreement, dialog.start.isEnabled()) == (None, True)
    dialog.start.click()
    qtbot.waitUntil(lambda: dialog.agreement is not None, timeout=WAIT)
    found = dialog.agreement
    assert found is not None
    assert (found.models, found.classes, found.shared) == (("small18", "other18"), (8, 8), 7)
    asked = [Classifier(read(path), provider="cpu") for path in (model_file, Library().find("other18"))]
    expected = {photo: [each.classify(photo).top.label for each in asked] for photo in photos}
    shown = {window.gallery.item(row.number).source: row for row in dialog.rows.rows}  # type: ignore[union-attr]
    assert {path: [a.text for a in shown[path].answers] for path in photos} == expected
    assert [row.agrees for row in dialog.rows.rows] == sorted(
        (row.agrees for row in shown.values()), key=[False, None, True].index
    )
    assert shown[damaged].agrees is None
    assert "1 could not be classified" in dialog.words
    different = [row for row in found.photos if row.agrees is False]
    dialog.only_differing.setChecked(True)
    assert list(dialog.rows.rows) == different
    dialog.only_differing.setChecked(False)
    row = dialog.rows.rows[-1]
    dialog.table.selectRow(len(dialog.rows.rows) - 1)
    assert window.inspect.gallery.current is window.gallery.item(row.number)
    dialog.save(tmp_path / "comparison.csv")
    qtbot.waitUntil(lambda: "comparison.csv" in window.notice.text, timeout=WAIT)
    lines = list(csv.DictReader((tmp_path / "comparison.csv").read_text("utf-8").splitlines()))
    assert [line["path"] for line in lines] == [str(window.gallery.item(row.number).source) for row in found.photos]  # type: ignore[union-attr]
    assert not any(line["label_2"].startswith("=") for line in lines)
    labelled_and_interrupted(window, dialog, expected[photos[0]][0], shown[photos[0]].number, qtbot)


def labelled_and_interrupted(
    window: MainWindow, dialog: AgreementDialog, label: str, number: int, qtbot: QtBot
) -> None:
    """Labels are counted; another model in the main window ends what was asked."""
    window.labels.labelling.add(label, [number])
    dialog.start.click()
    qtbot.waitUntil(lambda: "labelled" in dialog.words, timeout=WAIT)
    window.open_model("other18")
    dialog.start.click()
    qtbot.waitUntil(lambda: dialog.start.isEnabled(), timeout=WAIT)
    dialog.close()
