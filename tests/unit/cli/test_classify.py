"""``resnet-desktop classify --heatmaps`` for a network whose heatmaps need a second run."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from resnet_desktop.bundle.file.bundle import Bundle, read
from resnet_desktop.bundle.library.library import Library
from resnet_desktop.cli.main import main
from resnet_desktop.cli.pictures import Painter
from resnet_desktop.core import settings as declared
from resnet_desktop.core.settings import Settings
from resnet_desktop.explain.cam.explainer import Explainer
from resnet_desktop.imaging.decode import encode_jpeg, encode_png
from resnet_desktop.inference.classifier import Classifier
from tests.conftest import make_photo
from tests.unit.bundle.making import plain_classifier, save, tiny_bundle


@pytest.fixture
def hidden(tmp_path: Path) -> Bundle:
    """A network with a hidden layer in its head, as the guide can make one."""
    return tiny_bundle(tmp_path / "hidden.onnx", hidden=(6,))


def test_heatmaps_of_a_head_with_a_hidden_layer(
    hidden: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(encode_jpeg(make_photo(90, 70, 1)))
    asked = ["--model", hidden.path, "--heatmaps", tmp_path / "maps", "--format", "json", "--provider", "cpu"]
    monkeypatch.setattr(sys, "argv", ["resnet-desktop", "classify", str(photo), *map(str, asked)])
    with pytest.raises(SystemExit) as caught:
        main()
    assert not caught.value.code
    (row,) = json.loads(capsys.readouterr().out)
    explainer = Explainer(Classifier(hidden, provider="cpu"))
    assert explainer.classifier.bundle.features is None
    heatmap = explainer.explain(explainer.subject(photo), row["predictions"][0]["index"])
    assert Path(row["heatmap"]).read_bytes() == Painter(explainer.classifier).png(photo, heatmap.cam)


def deep_photo(path: Path) -> Path:
    """A TIFF of 16 bits whose values end at 4,000."""
    grey = Image.fromarray(make_photo(90, 70, 1)).convert("L")
    Image.fromarray((np.asarray(grey) * (4000 / 255)).astype(np.uint16)).save(path)
    return path


def classified(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *asked: object) -> str:
    """What ``classify`` prints."""
    monkeypatch.setattr(sys, "argv", ["resnet-desktop", "classify", *map(str, asked)])
    with pytest.raises(SystemExit) as caught:
        main()
    assert not caught.value.code
    return capsys.readouterr().out


def test_how_a_photo_was_read_stands_in_its_row(
    hidden: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = deep_photo(tmp_path / "deep.tif")
    asked = [photo, "--model", hidden.path, "--provider", "cpu"]
    (row,) = json.loads(classified(monkeypatch, capsys, *asked, "--format", "json"))
    assert [note["code"] for note in row["notes"]] == ["range_assumed"]
    assert "4095" in row["notes"][0]["message"]
    (line,) = csv.DictReader(classified(monkeypatch, capsys, *asked, "--format", "csv").splitlines())
    assert line["notes"] == "range_assumed"
    assert row["notes"][0]["message"] in classified(monkeypatch, capsys, *asked).replace("\n", " ")
    (dark,) = json.loads(classified(monkeypatch, capsys, *asked, "--format", "json", "--range", "stored"))
    assert dark["notes"] == []
    assert dark["predictions"] != row["predictions"]
    Settings().change(declared.RANGE, "stored")
    (set_so,) = json.loads(classified(monkeypatch, capsys, *asked, "--format", "json"))
    assert set_so["predictions"] == dark["predictions"]


def test_a_page_can_be_named(
    hidden: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pages = [Image.fromarray(make_photo(90, 70, seed)) for seed in (1, 2)]
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    pages[1].save(tmp_path / "second.tif")
    asked = ["--model", hidden.path, "--provider", "cpu", "--format", "json"]
    (first,) = json.loads(classified(monkeypatch, capsys, tmp_path / "pages.tif", *asked))
    assert [note["code"] for note in first["notes"]] == ["more_pages"]
    (second,) = json.loads(classified(monkeypatch, capsys, tmp_path / "pages.tif", "--page", 2, *asked))
    (alone,) = json.loads(classified(monkeypatch, capsys, tmp_path / "second.tif", *asked))
    assert second["notes"] == []
    assert second["predictions"] == alone["predictions"]


def test_a_model_of_another_kind_is_prepared_for_as_was_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Caffe's way: stretched, blue first."""
    side = 64
    plain = save(tmp_path / "foreign.onnx", plain_classifier(shape=("N", 3, side, side), classes=4))
    asked = ["--name", "caffe", "--crop", side, "--values", "caffe", "--channels", "bgr", "--fit", "stretch"]
    monkeypatch.setattr(sys, "argv", ["resnet-desktop", "models", "install", str(plain), *map(str, asked)])
    with pytest.raises(SystemExit) as caught:
        main()
    assert not caught.value.code
    capsys.readouterr()
    installed = read(Library().find("caffe"))
    transforms = installed.metadata.transforms
    assert (transforms.fit, transforms.channels, transforms.crop) == ("stretch", "bgr", side)
    pixels = make_photo(side, side, 1)
    (tmp_path / "a.png").write_bytes(encode_png(pixels))
    seen = np.empty((3, side, side), np.float32)
    Classifier(installed, provider="cpu").prepare(tmp_path / "a.png", seen)
    expected = pixels[..., ::-1].transpose(2, 0, 1) - np.array([103.939, 116.779, 123.68])[:, None, None]
    assert np.allclose(seen, expected, atol=1e-3)
