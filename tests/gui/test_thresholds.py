"""Several labels in one photo: those that are present are marked, and from when is set in a dialog."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from resnet_desktop.bundle.library import remembered_labels
from resnet_desktop.gui.inspect.photo.bar_list import ROW_ROLE
from resnet_desktop.gui.models.thresholds_dialog import ThresholdsDialog
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.gui.style import wording
from resnet_desktop.inference.classifier import ClassScore
from resnet_desktop.session.results import Result, meant_by
from tests.unit.bundle.elsewhere import CLASSES, FLOAT, started
from tests.unit.bundle.making import save

from .conftest import WAIT, OpenWindow, save_screenshot, wait_settled

CAT = sample_photos()[0]


@pytest.fixture
def rated(home: Path) -> Path:
    """A classifier of four labels that can be present together; every one of them is named."""
    graph = started(sharp=0.5)
    graph.add("Sigmoid", ["scores"], "y")
    model = graph.model([("y", FLOAT, ("N", CLASSES))])
    entry = model.metadata_props.add()
    entry.key, entry.value = "names", "{0: 'cat', 1: 'dog', 2: '<b>hat</b>', 3: 'tree'}"
    return save(home / "rated.onnx", model)


def test_what_is_said_of_several() -> None:
    scores = tuple(ClassScore(i, label, p) for i, (label, p) in enumerate((("cat", 0.45), ("dog", 0.3), ("hat", 0.1))))
    one = Result(scores[:2], False, "CPU", 0.1, (9, 9), None, True, (), present=scores[1:])
    assert (wording.answer(one), meant_by(one)) == ("dog, hat", 1)
    none = Result(scores, False, "CPU", 0.1, (9, 9), None, False, (), present=())
    assert (wording.answer(none), meant_by(none)) == ("none of its labels", 0)


def test_a_threshold_is_changed(qtbot: QtBot, open_window: OpenWindow, rated: Path) -> None:
    window = open_window(CAT, model=rated)
    wait_settled(qtbot, window)
    panel = window.inspect.predictions
    rows = [panel.bars.model().index(i, 0).data(ROW_ROLE) for i in range(CLASSES)]
    assert [row.present for row in rows] == [row.listed.probability >= 0.5 for row in rows]
    save_screenshot(window, "several-labels")
    panel.thresholds_button.click()
    (dialog,) = window.findChildren(ThresholdsDialog)
    qtbot.waitExposed(dialog)
    dialog.search.setText("HAT")
    index = dialog.table.model().index(0, 1)
    assert dialog.table.model().data(index, int(Qt.ItemDataRole.EditRole)) == 50
    dialog.search.clear()
    dialog.all_box.setValue(100)
    dialog.all_button.click()
    place = next(i for i in range(CLASSES) if dialog.table.model().index(i, 0).data() == rows[-1].listed.label)
    assert dialog.table.model().setData(dialog.table.model().index(place, 1), 0.0)
    with qtbot.waitSignal(window.controller.model_ready, timeout=WAIT):
        dialog.accept()
    wait_settled(qtbot, window)
    right = tuple(0.0 if i == rows[-1].listed.target else 1.0 for i in range(CLASSES))
    assert remembered_labels.read(rated).metadata.thresholds == right
    (outcome,) = [item.outcome for item in window.gallery.items]
    assert isinstance(outcome, Result)
    assert outcome.present is not None
    assert [one.index for one in outcome.present] == [rows[-1].listed.target]
    assert panel.title == rows[-1].listed.label
