"""``resnet-desktop classify --heatmaps`` for a network whose heatmaps need a second run."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from resnet_desktop.bundle.bundle import Bundle
from resnet_desktop.cli.main import main
from resnet_desktop.cli.pictures import Painter
from resnet_desktop.explain.explainer import Explainer
from resnet_desktop.imaging.decode import encode_jpeg
from resnet_desktop.inference.classifier import Classifier
from tests.conftest import make_photo
from tests.unit.bundle.making import tiny_bundle


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
    assert explainer.features is None
    heatmap = explainer.explain(explainer.subject(photo), row["predictions"][0]["index"])
    assert Path(row["heatmap"]).read_bytes() == Painter(explainer.classifier).png(photo, heatmap.cam)
