"""The list's results as files: which photos, how many classes, of which kind."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from resnet_desktop.cli.main import main
from resnet_desktop.gui.gallery.gallery_model import Item
from resnet_desktop.gui.saving import results_table
from resnet_desktop.gui.saving.results_table import Export
from resnet_desktop.gui.shell.main_window import MainWindow
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.inference.classifier import ClassScore
from resnet_desktop.session.results import Failure, Result
from tests.gui.conftest import LABELS, WAIT, OpenWindow, wait_settled

CAT, COFFEE = sample_photos()[:2]


def written(window: MainWindow, qtbot: QtBot, target: Path, export: Export) -> str:
    target.unlink(missing_ok=True)
    window.exporting.write(target, export)
    qtbot.waitUntil(lambda: target.exists() and window.notice.text.startswith("Results saved"), timeout=WAIT)
    return target.read_text("utf-8")


def test_the_columns_and_values_of_the_command_line(
    open_window: OpenWindow,
    qtbot: QtBot,
    model_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    missing = tmp_path / "missing.jpg"
    window = open_window(CAT, missing)
    wait_settled(qtbot, window)
    items = window.gallery.items
    for asked, export in (
        (["--format", "csv", "--top", "3"], Export(items, "wide", 3)),
        (["--format", "csv", "--layout", "long", "--top", "0"], Export(items, "long", 0)),
        (["--format", "json", "--top", "0"], Export(items, "json", 0)),
    ):
        given = ["classify", str(CAT), str(missing), "--model", str(model_file), "--provider", "cpu", *asked]
        monkeypatch.setattr(sys, "argv", ["resnet-desktop", *given])
        with pytest.raises(SystemExit):
            main()
        expected, found = capsys.readouterr().out, written(window, qtbot, tmp_path / "out", export)
        if export.kind == "json":
            theirs, ours = json.loads(expected), json.loads(found)
            for row in (*theirs, *ours):
                row.pop("seconds", None)
            assert len(ours[0]["predictions"]) == len(LABELS)
            assert ours == theirs
        else:
            assert list(csv.reader(found.splitlines())) == list(csv.reader(expected.splitlines()))


def test_what_is_asked_for(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window = open_window(CAT, COFFEE)
    wait_settled(qtbot, window)
    window.actions_.export.trigger()
    dialog = window.exporting.dialog
    assert dialog is not None
    got: list[Export] = []
    dialog.wanted.connect(got.append)
    dialog.kind.setCurrentIndex(dialog.kind.findData("heatmaps"))
    assert not dialog.top.isVisible()
    dialog.kind.setCurrentIndex(dialog.kind.findData("json"))
    dialog.top.setValue(2)
    dialog.wanted.disconnect(window.exporting._on_wanted)
    dialog.buttons.accepted.emit()
    assert got == [Export(window.gallery.items, "json", 2)]
    rows = json.loads(written(window, qtbot, tmp_path / "out.json", got[0]))
    assert [len(row["predictions"]) for row in rows] == [2, 2]


def test_a_folder_of_heatmaps_over_no_file(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window = open_window(CAT, COFFEE)
    wait_settled(qtbot, window)
    (tmp_path / "cat-heatmap.png").write_bytes(b"theirs")
    window.exporting.write_heatmaps(tmp_path, window.gallery.items)
    qtbot.waitUntil(lambda: window.notice.text.startswith("2 heatmaps saved"), timeout=WAIT)
    assert {path.name for path in tmp_path.iterdir()} == {
        "cat-heatmap.png",
        "cat-heatmap-2.png",
        "coffee-heatmap.png",
    }
    assert (tmp_path / "cat-heatmap.png").read_bytes() == b"theirs"
    assert (tmp_path / "cat-heatmap-2.png").read_bytes().startswith(b"\x89PNG")


def test_it_can_be_given_up(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window = open_window(CAT, COFFEE)
    wait_settled(qtbot, window)
    window.exporting.write(tmp_path / "out.csv", Export(window.gallery.items, "wide", 0))
    assert window.actions_.cancel.isEnabled()
    window.actions_.cancel.trigger()
    assert window.notice.text == "Cancelled."
    qtbot.wait(300)
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("kind", ["wide", "long"])
def test_no_cell_is_run_by_a_spreadsheet(kind: results_table.Kind) -> None:
    hostile = ("=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "＝1")
    scores = tuple(ClassScore(index, label, 0.1) for index, label in enumerate(hostile))
    result = Result(scores, False, "cpu", 0.1, (1, 1))
    items = [Item(number, b"", name, result) for number, name in enumerate(hostile)]
    items += [Item(9, b"", name, Failure("empty_file", f"{name} is empty.")) for name in hostile]
    rows = results_table.rows_of(items, "=model")
    cells = [cell for line in csv.reader(results_table.as_text(rows, kind).splitlines()) for cell in line]
    assert sum(cell.startswith("'") for cell in cells) > len(hostile)
    assert not [cell for cell in cells if cell[:1] in "=+@\t＝" and cell]
    assert not [cell for cell in cells if cell.startswith("-")]
