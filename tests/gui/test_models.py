"""The window of models: what is installed, what can be had, and what a model without labels is told."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto
from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QMessageBox
from pytestqt.qtbot import QtBot

from resnet_desktop.bundle.file.bundle import read
from resnet_desktop.bundle.library import catalogue, remembered_labels
from resnet_desktop.bundle.library.catalogue import Pretrained
from resnet_desktop.bundle.library.library import Library
from resnet_desktop.core.settings import MODEL, Settings
from resnet_desktop.gui.background.preferences import Preferences
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.models.abilities import AbilitiesDialog
from resnet_desktop.gui.models.knowledge import facts
from resnet_desktop.gui.models.labels_dialog import LabelsDialog
from resnet_desktop.gui.models.model_card import ModelCard
from resnet_desktop.gui.models.model_menu import ModelMenu
from resnet_desktop.gui.models.models_window import ModelsWindow
from resnet_desktop.gui.models.rename_dialog import RenameDialog
from resnet_desktop.gui.shell.main_window import MainWindow
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.session.results import Result
from tests.serving import Server, serving
from tests.unit.bundle.elsewhere import Graph
from tests.unit.bundle.making import plain_classifier, save

from .conftest import LABELS, OpenWindow, OpenWizard, wait_settled

WAIT = 20_000


@pytest.fixture
def network() -> bytes:
    """An ONNX classifier with as many classes as ImageNet, without labels."""
    return bytes(plain_classifier(shape=("N", 3, 224, 224), classes=1000).SerializeToString())


@pytest.fixture
def server(network: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that has the one network that the catalogue offers."""
    entry: Pretrained = dataclasses.replace(
        catalogue.pretrained()[0],
        name="some",
        file="some.onnx",
        sha256=hashlib.sha256(network).hexdigest(),
        size=len(network),
    )
    monkeypatch.setattr(catalogue, "pretrained", lambda: (entry,))
    with serving({"some.onnx": network}) as found:
        yield found


@pytest.fixture
def models(server: Server, qtbot: QtBot) -> Iterator[ModelsWindow]:
    window = ModelsWindow(Preferences(Settings()), mirror=server.address)
    window.show_current("resnet50-everyday40")
    yield window
    window.close_threads()
    window.close()
    window.deleteLater()


SHIPPED = ["efficientnet-lite0-imagenet", "resnet50-everyday40"]


def ready(models: ModelsWindow, name: str) -> bool:
    """Whether the card of this model is shown."""
    facts = models.installed.facts
    return facts is not None and facts.path.stem == name


def dialog_of(window: MainWindow | ModelsWindow) -> LabelsDialog:
    return window.findChildren(LabelsDialog)[-1]


def test_the_bundled_model_is_described_and_stays(models: ModelsWindow, qtbot: QtBot) -> None:
    models.open_at(models.installed)
    qtbot.waitUntil(lambda: ready(models, "resnet50-everyday40"), timeout=WAIT)
    lines = models.installed.card.lines
    assert lines["Classes"] == "40"
    assert "koala" in lines["Names"]
    assert "60.7\u00a0%" in lines["Measured"]
    assert "test photos" in lines["Measured"]
    assert lines["Temperature"] == "0.84"
    assert lines["Trained part"] == "the whole network, from scratch"
    assert lines["Created"] == "2026-11-29"
    assert "128 × 128" in lines["Photo"]
    assert not models.installed.use_button.isEnabled(), "it is in use"
    assert not models.installed.remove_button.isEnabled()
    models.installed.check_button.click()
    qtbot.waitUntil(lambda: "are intact" in models.installed.said, timeout=WAIT)


