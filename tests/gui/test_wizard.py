"""The guide from photos to a model, with a real trainer process and a real small base."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QUrl
from pytestqt.qtbot import QtBot

from resnet_desktop.bundle.library.library import Library
from resnet_desktop.environment.trainer_check import TrainerCheck
from resnet_desktop.gui.wizard.data.data_page import _local
from resnet_desktop.gui.wizard.draft import Draft, earlier_runs
from resnet_desktop.gui.wizard.pages import Step
from resnet_desktop.gui.wizard.wizard import TrainWizard
from resnet_desktop.imaging.decode import encode_png
from resnet_desktop.jobs.job import parse_job

from .conftest import SCREENSHOTS, OpenWizard

LONG = 240_000

pytestmark = pytest.mark.usefixtures("small_base")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twelve photos each of light and dark things, a broken file, and one photo twice."""
    rng = np.random.default_rng(0)
    for label, level in (("dark", 70), ("light", 185)):
        folder = tmp_path / "lamps" / label
        folder.mkdir(parents=True)
        for index in range(12):
            base = np.clip(rng.normal(level, 8, (6, 6, 3)), 0, 255).astype(np.uint8)
            (folder / f"{index:02d}.png").write_bytes(encode_png(np.kron(base, np.ones((16, 16, 1), np.uint8))))
    (tmp_path / "lamps" / "light" / "again.png").write_bytes((tmp_path / "lamps" / "light" / "00.png").read_bytes())
    (tmp_path / "lamps" / "dark" / "broken.jpg").write_bytes(b"no picture")
    return tmp_path / "lamps"


def shot(wizard: TrainWizard, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    assert wizard.grab().save(str(SCREENSHOTS / f"wizard-{name}.png"))


def to_model_page(wizard: TrainWizard, qtbot: QtBot, photos: Path) -> None:
    wizard.add_sources([photos])
    qtbot.waitUntil(lambda: wizard.pages.data.complete, timeout=LONG)
    wizard.go_on()
    qtbot.waitUntil(lambda: wizard.pages.check.complete, timeout=LONG)
    wizard.go_on()
    qtbot.waitUntil(lambda: wizard.pages.trainer.found is not None, timeout=LONG)
    if wizard.page is wizard.pages.trainer:
        wizard.go_on()
    assert wizard.page is wizard.pages.model
    qtbot.waitUntil(lambda: wizard.pages.model.complete, timeout=LONG)


def test_photos_are_found_and_bad_sources_are_said(open_wizard: OpenWizard, qtbot: QtBot, photos: Path) -> None:
    wizard = open_wizard()
    assert not wizard.next_button.isEnabled()
    shot(wizard, "photos-empty")
    wizard.add_sources([photos / "dark"])
    qtbot.waitUntil(lambda: bool(wizard.pages.data.problem), timeout=LONG)
    assert not wizard.pages.data.complete
    wizard.pages.data.remove({"folder": str(photos / "dark")})
    wizard.add_sources([photos])
    qtbot.waitUntil(lambda: wizard.pages.data.complete, timeout=LONG)
    assert wizard.pages.data.classes.labels == ["dark", "light"]
    assert wizard.next_button.isEnabled()
    shot(wizard, "photos")


def test_only_local_files_are_taken(tmp_path: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(tmp_path)), QUrl("https://example.org/photo.jpg")])
    assert _local(mime) == [tmp_path]


