"""Metadata: there and back, every wrong value by its key, naming classes."""

from __future__ import annotations

import json

import pytest

from resnet_desktop.bundle.format.metadata import Metadata, class_index
from resnet_desktop.core.errors import ClassNameError, ModelError
from resnet_desktop.imaging.transforms import Transforms

from .making import LABELS, metadata

PROPS = metadata(weights_sha256="0" * 64).to_props()


def test_there_and_back() -> None:
    for given in (
        metadata(),
        metadata(
            arch=None,
            categories=("Käfer 🐞", "日本 \u2028", 'quote " \\'),
            transforms=Transforms(native=64, resize=144, crop=128, interpolation="bicubic"),
            output="probabilities",
            temperature=1.7,
            novelty={"method": "energy", "threshold": -3.5},
            provenance={"metrics": {"acc1": 0.5, "images": 400}},
            weights_sha256="ab" * 32,
        ),
    ):
        props = given.to_props()
        assert all(isinstance(value, str) for value in props.values())
        assert Metadata.from_props(props | {"resnet_desktop.tomorrow": "x", "other": "y"}) == given
    assert list(props)[-1] == "resnet_desktop.weights_sha256"


def test_no_key_of_ours_is_a_foreign_model() -> None:
    assert Metadata.from_props({}) is None
    assert Metadata.from_props({"author": "x", "resnet": "y"}) is None


def test_what_may_be_left_out() -> None:
    needed = ("format", "categories", "transforms")
    props = {f"resnet_desktop.{key}": PROPS[f"resnet_desktop.{key}"] for key in needed}
    found = Metadata.from_props(props)
    assert found is not None
    assert (found.arch, found.output, found.temperature, found.novelty) == (None, "logits", 1.0, None)
    for key in props:
        with pytest.raises(ModelError, match=key) as caught:
            Metadata.from_props({k: v for k, v in props.items() if k != key})
        assert caught.value.code == "bad_metadata"


DEEP = "[" * 100_000
WRONG: list[tuple[str, str]] = [
    *[("format", text) for text in ("", "0", "-1", "1.0", "one", "²", "9" * 5000, "null")],
    *[("categories", text) for text in ("", "{", "{}", "[]", "null", '"cat"', "[1]", '["a", ""]', '["a", "  "]')],
    *[("categories", text) for text in ('["a\\u001b[2J"]', '["\\ud800"]', '["a\\nb"]', "[NaN]", DEEP)],
    ("categories", json.dumps(["x" * 1001])),
    ("categories", json.dumps(["x"] * 100_001)),
    *[("transforms", text) for text in ("", "[]", "null", '{"crop": 0}', '{"crop": 1e9}', '{"crop": "224"}')],
    *[("transforms", text) for text in ('{"std": [0, 1, 1]}', '{"mean": [1, 2]}', '{"std": [1, 1, Infinity]}')],
    *[("transforms", text) for text in ('{"interpolation": "sinc"}', '{"resize": 10, "crop": 224}', '{"native": -1}')],
    ("transforms", f'{{"mean": [{"9" * 400}, 0, 0]}}'),
    *[("calibration", text) for text in ("1.0", '{"temperature": 0}', '{"temperature": -1}', '{"temperature": "1"}')],
    *[("calibration", text) for text in ('{"temperature": NaN}', '{"temperature": true}', '{"temperature": 1e999}')],
    ("calibration", f'{{"temperature": {"9" * 400}}}'),
    *[("novelty", text) for text in ("", "[]", "3", DEEP)],
    *[("provenance", text) for text in ("", "[]", '{"a": NaN}', "9" * 5000)],
    *[("hierarchy", text) for text in ("", "[]", "{}", '{"classes": ["a"]}', '{"classes": [1, 2, 3, 4, 5]}', DEEP)],
    *[("output", text) for text in ("", "scores")],
    *[("arch", text) for text in ("", "\x07", "x" * 2000)],
    *[("weights_sha256", text) for text in ("", "g" * 64, "0" * 63, "A" * 64)],
]


@pytest.mark.parametrize(("key", "text"), WRONG, ids=lambda value: value[:24].encode("unicode_escape").decode())
def test_wrong_values_are_named(key: str, text: str) -> None:
    with pytest.raises(ModelError, match=f"resnet_desktop.{key}") as caught:
        Metadata.from_props(PROPS | {f"resnet_desktop.{key}": text})
    assert caught.value.code == "bad_metadata"
    assert len(caught.value.message) < 600


def test_a_newer_format_says_so() -> None:
    with pytest.raises(ModelError, match="format 3") as caught:
        Metadata.from_props({"resnet_desktop.format": "3"})
    assert caught.value.code == "newer_format"
    assert caught.value.hint is not None


@pytest.mark.parametrize(
    ("transforms", "version"),
    [
        (Transforms(), "1"),
        (Transforms(resize=64, crop=64), "1"),
        (Transforms(fit="stretch"), "2"),
        (Transforms(channels="bgr"), "2"),
        (Transforms(range="stored"), "2"),
    ],
)
def test_the_format_is_the_oldest_that_says_what_must_be_said(transforms: Transforms, version: str) -> None:
    props = metadata(transforms=transforms).to_props()
    assert props["resnet_desktop.format"] == version
    assert props["resnet_desktop.transforms"].count("fit") == (transforms.fit != "crop")
    read = Metadata.from_props(props)
    assert read is not None
    assert read.transforms == transforms


@pytest.mark.parametrize("given", [{"fit": "whole"}, {"channels": "gbr"}, {"range": "auto"}, {"fit": 1}])
def test_unknown_ways_to_prepare_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(ModelError, match="unknown"):
        Transforms.from_json(given)


def test_values_that_are_no_json_are_not_written() -> None:
    for given in (metadata(provenance={"a": float("nan")}), metadata(novelty={"a": {1, 2}})):
        with pytest.raises(ModelError) as caught:
            given.to_props()
        assert caught.value.code == "bad_metadata"


def test_classes_by_label_and_by_index() -> None:
    assert class_index(LABELS, "ant") == 0
    assert class_index(LABELS, " Bee ") == 1
    assert class_index(LABELS, "3") == 3
    assert class_index(LABELS, "7") == 4, "a label wins over an index"
    assert class_index(("Crane", "crane"), "crane") == 1, "the exact label wins over its other case"


def test_a_label_of_two_classes_is_refused_with_both_indices() -> None:
    with pytest.raises(ClassNameError, match="2 and 3") as caught:
        class_index(LABELS, "crane")
    assert caught.value.code == "ambiguous_class"


@pytest.mark.parametrize("text", ["5", "-1", "", "²", "9" * 50, "wasp", "x" * 100_000])
def test_unknown_classes(text: str) -> None:
    with pytest.raises(ClassNameError) as caught:
        class_index(LABELS, text)
    assert caught.value.code == "unknown_class"


def test_close_labels_are_proposed() -> None:
    with pytest.raises(ClassNameError) as caught:
        class_index(LABELS, "crame")
    assert caught.value.hint == "Did you mean crane?"