def test_the_card_says_how_often_the_warning_is_wrong(qapp: object, model_file: Path) -> None:
    del qapp
    told = {"false_alarm_rate": 0.04, "false_alarm_interval": [0.01, 0.12], "images": 50}
    known = dataclasses.replace(facts(model_file), warning=told)
    card = ModelCard()
    card.show_model(known)
    said = card.lines["Unfamiliar photos"].replace("\u00a0", " ")
    assert "false alarms on 4.0 % of 50 familiar photos (95 % interval 1 % to 12 %)" in said
    card.show_model(dataclasses.replace(known, warning={"method": "energy"}))
    assert "wrongly" not in card.lines["Unfamiliar photos"], "an older model does not say"
    metrics = {"acc1": 0.5, "acc1_interval": [0.2, 0.8], "images": 8, "on": "validation"}
    card.show_model(dataclasses.replace(known, provenance={"metrics": metrics, "recipe": "?"}))
    assert "8 validation photos, which also selected the best epoch" in card.lines["Measured"]
    card.deleteLater()


def test_a_file_is_installed_used_damaged_and_removed(models: ModelsWindow, qtbot: QtBot, model_file: Path) -> None:
    models.open_at(models.installed)
    for name in ("small18", "small18 2"):
        models.installed.install(model_file)
        qtbot.waitUntil(lambda name=name: ready(models, name), timeout=WAIT)  # type: ignore[misc]
    assert models.installed.card.lines["Names"].startswith(LABELS[0])
    with qtbot.waitSignal(models.model_wanted) as wanted:
        qtbot.mouseClick(models.installed.use_button, Qt.MouseButton.LeftButton)
    assert wanted.args == ["small18 2"]
    models.show_current("small18 2")
    path = Library().find("small18 2")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x41
    path.write_bytes(data)
    models.installed.look()
    qtbot.waitUntil(lambda: models.installed.use_button.text() == "In use", timeout=WAIT)
    qtbot.waitUntil(lambda: ready(models, "small18 2"), timeout=WAIT)
    models.installed.check()
    qtbot.waitUntil(lambda: "do not match its checksum" in models.installed.said, timeout=WAIT)
    models.installed.remove_button.click()
    box = models.installed.findChildren(QMessageBox)[-1]
    assert "small18 2" in box.text()
    with qtbot.waitSignal(models.model_wanted) as wanted:
        next(button for button in box.buttons() if button.text() == "Remove").click()
    assert wanted.args == [""], "the model in use has gone: the default answers"
    assert [entry.name for entry in Library().entries()] == [*SHIPPED, "small18"]


def test_the_model_at_work_is_renamed_and_its_answers_stay(
    open_window: OpenWindow, qtbot: QtBot, small_base: str
) -> None:
    Settings().change(MODEL, small_base)
    window = open_window(*sample_photos()[:2], model=None)
    wait_settled(qtbot, window)
    answered = [item.outcome for item in window.gallery.items]
    window.models.manage()
    page = window.models.window.installed
    qtbot.waitUntil(lambda: page.facts is not None and page.facts.name == small_base, timeout=WAIT)
    page.rename_button.click()
    dialog = page.findChildren(RenameDialog)[-1]
    ok = dialog.buttons.buttons()[0]
    dialog.name.setText("resnet50-everyday40")
    dialog.accept()
    qtbot.waitUntil(lambda: "already installed" in dialog.problem, timeout=WAIT)
    dialog.name.selectAll()
    qtbot.keyClicks(dialog.name, "pets")
    with qtbot.waitSignal(window.controller.model_ready, timeout=WAIT) as answer:
        ok.click()
    assert answer.args[0].name == "pets"
    assert "is now called pets" in page.said
    assert window.status.model_button.text() == "pets"
    assert [item.outcome for item in window.gallery.items] == answered, "it is the same model: nothing is asked again"
    assert window.preferences.value(MODEL) == "pets"
    qtbot.waitUntil(lambda: page.facts is not None and page.facts.name == "pets", timeout=WAIT)
    page.classes_button.click()
    listed = page.findChildren(AbilitiesDialog)[-1]
    listed.search.setText("ca")
    assert listed.shown == ["tabby cat"]
    listed.close()
    window.models.window.close()
    wait_settled(qtbot, window)


