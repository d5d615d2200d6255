"""What programs for camera traps write, classified; and rows that these programs read."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from resnet_desktop.bundle.file.bundle import write
from resnet_desktop.cli.camera_traps import COLUMNS
from resnet_desktop.cli.main import main
from resnet_desktop.data.sources.camera_traps.camtrap_dp import camtrap_dp
from resnet_desktop.data.sources.table import read_table
from resnet_desktop.imaging.decode import decode, encode_png
from resnet_desktop.imaging.region import Region
from tests.conftest import make_photo
from tests.unit.bundle.making import metadata, tiny_model

SPECIES = ("Vulpes vulpes", "Felidae", "blank", "Human", "Capreolus capreolus")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    return write(folder / "species.onnx", tiny_model(), metadata(categories=SPECIES)).path


@pytest.fixture
def run(model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """``run(*arguments)``: exit code, output and talk of ``classify``."""

    def call(*arguments: object, model: Path = model) -> tuple[int, str, str]:
        given = ["resnet-desktop", "classify", *map(str, arguments), "--model", str(model), "--provider", "cpu"]
        monkeypatch.setattr(sys, "argv", given)
        with pytest.raises(SystemExit) as caught:
            main()
        code = caught.value.code
        said = capsys.readouterr()
        return code if isinstance(code, int) else 0, said.out, said.err

    return call


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """``media.csv`` of a data package with two photos, one that is gone, and a video."""
    (tmp_path / "photos").mkdir()
    for number in (1, 2):
        (tmp_path / "photos" / f"{number}.png").write_bytes(encode_png(make_photo(90, 70, number)))
    lines = [
        "mediaID,deploymentID,captureMethod,timestamp,filePath,filePublic,fileMediatype",
        "m1,dep1,activityDetection,2024-05-02T05:00:00Z,photos/1.png,true,image/png",
        "m2,dep1,activityDetection,2024-05-02T05:00:07Z,photos/2.png,true,image/png",
        "m3,dep2,activityDetection,2024-05-03T21:10:00+02:00,photos/3.png,true,image/png",
    ]
    (tmp_path / "media.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return tmp_path / "media.csv"


def test_observations_of_a_package(run: Run, package: Path) -> None:
    output = package.parent / "observations.csv"
    code, _, said = run(package, "--format", "camtrap-dp", "--output", output)
    assert (code, "1 of 3 failed." in said) == (3, True)
    text = output.read_text("utf-8")
    assert tuple(text.splitlines()[0].split(",")) == COLUMNS
    rows = list(csv.DictReader(text.splitlines()))
    answers = {row["path"]: row for row in json.loads(run(package, "--format", "json")[1])}
    for row, medium in zip(rows, ("m1", "m2"), strict=False):
        answer = answers[str(package.parent / "photos" / f"{medium[1]}.png")]
        best = answer["predictions"][0]
        assert answer["media"] == {k: row[{"timestamp": "eventStart"}.get(k, k)] for k in answer["media"]}
        assert (row["mediaID"], row["deploymentID"], row["observationLevel"]) == (medium, "dep1", "media")
        kind = {"blank": "blank", "Human": "human"}.get(best["label"], "animal")
        assert (row["observationType"], row["scientificName"]) == (kind, best["label"] if kind == "animal" else "")
        assert float(row["classificationProbability"]) == best["probability"]
        assert row["classificationMethod"] == "machine"
        assert row["classifiedBy"].startswith("species (ResNet Desktop ")
        assert datetime.fromisoformat(row["classificationTimestamp"]).tzinfo is not None
    assert (rows[2]["observationType"], rows[2]["classificationMethod"]) == ("unclassified", "")
    assert "3.png" in rows[2]["observationComments"]
    assert len({row["observationID"] for row in rows}) == 3


def test_what_is_written_is_read_again_as_labels(run: Run, package: Path) -> None:
    output = package.parent / "observations.csv"
    run(package, "--format", "camtrap-dp", "--output", output)
    first = output.read_text("utf-8")
    run(package, "--format", "camtrap-dp", "--output", output)
    written = (first, output.read_text("utf-8"))
    names = [[row["observationID"] for row in csv.DictReader(text.splitlines())] for text in written]
    assert names[0] == names[1]
    reading = camtrap_dp(read_table(output))
    assert reading is not None
    answers = [row for row in json.loads(run(package, "--format", "json")[1]) if row["ok"]]
    expected = {row["media"]["mediaID"]: row["predictions"][0]["label"].replace("Human", "human") for row in answers}
    labels = [row.labels for row in reading.rows]
    assert labels == [(expected["m1"],), (expected["m2"],), ()]


def test_a_photo_alone_is_no_observation(run: Run, package: Path) -> None:
    code, out, said = run(package.parent / "photos", "--format", "camtrap-dp")
    assert (code, out) == (2, "")
    assert "media.csv" in said


def test_classes_that_are_no_species_are_refused(run: Run, package: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "other.onnx", tiny_model(), metadata()).path
    code, out, said = run(package, "--format", "camtrap-dp", model=other)
    assert (code, out) == (2, "")
    assert "ant" in said
    output = tmp_path / "kept.csv"
    output.write_text("old", "utf-8")
    assert run(package, "--format", "camtrap-dp", "--output", output, model=other)[0] == 2
    assert output.read_text("utf-8") == "old"


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (",timestamp,", ",when,", "lacks timestamp"),
        ("m2,dep1", "m2,", "no deploymentID on line 3"),
        ("m2,", "m1,", "mediaID m1 twice"),
    ],
)
def test_tables_that_lack_something(run: Run, package: Path, old: str, new: str, why: str) -> None:
    package.write_text(package.read_text("utf-8").replace(old, new), "utf-8")
    code, _, said = run(package, "--format", "jsonl")
    assert code == 2
    assert why in " ".join(said.replace("│", "").split())


def detector_file(folder: Path, **changes: Any) -> Path:
    """Results of MegaDetector for two photos, a video, one that failed and one that is gone."""
    (folder / "in").mkdir(exist_ok=True)
    for name, seed in (("a.png", 1), ("b.png", 2)):
        (folder / "in" / name).write_bytes(encode_png(make_photo(120, 90, seed)))

    def found(category: str, conf: float, *bbox: float) -> dict[str, Any]:
        return {"category": category, "conf": conf, "bbox": list(bbox)}

    images = [
        {"file": "in/a.png", "detections": [found("1", 0.93, 0.1, 0.2, 0.3, 0.4), found("1", 0.1, 0, 0, 0.1, 0.1)]},
        {"file": "in\\b.png", "detections": [found("2", 0.8, 0, 0, 1, 1), found("1", 0.5, 0.5, 0.5, 0.4, 0.2)]},
        {"file": "in/c.mp4", "frame_rate": 20, "frames_processed": [0], "detections": [found("1", 0.9, 0, 0, 1, 1)]},
        {"file": "in/d.png", "failure": "Failure image access", "detections": None},
        {"file": "in/gone.png", "detections": [found("1", 0.7, 0, 0, 1, 1)]},
        {"file": "in/empty.png", "detections": []},
    ]
    document = {
        "info": {"format_version": "1.4", "detector": "md_v5a.0.0.pt"},
        "detection_categories": {"1": "animal", "2": "person", "3": "vehicle"},
        "images": images,
        **changes,
    }
    path = folder / "detections.json"
    path.write_text(json.dumps(document), "utf-8")
    return path


def test_a_row_for_each_detection(run: Run, tmp_path: Path) -> None:
    code, out, said = run(detector_file(tmp_path), "--format", "json")
    assert code == 3
    assert "3 detections to classify" in said
    assert "2 detections below" in said
    rows = json.loads(out)
    places = [(Path(row["path"]).name, row["detection"]["detection"], row["ok"]) for row in rows]
    assert places == [("a.png", 0, True), ("b.png", 1, True), ("gone.png", 0, False)]
    assert rows[0]["detection"] == {
        **{"image": 0, "detection": 0, "category": "animal", "confidence": 0.93, "bbox": [0.1, 0.2, 0.3, 0.4]}
    }
    crop = tmp_path / "crop.png"
    crop.write_bytes(encode_png(decode(Region(rows[0]["path"], (0.1, 0.2, 0.3, 0.4))).pixels))
    (alone,) = json.loads(run(crop, "--format", "json")[1])
    shares = [[score["probability"] for score in row["predictions"]] for row in (rows[0], alone)]
    assert np.allclose(shares[0], shares[1], atol=1e-5)
    whole = json.loads(run(tmp_path / "in" / "a.png", "--format", "json")[1])[0]["predictions"]
    assert whole != rows[0]["predictions"]


def test_tables_and_heatmaps_of_detections(run: Run, tmp_path: Path) -> None:
    path = detector_file(tmp_path)
    listed = list(csv.DictReader(run(path, "--format", "csv", "--top", 1)[1].splitlines()))
    assert [row["category"] for row in listed] == ["animal"] * 3
    assert [float(listed[1][side]) for side in ("left", "top", "width", "height")] == [0.5, 0.5, 0.4, 0.2]
    assert "b.png #2" in run(path)[1].replace("\n", "")
    rows = json.loads(run(path, "--format", "json", "--heatmaps", tmp_path / "maps")[1])
    assert decode(rows[0]["heatmap"]).full_size == (36, 36)


def test_the_classes_come_back_in_the_detectors_file(run: Run, tmp_path: Path) -> None:
    old = {"classification_categories": {"7": "elk"}}
    path, output = detector_file(tmp_path, **old), tmp_path / "classified.json"
    before = json.loads(path.read_text("utf-8"))
    code, _, said = run(path, "--format", "megadetector", "--output", output, "--top", 2)
    assert code == 3
    assert "gone.png" in said
    assert "replaced" in said
    after = json.loads(output.read_text("utf-8"))
    assert after["classification_categories"] == {str(i): label for i, label in enumerate(SPECIES)}
    assert after["info"]["detector"] == "md_v5a.0.0.pt"
    assert after["info"]["classifier"] == "species"
    rows = json.loads(run(path, "--format", "json", "--top", 2)[1])
    expected = [[str(score["index"]), score["probability"]] for score in rows[0]["predictions"]]
    assert after["images"][0]["detections"][0].pop("classifications") == expected
    assert len(after["images"][1]["detections"][1].pop("classifications")) == 2
    assert after["images"] == before["images"]
    again = tmp_path / "again.json"
    run(output, "--format", "megadetector", "--output", again, "--detection-threshold", 0.9)
    found = [d for image in json.loads(again.read_text("utf-8"))["images"] for d in image.get("detections") or ()]
    assert [d["conf"] for d in found if "classifications" in d] == [0.93]


def test_photos_may_lie_elsewhere(run: Run, tmp_path: Path) -> None:
    path = detector_file(tmp_path)
    (tmp_path / "results").mkdir()
    moved = path.rename(tmp_path / "results" / path.name)
    assert run(moved, "--format", "json")[0] == 3
    assert [row["ok"] for row in json.loads(run(moved, "--format", "json", "--photos", tmp_path)[1])] == [
        *(True, True, False)
    ]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"images": {}}, "batch results"),
        ({"images": [{"detections": []}]}, "no file for image 1"),
        ({"images": [{"file": "a", "detections": [{"conf": 1, "bbox": [0, 0, 1, 1]}]}]}, "without a category"),
        ({"images": [{"file": "a", "detections": [{"category": "1", "conf": 2, "bbox": [0, 0, 1, 1]}]}]}, "fractions"),
        ({"images": [{"file": "a", "detections": [{"category": "1", "conf": 1, "bbox": [0, 0, 9]}]}]}, "fractions"),
        ({"detection_categories": {"1": 7}}, "without a name"),
    ],
)
def test_files_that_are_not_the_detectors(run: Run, tmp_path: Path, changes: dict[str, Any], why: str) -> None:
    code, out, said = run(detector_file(tmp_path, **changes))
    assert (code, out) == (2, "")
    assert why in " ".join(said.replace("│", "").split())


def test_broken_files_and_options_that_do_not_fit(run: Run, package: Path, tmp_path: Path) -> None:
    path = detector_file(tmp_path)
    broken = tmp_path / "broken.json"
    broken.write_bytes(path.read_bytes()[:100])
    photo = tmp_path / "in" / "a.png"
    for arguments in (
        *((broken,), (photo, "--photos", tmp_path), (photo, "--detection-threshold", 0.5)),
        *((package, "--detection-threshold", 0.5), (photo, "--format", "megadetector")),
        *((path, photo, "--format", "megadetector"), (path, "--format", "camtrap-dp"), (path, "--output", path)),
    ):
        code, out, _ = run(*arguments)
        assert (code, out) == (2, ""), arguments
    mixed = json.loads(run(photo, path, package, "--format", "json")[1])
    kinds = [next((kind for kind in ("detection", "media") if kind in row), "photo") for row in mixed]
    assert kinds == ["photo", *["detection"] * 3, *["media"] * 3]
