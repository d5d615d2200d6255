"""What is trained: every choice reaches the job, is explained, and is measured by a real trainer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from resnet_desktop.core.settings import Settings
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.widgets.inputs import NumberBox, OptionBox, WholeBox
from resnet_desktop.gui.wizard.draft import Draft
from resnet_desktop.gui.wizard.model.advanced_fields import groups
from resnet_desktop.gui.wizard.model.model_page import ModelPage
from resnet_desktop.gui.wizard.model.network_diagram import pieces, sentence
from resnet_desktop.gui.wizard.model.rate_plot import RatePlot
from resnet_desktop.gui.wizard.trainer.trainer_page import TrainerPage
from resnet_desktop.imaging.decode import encode_png
from resnet_desktop.jobs.job import parse_job
from resnet_desktop.jobs.launching.estimate import Part, estimate

from .conftest import SCREENSHOTS

LONG = 240_000
SET: dict[str, Any] = {
    "epochs": 7,
    "max_minutes": 45,
    "recipe.teacher": {"model": "somebody"},
    "recipe.patience": 0,
    "learning_rate": 0.00031,
    "recipe.curve": "linear",
    "recipe.warmup": 0.0,
    "batch_size": 12,
    "recipe.optimizer": "sgd",
    "recipe.stage_rate": 0.5,
    "input_size": 96,
    "recipe.crop_scale": [0.7, 1.0],
    "recipe.jitter": 0.0,
    "recipe.views": 6,
    "recipe.weight_decay": 0.0005,
    "recipe.label_smoothing": 0.0,
    "recipe.mixup": 0.2,
    "recipe.cutmix": 1.0,
    "recipe.ema": 0.99,
    "recipe.freeze_norms": False,
    "recipe.balance": "sampling",
    "device": "cpu",
    "recipe.precision": "float32",
    "recipe.compile": "off",
    "workers": 1,
    "seed": 0,
}
"""A value for each field that can be set, none of them what a preset takes."""
HEAD_ONLY = ("recipe.views",)
STAGES_ONLY = ("recipe.teacher", "recipe.cutmix", "recipe.stage_rate", "recipe.freeze_norms", "recipe.compile")


@pytest.fixture
def draft(tmp_path: Path, small_base: str) -> Draft:
    """Photos of dark and light things, and a small base in the library of a home of its own."""
    rng = np.random.default_rng(0)
    for label, level in (("dark", 70), ("light", 185)):
        folder = tmp_path / "lamps" / label
        folder.mkdir(parents=True)
        for index in range(10):
            base = np.clip(rng.normal(level, 30, (6, 6, 3)), 0, 255).astype(np.uint8)
            (folder / f"{index:02d}.png").write_bytes(encode_png(np.kron(base, np.ones((16, 16, 1), np.uint8))))
    return Draft(sources=({"folder": str(tmp_path / "lamps")},), base=small_base)


@pytest.fixture
def page(qtbot: QtBot, draft: Draft) -> Iterator[ModelPage]:
    """The page, shown, with the base found."""
    tasks = Tasks(1, "test")
    trainer = TrainerPage(Settings())
    made = ModelPage(tasks, trainer)
    qtbot.addWidget(made)
    qtbot.addWidget(trainer)
    made.resize(820, 640)
    made.show()
    made.show_draft(draft)
    qtbot.waitUntil(lambda: made.complete, timeout=LONG)
    yield made
    made.left()
    trainer.left()
    tasks.drain()


def measured(page: ModelPage) -> bool:
    return "parameters are trained" in page.estimate


def at_key(values: dict[str, Any], key: str) -> Any:
    for name in key.split("."):
        values = values[name]
    return values


def test_every_choice_reaches_the_job(page: ModelPage, draft: Draft) -> None:
    keys = [field.key for group in groups() for field in group.fields]
    assert set(keys) == set(SET), "a field that nothing here sets"
    page.recipe.advanced.offer_teachers(["somebody"])
    for train, unused in (("last-two-stages", HEAD_ONLY), ("head", STAGES_ONLY)):
        page.choose(train, "best")
        for key, value in SET.items():
            page.recipe.advanced.choose(key, value)
        job = page.into(draft).job()
        read = parse_job(job).as_dict()
        for key, value in SET.items():
            if key in unused:
                assert page.recipe.advanced.sentence(key)
                assert not page.recipe.advanced.box(key).isEnabled()
                assert key.removeprefix("recipe.") not in job["recipe"]
            else:
                found = at_key(read, key)
                found = {name: found[name] for name in value} if isinstance(value, dict) else found
                assert (list(found) if isinstance(found, tuple) else found) == value, key
    page.recipe.advanced.show_values({})
    assert not page.into(draft).advanced


def test_the_head_reaches_the_job_and_is_explained(page: ModelPage, draft: Draft) -> None:
    assert parse_job(page.into(draft).job()).head.hidden is None
    page.recipe.head.choose(hidden=True)
    head = parse_job(page.into(draft).job()).head
    assert (head.hidden, head.dropout) == (256, 0.3)
    assert page.recipe.head.summary == "hidden layer of 256, dropout 0.30"
    page.recipe.head.describe(2048, 2)
    words = page.recipe.head._why.text()
    assert "25.7 million" in words
    assert "Flatten" in words


def test_automatic_says_what_the_preset_takes(page: ModelPage) -> None:
    box = page.recipe.advanced.box("epochs")
    assert isinstance(box, WholeBox)
    assert box.text() == "automatic (60)"
    page.choose("last-stage", "quick")
    assert box.text() == "automatic (3)"
    smallest = page.recipe.advanced.box("recipe.crop_scale")
    assert isinstance(smallest, NumberBox)
    assert smallest.text() == "automatic (0.6)"
    curve = page.recipe.advanced.box("recipe.curve")
    assert isinstance(curve, OptionBox)
    assert curve.currentText() == "automatic (cosine)"
    page.choose("scratch", "quick")
    assert "base" not in page.recipe.advanced.sentence("recipe.freeze_norms")


def test_going_away_and_coming_back_keeps_the_choices(page: ModelPage, draft: Draft) -> None:
    page.choose("last-stage", "best")
    page.recipe.advanced.choose("epochs", 5)
    page.show_draft(draft)  # the page before was visited, and nothing was changed there
    found = page.into(draft)
    assert (found.train, found.preset, found.advanced) == ("last-stage", "best", {"epochs": 5})
    other = Draft(sources=draft.sources, train="all", advanced={"recipe": {"ema": 0.5}, "head": {"hidden": 9}})
    page.show_draft(other)
    found = page.into(draft)
    assert (found.train, found.advanced["recipe"]) == ("all", {"ema": 0.5})
    assert found.advanced["head"] == {"hidden": 9, "dropout": 0.0}


def test_a_network_from_nothing_can_be_chosen(page: ModelPage, draft: Draft) -> None:
    page.choose("scratch", "quick")
    archs = page._base_choice._archs
    archs.setCurrentIndex(archs.findData("resnet20-cifar"))
    job = parse_job(page.into(draft).job())
    assert job.recipe is not None
    assert (job.train, job.recipe.arch) == ("scratch", "resnet20-cifar")
    assert [piece.name for piece in page.recipe.network.shown] == [
        "conv1",
        "layer1",
        "layer2",
        "layer3",
        "pooling",
        "head",
    ]
    assert "random numbers" in page.recipe.network.words


def test_what_does_not_go_together_is_said(page: ModelPage) -> None:
    page.choose("all", "quick")
    page.recipe.advanced.choose("recipe.freeze_norms", False)
    page.recipe.advanced.choose("batch_size", 1)
    assert "a batch of at least 2" in page.estimate
    assert not page.complete
    page.recipe.advanced.choose("batch_size", 2)
    assert page.complete


def test_the_drawing_agrees_with_the_trainer(draft: Draft) -> None:
    pytest.importorskip("torch")
    job = Draft(sources=draft.sources, base="small18", train="last-two-stages").job() | {"device": "cpu"}
    found = estimate(job, None)
    drawn = {piece.name: piece for piece in pieces("last-two-stages", 4, 0.3, found.parts)}
    assert {part.name for part in found.parts} == set(drawn) - {"pooling"}
    for part in found.parts:
        piece = drawn[part.name]
        assert (piece.total, piece.state == "learns") == (part.total, part.trainable > 0)
        assert piece.rate == pytest.approx(part.rate)


def test_the_sentence_tells_what_is_frozen_and_how_fast_the_rest_learns() -> None:
    counts = {"conv1": 9_536, "layer1": 215_808, "layer2": 1_219_584, "layer3": 7_098_368, "layer4": 14_964_736}
    parts = [Part(name, total, 0, 0.0) for name, total in {**counts, "head": 4_098}.items()]
    words = sentence("last-stage", pieces("last-stage", 4, 0.3, parts), norms_freeze=True)
    assert "Frozen: conv1 to layer3, 8.5 million weights." in words
    assert "Trained: layer4 and the new head, 15.0 million weights." in words
    assert "layer4 learns at 0.3 of the head's rate." in words
    assert "only the new head" in sentence("head", pieces("head", 4, 0.3, []), norms_freeze=True)
    assert "layer3 0.09" in sentence("all", pieces("all", 4, 0.3, parts), norms_freeze=False)
    assert "same rate" in sentence("all", pieces("all", 4, 1.0, parts), norms_freeze=False)


def test_clicking_around_measures_the_last_choice(page: ModelPage, qtbot: QtBot) -> None:
    pytest.importorskip("torch")
    page.recipe.advanced.choose("device", "cpu")
    for train in ("all", "last-two-stages", "head"):
        page.choose(train, "quick")
        qtbot.wait(500)  # long enough for each to be asked
        assert page._cost.busy
    qtbot.waitUntil(lambda: measured(page), timeout=LONG)
    assert page.estimate.startswith("About")
    assert "1026 of" in page.estimate
    assert [piece.total is None for piece in page.recipe.network.shown].count(True) == 1, "only pooling has no weights"
    workers = page.recipe.advanced.box("workers")
    assert isinstance(workers, WholeBox)
    assert workers.text() == f"automatic ({os.cpu_count()})", "the machine's choices are told too"


def test_a_device_that_is_not_there_is_refused(page: ModelPage, qtbot: QtBot) -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    page.recipe.advanced.choose("device", "cuda")
    qtbot.waitUntil(lambda: "does not work here" in page.estimate, timeout=LONG)
    assert not page.complete
    page.recipe.advanced.choose("device", None)
    assert page.complete


def test_the_photos_are_shown_as_training_varies_them(page: ModelPage, qtbot: QtBot) -> None:
    pytest.importorskip("torch")
    fold = page.recipe.preview_fold
    assert not page.recipe.preview.rows
    page.recipe.advanced.choose("recipe.views", 4)
    fold.set_open(True)
    qtbot.waitUntil(lambda: len(page.recipe.preview.rows) == 4, timeout=LONG)
    assert {row.label for row in page.recipe.preview.rows} == {"dark", "light"}
    assert {len(row.augmented) for row in page.recipe.preview.rows} == {3}, "four versions, the first as it is"
    assert not any(row.plain.isNull() for row in page.recipe.preview.rows)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    assert page.grab().save(str(SCREENSHOTS / "wizard-preview.png"))
    fold.set_open(False)
    page.recipe.advanced.choose("recipe.views", 1)
    assert "unchanged" in page.recipe.preview.why
    assert not page.recipe.preview._inquiry.busy, "nobody looks"


def test_a_layer_that_is_fitted_in_one_go_needs_no_rate(page: ModelPage) -> None:
    find = page.recipe.advanced._find
    assert not find.isEnabled()
    assert "in one go" in find.toolTip()
    page.recipe.head.choose(hidden=True)  # PyTorch learns it, step by step
    assert find.isEnabled()
    assert not find.toolTip()
    page.recipe.head.choose(hidden=False)
    assert not find.isEnabled()
    page.choose("last-stage", "quick")
    assert find.isEnabled()


def test_a_rate_is_found_and_used(page: ModelPage, draft: Draft, qtbot: QtBot) -> None:
    pytest.importorskip("torch")
    page.choose("last-stage", "quick")
    page.recipe.advanced.choose("device", "cpu")
    finder = page.find_rate()
    assert not page._cost.busy, "the estimate waits"
    qtbot.waitUntil(lambda: not page._rate.busy, timeout=LONG)
    assert finder.plot.chosen is not None, finder.state
    finder.plot.choose(0.002)
    finder.use()
    assert page.into(draft).job()["learning_rate"] == 0.002
    qtbot.waitUntil(lambda: not finder.isVisible(), timeout=LONG)


def test_a_finder_that_is_closed_asks_no_more(page: ModelPage, qtbot: QtBot) -> None:
    pytest.importorskip("torch")
    page.choose("last-stage", "quick")
    finder = page.find_rate()
    assert page._rate.busy
    finder.reject()
    assert not page._rate.busy
    page.hide()
    assert not page._cost.busy
    assert not page._timer.isActive()


def test_a_place_on_the_plot_is_a_rate(qtbot: QtBot) -> None:
    plot = RatePlot()
    qtbot.addWidget(plot)
    plot.resize(640, 320)
    plot.show()
    for step in range(30):
        plot.add_point(10 ** (-5 + step / 6), 0.7 - 0.01 * step)
    chosen: list[float] = []
    plot.rate_chosen.connect(chosen.append)
    plot.show_suggestion(1e-3)
    assert chosen == [1e-3]
    area = plot._area()
    qtbot.mouseClick(plot, Qt.MouseButton.LeftButton, pos=QPoint(round(area.left() + 0.6 * area.width()), 100))
    assert plot.chosen == pytest.approx(1e-2, rel=0.1)
    qtbot.keyClick(plot, Qt.Key.Key_Left)
    assert plot.chosen is not None
    assert 7e-3 < plot.chosen < 1e-2
    assert plot.grab().save(str(SCREENSHOTS / "wizard-rates.png"))


def test_boxes_step_on_from_automatic_and_leave_the_wheel_alone(qtbot: QtBot) -> None:
    outer = QWidget()
    qtbot.addWidget(outer)
    whole, number = WholeBox(1, 100, outer), NumberBox(0.0, 1.0, 2, outer)
    outer.show()
    whole.show_default(60)
    whole.stepBy(-1)
    assert whole.chosen == 59
    number.show_default(0.3)
    assert number.text() == "automatic (0.3)"
    number.stepBy(1)
    assert number.chosen == 0.35
    whole.clearFocus()
    turn = QWheelEvent(
        QPointF(2, 2), QPointF(2, 2), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(whole, turn)
    assert whole.chosen == 59
    whole.choose(None)
    assert (whole.chosen, whole.text()) == (None, "automatic (60)")
