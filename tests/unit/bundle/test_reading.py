"""Reading: what a file says, and every way in which it can be wrong."""

from __future__ import annotations

import hashlib
import os
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from resnet_desktop.bundle.file import bundle as model_file
from resnet_desktop.bundle.file.bundle import read, verify
from resnet_desktop.bundle.file.layers import layers
from resnet_desktop.bundle.file.summary import summarize
from resnet_desktop.core.errors import ModelError
from resnet_desktop.inference.session import Session

from .making import LABELS, SIDE, foreign_model, plain_classifier, save, tiny_bundle


def code_of(path: Path) -> str:
    """The code of the error that reading ``path`` ends in."""
    with pytest.raises(ModelError) as caught:
        read(path)
    assert caught.value.message.endswith(".")
    return caught.value.code


def test_a_bundle_says_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "tiny.onnx"
    tiny_bundle(path)
    bundle = read(path)
    assert bundle.has_metadata
    assert bundle.metadata.categories == LABELS
    assert (bundle.input_name, bundle.input_shape) == ("input", (3, SIDE, SIDE))
    assert (bundle.output_name, bundle.classes, bundle.batch) == ("logits", len(LABELS), None)
    assert bundle.size == path.stat().st_size
    assert bundle.file_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert verify(bundle).ok


def test_a_foreign_classifier_opens(tmp_path: Path) -> None:
    bundle = read(save(tmp_path / "other.onnx", plain_classifier()))
    assert not bundle.has_metadata
    assert bundle.metadata.categories == ("class 0", "class 1", "class 2", "class 3")
    assert (bundle.metadata.transforms.crop, bundle.metadata.transforms.resize) == (16, 18)
    assert bundle.metadata.output == "logits"
    assert bundle.input_shape == (3, 16, 16)
    assert (verify(bundle).ok, verify(bundle).expected) == (False, None)


def test_a_classifier_of_the_first_years_opens(tmp_path: Path) -> None:
    """Before IR version 4 weights were inputs as well, as in many files of the ONNX Model Zoo."""
    model = plain_classifier()
    model.ir_version = 3
    for tensor in model.graph.initializer:
        model.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims)))
    bundle = read(save(tmp_path / "old.onnx", model))
    assert (bundle.classes, bundle.input_name) == (4, "x")
    assert bundle.features is not None
    assert Session(bundle).run(np.zeros((2, 3, 16, 16), np.float32))["y"].shape == (2, 4)


