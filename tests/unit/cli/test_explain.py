"""``resnet-desktop explain``, from its arguments to its files, rows and exit codes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from resnet_desktop.bundle.file.bundle import write
from resnet_desktop.cli.main import main
from resnet_desktop.explain.cam.explainer import Explainer
from resnet_desktop.explain.cam.methods import METHODS
from resnet_desktop.imaging.decode import decode, encode_jpeg, encode_png
from resnet_desktop.inference.classifier import Classifier
from tests.conftest import make_photo
from tests.unit.bundle.making import LABELS, TINY, metadata, tiny_model

Run = Callable[..., tuple[int, str, str]]
FIELDS = {"path", "target", "layer", "method", "empty", "output", "checks", "seconds", "notes", "variant"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny network with the labels of ``LABELS``, two of which are the same."""
    return write(tmp_path_factory.mktemp("model") / "tiny.onnx", tiny_model(TINY), metadata()).path


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two photos of one stem and a broken file, and one more below; the working folder is another."""
    folder = tmp_path / "photos"
    (folder / "below").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(encode_jpeg(make_photo(90, 70, 1)))
    (folder / "A.png").write_bytes(encode_png(make_photo(60, 80, 2)))
    (folder / "broken.jpg").write_bytes((folder / "a.jpg").read_bytes()[:300])
    (folder / "below" / "a.jpg").write_bytes(encode_jpeg(make_photo(64, 64, 3)))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return folder


@pytest.fixture
def run(model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """``run(*arguments)``: exit code, standard output and standard error of the command with the tiny model."""

    def call(*arguments: object) -> tuple[int, str, str]:
        given = [os.fspath(a) if isinstance(a, Path) else str(a) for a in arguments]
        monkeypatch.setattr(
            sys, "argv", ["resnet-desktop", "explain", *given, "--model", str(model), "--provider", "cpu"]
        )
        with pytest.raises(SystemExit) as caught:
            main()
        out, err = capsys.readouterr()
        return int(caught.value.code or 0), out, err

    return call


def _rows(found: tuple[int, str, str]) -> list[dict[str, Any]]:
    rows = json.loads(found[1])
    assert isinstance(rows, list)
    return rows


def test_one_photo(run: Run, photos: Path, model: Path) -> None:
    found = run(photos / "a.jpg", "--format", "json")
    assert (found[0], found[2]) == (0, "")
    (row,) = _rows(found)
    assert set(row) == FIELDS
    assert row["path"] == str(photos / "a.jpg")
    assert (row["layer"], row["method"], row["checks"]) == ("layer1.1", "gradcam", None)
    assert LABELS[row["target"]["index"]] == row["target"]["label"]
    assert row["seconds"] > 0
    assert row["output"] == "a-heatmap.png"
    painted = decode(Path(row["output"])).pixels
    photo = decode(photos / "a.jpg").pixels
    assert painted.shape == photo.shape
    assert bool((painted != photo).any()) != row["empty"]


def test_every_option_reaches_the_map(run: Run, photos: Path, tmp_path: Path, model: Path) -> None:
    from resnet_desktop.bundle.file.bundle import read

    target, npz = tmp_path / "out.png", tmp_path / "out.npz"
    options = ["--layer", "layer1", "--target", "bee", "--against", "0", "--method", "hirescam", "--colormap", "grey"]
    found = run(photos / "a.jpg", *options, "--output", target, "--save-map", npz, "--format", "json")
    (row,) = _rows(found)
    assert set(row) == {*FIELDS, "against", "map"}
    assert row["target"] == {"index": 1, "label": "bee"}
    assert row["against"] == {"index": 0, "label": "ant"}
    assert (row["layer"], row["method"]) == ("layer1.1", "hirescam")
    assert (row["output"], row["map"]) == (str(target), str(npz))
    explainer = Explainer(Classifier(read(model), provider="cpu"))
    subject = explainer.subject(photos / "a.jpg")
    expected = explainer.explain(subject, 1, against=0, layer="layer1.1", method="hirescam")
    assert expected.activations is not None
    with np.load(npz) as stored:
        assert set(stored) == {"cam", "activations", "gradient", "logits", "target", "against"}
        np.testing.assert_allclose(stored["cam"], expected.cam, rtol=1e-4, atol=1e-6)
        assert stored["activations"].shape == stored["gradient"].shape == expected.activations.shape
        assert stored["cam"].dtype == stored["gradient"].dtype == np.float32
        np.testing.assert_allclose(stored["logits"], subject.prediction.logits, rtol=1e-5)
        assert (stored["target"], stored["against"]) == (1, 0)


@pytest.mark.parametrize("method", METHODS)
def test_every_method(run: Run, photos: Path, method: str, tmp_path: Path) -> None:
    found = run(photos / "a.jpg", "--method", method, "--save-map", tmp_path / "m.npz", "--format", "json")
    assert found[0] == 0, found[2]
    (row,) = _rows(found)
    assert row["method"] == method
    assert row["layer"] == ("input" if method == "occlusion" else "layer1.1")
    with np.load(tmp_path / "m.npz") as stored:
        assert {"cam", "logits", "target"} <= set(stored)
        assert ("gradient" in stored) == (method in ("gradcam", "gradcam++", "hirescam", "xgradcam", "layercam"))


def test_a_folder_with_a_broken_file(run: Run, photos: Path, tmp_path: Path) -> None:
    target = tmp_path / "maps"
    found = run(photos, photos / "a.jpg", "--recursive", "--output", target, "--save-map", target, "--format", "json")
    assert found[0] == 3
    assert "1 of 5 failed" in found[2]
    rows = _rows(found)
    assert len(rows) == 5
    (broken,) = (row for row in rows if "error" in row)
    assert set(broken) == {"path", "ok", "error"}
    assert (broken["ok"], broken["error"]["code"]) == (False, "truncated_image")
    written = [Path(row[kind]) for row in rows if "error" not in row for kind in ("output", "map")]
    assert len({str(path).casefold() for path in written}) == 8
    assert all(path.parent == target and path.is_file() for path in written)


def test_photos_are_never_written_over(run: Run, photos: Path) -> None:
    photo = photos / "x-heatmap.png"
    photo.write_bytes(encode_png(make_photo(50, 50, 4)))
    (photos / "x.png").write_bytes(photo.read_bytes())
    before = {path: path.read_bytes() for path in photos.iterdir() if path.is_file()}
    found = run(photos, "--output", photos, "--format", "json")
    assert found[0] == 3
    assert all(path.read_bytes() == data for path, data in before.items())
    (row,) = (row for row in _rows(found) if Path(row["path"]).name == "x.png")
    assert Path(row["output"]).name == "x-2-heatmap.png"
    refused = run(photo, "--output", photo)
    assert refused[0] == 2
    assert "is also an input" in refused[2]
    assert photo.read_bytes() == before[photo]


def test_the_table_says_what_is_empty_and_where_the_maps_are(run: Run, photos: Path, tmp_path: Path) -> None:
    target = tmp_path / "maps"
    code, out, err = run(photos, "--target", "ant", "--against", "ant", "--output", target)
    assert code == 3
    assert "broken.jpg" in out
    assert "ant rather than ant" in out
    assert "empty" in out
    assert "1 of 3" in err


def test_checks(run: Run, photos: Path) -> None:
    found = run(photos / "a.jpg", "--check", "--format", "json")
    assert found[0] == 0, found[2]
    (row,) = _rows(found)
    assert {"verdict", "sanity"} <= set(row["checks"])
    code, out, _ = run(photos / "a.jpg", "--check")
    assert code == 0
    assert "".join(row["checks"]["verdict"].split()) in "".join(out.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--layer", "layer9"], "layer9"),
        (["--method", "guesscam"], "guesscam"),
        (["--target", "zebra"], "zebra"),
        (["--target", "5"], "5"),
        (["--target", "crane"], "2 and 3"),
        (["--against", "crane"], "2 and 3"),
        (["--colormap", "jet"], "jet"),
        (["--format", "xml"], "xml"),
    ],
)
def test_wrong_use(run: Run, photos: Path, arguments: list[str], words: str) -> None:
    code, out, err = run(photos / "a.jpg", *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert "Traceback" not in err
    assert not list(Path().iterdir())


def test_several_photos_need_a_folder(run: Run, photos: Path, tmp_path: Path) -> None:
    for option, name in (("--output", "one.png"), ("--save-map", "one.npz")):
        code, out, err = run(photos, option, tmp_path / name)
        assert (code, out) == (2, "")
        assert "need a folder" in err
    a_file = tmp_path / "file"
    a_file.write_bytes(b"mine")
    assert run(photos, "--output", a_file)[0] == 2
    assert a_file.read_bytes() == b"mine"


def test_no_photos(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert run(tmp_path / "empty")[0] == 2
    code, out, err = run(tmp_path / "missing.jpg", "--format", "json")
    assert code == 3
    assert json.loads(out)[0]["error"]["code"] == "missing_file"
    assert "1 of 1" in err