def test_findings_are_acted_on_and_taken_back(open_wizard: OpenWizard, qtbot: QtBot, photos: Path) -> None:
    wizard = open_wizard()
    wizard.add_sources([photos])
    qtbot.waitUntil(lambda: wizard.pages.data.complete, timeout=LONG)
    wizard.go_on()
    check = wizard.pages.check
    qtbot.waitUntil(lambda: check.complete, timeout=LONG)
    kinds = [finding.kind for finding in check.findings]
    assert "unreadable" in kinds
    assert "exact_duplicate" in kinds
    check.sheet.choose_finding(kinds.index("exact_duplicate"))
    names = check.sheet.grid.names
    assert len(names) == 2
    check.sheet.leave_out_copies()
    assert len(check.into(wizard.draft).exclude) == 1
    check.sheet.undo()
    check.sheet.leave_out(names[1:])
    check.sheet.relabel(names[:1], "dark")
    draft = check.into(wizard.draft)
    assert draft.exclude == (names[1],)
    assert draft.relabel == {names[0]: "dark"}
    check.sheet.undo()
    check.sheet.undo()
    assert check.into(wizard.draft).exclude == ()
    check.sheet.choose_finding(len(check.findings))
    assert len(check.sheet.grid.names) == 26, "below the findings all photos can be looked at"
    check.sheet.choose_finding(len(check.findings) + 1)
    assert len({Path(name).parent for name in check.sheet.grid.names}) == 1, "and those of each class"
    before = {p: p.read_bytes() for p in photos.rglob("*") if p.is_file()}
    shot(wizard, "check")
    assert {p: p.read_bytes() for p in photos.rglob("*") if p.is_file()} == before


def test_from_photos_to_a_model_that_is_used(open_wizard: OpenWizard, qtbot: QtBot, photos: Path) -> None:
    pytest.importorskip("torch")
    wizard = open_wizard()
    to_model_page(wizard, qtbot, photos)
    wizard.pages.model._base_choice.models.setCurrentIndex(wizard.pages.model._base_choice.models.findData("small18"))
    wizard.pages.model.choose("head", "quick")
    qtbot.waitUntil(lambda: "parameters are trained" in wizard.pages.model.estimate, timeout=LONG)
    shot(wizard, "model")
    wizard.go_on()
    assert wizard.page is wizard.pages.progress
    qtbot.waitUntil(lambda: wizard.run.state.ended, timeout=LONG)
    assert wizard.run.state.was_successful(), wizard.pages.progress.headline
    qtbot.waitUntil(lambda: "classified correctly" in wizard.pages.result.headline, timeout=LONG)
    assert " of 25 photos " in wizard.pages.result.headline
    assert "95\u00a0% interval" in wizard.pages.result.headline
    assert "5-fold cross-validation" in wizard.pages.result.note
    assert wizard.page is wizard.pages.result
    shot(wizard, "result")
    matrix = wizard.pages.result.quality.matrix
    matrix.choose(0, 0)
    assert wizard.pages.result.quality.grid.names
    wanted: list[str] = []
    wizard.pages.model_wanted.connect(wanted.append)
    wizard.pages.result.install()
    qtbot.waitUntil(lambda: bool(wanted), timeout=LONG)
    assert Path(wanted[0]).is_file()
    assert "lamps" in [entry.name for entry in Library().entries()]
    folder = wizard.draft.folder
    wizard.pages.result.export_to(folder.parent / "for others")
    qtbot.waitUntil(lambda: "Saved to" in wizard.pages.result.said, timeout=LONG)
    assert (folder.parent / "for others" / "model.onnx").is_file()
    compared = wizard.pages.result.before_after
    wizard.pages.result.tabs.setCurrentWidget(compared)
    qtbot.waitUntil(lambda: not compared.difference.image.isNull(), timeout=LONG)
    assert "Photo 1 of 25" in compared.words, "all that can be read are judged, by cross-validation"
    assert wizard.next_button.text() == "Close and drop a photo"
    shot(wizard, "before-after")
    wizard.next_button.click()
    assert not wizard.isVisible()