def test_open_and_fixed_sizes(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    bundle = read(save(path, plain_classifier(shape=("N", 3, "h", "w"))))
    assert (bundle.input_shape, bundle.batch) == ((3, 224, 224), None)
    bundle = read(save(path, plain_classifier(shape=(1, 3, 20, 20), output=(1, 4))))
    assert (bundle.input_shape, bundle.batch) == ((3, 20, 20), 1)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "damaged_model"),
        (b"<!DOCTYPE html><html><body>404 Not Found</body></html>", "not_onnx"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "not_onnx"),
        (b"PK\x03\x04" + bytes(200), "not_onnx"),
        (random.Random(5).randbytes(5000), "not_onnx"),
        (b"\0" * 4096, "not_onnx"),
        (b"\x08\x08", "damaged_model"),
    ],
)
def test_what_is_no_model(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    assert code_of(path) == code


def test_what_is_no_file(tmp_path: Path) -> None:
    assert code_of(tmp_path / "nowhere.onnx") == "missing_model"
    assert code_of(tmp_path) == "not_onnx"
    assert code_of(Path("a\0b.onnx")) == "missing_model"
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.onnx")
        assert code_of(tmp_path / "pipe.onnx") == "not_onnx"


def test_a_sparse_giant_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "giant.onnx"
    with path.open("wb") as file:
        file.truncate(3 * 2**30)
    assert code_of(path) == "unsupported_model"


def test_every_cut_is_noticed(tmp_path: Path) -> None:
    data = tiny_bundle(tmp_path / "whole.onnx").path.read_bytes()
    cut = tmp_path / "cut.onnx"
    rng = random.Random(1)
    places = {1, 2, 3, len(data) - 1, *rng.sample(range(len(data)), 300), *range(len(data) - 1200, len(data), 5)}
    for place in sorted(places):
        cut.write_bytes(data[:place])
        assert code_of(cut) in ("damaged_model", "bad_metadata", "not_onnx"), place


def test_a_cut_between_two_fields_is_noticed(tmp_path: Path) -> None:
    """Protobuf does not notice these: what is left is a whole message."""
    model = onnx.load(tiny_bundle(tmp_path / "whole.onnx").path)
    for kept in range(len(model.metadata_props)):
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        del copy.metadata_props[kept:]
        assert code_of(save(tmp_path / "cut.onnx", copy)) in ("damaged_model", "bad_metadata")
    model.ClearField("opset_import")
    assert code_of(save(tmp_path / "cut.onnx", model)) == "damaged_model"


def test_flipped_bytes_end_in_an_error_or_a_model(tmp_path: Path) -> None:
    data = tiny_bundle(tmp_path / "whole.onnx").path.read_bytes()
    path = tmp_path / "flipped.onnx"
    rng = random.Random(2)
    results: Counter[str] = Counter()
    for _ in range(800):
        damaged = bytearray(data)
        for _ in range(rng.choice((1, 1, 4))):
            damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        try:
            bundle = read(path)
        except ModelError as error:
            results[error.code] += 1
        else:
            layers(bundle)
            summarize(bundle)
            verify(bundle)
            results["read"] += 1
    assert results["damaged_model"] > 50
    assert results["read"] > 50, "most bytes are weights, which only the checksum guards"


def _first_weight(model: onnx.ModelProto) -> TensorProto:
    found: TensorProto = next(t for t in model.graph.initializer if t.name == "layer1.0.conv2.weight")
    return found


def _more_rows(model: onnx.ModelProto) -> None:
    _first_weight(model).dims[0] += 1


def _turned(model: onnx.ModelProto) -> None:
    tensor = next(t for t in model.graph.initializer if t.name == "layer1.0.conv3.weight")
    tensor.dims[0], tensor.dims[1] = tensor.dims[1], tensor.dims[0]


def _giant(model: onnx.ModelProto) -> None:
    del _first_weight(model).dims[:]
    _first_weight(model).dims.extend([2**40, 2**40])


def _negative(model: onnx.ModelProto) -> None:
    tensor = _first_weight(model)
    tensor.dims[0], tensor.dims[1] = -tensor.dims[0], -tensor.dims[1]


def _unknown_type(model: onnx.ModelProto) -> None:
    _first_weight(model).data_type = 99


def _twice(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(model.graph.initializer[0])


def _no_such_weight(model: onnx.ModelProto) -> None:
    _first_weight(model).name = "layer1.0.conv2.weigth"


def _circle(model: onnx.ModelProto) -> None:
    node = next(n for n in model.graph.node if n.op_type == "Relu")
    node.input[0] = "layer1.0"


def _wrong_claim(model: onnx.ModelProto) -> None:
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = len(LABELS) + 1


def _own_operator(model: onnx.ModelProto) -> None:
    model.graph.node[0].domain = "com.example.custom"
    model.opset_import.append(helper.make_opsetid("com.example.custom", 1))


def _unconverted(model: onnx.ModelProto) -> None:
    next(n for n in model.graph.node if n.op_type == "Relu").op_type = "StatefulPartitionedCall"


def _newer_operator(model: onnx.ModelProto) -> None:
    next(n for n in model.graph.node if n.op_type == "Relu").op_type = "Gelu"


def _newer_onnx(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 9999


def _key_twice(model: onnx.ModelProto) -> None:
    model.metadata_props.append(model.metadata_props[0])


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (_more_rows, "wrong_shapes"),
        (_turned, "wrong_shapes"),
        (_giant, "wrong_shapes"),
        (_negative, "wrong_shapes"),
        (_wrong_claim, "wrong_shapes"),
        (_unknown_type, "damaged_model"),
        (_twice, "damaged_model"),
        (_no_such_weight, "damaged_model"),
        (_circle, "damaged_model"),
        (_own_operator, "unsupported_model"),
        (_unconverted, "unsupported_model"),
        (_newer_operator, "unsupported_model"),
        (_newer_onnx, "unsupported_model"),
        (_key_twice, "bad_metadata"),
    ],
)
def test_damaged_bundles(tmp_path: Path, damage: Callable[[onnx.ModelProto], None], code: str) -> None:
    path = tmp_path / "tiny.onnx"
    tiny_bundle(path)
    model = onnx.load(path)
    damage(model)
    assert code_of(save(path, model)) == code


def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "tiny.onnx"
    tiny_bundle(path)
    path.write_bytes(path.read_bytes().replace(b"layer1.0.residual", b"layer1.0.\xff\xfesidual"))
    assert code_of(path) == "damaged_model"


def _nodes(*kinds: tuple[str, list[str], list[str]]) -> list[onnx.NodeProto]:
    return [helper.make_node(kind, inputs, outputs) for kind, inputs, outputs in kinds]


def test_networks_that_classify_no_images(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    square = {"w": rng.standard_normal((3, 3, 1, 1)).astype(np.float32)}
    to_image = foreign_model(_nodes(("Conv", ["x", "w"], ["y"])), square, output=("N", 3, 16, 16))
    bands = plain_classifier(shape=("N", 4, 16, 16))
    huge = plain_classifier(shape=("N", 3, 2**31, 2**31))
    text = plain_classifier()
    text.graph.input[0].type.tensor_type.elem_type = TensorProto.STRING
    two = plain_classifier()
    two.graph.input.append(helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["N", 1]))
    two.graph.node.append(helper.make_node("Mul", [two.graph.output[0].name, "mask"], ["masked"]))
    two.graph.output[0].name = "masked"
    rows = foreign_model(_nodes(("Identity", ["x"], ["y"])), {}, shape=("N", 10), output=("N", 10))
    for model in (to_image, bands, huge, text, two, rows):
        assert code_of(save(tmp_path / "m.onnx", model)) == "unsupported_model"


def test_a_changed_file_is_not_used(tmp_path: Path) -> None:
    bundle = tiny_bundle(tmp_path / "tiny.onnx")
    bundle.path.write_bytes(bundle.path.read_bytes()[:-1])
    with pytest.raises(ModelError, match="has changed"):
        model_file.serialized(bundle)
    bundle.path.unlink()
    with pytest.raises(ModelError) as caught:
        model_file.serialized(bundle)
    assert caught.value.code == "missing_model"


def test_sets_of_operators_that_no_node_uses_are_no_hindrance(tmp_path: Path) -> None:
    """As ONNX Runtime's optimized models and its tools for quantizing write them."""
    model = plain_classifier()
    for domain in ("ai.onnx.preview.training", "org.pytorch.aten", "com.ms.internal.nhwc", "made.up"):
        model.opset_import.append(helper.make_opsetid(domain, 1))
    bundle = read(save(tmp_path / "many sets.onnx", model))
    session = Session(bundle)
    outputs = session.run(np.zeros((1, *bundle.input_shape), np.float32))
    assert outputs[bundle.output_name].shape == (1, bundle.classes)


def test_an_operator_that_the_runtime_lacks_is_named(tmp_path: Path) -> None:
    model = plain_classifier()
    model.opset_import.append(helper.make_opsetid("made.up", 1))
    model.graph.node.append(helper.make_node("Wish", [model.graph.output[0].name], ["granted"], domain="made.up"))
    model.graph.output[0].name = "granted"
    with pytest.raises(ModelError, match=r"operator 'Wish' of 'made\.up'") as caught:
        read(save(tmp_path / "wish.onnx", model))
    assert caught.value.code == "unsupported_model"
