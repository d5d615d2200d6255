"""What the report says where little or nothing was measured."""

from __future__ import annotations

from typing import Any

from resnet_desktop.runs.report import label_errors, parts

UNTESTED = {"label": "wasps", "precision": None, "recall": None, "f1": None, "support": 0}


def results(**changes: Any) -> dict[str, Any]:
    known = {"label": "ants", "precision": 0.5, "recall": 0.75, "f1": 0.6, "support": 4}
    unanswered = {"label": "bees", "precision": None, "recall": 0.0, "f1": 0.0, "support": 4}
    metrics = {"acc1": 0.5, "acc1_interval": [0.2, 0.8], "acc5": 1.0, "images": 8, "on": "validation"}
    values = {"labels": ["ants", "bees", "wasps"], "metrics": metrics, "per_class": [known, unanswered, UNTESTED]}
    values |= {"about": {"best_by": "loss"}}
    values |= {"confusion": [[3, 1, 0], [4, 0, 0], [0, 0, 0]], "suspects": []}
    values["reliability"] = {"before": [], "after": []}
    values["doubts"] = {"training": {"pictures": 120, "wrong": 0.22, "why": ""}, "apart": 24}
    return values | changes


def test_dashes_stand_where_nothing_was_measured() -> None:
    table = parts.classes(results()["per_class"])
    ants, bees, wasps = (table.split(name)[1].split("</tr>")[0] for name in ("ants", "bees", "wasps"))
    assert "–" not in ants
    assert bees.count("–") == 1, "it was asked about bees, but never answered so"
    assert wasps.count("–") == 3
    assert "0%" not in wasps.split("wide")[0]


def test_classes_without_pictures_are_named_beside_the_accuracy() -> None:
    said = parts.headline(results())
    assert "1 of 3 classes had no held-out photos" in said
    assert "wasps" in said
    assert "classes" not in parts.headline(results(per_class=results()["per_class"][:2]))


def test_what_the_best_epoch_was_chosen_by_is_said() -> None:
    assert "(by loss)" in parts.headline(results())
    assert "(by accuracy)" in parts.headline(results(about={"best_by": "accuracy"}))


def test_what_was_done_to_the_judged_pictures_of_an_earlier_run_is_said() -> None:
    test = {**results()["metrics"], "on": "test"}
    assert "not used for training or for choosing" in parts.headline(results(metrics=test))
    said = parts.headline(results(metrics=test, about={"judged_changed": 3}))
    assert "not used for training or for choosing" not in said
    assert "3 photos used to evaluate an earlier run were" in said


def test_approximate_figures_are_called_so() -> None:
    row = {"epoch": 1, "training_loss": 0.5, "validation_loss": 0.5, "acc1": 0.5}
    assert parts.APPROXIMATE in parts.curves([row, row], {"exact_epochs": False})
    assert parts.APPROXIMATE not in parts.curves([row, row], {"exact_epochs": True})


def test_without_pictures_set_apart_nothing_is_praised() -> None:
    nothing = results(metrics={"acc1": None, "images": 0}, confusion=[[0] * 3] * 3)
    assert "could not be measured" in parts.headline(nothing)
    assert parts.confusion(nothing, []) == f"<p>{parts.UNMEASURED}</p>"
    assert parts.UNMEASURED in parts.confidence(nothing)


def test_the_reliability_diagram_is_labelled_and_counted() -> None:
    bins = [{"low": 0.5, "high": 1.0, "confidence": 0.8, "accuracy": 0.5, "count": 8}]
    metrics = {**results()["metrics"], "ece": 0.3, "ece_uncalibrated": 0.4}
    said = parts.confidence(results(metrics=metrics, reliability={"before": bins, "after": bins}, temperature=1.43))
    assert said.count(">confidence</text>") == said.count(">accuracy</text>") == 2
    assert said.count(">8</text>") == 2
    assert "slightly too small; the one before is not" in said
    assert "chance alone inflates both errors" in said


def test_what_was_looked_at_for_wrong_labels_is_said() -> None:
    said = label_errors.words(results(), 24)
    assert "120 training photos and 24 held-out photos" in said
    assert "22%" in said
    learnt = {"training": {"pictures": 0, "wrong": None, "why": "learnt"}, "apart": 0}
    said = label_errors.words(results(doubts=learnt), 24)
    assert "no photos" in said
    assert "repeats their labels" in said
