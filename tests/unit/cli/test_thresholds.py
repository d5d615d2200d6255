"""Several labels in one photo: from which probability each counts as present, and what is said of that."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from PIL import Image

from resnet_desktop.bundle.format.metadata import Metadata
from resnet_desktop.bundle.labels.thresholds import thresholds_of
from resnet_desktop.bundle.library import remembered_labels
from resnet_desktop.bundle.library.importing import ModelHints, copy_model
from resnet_desktop.cli import main
from resnet_desktop.core.errors import ClassNameError, ModelError
from resnet_desktop.imaging.transforms import Transforms
from tests.unit.bundle.elsewhere import CLASSES, FLOAT, started
from tests.unit.bundle.making import plain_classifier, save

Run = Callable[..., tuple[int, str, str]]

LABELS = ("cat", "dog", "a=b", "hat")
SAID = Metadata(arch=None, categories=LABELS, transforms=Transforms(), output="ratings", thresholds=(0.5, 0.25, 1, 0))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """``run(*arguments)``: exit code, standard output and standard error."""

    def start(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["resnet-desktop", *arguments])
        with pytest.raises(SystemExit) as caught:
            main.main()
        printed = capsys.readouterr()
        return int(caught.value.code or 0), printed.out, printed.err

    return start


@pytest.fixture
def rated(home: Path) -> Path:
    """A classifier of four labels that can be present together."""
    graph = started(sharp=0.5)
    graph.add("Sigmoid", ["scores"], "y")
    return save(home / "rated.onnx", graph.model([("y", FLOAT, ("N", CLASSES))]))


@pytest.fixture
def photo(home: Path) -> Path:
    pixels = np.random.default_rng(2).integers(0, 255, (32, 32, 3), np.uint8)
    path = home / "photo.png"
    Image.fromarray(pixels).save(path)
    return path


def row(run: Run, photo: Path, model: Path) -> dict[str, Any]:
    code, out, err = run("classify", str(photo), "--model", str(model), "--format", "json")
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)[0]
    return found


def test_half_unless_the_user_says_otherwise(run: Run, rated: Path, photo: Path) -> None:
    first = row(run, photo, rated)
    right = [one for one in first["predictions"] if one["probability"] >= 0.5]
    assert first["present"] == right
    assert first["sure"] is bool(right)
    between = sorted(one["probability"] for one in first["predictions"])[1]
    assert run("models", "thresholds", str(rated), "--threshold", str(between + 1e-4))[0] == 0
    assert row(run, photo, rated)["present"] == [one for one in first["predictions"] if one["probability"] > between]
    bundle = remembered_labels.read(rated)
    assert remembered_labels.recall(bundle) is None, "nothing but thresholds is known of it"
    remembered_labels.remember_thresholds(bundle, (0.5, 0.5))  # as a file of answers that somebody changed
    assert remembered_labels.read(rated).metadata.thresholds is None
    assert run("models", "thresholds", str(rated), "--threshold", "0", "--reset")[0] == 0
    assert remembered_labels.read(rated).metadata.thresholds == (0, 0, 0, 0)


def test_in_a_table_and_in_csv(run: Run, rated: Path, photo: Path) -> None:
    bundle = remembered_labels.read(rated)
    remembered_labels.remember_thresholds(bundle, (0, 1.0, 0, 0))
    out = run("classify", str(photo), "--model", str(rated), "--format", "csv", "--top", "2")[1]
    (line,) = csv.DictReader(io.StringIO(out))
    assert sorted(line["present"].split("; ")) == ["class 0", "class 2", "class 3"]
    remembered_labels.remember_thresholds(bundle, (1.0,) * 4)
    assert "none of its labels" in run("classify", str(photo), "--model", str(rated))[1]


def test_in_the_file(run: Run, rated: Path) -> None:
    code, _, err = run("models", "install", str(rated), "--threshold", "1", "--threshold", "class 2=0.25")
    assert code == 0, err
    installed = Path(json.loads(run("models", "info", "rated", "--format", "json")[1])["path"])
    props = {entry.key: entry.value for entry in onnx.load(installed).metadata_props}
    assert json.loads(props["resnet_desktop.thresholds"]) == [1, 1, 0.25, 1]
    assert (props["resnet_desktop.format"], props["resnet_desktop.output"]) == ("2", "ratings")
    again = copy_model(installed, rated.with_name("again.onnx"), ModelHints(thresholds=("0=0.125",)))
    assert again.metadata.thresholds == (0.125, 1, 0.25, 1)
    out = run("models", "thresholds", "rated", "--format", "json")[1]
    assert [one["threshold"] for one in json.loads(out)] == [1, 1, 0.25, 1]


@pytest.mark.parametrize("text", ["cat=1.5", "cat=nan", "cat=", "=0.5", "half"])
def test_what_is_no_threshold(text: str) -> None:
    with pytest.raises(ModelError, match="no threshold"):
        thresholds_of(SAID, [text], "rated.onnx")


def test_no_label_of_that_name() -> None:
    with pytest.raises(ClassNameError, match="no class 'cow'"):
        thresholds_of(SAID, ["cow=0.5"], "rated.onnx")


def test_a_label_with_an_equals_sign() -> None:
    assert thresholds_of(SAID, ["a=b=0.75"], "rated.onnx") == (0.5, 0.25, 0.75, 0)


def test_classes_that_exclude_each_other_have_none(run: Run, home: Path) -> None:
    path = save(home / "theirs.onnx", plain_classifier())
    assert "exclude each other" in run("models", "thresholds", str(path))[2]
    with pytest.raises(ModelError, match="exclude each other"):
        copy_model(path, home / "copy.onnx", ModelHints(thresholds=("0.3",)))


@pytest.mark.parametrize("kept", ["[0.5]", "[0.5, 0.5, 0.5, 2]", "[0.5, 0.5, 0.5, true]", "{}", '"half"'])
def test_a_file_of_bad_thresholds_is_refused(kept: str) -> None:
    props = SAID.to_props()
    assert Metadata.from_props(props) == SAID
    with pytest.raises(ModelError, match="thresholds must be"):
        Metadata.from_props(props | {"resnet_desktop.thresholds": kept})
