"""The page of results: photos behind each figure with real heatmaps, decisions about them, and what it all says."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.wizard.decisions import Decisions, History
from resnet_desktop.gui.wizard.draft import Draft
from resnet_desktop.gui.wizard.result import result_words
from resnet_desktop.gui.wizard.result.mistakes_view import DECIDED, DOUBTS
from resnet_desktop.gui.wizard.result.quality_view import LIST, MATRIX
from resnet_desktop.gui.wizard.result.result_page import ResultPage
from resnet_desktop.imaging.decode import encode_png
from resnet_desktop.jobs.results import Results, read_results

from .conftest import LABELS, SCREENSHOTS, write_model

LONG = 60_000
ANSWERS = [(0, 0), (0, 0), (0, 3), (0, 3), (1, 1), (3, 3), (3, 1), (3, 3)]
"""What each photo is and what it is taken for, by the place in ``LABELS``."""


def written(folder: Path, photos: list[Path], labels: tuple[str, ...] = LABELS, **changes: Any) -> Path:
    """The results of a run: the answers as above, whatever the model really says."""
    rows = [
        {"path": str(photo), "label": labels[true], "predicted": labels[said], "probability": 0.7, "suspect": False}
        | {"loss": 0.2 if true == said else 2.0 + place, "role": "validation"}
        for place, (photo, (true, said)) in enumerate(zip(photos, ANSWERS, strict=True))
    ]
    confusion = np.zeros((len(labels), len(labels)), int)
    for true, said in ANSWERS:
        confusion[true, said] += 1
    support = confusion.sum(1)
    per_class = [
        {"label": label, "precision": 0.5, "recall": float(confusion[i, i] / max(1, support[i])), "f1": 0.5}
        | {"support": int(support[i])}
        for i, label in enumerate(labels)
    ]
    bins = [{"low": 0.5, "high": 1.0, "confidence": 0.7, "accuracy": 0.625, "count": 8}]
    values = {
        "labels": labels,
        "metrics": {"acc1": 0.625, "acc1_interval": [0.3, 0.86], "images": 8, "on": "validation"}
        | {"ece": 0.075, "ece_uncalibrated": 0.2},
        "per_class": per_class,
        "confusion": confusion.tolist(),
        "pictures": rows,
        "suspects": [{**rows[2], "role": "training", "loss": None}],
        "reliability": {"before": bins, "after": bins},
        "temperature": 1.2,
        "novelty": {"method": "energy", "threshold": 1.0, "false_alarm_rate": 0.05, "images": 8},
        "history": [{"epoch": 1}],
        "about": {"seed": 7, "base": "small18", "recipe": {"train": "last-stage"}, "pictures": {"training": 30}},
    }
    folder.mkdir(exist_ok=True)
    (folder / "results.json").write_text(json.dumps(values | changes), "utf-8")
    return folder


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    rng = np.random.default_rng(3)
    found = [tmp_path / f"{place}.png" for place in range(len(ANSWERS))]
    for photo in found:
        photo.write_bytes(
            encode_png(np.kron(rng.integers(0, 255, (6, 8, 3), np.uint8), np.ones((20, 20, 1), np.uint8)))
        )
    return found


@pytest.fixture
def run(tmp_path: Path, photos: list[Path], small_base: str) -> Path:
    """A run folder whose model is another one than the base in the library."""
    assert small_base == "small18"
    folder = written(tmp_path / "run", photos)
    write_model(folder / "model.onnx", seed=5)
    return folder


@pytest.fixture
def page(qtbot: QtBot, run: Path) -> Iterator[ResultPage]:
    tasks = Tasks(1, "test")
    made = ResultPage(tasks)
    qtbot.addWidget(made)
    made.resize(820, 560)
    made.show()
    made.show_run(run, Draft(base="small18", train="last-stage"))
    qtbot.waitUntil(lambda: bool(made.headline), timeout=LONG)
    yield made
    made.left()
    tasks.drain()


def test_a_cell_shows_its_photos_with_heatmaps(page: ResultPage, photos: list[Path], qtbot: QtBot) -> None:
    quality = page.quality
    assert quality.grid.names == [str(photo) for photo in photos[2:4]], "the most frequent confusion comes first"
    first = quality.grid.names[0]
    qtbot.waitUntil(lambda: quality.grid.over(first) is not None, timeout=LONG)
    taken_for = quality.grid.over(first)
    quality.sheet.set_heat(True, of_truth=True)
    qtbot.waitUntil(lambda: quality.grid.over(first) is not None, timeout=LONG)
    truth = quality.grid.over(first)
    assert taken_for is not None
    assert truth is not None
    assert not truth.isNull()
    assert truth.toImage() != taken_for.toImage(), "another class has another heatmap"
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    assert page.grab().save(str(SCREENSHOTS / "wizard-cell.png"))
    quality.sheet.set_heat(False)
    assert quality.grid.over(first) is None, "they can be switched off"
    quality.matrix.choose(3, 1)
    assert quality.grid.names == [str(photos[6])]
    quality.show_class(LABELS[1])
    assert quality.grid.names == [str(photos[6])], "the mistakes about a class are also those that are taken for it"


def test_one_photo_is_looked_at_by_itself(page: ResultPage, photos: list[Path], qtbot: QtBot) -> None:
    dialog = page.quality.sheet.dialog
    page.quality.sheet.open(str(photos[2]))
    qtbot.waitUntil(lambda: not dialog.second.image.isNull(), timeout=LONG)
    assert LABELS[0] in dialog.first.caption
    assert LABELS[3] in dialog.second.caption
    assert dialog.first.image != dialog.second.image
    dialog.show_other(1)
    assert "Photo 2 of 2" in dialog.words
    dialog.close()


def test_before_and_after(page: ResultPage, photos: list[Path], qtbot: QtBot) -> None:
    view = page.before_after
    page.tabs.setCurrentWidget(view)
    qtbot.waitUntil(lambda: not view.difference.image.isNull(), timeout=LONG)
    assert "Photo 1 of 8" in view.words
    assert photos[6].name in view.words, "the worst mistake is first"
    assert view.before.image != view.after.image
    assert "layer3" in view.before.detail, "of 128 pixels the last stage sees 4 by 4 places"
    qtbot.waitUntil(lambda: view.layer.count() > 4, timeout=LONG)
    before = view.before.image
    view.layer.setCurrentIndex(view.layer.findData("layer2.1"))
    qtbot.waitUntil(lambda: "layer2.1" in view.before.detail, timeout=LONG)
    assert view.before.image != before
    view.target.setCurrentIndex(1)  # what it is
    qtbot.waitUntil(lambda: LABELS[3] in view.before.caption, timeout=LONG)


def test_a_photo_or_model_that_is_gone_is_said(page: ResultPage, run: Path, photos: list[Path], qtbot: QtBot) -> None:
    photos[6].unlink()
    view = page.before_after
    page.tabs.setCurrentWidget(view)
    qtbot.waitUntil(lambda: photos[6].name in view.words and "Working" not in view.words, timeout=LONG)
    assert view.difference.image.isNull()
    view.show_other(1)
    qtbot.waitUntil(lambda: not view.difference.image.isNull(), timeout=LONG)
    page.show_run(run, Draft(base="gone", train="head"))
    page.tabs.setCurrentWidget(view)
    qtbot.waitUntil(lambda: "gone" in view.words, timeout=LONG)


def test_decisions_are_marked_and_lead_to_another_training(page: ResultPage, photos: list[Path], qtbot: QtBot) -> None:
    view = page.mistakes
    page.tabs.setCurrentWidget(view)
    names = [str(photo) for photo in photos]
    assert view.grid.names == [names[6], names[3], names[2]], "worst first"
    view.leave_out([names[6]])
    view.relabel([names[2], names[3]], LABELS[3])
    assert view.changes.startswith("1 left out, 2 relabelled")
    view.undo()
    assert view.changes.startswith("1 left out, 0 relabelled")
    view.relabel([names[2]], LABELS[3])
    view.show_which(DECIDED)
    assert view.grid.names == [names[6], names[2]]
    view.show_which(DOUBTS)
    assert view.grid.names == [names[2]]
    with qtbot.waitSignal(page.again_asked) as asked:
        view._again.click()
    assert asked.args is not None
    draft = asked.args[0]
    assert (draft.exclude, draft.relabel) == ((names[6],), {names[2]: LABELS[3]})


def test_the_last_word_on_a_photo_counts_and_can_be_taken_back() -> None:
    history = History()
    history.take(history.now.renamed({"1": "a", "2": "b"}, "b"))
    assert history.now.relabel == {"1": "b"}, "what is of that class already is no change"
    history.take(history.now.without(["1"]))
    assert history.now == Decisions(("1",))
    history.take(history.now.without(["1"]))
    history.undo()
    assert history.now == Decisions((), {"1": "b"}), "a decision that changed nothing is none"
    history.take(history.now.kept(["1"]))
    assert not history.now
    history.undo()
    history.undo()
    assert not history.can_undo


def test_what_the_figures_mean_is_said(page: ResultPage, run: Path) -> None:
    assert page.headline.startswith("63\u00a0% of 8 validation photos are classified correctly.")
    assert "30\u00a0% to 86\u00a0%" in page.note
    assert "few" in page.note
    assert LABELS[0] in page.note, "a class that is found half of the time"
    assert "1.20" in page.confidence
    assert page.about.lines["Seed"] == "7"
    results = read_results(run)
    assert "7.5\u00a0%" in result_words.confidence(results)


def shown(page: ResultPage, folder: Path, photos: list[Path], qtbot: QtBot, **changes: Any) -> Results:
    """The page with other results."""
    before = page.headline
    page.show_run(written(folder, photos, **changes), Draft(base="small18", train="last-stage"))
    qtbot.waitUntil(lambda: page.headline != before, timeout=LONG)
    return read_results(folder)


NOTHING: dict[str, Any] = {
    "metrics": {"acc1": None, "acc1_interval": None, "images": 0, "ece": None},
    "per_class": [{"label": n, "precision": None, "recall": None, "f1": None, "support": 0} for n in LABELS],
    "confusion": [[0] * len(LABELS)] * len(LABELS),
    "pictures": [],
    "suspects": [],
    "doubts": {"training": {"pictures": 0, "wrong": None, "why": "learnt"}, "apart": 0},
    "reliability": {"before": [], "after": []},
    "novelty": None,
}


def test_what_was_not_measured_is_not_praised(page: ResultPage, run: Path, photos: list[Path], qtbot: QtBot) -> None:
    shown(page, run, photos, qtbot, **NOTHING)
    assert "accuracy could not be measured" in page.headline
    page.tabs.setCurrentWidget(page.mistakes)
    assert "Nothing was measured" in page.mistakes.words
    assert "Nothing was measured" in page.quality.sheet.words
    page.mistakes.show_which(DOUBTS)
    assert "not checked" in page.mistakes.words
    assert "No suspicious labels" not in page.mistakes.words
    model = page.quality.classes
    assert [model.data(model.index(0, column)) for column in (1, 2, 3)] == ["–"] * 3


def test_classes_that_were_not_tested_are_named(page: ResultPage, run: Path, photos: list[Path], qtbot: QtBot) -> None:
    shown(page, run, photos, qtbot, metrics={"acc1": 0.5, "acc1_interval": [0.2, 0.8], "images": 8, "on": "test"})
    assert f"5 of {len(LABELS)} classes had no such photos." in page.headline
    assert LABELS[2] in page.note.split("their accuracy is unknown")[1]


def test_after_training_again_the_accuracies_are_not_compared(
    page: ResultPage, run: Path, photos: list[Path], qtbot: QtBot
) -> None:
    metrics = {"acc1": 0.5, "acc1_interval": [0.2, 0.8], "images": 8, "on": "test"}
    shown(page, run, photos, qtbot, metrics=metrics, about={"judged_changed": 3})
    assert "its predictions were seen (3)" in page.note
    assert "not used for training or for choosing" not in page.note
    drafts: list[Draft] = []
    page.again_asked.connect(drafts.append)
    page.mistakes.again_asked.emit([str(photos[6])], {})
    assert drafts[0].follows == str(run)
    assert drafts[0].job()["follows"] == str(run)


def test_it_is_said_which_photos_a_mistake_is_of_and_what_deciding_does(
    page: ResultPage, run: Path, photos: list[Path], qtbot: QtBot
) -> None:
    rows = [{**row, "role": "test"} for row in json.loads((run / "results.json").read_text("utf-8"))["pictures"]]
    rows[2]["role"] = "validation"
    metrics = {"acc1": 0.5, "acc1_interval": [0.2, 0.8], "images": 7, "on": "test"}
    results = shown(page, run, photos, qtbot, pictures=rows, metrics=metrics, suspects=[])
    view = page.mistakes
    page.tabs.setCurrentWidget(view)
    tested, checked = (next(p for p in results.mistakes if p.role == role) for role in ("test", "validation"))
    assert "test photo" in view._about(tested)
    assert "validation photo" in view._about(checked)
    view.leave_out([checked.path])
    assert "not comparable" not in view.changes
    view.leave_out([tested.path])
    assert "not be comparable" in view.changes


def test_what_was_seen_in_few_photos_is_no_advice(
    page: ResultPage, run: Path, photos: list[Path], qtbot: QtBot
) -> None:
    assert "often missed" not in page.note.lower()
    assert f"2 of 4 photos of {LABELS[0]}" in page.note
    rows = [
        {"label": label, "precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 40 if label == LABELS[1] else 2}
        for label in LABELS
    ]
    shown(page, run, photos, qtbot, per_class=rows)
    assert f"Often missed: {LABELS[1]}." in page.note


def test_calibration_says_what_it_was_fitted_on(page: ResultPage, run: Path) -> None:
    results = read_results(run)
    assert "fitted on these same photos" in result_words.confidence(results)
    assert "near 1" not in result_words.confidence(results)


def test_an_export_writes_over_nothing(page: ResultPage, tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "labels.txt").write_text("mine", "utf-8")
    page.export_to(tmp_path / "mine")
    qtbot.waitUntil(lambda: "Saved to" in page.said, timeout=LONG)
    assert (tmp_path / "mine" / "labels.txt").read_text("utf-8") == "mine"
    assert (tmp_path / "mine 2" / "model.onnx").is_file()
    assert "mine 2" in page.said


def test_who_looked_for_wrong_labels_is_said(page: ResultPage, run: Path, photos: list[Path], qtbot: QtBot) -> None:
    doubts: dict[str, Any] = {"training": {"pictures": 120, "wrong": 0.22, "why": ""}, "apart": 24}
    results = shown(page, run, photos, qtbot, doubts=doubts, metrics={"acc1": None, "images": 0})
    page.tabs.setCurrentWidget(page.mistakes)
    page.mistakes.show_which(DOUBTS)
    assert "120 training photos" in page.mistakes.words
    assert "22\u00a0%" in page.mistakes.words
    assert "24 held-out photos" in result_words.doubts(results)


def test_thousands_of_classes_are_listed(qtbot: QtBot, tmp_path: Path, photos: list[Path], page: ResultPage) -> None:
    labels = (*LABELS, *(f"species {number:04}" for number in range(1990)))
    folder = written(tmp_path / "large", photos, labels, confusion=None)
    shutil.copy(tmp_path / "run" / "model.onnx", folder / "model.onnx")
    page.show_run(folder, Draft(base="small18", train="head"))
    quality = page.quality
    qtbot.waitUntil(lambda: quality.views.place == LIST, timeout=LONG)
    assert not quality.views.button(MATRIX).isVisible()
    found: Results = read_results(folder)
    assert [row.count for row in found.confusions] == [2, 1]
    assert quality.grid.names == [str(photos[2]), str(photos[3])]
    quality.classes.find("species 1234")
    assert [row.label for row in quality.classes.rows] == ["species 1234"]
    assert page.grab().save(str(SCREENSHOTS / "wizard-many-classes.png"))