def test_what_is_no_model_is_not_installed(models: ModelsWindow, qtbot: QtBot, tmp_path: Path) -> None:
    models.open_at(models.installed)
    qtbot.waitUntil(lambda: ready(models, "resnet50-everyday40"), timeout=WAIT)
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"no model at all")
    models.installed.install(bad)
    qtbot.waitUntil(lambda: "bad.onnx" in models.installed.said and "Checking" not in models.installed.said)
    assert [entry.name for entry in Library().entries()] == SHIPPED


def test_a_pretrained_network_is_fetched_when_asked_for(models: ModelsWindow, server: Server, qtbot: QtBot) -> None:
    models.open_at(models.pretrained)
    page = models.pretrained
    qtbot.waitUntil(lambda: page.chosen is not None, timeout=WAIT)
    assert "non-commercial" in page.about
    assert "127.0.0.1" in page.about
    assert not server.asked, "nothing is fetched before the button is pressed"
    with qtbot.waitSignal(page.obtained, timeout=WAIT) as obtained:
        qtbot.mouseClick(page.get_button, Qt.MouseButton.LeftButton)
    assert obtained.args == ["some"]
    qtbot.waitUntil(lambda: page.get_button.text() == "Installed", timeout=WAIT)
    assert not page.get_button.isEnabled()
    qtbot.waitUntil(lambda: ready(models, "some"), timeout=WAIT)
    lines = models.installed.card.lines
    assert lines["Names"].startswith("tench")
    assert "not measured here" in lines["According to its publisher"]
    assert lines["Licence"] == "BSD 3-Clause"


def test_a_download_that_fails_is_told_and_can_be_tried_again(
    models: ModelsWindow, server: Server, network: bytes, qtbot: QtBot
) -> None:
    models.open_at(models.pretrained)
    page = models.pretrained
    qtbot.waitUntil(lambda: page.chosen is not None, timeout=WAIT)
    server.breaks_after = len(network) // 2
    page.get()
    qtbot.waitUntil(lambda: "was lost" in page.state, timeout=WAIT)
    assert page.get_button.isEnabled()
    server.breaks_after = None
    page.get()
    page.cancel()
    assert "resumes the download" in page.state
    with qtbot.waitSignal(page.obtained, timeout=WAIT):
        page.get()
    assert server.asked[-1][1] is not None, "it went on where it broke off"


