"""A table whose columns cannot be told is asked about in a sheet; what is chosen goes into the job."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.wizard.data.columns_dialog import ColumnsDialog
from resnet_desktop.gui.wizard.data.source_row import SourceRow
from resnet_desktop.gui.wizard.wizard import TrainWizard
from resnet_desktop.imaging.decode import encode_jpeg
from tests.conftest import make_photo

from .conftest import SCREENSHOTS, WAIT, OpenWizard


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Four photos, their labels in columns of names that nobody knows, one row without a label."""
    rows = ["Nr;Foto;Ort;Art;Bemerkung"]
    for i, art in enumerate(("ant", "ant", "bee", "bee")):
        (tmp_path / f"{i}.jpg").write_bytes(encode_jpeg(make_photo()))
        rows.append(f"{i};{i}.jpg;Graz;{art};<b>seen</b> in the morning, near the old mill")
    rows.append("9;3.jpg;Graz;;")
    path = tmp_path / "Funde.csv"
    path.write_text("\n".join(rows), "utf-8")
    return path


def dialog_of(wizard: TrainWizard) -> ColumnsDialog:
    return wizard.findChildren(ColumnsDialog)[-1]


@pytest.mark.usefixtures("small_base")
def test_unknown_columns_are_asked_for(open_wizard: OpenWizard, qtbot: QtBot, table: Path) -> None:
    wizard = open_wizard()
    wizard.add_sources([table])
    qtbot.waitUntil(lambda: bool(wizard.findChildren(ColumnsDialog)), timeout=WAIT)
    dialog = dialog_of(wizard)
    qtbot.waitUntil(lambda: dialog.photos.count() == 5, timeout=WAIT)
    ok = dialog.buttons.buttons()[0]
    assert not ok.isEnabled(), "nothing is chosen yet"
    assert [dialog.table.model().index(0, i).data() for i in range(4)] == ["0", "0.jpg", "Graz", "ant"]
    dialog.photos.setCurrentIndex(1)
    dialog.labels.setCurrentIndex(1)
    assert not ok.isEnabled(), "one column is not both"
    dialog.labels.setCurrentIndex(3)
    assert "0.jpg" in dialog.said
    assert "“ant”" in dialog.said
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    assert dialog.grab().save(str(SCREENSHOTS / "wizard-columns.png"))
    qtbot.mouseClick(ok, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: wizard.pages.data.complete, timeout=WAIT)
    assert wizard.pages.data.classes.labels == ["ant", "bee"]
    assert "1 row (line 6) of Funde.csv has no label" in wizard.pages.data.summary
    (source,) = wizard.pages.data.into(wizard.draft).sources
    assert source == {"csv": str(table), "path_column": "Foto", "label_column": "Art"}
    qtbot.waitUntil(lambda: wizard.findChildren(SourceRow)[-1].isVisible(), timeout=WAIT)
    assert wizard.grab().save(str(SCREENSHOTS / "wizard-table.png"))
    wizard.add_sources([table])
    assert len(wizard.pages.data.into(wizard.draft).sources) == 1, "the same table is not added twice"


@pytest.mark.usefixtures("small_base")
def test_a_cancelled_choice_is_not_asked_for_again(open_wizard: OpenWizard, qtbot: QtBot, table: Path) -> None:
    wizard = open_wizard()
    wizard.add_sources([table])
    qtbot.waitUntil(lambda: bool(wizard.findChildren(ColumnsDialog)), timeout=WAIT)
    dialog_of(wizard).reject()
    qtbot.waitUntil(lambda: not wizard.findChildren(ColumnsDialog), timeout=WAIT)
    assert "no column “path”" in wizard.pages.data.problem
    wizard.add_sources([table.parent / "other.csv"])
    qtbot.waitUntil(lambda: bool(wizard.pages.data.problem), timeout=WAIT)
    assert not wizard.findChildren(ColumnsDialog)


def test_names_that_are_there_twice_become_numbers(qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("file,name,name,2\n1.jpg,a,b,c\n", "utf-8")
    tasks = Tasks(1, "test")
    dialog = ColumnsDialog({"csv": str(path)}, tasks)
    qtbot.addWidget(dialog)
    qtbot.waitUntil(lambda: dialog.photos.count() == 4, timeout=WAIT)
    assert [dialog.labels.itemText(i) for i in range(4)] == ["file", "name", "name", "Column 4"]
    dialog.photos.setCurrentIndex(0)
    dialog.labels.setCurrentIndex(2)
    with qtbot.waitSignal(dialog.chosen) as chosen:
        dialog.accept()
    assert chosen.args == [{"csv": str(path), "path_column": "file", "label_column": "3"}]
    tasks.finish()


def test_a_file_that_is_gone_is_said(qtbot: QtBot, tmp_path: Path) -> None:
    tasks = Tasks(1, "test")
    dialog = ColumnsDialog({"csv": str(tmp_path / "gone.csv")}, tasks)
    qtbot.addWidget(dialog)
    qtbot.waitUntil(lambda: "gone.csv" in dialog.said, timeout=WAIT)
    assert not dialog.buttons.buttons()[0].isEnabled()
    tasks.finish()
