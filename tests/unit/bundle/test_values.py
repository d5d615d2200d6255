"""Which values of pixels a foreign network takes: shown by its first operators, told by its file, or assumed aloud."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from resnet_desktop.bundle.file.bundle import Bundle, read
from resnet_desktop.bundle.library import remembered_labels
from resnet_desktop.bundle.library.importing import ModelHints, copy_model, preprocessing
from resnet_desktop.imaging.transforms import IMAGENET_MEAN, IMAGENET_STD, PIXEL_VALUES
from resnet_desktop.inference.classifier import Classifier

from .elsewhere import Array, Graph, opened

Step = tuple[str, Any]
MEAN = np.array(IMAGENET_MEAN, np.float32).reshape(1, 3, 1, 1)
STD = np.array(IMAGENET_STD, np.float32).reshape(1, 3, 1, 1)
BYTES_MEAN = np.array((103.94, 116.78, 123.68), np.float32).reshape(1, 3, 1, 1)
LABELS = ("ant", "bee", "crane", "wasp")


def beginning_with(steps: Sequence[Step], *, last: bool = False) -> onnx.ModelProto:
    """A classifier whose graph first computes with its pictures: operators and the constant beside the picture."""
    graph, name = Graph(), "x"
    if last:
        name = graph.add("Transpose", [name], "turned", perm=[0, 3, 1, 2])
    for i, (kind, value) in enumerate(steps):
        given = graph.constant(f"c{i}", np.asarray(value, np.int64 if kind == "Gather" else np.float32))
        name = graph.add(kind, [name, given], f"t{i}", **({"axis": 1} if kind == "Gather" else {}))
    graph.body(name)
    shape = ("N", 16, 16, 3) if last else ("N", 3, 16, 16)
    return graph.model([("scores", TensorProto.FLOAT, ("N", 4))], shape=shape)


def codes(bundle: Bundle) -> list[str]:
    return [note.code for note in bundle.notes if note.code.startswith("values")]


def taken(bundle: Bundle) -> str | None:
    """The key of the values that it is shown."""
    transforms = bundle.metadata.transforms
    return next((key for key, pair in PIXEL_VALUES.items() if pair == (transforms.mean, transforms.std)), None)


@pytest.mark.parametrize(
    ("steps", "values"),
    [
        ([("Div", 255), ("Sub", MEAN), ("Div", STD)], "0..255"),
        ([("Mul", 1 / 127.5), ("Sub", 1)], "0..255"),
        ([("Mul", 1 / 255)], "0..255"),
        ([("Gather", [2, 1, 0]), ("Sub", BYTES_MEAN)], "0..255"),
        ([("Sub", MEAN), ("Div", STD)], "0..1"),
        ([("Mul", 2), ("Sub", 1)], "0..1"),
        ([("Mul", 255), ("Sub", BYTES_MEAN)], "0..1"),
        ([("Sub", MEAN)], "0..1"),
        ([("Add", 1), ("Mul", 127.5)], "-1..1"),
        ([("Add", 1), ("Div", 2), ("Sub", MEAN), ("Div", STD)], "-1..1"),
    ],
)
@pytest.mark.parametrize("last", [False, True])
def test_the_first_operators_show_it(steps: list[Step], values: str, last: bool, tmp_path: Path) -> None:
    bundle = opened(tmp_path, beginning_with(steps, last=last))
    assert (taken(bundle), codes(bundle), bundle.prepared) == (values, ["values_found"], True)
    assert not bundle.doubts


@pytest.mark.parametrize("steps", [[], [("Mul", 1.3)], [("Add", 0.1)], [("Sub", 3), ("Mul", 1e9)], [("Div", 0)]])
def test_what_shows_nothing_is_assumed_aloud(steps: list[Step], tmp_path: Path) -> None:
    bundle = opened(tmp_path, beginning_with(steps))
    assert (taken(bundle), codes(bundle), bundle.prepared) == ("imagenet", ["values_assumed"], False)
    assert [note.code for note in bundle.doubts] == ["values_assumed"]


@pytest.mark.parametrize(
    ("mean", "deviation", "values"),
    [
        ((124, 117, 104), 58, "0..255"),
        ((0.48, 0.45, 0.4), 0.25, "0..1"),
        ((-0.05, -0.1, -0.2), 0.5, "-1..1"),
        ((0.02, -0.1, 0.1), 1.05, "imagenet"),
        ((5, 5, 5), 1, None),
        ((124, 0.4, 0), 58, None),
    ],
)
@pytest.mark.parametrize("scale", [0.4, 1.6])
def test_a_norm_over_the_input_has_seen_it(
    mean: tuple[float, ...], deviation: float, values: str | None, scale: float, tmp_path: Path
) -> None:
    graph = Graph()
    parts: dict[str, Array] = {"scale": np.full(3, scale), "bias": np.full(3, 0.3)}
    parts |= {"mean": np.array(mean), "variance": np.full(3, deviation**2)}
    given = [graph.constant(key, value.astype(np.float32)) for key, value in parts.items()]
    graph.body(graph.add("BatchNormalization", ["x", *given], "normal"))
    bundle = opened(tmp_path, graph.model([("scores", TensorProto.FLOAT, ("N", 4))]))
    assert codes(bundle) == ["values_assumed" if values is None else "values_found"]
    assert taken(bundle) == (values or "imagenet")


def rounded(low: float, high: float, kind: type[np.uint8 | np.int8] = np.uint8) -> onnx.ModelProto:
    """A classifier as quantizers write it, whose input was seen to lie between two ends."""
    least, step = int(np.iinfo(kind).min), (high - low) / 255
    graph = Graph()
    scale = graph.constant("scale", np.float32(step))
    zero = graph.constant("zero", np.array(round(least - low / step), kind))
    whole = graph.add("QuantizeLinear", ["x", scale, zero], "whole")
    graph.body(graph.add("DequantizeLinear", [whole, scale, zero], "real"))
    return graph.model([("scores", TensorProto.FLOAT, ("N", 4))])


@pytest.mark.parametrize(
    ("low", "high", "values"),
    [(0, 1, "0..1"), (-1, 0.99, "-1..1"), (0, 255, "0..255"), (-2.1, 2.62, "imagenet"), (-123, 151, "caffe")],
)
@pytest.mark.parametrize("kind", [np.uint8, np.int8])
def test_a_measured_range_shows_it(
    low: float, high: float, values: str, kind: type[np.uint8 | np.int8], tmp_path: Path
) -> None:
    bundle = opened(tmp_path, rounded(low, high, kind))
    assert (taken(bundle), codes(bundle)) == (values, ["values_found"])


def test_another_measured_range_shows_nothing(tmp_path: Path) -> None:
    assert codes(opened(tmp_path, rounded(-3, 9))) == ["values_assumed"]


def with_props(model: onnx.ModelProto, **props: str) -> onnx.ModelProto:
    onnx.helper.set_model_props(model, {key.replace("_", ".", 1): value for key, value in props.items()})
    return model


@pytest.mark.parametrize(
    ("told", "values"), [("NominalRange_0_255", "0..255"), ("Normalized_0_1", "0..1"), ("Normalized_1_1", "-1..1")]
)
def test_the_keys_that_onnx_has_for_pictures(told: str, values: str, tmp_path: Path) -> None:
    props = {"Image_BitmapPixelFormat": "Bgr8", "Image_NominalPixelRange": told}
    bundle = opened(tmp_path, with_props(beginning_with([]), **props))
    assert (taken(bundle), codes(bundle), bundle.prepared) == (values, [], True)
    assert bundle.metadata.transforms.channels == "bgr"
    props["Image_BitmapPixelFormat"] = "Rgb8"
    assert opened(tmp_path, with_props(beginning_with([]), **props)).metadata.transforms.channels == "rgb"


def test_an_unknown_range_in_words_is_no_statement(tmp_path: Path) -> None:
    props = {"Image_BitmapPixelFormat": "Bgr8", "Image_NominalPixelRange": "NominalRange_16_235"}
    assert codes(opened(tmp_path, with_props(beginning_with([]), **props))) == ["values_assumed"]


def test_bytes_are_bytes(tmp_path: Path) -> None:
    graph = Graph()
    graph.body(graph.add("Cast", ["x"], "real", to=TensorProto.FLOAT))
    model = graph.model([("scores", TensorProto.FLOAT, ("N", 4))], dtype=TensorProto.UINT8)
    bundle = opened(tmp_path, model)
    assert (taken(bundle), codes(bundle), bundle.prepared) == ("0..255", ["values_found"], True)


Copied = Callable[[ModelHints], Bundle]


@pytest.fixture
def copied(tmp_path: Path) -> Copied:
    """What a model that says nothing becomes in the library."""
    bundle = opened(tmp_path, beginning_with([]))
    return lambda known: copy_model(bundle.path, tmp_path / "copy.onnx", known)


def test_a_copy_with_labels_alone_still_says_what_was_assumed(copied: Copied) -> None:
    bundle = copied(ModelHints(LABELS))
    assert bundle.has_metadata
    assert (bundle.metadata.assumed, codes(bundle), bundle.prepared) == (("values",), ["values_assumed"], False)
    (note,) = bundle.doubts
    picture = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    assert note in Classifier(bundle, provider="cpu").classify_pixels(picture).notes


def test_what_was_said_is_no_assumption(copied: Copied) -> None:
    bundle = copied(ModelHints(LABELS, preprocessing(16, values="0..1")))
    assert (bundle.metadata.assumed, codes(bundle), taken(bundle)) == ((), [], "0..1")


def test_a_size_alone_leaves_the_values_as_the_graph_shows(tmp_path: Path) -> None:
    known = ModelHints(LABELS, preprocessing(16, 20), as_found=frozenset(("values", "channels")))
    shown = opened(tmp_path, beginning_with([("Mul", 1 / 255)]))
    bundle = copy_model(shown.path, tmp_path / "copy.onnx", known)
    assert (taken(bundle), bundle.metadata.transforms.resize, bundle.metadata.assumed) == ("0..255", 20, ())
    plain = opened(tmp_path, beginning_with([]))
    assert codes(copy_model(plain.path, tmp_path / "copy.onnx", known)) == ["values_assumed"]


def test_what_the_user_says_takes_its_place(home: Path, tmp_path: Path) -> None:
    path = opened(tmp_path, beginning_with([("Div", 255)])).path
    remembered_labels.remember(read(path), ModelHints(LABELS, preprocessing(16, values="-1..1")))
    bundle = remembered_labels.read(path)
    assert (taken(bundle), codes(bundle)) == ("-1..1", [])
    remembered_labels.remember(read(path), replace(ModelHints(LABELS)))
    assert codes(remembered_labels.read(path)) == ["values_found"]
