"""The graphs that the builder writes: names, storage, fusion, refusals."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]
import pytest
from onnx import TensorProto

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES
from resnet_desktop.bundle.builders.resnet import Storage, build_resnet, read_arrays, stored_arrays
from resnet_desktop.core.errors import ModelError

from .making import LABELS, SIDE, TINY, images, random_arrays, run, tiny_model


def test_tensors_carry_readable_names() -> None:
    model = build_resnet(ARCHITECTURES["resnet18"], random_arrays(ARCHITECTURES["resnet18"], 3), height=64, width=64)
    made = {name: node.op_type for node in model.graph.node for name in node.output}
    for block in ARCHITECTURES["resnet18"].blocks:
        assert made[block.name] == "Relu"
        assert made[f"{block.name}.residual"] == "BatchNormalization"
        assert made[f"{block.name}.skip"] == ("BatchNormalization" if block.projects else "Identity")
    assert made["avgpool"] == "Flatten"
    assert made["logits"] == "Gemm"
    assert [i.name for i in model.graph.input] == ["input"]
    assert [o.name for o in model.graph.output] == ["logits"]


def test_pooled_features_are_flat() -> None:
    model = tiny_model()
    model.graph.output.append(onnx.ValueInfoProto(name="avgpool"))
    logits, pooled = run(model.SerializeToString(), images(2, SIDE))
    assert logits.shape == (2, len(LABELS))
    assert pooled.shape == (2, TINY.features)


def test_hidden_layers_are_named() -> None:
    model = tiny_model(hidden=(7, 6))
    made = {name: node.op_type for node in model.graph.node for name in node.output}
    assert made["head.0"] == made["head.1"] == "Relu"
    assert made["logits"] == "Gemm"
    assert {"head.0.weight", "head.1.bias", "head.2.weight"} <= {t.name for t in model.graph.initializer}


def test_plain_networks_have_no_skip() -> None:
    arch = ARCHITECTURES["plain20-cifar"]
    model = build_resnet(arch, random_arrays(arch, 10), height=32, width=32)
    kinds = Counter(node.op_type for node in model.graph.node)
    assert "Add" not in kinds
    assert "Identity" not in kinds
    assert "MaxPool" not in kinds


def test_weights_are_stored_as_float16_and_all_else_as_float32() -> None:
    model = tiny_model()
    casts = {node.input[0]: node.output[0] for node in model.graph.node if node.op_type == "Cast"}
    for tensor in model.graph.initializer:
        is_weight = len(tensor.dims) > 1
        assert tensor.data_type == (TensorProto.FLOAT16 if is_weight else TensorProto.FLOAT)
        assert casts.get(tensor.name) == (f"{tensor.name}.f32" if is_weight else None)


@pytest.mark.parametrize("storage", ["float16", "float32"])
def test_the_graph_computes_with_the_stored_values(storage: Storage) -> None:
    arrays = random_arrays(TINY, 4)
    model = build_resnet(TINY, arrays, height=SIDE, width=SIDE, storage=storage)
    stored = stored_arrays(arrays, storage)
    read = read_arrays(model)
    assert read.keys() == stored.keys() == arrays.keys()
    for name, array in stored.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(read[name], array)
    changed = any((stored[name] != array).any() for name, array in arrays.items())
    assert changed == (storage == "float16")
    exact = build_resnet(TINY, stored, height=SIDE, width=SIDE, storage="float32")
    x = images(2, SIDE)
    np.testing.assert_allclose(
        run(model.SerializeToString(), x)[0], run(exact.SerializeToString(), x)[0], rtol=1e-5, atol=1e-6
    )


def test_the_runtime_fuses_batch_norms_and_folds_casts(tmp_path: Path) -> None:
    arch = ARCHITECTURES["resnet18"]
    model = build_resnet(arch, random_arrays(arch, 10), height=64, width=64)
    blocks = [block.name for block in arch.blocks]
    counts = []
    for extra in ([], [blocks[-1]]):
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        copy.graph.output.extend(onnx.ValueInfoProto(name=name) for name in extra)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        options.log_severity_level = 3
        onnxruntime.InferenceSession(copy.SerializeToString(), options, providers=["CPUExecutionProvider"])
        optimized = onnx.load(options.optimized_model_filepath)
        counts.append(Counter(node.op_type for node in optimized.graph.node))
    plain, explained = counts
    assert plain == explained
    assert not {"BatchNormalization", "Cast", "Identity"} & set(plain)
    assert plain["Conv"] + plain["FusedConv"] == 20


def test_missing_wrong_and_surplus_arrays_are_named() -> None:
    arrays = random_arrays(TINY, 4)
    damaged = {
        "layer1.1.bn2.running_var": {k: v for k, v in arrays.items() if k != "layer1.1.bn2.running_var"},
        "layer2.0.conv2.weight": arrays | {"layer2.0.conv2.weight": np.zeros((4, 4, 1, 3), np.float32)},
        "fc.weight": arrays | {"fc.weight": np.zeros((4, 3), np.float32)},
        "fc.bias": {k: v for k, v in arrays.items() if k != "fc.bias"},
        "layer1.0.extra": arrays | {"layer1.0.extra": np.zeros(3, np.float32)},
        "head.0.bias": random_arrays(TINY, 4, hidden=(5,)) | {"head.0.bias": np.zeros((2, 2), np.float32)},
    }
    for name, given in damaged.items():
        with pytest.raises(ModelError, match=name.replace(".", r"\.")) as caught:
            build_resnet(TINY, given, height=SIDE, width=SIDE)
        assert caught.value.code == "wrong_shapes"


def test_values_that_cannot_be_stored_are_refused() -> None:
    arrays = random_arrays(TINY, 4)
    for value in (np.nan, np.inf, 1e6):
        bad = arrays["conv1.weight"].copy()
        bad[0, 0, 0, 0] = value
        with pytest.raises(ModelError, match=r"conv1\.weight") as caught:
            build_resnet(TINY, arrays | {"conv1.weight": bad}, height=SIDE, width=SIDE)
        assert caught.value.code == "damaged_model"
    with pytest.raises(ModelError, match="too large for float16"):
        stored_arrays(arrays | {"conv1.weight": bad}, "float16")
