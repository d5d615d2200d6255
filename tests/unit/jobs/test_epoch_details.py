"""What an epoch got wrong, read back from its file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from resnet_desktop.jobs.epoch_details import read_details

WORST = {"path": "a/1.png", "label": "a", "predicted": "b", "probability": 0.9, "loss": 2.3}


def written(folder: Path, epoch: int, **changes: Any) -> None:
    values: dict[str, Any] = {
        "labels": ["a", "b", "c"],
        "confusion": [[3, 2, 0], [1, 4, 0], [0, 5, 6]],
        "worst": [WORST],
    }
    path = folder / "epochs" / f"epoch-{epoch:04d}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(values | changes), "utf-8")


def test_it_is_read_with_the_pairs_that_are_mixed_up_most(tmp_path: Path) -> None:
    written(tmp_path, 7)
    found = read_details(tmp_path, 7, ())
    assert found is not None
    assert (found.epoch, found.labels) == (7, ("a", "b", "c"))
    assert found.mixed_up(2) == [("c", "b", 5), ("a", "b", 2)]
    assert (found.worst[0].path, found.worst[0].right, found.worst[0].loss) == ("a/1.png", False, 2.3)


def test_labels_of_a_file_without_them_are_given(tmp_path: Path) -> None:
    written(tmp_path, 1, labels=None)
    found = read_details(tmp_path, 1, ("x", "y", "z"))
    assert found is not None
    assert found.labels == ("x", "y", "z")
    written(tmp_path, 2, confusion=None)
    found = read_details(tmp_path, 2, ())
    assert found is not None
    assert found.mixed_up(3) == []


@pytest.mark.parametrize(
    "change", [{"labels": ["a"]}, {"confusion": [[1]]}, {"confusion": "many"}, {"worst": [{}]}, {"worst": 3}]
)
def test_what_cannot_be_read_is_not_there(tmp_path: Path, change: dict[str, Any]) -> None:
    written(tmp_path, 1, **change)
    assert read_details(tmp_path, 1, ()) is None
    assert read_details(tmp_path, 2, ()) is None
    (tmp_path / "epochs" / "epoch-0003.json").write_text("{")
    assert read_details(tmp_path, 3, ()) is None