def test_a_run_is_cancelled_and_taken_up_again(open_wizard: OpenWizard, qtbot: QtBot, photos: Path) -> None:
    pytest.importorskip("torch")
    wizard = open_wizard()
    to_model_page(wizard, qtbot, photos)
    wizard.draft = wizard.pages.model.into(wizard.draft).with_fresh_folder()
    recipe = {"arch": "resnet20-cifar", "schedule": [{"epochs": 900, "size": 32, "batch_size": 8}]}
    wizard.draft = Draft(sources=wizard.draft.sources, name="long", train="scratch", advanced={"recipe": recipe})
    wizard._show(Step.PROGRESS)
    wizard.pages.progress.start(wizard.draft)
    run = wizard.run
    qtbot.waitUntil(lambda: len(run.state.history) >= 2, timeout=LONG)
    run.send("pause")
    qtbot.waitUntil(lambda: wizard.pages.progress.headline == "Paused", timeout=LONG)
    run.send("resume")
    shot(wizard, "run")
    run.send("cancel")
    qtbot.waitUntil(lambda: run.state.ended and not run.running, timeout=LONG)
    assert run.state.phase == "cancelled"
    assert wizard.draft.folder in earlier_runs()
    job = wizard.draft.folder / "job.json"
    values = json.loads(job.read_text("utf-8"))
    values["recipe"]["schedule"] = [{"epochs": 1, "size": 32, "batch_size": 8}]
    job.write_text(json.dumps(values), "utf-8")
    wizard.pages.progress.resume()
    qtbot.waitUntil(lambda: run.state.ended and not run.running, timeout=LONG)
    assert run.state.was_successful(), wizard.pages.progress.headline
    qtbot.waitUntil(lambda: bool(wizard.pages.result.headline), timeout=LONG)


def test_the_draft_of_a_run_has_what_was_set_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESNET_DESKTOP_HOME", str(tmp_path))
    recipe = {"epochs": 7, "learning_rate": 0.002, "recipe": {"ema": 0.9}, "head": {"hidden": 9}}
    draft = Draft(
        sources=({"folder": "a"},), exclude=("x",), relabel={"y": "b"}, name="n", train="all", advanced=recipe
    )
    draft.folder.mkdir(parents=True)
    assert Draft.of_run(draft.folder) == Draft(name="n"), "nothing is known"
    (draft.folder / "job.json").write_text(json.dumps(parse_job(draft.job()).as_dict()), "utf-8")
    found = Draft.of_run(draft.folder)
    assert (found.sources, found.train, found.exclude, found.advanced) == (draft.sources, "all", ("x",), {})
    (draft.folder / "wizard.json").write_text(json.dumps(draft.job()), "utf-8")
    assert Draft.of_run(draft.folder) == draft


def test_a_finished_run_is_looked_at_again(open_wizard: OpenWizard, qtbot: QtBot, home: Path) -> None:
    folder = home / "data" / "runs" / "old"
    folder.mkdir(parents=True)
    wizard = open_wizard()
    (folder / "events.jsonl").write_text(
        '{"v": 1, "event": "started", "time": 1, "job": {}, "device": "cpu"}\n'
        '{"v": 1, "event": "failed", "time": 2, "code": "x", "message": "It broke.", "hint": null}\n'
    )
    wizard.resume(folder)
    qtbot.waitUntil(lambda: wizard.pages.progress.headline == "It broke.", timeout=LONG)
    assert not wizard.run.running


def test_only_more_than_the_last_layer_asks_for_pytorch(open_wizard: OpenWizard, qtbot: QtBot, photos: Path) -> None:
    wizard = open_wizard()
    to_model_page(wizard, qtbot, photos)
    wizard.pages.trainer._show(TrainerCheck(None, ok=False, message="PyTorch is not installed."))
    assert not wizard.pages.trainer.complete
    wizard.draft = wizard.pages.model.into(wizard.draft)
    assert not wizard.draft.needs_pytorch
    wizard.pages.model.choose("all", "quick")
    wizard.go_on()
    assert wizard.page is wizard.pages.trainer
    assert not wizard.next_button.isEnabled()
    wizard.go_back()
    assert wizard.page is wizard.pages.model
