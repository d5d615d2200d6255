"""What is picked out of a folder of results and counted; as a command, it writes what ``classify`` writes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from resnet_desktop.batch_inference import columns
from resnet_desktop.batch_inference.results_folder import Results
from resnet_desktop.batch_inference.selection import Selection, Summary
from resnet_desktop.bundle.file.bundle import Bundle, write
from tests.unit.batch_inference.conftest import Run
from tests.unit.batch_inference.making import album, classified, options
from tests.unit.bundle.making import metadata, tiny_model


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    nodes: dict[str, object] = {name: {"label": name, "parents": ["top"]} for name in ("a", "b")}
    nodes["top"] = {"label": "Insect", "parents": []}
    hierarchy = {"classes": ["a", "b", None, None, None], "nodes": nodes}
    novelty = {"method": "energy", "threshold": 0.0}
    path = tmp_path_factory.mktemp("model") / "tiny.onnx"
    return write(path, tiny_model(), metadata(hierarchy=hierarchy, novelty=novelty))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, bundle: Bundle) -> Path:
    """Results of 30 photos, two of which are torn."""
    root = tmp_path_factory.mktemp("results")
    paths = album(root / "album", 30)
    for torn in paths[3], paths[17]:
        Path(torn).write_bytes(Path(torn).read_bytes()[:300])
    classified(root / "results", bundle, paths, made=options(group_threshold=0.3), part_rows=8)
    return root / "results"


def picked(folder: Path, wanted: Selection) -> list[str]:
    tables = [wanted.of(table) for table in Results(folder).tables()]
    return [path for table in tables for path in table["path"].to_pylist()]


def test_each_wish_picks_what_it_says(folder: Path) -> None:
    rows = [columns.row(stored) for stored in Results(folder).records()]
    best = {row["path"]: row["predictions"][0] for row in rows if row["ok"]}
    middle = sorted(one["probability"] for one in best.values())[14]
    label, index = best[rows[0]["path"]]["label"], best[rows[0]["path"]]["index"]
    groups = {row["path"]: (row["group"] or {}).get("label") for row in rows if row["ok"]}
    expected = {
        Selection(): [row["path"] for row in rows],
        Selection(errors=True): [row["path"] for row in rows if not row["ok"]],
        Selection(unfamiliar=True): [row["path"] for row in rows if row.get("unfamiliar")],
        Selection(above=middle): [path for path, one in best.items() if one["probability"] >= middle],
        Selection(below=middle): [path for path, one in best.items() if one["probability"] < middle],
        Selection(label.upper()): [p for p, one in best.items() if label in (one["label"], groups[p])],
        Selection(str(index)): [p for p, one in best.items() if index == one["index"] or one["label"] == str(index)],
        Selection("insect"): [path for path, group in groups.items() if group == "Insect"],
        Selection(label, above=middle): [
            p for p, one in best.items() if label in (one["label"], groups[p]) and one["probability"] >= middle
        ],
        Selection("no such class"): [],
    }
    for wanted, paths in expected.items():
        assert picked(folder, wanted) == paths, wanted
    assert len({len(paths) for paths in expected.values()}) > 4


def test_counts(folder: Path) -> None:
    rows = [columns.row(stored) for stored in Results(folder).records()]
    found = Summary.of(Results(folder).tables())
    good = [row for row in rows if row["ok"]]
    assert (found.photos, found.failed) == (30, 2)
    assert found.unsure == sum(not row["sure"] for row in good)
    assert found.unfamiliar == sum(row["unfamiliar"] for row in good)
    assert sum(found.errors.values()) == 2
    said = [(row["group"] or row["predictions"][0])["label"] for row in good if row["sure"]]
    assert found.classes == {label: said.count(label) for label in said}


def test_the_command_writes_what_classify_writes(folder: Path, bundle: Bundle, run: Run, tried_once: None) -> None:
    given = (folder.parent / "album", "--model", bundle.path, "--top", 3, "--group-threshold", 0.3)
    assert run("results", folder, "--format", "csv")[1] == run("classify", *given, "--format", "csv")[1]
    rows = json.loads(run("results", folder / "manifest.json", "--errors", "--format", "json")[1])
    assert rows == [row for row in json.loads(run("classify", *given, "--format", "json")[1]) if not row["ok"]]
    assert "30 photos: " in run("results", folder)[1]
    assert "2 of 30 photos: " in run("results", folder, "--errors")[1]


def test_what_is_wrong_is_said(
    folder: Path, tmp_path: Path, bundle: Bundle, run: Run, monkeypatch: pytest.MonkeyPatch, tried_once: None
) -> None:
    assert run("results", tmp_path)[2].startswith(f"{tmp_path} is not a folder of results")
    assert run("results", folder, "--format", "csv", "--output", folder / "part-00000.parquet")[0] == 2
    assert "It goes with --ray." in run("classify", folder, "--workers", "2")[2]
    photos = (folder.parent / "album", "--model", bundle.path, "--ray", "auto", "--output", tmp_path / "new")
    assert "--heatmaps" in run("classify", *photos, "--heatmaps", tmp_path)[2]
    monkeypatch.setitem(sys.modules, "ray", None)
    code, _, said = run("classify", *photos)
    assert (code, "pip install 'resnet-desktop[ray]'" in said, (tmp_path / "new").exists()) == (1, True, False)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    code, _, said = run("results", folder)
    assert (code, "pip install pyarrow" in said) == (1, True)
