"""Two models on one photo: where the difference is, and what the colours say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.core import paths
from resnet_desktop.core.errors import ImageError
from resnet_desktop.explain.cam.explainer import Explainer
from resnet_desktop.explain.report.model_diff import compare, look
from resnet_desktop.inference.classifier import Classifier

from ..bundle.making import metadata, tiny_model

PHOTO = paths.assets_folder() / "samples" / "coffee.jpg"


def explainer(path: Path, seed: int) -> Explainer:
    return Explainer(Classifier(bundles.write(path, tiny_model(seed=seed), metadata()), provider="cpu"))


def test_the_same_model_has_not_changed(tmp_path: Path) -> None:
    one = explainer(tmp_path / "one.onnx", 0)
    found = compare(one, one, PHOTO)
    assert found.moved == 0
    assert found.before == found.after
    assert np.array_equal(found.overlay_before, found.overlay_after)
    assert found.difference.max(axis=2).tolist() == found.difference.min(axis=2).tolist(), "grey where nothing changed"


def test_what_changed_is_coloured_by_its_sign(tmp_path: Path) -> None:
    one, two = explainer(tmp_path / "one.onnx", 0), explainer(tmp_path / "two.onnx", 5)
    there, back = compare(one, two, PHOTO), compare(two, one, PHOTO)
    assert there.moved == pytest.approx(back.moved) != 0
    assert (there.before, there.after) == (back.after, back.before)
    assert there.difference.shape == there.overlay_before.shape
    blue, orange = (
        (there.difference[..., 2] > there.difference[..., 0]),
        (there.difference[..., 0] > there.difference[..., 2]),
    )
    blue_back = back.difference[..., 2] > back.difference[..., 0]
    # Rounding aside, what was gained one way is lost the other way.
    assert (orange != blue_back).mean() < 0.01
    assert blue.any() or orange.any()


def test_where_the_recommended_layer_shows_nothing_the_last_one_is_asked(tmp_path: Path) -> None:
    three, one = explainer(tmp_path / "three.onnx", 3), explainer(tmp_path / "one.onnx", 0)
    usual, last = three.layer(None).name, three.layers[-1].name
    assert look(three, PHOTO, target=2, layer=usual).empty, "who names a layer sees what is there"
    seen = look(three, PHOTO, target=2)
    assert (seen.layer, seen.empty) == (last, False)
    found = compare(three, one, PHOTO, targets=(2, None))
    assert [seen.layer for seen in found.looks] == [last, last], "two layers could not be compared"
    assert [seen.layer for seen in compare(one, one, PHOTO).looks] == [usual, usual]


def test_a_photo_that_cannot_be_read(tmp_path: Path) -> None:
    one = explainer(tmp_path / "one.onnx", 0)
    with pytest.raises(ImageError):
        compare(one, one, tmp_path / "missing.jpg")
