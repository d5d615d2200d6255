"""Reading ``results.json``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from resnet_desktop.core.errors import DataError
from resnet_desktop.jobs.results import FILE, read_results


def picture(label: str, predicted: str, loss: float, **more: Any) -> dict[str, Any]:
    row = {"path": f"{label}/{predicted}.jpg", "label": label, "predicted": predicted, "probability": 0.9}
    return {**row, "loss": loss, "suspect": False, "role": "validation", **more}


def values() -> dict[str, Any]:
    bins = [{"low": 0.0, "high": 0.5, "confidence": None, "accuracy": None, "count": 0}]
    bins += [{"low": 0.5, "high": 1.0, "confidence": 0.9, "accuracy": 0.5, "count": 2}]
    doubt = {"path": "a/1.jpg", "label": "a", "predicted": "b", "probability": 0.8, "role": "training"}
    return {
        "labels": ["a", "b"],
        "metrics": {"acc1": 0.5, "images": 2, "on": "validation"},
        "per_class": [{"label": "a", "precision": 1.0, "recall": 0.5, "f1": 0.66, "support": 2}],
        "confusion": [[1, 1], [0, 0]],
        "pictures": [picture("a", "a", 0.1), picture("a", "b", 2.0), picture("a", "b", 3.0, role="test")],
        "suspects": [doubt],
        "reliability": {"before": bins, "after": bins},
        "temperature": 1.5,
        "novelty": None,
        "history": [{"epoch": 1}],
    }


def written(folder: Path, content: object) -> Path:
    (folder / FILE).write_text(json.dumps(content), "utf-8")
    return folder


def test_everything_is_read(tmp_path: Path) -> None:
    found = read_results(written(tmp_path, values()))
    assert found.labels == ("a", "b")
    assert found.confusion == ((1, 1), (0, 0))
    assert [p.loss for p in found.mistakes] == [3.0, 2.0]
    assert [p.path for p in found.cell("a", "b")] == ["a/b.jpg"], "of the judged pictures alone"
    assert (found.suspects[0].suspect, found.suspects[0].loss, found.suspects[0].right) == (True, None, False)
    assert found.after[1].accuracy == 0.5
    assert found.temperature == 1.5


def test_classes_without_pictures_have_no_figures(tmp_path: Path) -> None:
    empty = {"label": "b", "precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}  # as an older program wrote it
    content = {**values(), "per_class": [*values()["per_class"], empty]}
    found = read_results(written(tmp_path, content))
    assert (found.per_class[1].precision, found.per_class[1].recall, found.per_class[1].f1) == (None, None, None)
    assert found.untested == ("b",)
    nothing = read_results(written(tmp_path, {**content, "metrics": {"acc1": None, "images": 0}}))
    assert not nothing.measured
    assert nothing.untested == (), "where nothing was measured, that is what is said"


def test_many_classes_have_no_table(tmp_path: Path) -> None:
    assert read_results(written(tmp_path, {**values(), "confusion": None})).confusion is None


@pytest.mark.parametrize(
    "content", [[], {}, {**values(), "pictures": [{}]}, {**values(), "per_class": [{"label": 1}]}, "text", None]
)
def test_what_is_no_result_is_refused(tmp_path: Path, content: object) -> None:
    with pytest.raises(DataError) as caught:
        read_results(written(tmp_path, content))
    assert caught.value.code == "bad_data"


def test_missing_and_broken_files_are_said(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_results(tmp_path)
    assert caught.value.code == "missing_data"
    (tmp_path / FILE).write_bytes(b"{\xff")
    with pytest.raises(DataError) as caught:
        read_results(tmp_path)
    assert caught.value.code == "bad_data"
