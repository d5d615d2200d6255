"""Names that a model from elsewhere carries in its own properties are found without asking, where they fit."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from resnet_desktop.bundle.file.bundle import Bundle, read
from resnet_desktop.bundle.library import remembered_labels
from resnet_desktop.bundle.library.importing import ModelHints, copy_model, preprocessing

from .making import plain_classifier, save, tiny_bundle

LABELS = ("ant", "bee", "crane", "wasp")
NUMBERED = ("class 0", "class 1", "class 2", "class 3")


def with_props(path: Path, **props: str) -> Bundle:
    model = plain_classifier()
    onnx.helper.set_model_props(model, {key.replace("__", "."): value for key, value in props.items()})
    return read(save(path, model))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("names", "{0: 'ant', 1: 'bee', 2: 'crane', 3: 'wasp'}"),
        ("names", '{"0": "ant", "1": "bee", "2": "crane", "3": "wasp"}'),
        ("classes", "['ant', 'bee', 'crane', 'wasp']"),
        ("labels", "ant,bee,crane,wasp"),
        ("Labels", "ant\nbee\ncrane\nwasp\n"),
        ("id2label", '{"0": "ant", "1": "bee", "2": "crane", "3": "wasp"}'),
        ("class_names", '["ant", "bee", "crane", "wasp"]'),
        ("classNames", "ant;bee;crane;wasp"),
        ("model__class_names", "('ant', 'bee', 'crane', 'wasp')"),
        ("class_to_idx", "{'wasp': 3, 'ant': 0, 'bee': 1, 'crane': 2}"),
        ("labels", "dict_keys(['ant', 'bee', 'crane', 'wasp'])"),
        ("labels", "array(['ant', 'bee', 'crane', 'wasp'], dtype='<U5')"),
        ("labels", "/m/01,ant\n/m/02,bee\n/m/03,crane\n/m/04,wasp"),
        ("classes", 'ant, "bee", crane,wasp'),
        ("config", '{"num_labels": 4, "id2label": {"0": "ant", "1": "bee", "2": "crane", "3": "wasp"}}'),
    ],
)
def test_names_in_the_metadata_are_found(tmp_path: Path, key: str, value: str) -> None:
    bundle = with_props(tmp_path / "m.onnx", **{key: value, "author": "somebody"})
    assert bundle.metadata.categories == LABELS
    assert (bundle.named, bundle.has_metadata) == (True, False)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("names", "['ant', 'bee', 'crane']"),
        ("names", "{0: 'ant', 1: 'bee', 2: 'crane', 4: 'wasp'}"),
        ("names", "{0: 'ant', 1: 'bee', 2: 'crane', 2: 'wasp'}"),
        ("names", "[['ant', 'bee', 'crane', 'wasp']]"),
        ("names", "['ant', 'bee', 'crane', '\\x07']"),
        ("names", "dict(zip(range(4), LABELS))"),
        ("names", "[" * 200),
        ("labels", "four of them"),
        ("labels", "dict(zip(['ant', 'bee', 'crane', 'wasp']))"),
        ("labels", "keys([ant, bee, crane, wasp])"),
        ("classes", "1, 3, 224, 224"),
        ("labels", "a.txt,b.txt,c.txt,d.txt"),
        ("description", "ant,bee,crane,wasp"),
        ("config", "ant,bee,crane,wasp"),
    ],
)
def test_what_does_not_fit_is_passed_over(tmp_path: Path, key: str, value: str) -> None:
    bundle = with_props(tmp_path / "m.onnx", **{key: value})
    assert (bundle.metadata.categories, bundle.named) == (NUMBERED, False)


def test_the_key_that_fits_counts(tmp_path: Path) -> None:
    bundle = with_props(tmp_path / "m.onnx", names="['a', 'b']", labels="ant,bee,crane,wasp", stride="32")
    assert bundle.metadata.categories == LABELS


def test_what_ultralytics_writes(tmp_path: Path) -> None:
    said = {"author": "Ultralytics", "task": "classify", "imgsz": "[16, 16]", "stride": "1", "batch": "1"}
    names = "{0: 'ant', 1: 'bee', 2: 'crane', 3: 'wasp'}"
    transforms = with_props(tmp_path / "m.onnx", **said, names=names).metadata.transforms
    assert (transforms.resize, transforms.crop, transforms.mean, transforms.std) == (16, 16, (0, 0, 0), (1, 1, 1))
    other = with_props(tmp_path / "n.onnx", **(said | {"task": "detect"}), names=names).metadata
    assert other.transforms.mean != (0, 0, 0)
    assert other.categories == LABELS


def test_the_user_has_the_last_word(tmp_path: Path) -> None:
    bundle = with_props(tmp_path / "m.onnx", labels="ant,bee,crane,wasp")
    remembered_labels.remember(bundle, ModelHints(LABELS[::-1]))
    assert remembered_labels.read(bundle.path).metadata.categories == LABELS[::-1]


def test_names_survive_installing_with_preprocessing(tmp_path: Path) -> None:
    bundle = with_props(tmp_path / "m.onnx", labels="ant,bee,crane,wasp")
    assert copy_model(bundle.path, tmp_path / "plain.onnx", ModelHints()).metadata.categories == LABELS
    copied = copy_model(bundle.path, tmp_path / "copy.onnx", ModelHints(None, preprocessing(16, 20)))
    assert (copied.metadata.categories, copied.metadata.transforms.resize) == (LABELS, 20)


def test_a_bundle_says_its_own(tmp_path: Path) -> None:
    bundle = tiny_bundle(tmp_path / "ours.onnx")
    assert bundle.named
