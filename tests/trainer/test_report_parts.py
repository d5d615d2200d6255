"""What the report says where little or nothing was measured."""

from __future__ import annotations

from typing import Any

from resnet_desktop.runs.report import page

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


def said(section: str, results: dict[str, Any], **more: Any) -> str:
    """A section of the report, with single spaces."""
    return " ".join(page.templates().get_template(f"{section}.html").render(results, **more).split())


def test_dashes_stand_where_nothing_was_measured() -> None:
    table = said("classes", results())
    ants, bees, wasps = (table.split(name)[1].split("</tr>")[0] for name in ("ants", "bees", "wasps"))
    assert "–" not in ants
    assert bees.count("–") == 1, "it was asked about bees, but never answered so"
    assert wasps.count("–") == 3
    assert "0%" not in wasps.split("wide")[0]


def test_classes_without_pictures_are_named_beside_the_accuracy() -> None:
    words = said("accuracy", results())
    assert "1 of 3 classes had no held-out photos" in words
    assert "wasps" in words
    assert "classes" not in said("accuracy", results(per_class=results()["per_class"][:2]))


def test_what_the_best_epoch_was_chosen_by_is_said() -> None:
    assert "(by loss)" in said("accuracy", results())
    assert "(by accuracy)" in said("accuracy", results(about={"best_by": "accuracy"}))


def test_what_was_done_to_the_judged_pictures_of_an_earlier_run_is_said() -> None:
    test = {**results()["metrics"], "on": "test"}
    assert "not used for training or for choosing" in said("accuracy", results(metrics=test))
    words = said("accuracy", results(metrics=test, about={"judged_changed": 3}))
    assert "not used for training or for choosing" not in words
    assert "3 photos used to evaluate an earlier run were" in words


def test_approximate_figures_are_called_so() -> None:
    row = {"epoch": 1, "size": 64, "training_loss": 0.5, "validation_loss": 0.5, "acc1": 0.5}
    history = [row | {"learning_rate": 0.1, "seconds": 1.0}] * 2
    run = {"history": history, "curves": page.curves(history)}
    assert "The per-epoch figures are approximate" in said("training", results(about={"exact_epochs": False}), **run)
    assert "approximate" not in said("training", results(about={"exact_epochs": True}), **run)


def test_without_pictures_set_apart_nothing_is_praised() -> None:
    nothing = results(metrics={"acc1": None, "images": 0}, confusion=[[0] * 3] * 3)
    assert "could not be measured" in said("accuracy", nothing)
    unmeasured = "<p>Nothing was measured: there were no held-out photos.</p>"
    assert said("confusion", nothing) == unmeasured
    assert said("calibration", nothing) == unmeasured


def test_the_reliability_diagram_is_labelled_and_counted() -> None:
    bins = [{"low": 0.5, "high": 1.0, "confidence": 0.8, "accuracy": 0.5, "count": 8}]
    metrics = {**results()["metrics"], "ece": 0.3, "ece_uncalibrated": 0.4}
    drawn = {"reliability": {"before": bins, "after": bins}, "temperature": 1.43}
    words = said("calibration", results(metrics=metrics, **drawn))
    assert words.count(">confidence</text>") == words.count(">accuracy</text>") == 2
    assert words.count(">8</text>") == 2
    assert "slightly too small; the one before is not" in words
    assert "chance alone inflates both errors" in words


def test_what_was_looked_at_for_wrong_labels_is_said() -> None:
    words = said("label_errors", results())
    assert "120 training photos and 24 held-out photos" in words
    assert "22%" in words
    learnt = {"training": {"pictures": 0, "wrong": None, "why": "learnt"}, "apart": 0}
    words = said("label_errors", results(doubts=learnt))
    assert "no photos" in words
    assert "repeats their labels" in words


def test_names_cannot_break_out() -> None:
    nasty = "<script>alert(1)</script>\"'&\x1b[31m\udce4"
    row = {"path": f"{nasty}.jpg", "label": nasty, "predicted": nasty, "probability": 0.5, "message": nasty}
    pictures = {"training": 1, "validation": 1, "test": 1}
    about: dict[str, Any] = {"data": [nasty], "test_data": [], "pictures": pictures}
    about |= {"left_out": 0, "relabelled": 0, "unreadable": 1, "problems": [nasty], "skipped": [row]}
    about |= {"by_class": [{"label": nasty, **pictures}], "base": nasty, "seed": 0}
    about |= {"recipe": {"train": nasty, "preset": nasty, "learning_rate": None}, "minutes": 1.0, "date": nasty}
    run = results(labels=[nasty] * 3, about=about | {"device": nasty}, suspects=[row])
    more: dict[str, Any] = {"worst": [row], "mistakes": [row], "thumbnails": {row["path"]: ("", nasty)}}
    more |= {"versions": nasty, "schedule": "", "everything": [nasty]}
    for section in ("accuracy", "classes", "confusion", "mistakes", "label_errors", "data", "recipe"):
        words = said(section, run, **more)
        assert "<script" not in words
        assert "\x1b" not in words
        words.encode("utf-8")
