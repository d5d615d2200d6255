"""Groups on the command line: rows of ``classify`` in every format, ``--group-threshold``, ``explain --target``."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from resnet_desktop.bundle.file.bundle import write
from resnet_desktop.cli.main import main
from resnet_desktop.core.settings import GROUP_THRESHOLD, Settings
from resnet_desktop.imaging.decode import encode_jpeg
from tests.conftest import make_photo
from tests.unit.bundle.making import LABELS, metadata, tiny_model

Run = Callable[..., tuple[int, str, str]]
HIERARCHY: dict[str, Any] = {
    "classes": ["ant", "bee", "bird", "machine", None],
    "nodes": {
        "ant": {"label": "ant", "parents": ["insect"]},
        "bee": {"label": "bee", "parents": ["insect"]},
        "bird": {"label": "crane", "parents": ["animal"]},
        "machine": {"label": "crane", "parents": ["thing"]},
        "insect": {"label": "insect", "parents": ["animal"]},
        "animal": {"label": "animal", "parents": ["thing"]},
        "thing": {"label": "thing"},
    },
}


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "a.jpg"
    path.write_bytes(encode_jpeg(make_photo(90, 70, 1)))
    return path


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """``run(command, *arguments, tree=True, model=None)``: exit code, standard output and error with a tiny network."""

    def call(command: str, *arguments: object, tree: bool = True, model: Path | None = None) -> tuple[int, str, str]:
        if model is None:
            model = tmp_path / ("tree.onnx" if tree else "plain.onnx")
            write(model, tiny_model(), metadata(hierarchy=HIERARCHY if tree else None))
        given = ["resnet-desktop", command, *map(str, arguments), "--model", str(model), "--provider", "cpu"]
        monkeypatch.setattr(sys, "argv", given)
        with pytest.raises(SystemExit) as caught:
            main()
        out, err = capsys.readouterr()
        return int(caught.value.code or 0), out, err

    return call


def the_row(found: tuple[int, str, str]) -> dict[str, Any]:
    (row,) = json.loads(found[1])
    assert isinstance(row, dict)
    return row


def probability_of(row: dict[str, Any], classes: list[int]) -> float:
    return float(sum(score["probability"] for score in row["predictions"] if score["index"] in classes))


def test_a_group_in_json(run: Run, photo: Path) -> None:
    row = the_row(run("classify", photo, "--format", "json"))
    group = row["group"]
    assert set(group) == {"wnid", "label", "probability", "classes"}
    assert group["probability"] == pytest.approx(probability_of(row, group["classes"]), abs=1e-5)
    assert row["sure"] is (group["probability"] >= GROUP_THRESHOLD.default)
    assert group["label"] != "thing"


def test_the_threshold_by_option_and_by_setting(run: Run, photo: Path) -> None:
    low = the_row(run("classify", photo, "--format", "json", "--group-threshold", "0"))
    assert low["sure"]
    assert len(low["group"]["classes"]) == 1
    high = the_row(run("classify", photo, "--format", "json", "--group-threshold", "1"))
    assert not high["sure"]
    Settings().change(GROUP_THRESHOLD, 1.0)
    assert not the_row(run("classify", photo, "--format", "json"))["sure"]
    assert the_row(run("classify", photo, "--format", "json", "--group-threshold", "0"))["sure"]


@pytest.mark.parametrize("text", ["-0.1", "1.5", "nan", "much"])
def test_a_threshold_that_is_no_probability(run: Run, photo: Path, text: str) -> None:
    code, out, err = run("classify", photo, f"--group-threshold={text}")
    assert (code, out) == (2, "")
    assert "--group-threshold" in err


def test_without_a_tree(run: Run, photo: Path) -> None:
    for threshold, sure in (("0", True), ("1", False)):
        row = the_row(run("classify", photo, "--format", "json", "--group-threshold", threshold, tree=False))
        assert row["group"] is None
        assert row["sure"] is sure


def test_columns_after_those_of_before(run: Run, photo: Path) -> None:
    broken = photo.with_name("broken.jpg")
    broken.write_bytes(photo.read_bytes()[:200])
    group = the_row(run("classify", photo, "--format", "json"))
    first, second = csv.DictReader(io.StringIO(run("classify", photo, broken, "--format", "csv", "--top", "2")[1]))
    names = list(first)
    start = names.index("error")
    assert names[start : start + 5] == ["error", "message", "group", "group_probability", "sure"]
    assert first["group"] == group["group"]["label"]
    assert float(first["group_probability"]) == group["group"]["probability"]
    assert first["sure"] == str(group["sure"])
    assert (second["ok"], second["group"], second["group_probability"], second["sure"]) == ("False", "", "", "")
    (plain,) = csv.DictReader(io.StringIO(run("classify", photo, "--format", "csv", tree=False)[1]))
    assert (plain["group"], plain["group_probability"]) == ("", "")
    assert plain["sure"] in ("True", "False")


def test_the_table_says_the_group_or_that_it_is_not_sure(run: Run, photo: Path) -> None:
    row = the_row(run("classify", photo, "--format", "json", "--group-threshold", "0.01"))
    assert row["group"]["label"] in run("classify", photo, "--group-threshold", "0.01")[1]
    assert "not sure" not in run("classify", photo, "--group-threshold", "0.01")[1]
    assert "not sure" in run("classify", photo, "--group-threshold", "1")[1]


@pytest.mark.parametrize("text", ["insect", "Insect", " insect "])
def test_a_group_is_explained(run: Run, photo: Path, tmp_path: Path, text: str) -> None:
    npz, png = tmp_path / "map.npz", tmp_path / "map.png"
    found = run("explain", photo, "--target", text, "--against", "2", "--format", "json", "--output", png,
                "--save-map", npz)  # fmt: skip
    row = the_row(found)
    assert row["target"] == {"wnid": "insect", "label": "insect", "classes": [0, 1]}
    assert row["against"] == {"index": 2, "label": LABELS[2]}
    assert png.is_file()
    with np.load(npz) as stored:
        assert stored["target"].tolist() == [0, 1]
        assert stored["against"].item() == 2


def test_a_group_of_one_class_is_the_class(run: Run, photo: Path, tmp_path: Path) -> None:
    row = the_row(run("explain", photo, "--target", "machine", "--format", "json", "--output", tmp_path / "m.png"))
    assert row["target"] == {"index": 3, "label": "crane"}


@pytest.mark.parametrize(("text", "tree"), [("insekt", True), ("insect", False), ("n02121808", True)])
def test_a_group_that_the_model_lacks(run: Run, photo: Path, text: str, tree: bool) -> None:
    code, out, err = run("explain", photo, "--target", text, tree=tree)
    assert (code, out) == (2, "")
    assert text in err
    assert ("Did you mean insect" in err) == (text == "insekt")


def test_a_tree_that_does_not_fit_is_said(run: Run, photo: Path) -> None:
    run("classify", photo)
    model = onnx.load(photo.with_name("tree.onnx"))
    for entry in model.metadata_props:
        if entry.key == "resnet_desktop.hierarchy":
            entry.value = json.dumps(HIERARCHY | {"classes": ["ant", "bee"]})
    onnx.save(model, photo.with_name("other.onnx"))
    code, out, err = run("classify", photo, model=photo.with_name("other.onnx"))
    assert (code, out) == (1, "")
    assert "resnet_desktop.hierarchy must name a node, or null, for each of the 5 classes" in err