def test_a_model_without_labels_is_named_and_stays_named(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    theirs = save(tmp_path / "theirs.onnx", plain_classifier(shape=("N", 3, 64, 64), classes=4))
    window = open_window(sample_photos()[0], model=theirs)
    wait_settled(qtbot, window)
    assert "no class names" in window.notice.text
    assert window.notice.button.isVisible()
    qtbot.mouseClick(window.notice.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(window.findChildren(LabelsDialog)), timeout=WAIT)
    dialog = dialog_of(window)
    assert not dialog.imagenet.isEnabled()
    names = tmp_path / "names.txt"
    names.write_text("ant\nbee\ncrane\n")
    dialog.read_labels(names)
    ok = dialog.buttons.buttons()[0]
    qtbot.waitUntil(lambda: not ok.isEnabled())
    names.write_text("ant\nbee\ncrane\nwasp\n")
    dialog.read_labels(names)
    qtbot.waitUntil(ok.isEnabled)
    dialog.values.setCurrentIndex(1)
    dialog.resize_box.setValue(80)
    dialog.resizing.setCurrentIndex(1)
    dialog.fitting.setCurrentIndex(1)
    assert not dialog.resize_box.isEnabled(), "what is stretched is not cut"
    dialog.channels.setCurrentIndex(1)
    with qtbot.waitSignal(window.controller.model_ready, timeout=WAIT) as answered:
        ok.click()
    assert answered.args[0].has_labels
    assert answered.args[0].categories == ("ant", "bee", "crane", "wasp")
    wait_settled(qtbot, window)
    outcome = window.gallery.items[0].outcome
    assert isinstance(outcome, Result)
    assert outcome.top.label in ("ant", "bee", "crane", "wasp")
    qtbot.waitUntil(lambda: window.preferences.settings.string(MODEL) == str(theirs), timeout=WAIT)
    window.models.ask_for_labels(theirs)
    qtbot.waitUntil(lambda: bool(window.findChildren(LabelsDialog)), timeout=WAIT)
    again = dialog_of(window)
    assert again.from_file.isChecked(), "what was said before is proposed"
    assert (again.resize_box.value(), again.values.currentIndex(), again.resizing.currentIndex()) == (80, 1, 1)
    assert (again.fitting.currentData(), again.channels.currentData()) == ("stretch", "bgr")
    again.reject()


def test_which_output_and_layout_are_asked_for(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    graph = Graph(classes=4)
    graph.body()
    graph.constant("w2", np.ones((2, 6), np.float32))
    graph.add("Gemm", ["features", "w2"], "age", transB=1)
    graph.add("Identity", ["scores"], "kind")
    float32 = TensorProto.FLOAT
    model = graph.model([("age", float32, ("N", 2)), ("kind", float32, ("N", 4))], shape=("N", None, None, None))
    theirs = save(tmp_path / "theirs.onnx", model)
    window = open_window(sample_photos()[0], model=theirs)
    wait_settled(qtbot, window)
    window.models.ask_for_labels(theirs)
    qtbot.waitUntil(lambda: bool(window.findChildren(LabelsDialog)), timeout=WAIT)
    dialog = dialog_of(window)
    assert [dialog.output.itemText(i) for i in range(dialog.output.count())] == ["age", "kind"]
    assert dialog.output.currentData() == "age"
    dialog.output.setCurrentIndex(1)
    names = tmp_path / "names.txt"
    names.write_text("ant\nbee\ncrane\nwasp\n")
    qtbot.waitUntil(lambda: dialog._facts.classes == 4, timeout=WAIT)
    dialog.read_labels(names)
    ok = dialog.buttons.buttons()[0]
    qtbot.waitUntil(ok.isEnabled)
    dialog.layout_box.setCurrentIndex(dialog.layout_box.findData("nchw"))
    with qtbot.waitSignal(window.controller.model_ready, timeout=WAIT) as answered:
        ok.click()
    assert answered.args[0].categories == ("ant", "bee", "crane", "wasp")
    known = remembered_labels.recall(read(theirs))
    assert known is not None
    assert (known.layout, known.output_name) == ("nchw", "kind")


def test_the_guide_leads_to_stronger_networks(
    open_wizard: OpenWizard, qtbot: QtBot, small_base: str, model_file: Path
) -> None:
    wizard = open_wizard()
    choice = wizard.pages.model._base_choice
    wizard.pages.look_for_models()
    qtbot.waitUntil(lambda: choice.models.findData(small_base) >= 0, timeout=WAIT)
    with qtbot.waitSignal(wizard.pages.networks_wanted):
        choice.more_asked.emit()
    Library().install(model_file, "another")
    wizard.pages.look_for_models()
    qtbot.waitUntil(lambda: choice.models.findData("another") >= 0, timeout=WAIT)


def test_a_list_that_comes_while_the_menu_is_open_waits(qtbot: QtBot) -> None:
    menu, tasks, owner = QMenu(), Tasks(1, "test"), QObject()
    qtbot.addWidget(menu)
    models = ModelMenu(menu, [QAction("More…", owner)], tasks, menu)
    models.show_current("resnet50-everyday40")
    qtbot.waitUntil(lambda: len(menu.actions()) > 1)
    menu.popup(QPoint(10, 10))
    qtbot.waitUntil(menu.isVisible)
    open_actions = menu.actions()
    models.show_current("efficientnet-lite0-imagenet")
    qtbot.waitUntil(lambda: models._due)
    assert menu.actions() == open_actions, "what is under the pointer does not go away"
    menu.close()
    qtbot.waitUntil(lambda: [a.text() for a in menu.actions() if a.isChecked()] == ["efficientnet-lite0-imagenet"])
    tasks.drain()
