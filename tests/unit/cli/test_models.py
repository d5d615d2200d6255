"""``resnet-desktop models``: installing with labels, and fetching what others publish."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.library import catalogue
from resnet_desktop.bundle.library.catalogue import pretrained
from resnet_desktop.bundle.library.library import Library
from resnet_desktop.cli import main
from resnet_desktop.core.settings import MODEL, Settings
from tests.serving import serving
from tests.unit.bundle.elsewhere import started
from tests.unit.bundle.making import metadata, plain_classifier, save, tiny_model

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """``run(*arguments)``: exit code, standard output and standard error."""

    def start(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["resnet-desktop", "models", *arguments])
        with pytest.raises(SystemExit) as caught:
            main.main()
        printed = capsys.readouterr()
        return int(caught.value.code or 0), printed.out, printed.err

    return start


def info(run: Run, name: str) -> dict[str, object]:
    code, out, _ = run("info", name, "--format", "json")
    assert code == 0
    found: dict[str, object] = json.loads(out)
    return found


def test_a_foreign_model_is_installed_with_its_labels(run: Run, tmp_path: Path) -> None:
    path = save(tmp_path / "theirs.onnx", plain_classifier())
    (tmp_path / "labels.txt").write_text("ant\nbee\nwasp\nhornet\n")
    labels = ("--labels", str(tmp_path / "labels.txt"))
    code, out, _ = run("install", str(path), "--name", "mine", *labels, "--crop", "16", "--values", "-1..1")
    assert (code, out) == (0, "mine is installed.\n")
    found = info(run, "mine")
    assert found["categories"] == ["ant", "bee", "wasp", "hornet"]
    transforms = found["transforms"]
    assert isinstance(transforms, dict)
    assert (transforms["resize"], transforms["crop"]) == (18, 16)
    assert (transforms["mean"], transforms["std"]) == ([0.5] * 3, [0.5] * 3)


def test_values_in_numbers_are_kept_and_bad_ones_refused(run: Run, tmp_path: Path) -> None:
    path = save(tmp_path / "theirs.onnx", plain_classifier())
    code, _, said = run("install", str(path), "--name", "mine", "--mean", "0.49,0.48,0.45", "--std", "0.25,0.24,0.26")
    assert (code, said) == (0, "")
    transforms = info(run, "mine")["transforms"]
    assert (transforms["mean"], transforms["std"]) == ([0.49, 0.48, 0.45], [0.25, 0.24, 0.26])  # type: ignore[index]
    for bad in ("0.5", "a,b,c", "1,2,3,4"):
        assert run("install", str(path), "--name", "other", "--mean", bad)[0] == 2
    assert run("install", str(path), "--name", "other", "--std", "0,1,1")[0] == 1


def test_what_is_assumed_is_said_at_once(run: Run, tmp_path: Path) -> None:
    path = save(tmp_path / "theirs.onnx", plain_classifier())
    assert "how photos are prepared" in run("install", str(path), "--name", "mine")[2]
    assert [note["code"] for note in info(run, "mine")["notes"]] == ["values_assumed"]  # type: ignore[attr-defined]


def two_outputs(path: Path) -> Path:
    graph = started()
    graph.constant("w2", np.ones((2, 6), np.float32))
    graph.add("Gemm", ["features", "w2"], "age", transB=1)
    graph.add("Identity", ["scores"], "kind")
    outputs = [("age", TensorProto.FLOAT, ("N", 2)), ("kind", TensorProto.FLOAT, ("N", 4))]
    return save(path, graph.model(outputs, shape=("N", None, None, None)))


def test_what_a_graph_leaves_open_can_be_told(run: Run, tmp_path: Path) -> None:
    path = two_outputs(tmp_path / "theirs.onnx")
    assert run("install", str(path), "--name", "first")[0] == 0
    assert [note["code"] for note in info(run, "first")["notes"]] == [  # type: ignore[attr-defined]
        "free_size",
        "output_assumed",
        "values_assumed",
    ]
    told = ("--output-name", "kind", "--layout", "nchw", "--crop", "32", "--values", "0..1")
    assert run("install", str(path), "--name", "mine", *told)[0] == 0
    found = info(run, "mine")
    assert (found["classes"], found["input"], found["output"]) == (4, [3, 32, 32], "logits")
    assert [note["code"] for note in found["notes"]] == ["free_size"]  # type: ignore[attr-defined]
    assert "Note: The network takes pictures of any size; it is shown 32 x 32 pixels." in run("info", "mine")[1]
    props = {p.key: p.value for p in onnx.load(Library().find("mine")).metadata_props}
    assert (props["resnet_desktop.format"], props["resnet_desktop.layout"]) == ("2", "nchw")
    assert props["resnet_desktop.output_name"] == "kind"


def test_an_output_or_layout_that_cannot_be_is_refused(run: Run, tmp_path: Path) -> None:
    path = two_outputs(tmp_path / "theirs.onnx")
    code, _, said = run("install", str(path), "--output-name", "kinds")
    assert code != 0
    assert "no output 'kinds'" in said
    assert "'age', 'kind'" in said
    other = save(tmp_path / "other.onnx", plain_classifier())
    code, _, said = run("install", str(other), "--layout", "nhwc")
    assert code != 0
    assert "cannot be nhwc" in said
    own = save(tmp_path / "own.onnx", tiny_model())
    bundles.write(own, tiny_model(), metadata())
    code, _, said = run("install", str(own), "--layout", "nchw")
    assert code != 0
    assert "has its own labels" in said


def test_a_model_says_how_it_was_made_and_measured(run: Run, tmp_path: Path) -> None:
    metrics = {"acc1": 0.5, "acc1_interval": [0.2, 0.8], "images": 8, "on": "validation"}
    provenance = {"metrics": metrics, "base": "small18", "date": "2026-11-26", "recipe": {"train": "head"}}
    novelty = {"method": "energy", "threshold": 1.0, "false_alarm_rate": 0.04, "false_alarm_interval": [0.01, 0.12]}
    made = metadata(temperature=1.43, provenance=provenance, novelty={**novelty, "images": 50})
    path = bundles.write(tmp_path / "mine.onnx", tiny_model(), made).path
    code, out, _ = run("info", str(path))
    assert code == 0
    for words in (
        "50.0% of 8 validation photos, which also selected the best epoch",
        "95 % interval 20.0% to 80.0%",
        "Base: small18",
        "Created: 2026-11-26",
        "Trained part: head",
        "Temperature: 1.43",
        "false alarms on 4.0% of 50 photos that do belong (95 % interval 1.0% to 12.0%)",
    ):
        assert words in out
    told = info(run, str(path))["novelty"]
    assert isinstance(told, dict)
    assert told["false_alarm_rate"] == 0.04


def test_what_cannot_be_installed_is_said(run: Run, tmp_path: Path) -> None:
    path = save(tmp_path / "theirs.onnx", plain_classifier())
    code, out, err = run("install", str(path), "--labels", "imagenet")
    assert (code, out) == (1, "")
    assert "1000 labels for 4 classes" in err
    assert run("install", str(path), "--values", "0..2")[0] == 2
    assert run("install", str(path), "--resize", "10", "--crop", "16")[0] == 1
    assert run("info", "theirs")[0] == 1, "nothing was installed"


def test_the_catalogue_is_listed(run: Run) -> None:
    code, out, err = run("download")
    assert code == 0
    assert all(entry.name in out for entry in pretrained())
    assert "non-commercial" in err
    code, out, _ = run("download", "--format", "json")
    rows = json.loads(out)
    assert [row["name"] for row in rows] == [entry.name for entry in pretrained()]
    assert all(row["url"].startswith("https://") for row in rows)


def test_a_network_comes_from_a_mirror(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    data = plain_classifier(shape=("N", 3, 224, 224), classes=1000).SerializeToString()
    entry = dataclasses.replace(
        pretrained()[0], name="some", file="some.onnx", sha256=hashlib.sha256(data).hexdigest(), size=len(data)
    )
    monkeypatch.setattr(catalogue, "pretrained", lambda: (entry,))
    with serving({"some.onnx": data}) as server:
        code, out, err = run("download", "some", "--mirror", server.address)
        assert (code, out) == (0, "some is installed.\n")
        assert "BSD" in err
        assert run("download", "some", "--mirror", server.address)[0] == 1
    assert info(run, "some")["classes"] == 1000
    code, out, _ = run("info", "some")
    assert "according to its publisher" in out
    assert "not measured here" in out
    code, out, err = run("download", "another")
    assert (code, out) == (1, "")
    assert "some" in err


def test_a_checksum_that_is_not_wholly_known_is_said_and_can_be_given(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = plain_classifier(shape=("N", 3, 224, 224), classes=1000).SerializeToString()
    whole = hashlib.sha256(data).hexdigest()
    entry = dataclasses.replace(pretrained()[0], name="some", file="some.onnx", sha256=whole[:8], size=len(data))
    monkeypatch.setattr(catalogue, "pretrained", lambda: (entry,))
    with serving({"some.onnx": data}) as server:
        mirror = ("--mirror", server.address)
        for wrong in ("0" * 64, whole[:20], whole[:8] + "0" * 56):
            code, _, err = run("download", "some", *mirror, "--sha256", wrong)
            assert (code, "checksum" in err or "sha256" in err) == (1, True)
        code, _, err = run("download", "some", *mirror)
        assert code == 0
        assert "first 8 of the 64 digits" in err
        assert "--sha256" in err
        assert run("remove", "some")[0] == 0
        code, _, err = run("download", "some", *mirror)
        assert (code, "digits" in err) == (0, False), "the whole one was kept"
    for address in ("http://[", "ftp://h/", "h"):
        assert run("remove", "some")[0] in (0, 1)
        code, _, err = run("download", "some", "--mirror", address)
        assert (code, "web address" in err) == (1, True)


def test_a_renamed_model_stays_the_one_in_use(run: Run, tmp_path: Path) -> None:
    Library().install(save(tmp_path / "before.onnx", plain_classifier()))
    Settings().change(MODEL, "before")
    code, out, _ = run("rename", "before", "after")
    assert (code, out) == (0, "before is now called after.\n")
    assert Settings().string(MODEL) == "after"
    assert info(run, "before")["name"] == "after", "what calls it by its former name still finds it"
    assert run("rename", "resnet50-everyday40", "mine")[0] == 1
    code, _, err = run("rename", "after", "a/b")
    assert (code, "Invalid model name" in err) == (1, True)
