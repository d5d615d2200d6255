"""What the user said of a model without labels is remembered by the file's content."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from resnet_desktop.bundle.file.bundle import read
from resnet_desktop.bundle.library import remembered_labels
from resnet_desktop.bundle.library.importing import ModelHints, preprocessing
from resnet_desktop.core import paths
from resnet_desktop.core.errors import ModelError
from resnet_desktop.imaging.transforms import PIXEL_VALUES

from .making import plain_classifier, save, tiny_bundle

LABELS = ("ant", "bee", "crane", "wasp")


def test_answers_follow_the_file_wherever_it_lies(tmp_path: Path) -> None:
    path = save(tmp_path / "theirs.onnx", plain_classifier())
    assert remembered_labels.recall(read(path)) is None
    assert remembered_labels.read(path).metadata.categories[0] == "class 0"
    known = ModelHints(LABELS, preprocessing(16, 20, "-1..1"))
    remembered_labels.remember(read(path), known)
    elsewhere = tmp_path / "moved.onnx"
    shutil.copy(path, elsewhere)
    found = remembered_labels.read(elsewhere)
    assert found.metadata.categories == LABELS
    assert (found.metadata.transforms.resize, found.metadata.transforms.crop) == (20, 16)
    assert found.metadata.transforms.mean == (0.5, 0.5, 0.5)
    assert not found.has_metadata, "the file itself says nothing"
    other = save(tmp_path / "other.onnx", plain_classifier(classes=3))
    assert remembered_labels.read(other).metadata.categories == ("class 0", "class 1", "class 2")
    remembered_labels.remember(read(path), ModelHints(LABELS[::-1]))
    assert remembered_labels.read(path).metadata.categories == LABELS[::-1], "the last answer counts"


def test_answers_that_do_not_fit_are_refused_and_not_believed(tmp_path: Path) -> None:
    path = save(tmp_path / "theirs.onnx", plain_classifier())
    for wrong in (ModelHints(("one", "two")), ModelHints(None, preprocessing())):
        with pytest.raises(ModelError) as caught:
            remembered_labels.remember(read(path), wrong)
        assert caught.value.code == "wrong_labels"
    with pytest.raises(ModelError):
        remembered_labels.remember(tiny_bundle(tmp_path / "ours.onnx"), ModelHints(LABELS))
    file = paths.data_folder() / "foreign_models.json"
    assert not file.exists()
    remembered_labels.remember(read(path), ModelHints(LABELS))
    values = json.loads(file.read_text("utf-8"))
    bad: object
    for bad in ({"categories": ["a"]}, {"transforms": {"crop": -1}}, [], {"transforms": {"crop": 999}}):
        file.write_text(json.dumps(values | {"models": {read(path).file_sha256: bad}}))
        assert remembered_labels.read(path).metadata.categories[0] == "class 0", bad
    for text in ("", "[]", '{"format": 2}', '{"format": 1, "models": 5}'):
        file.write_text(text)
        assert remembered_labels.recall(read(path)) is None


def test_the_usual_preprocessing() -> None:
    usual = preprocessing()
    assert (usual.resize, usual.crop) == (256, 224)
    assert preprocessing(299).resize == 342
    assert preprocessing(resize=160).crop == 160
    assert {preprocessing(values=name).std for name in PIXEL_VALUES} == {std for _, std in PIXEL_VALUES.values()}
    with pytest.raises(ModelError):
        preprocessing(224, 100)
