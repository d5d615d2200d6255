"""The lesion test: all lesions in one run, one run for each, and the same network edited by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.structure.blocks import ResidualBlock
from resnet_desktop.core.progress import CancelledError
from resnet_desktop.explain.residual.lesion import LesionTest, can_grow
from resnet_desktop.explain.residual.network_parts import structure
from resnet_desktop.inference.classifier import Classifier
from tests.unit.bundle.making import run

from . import block_graphs
from .block_graphs import Net, opened
from .conftest import BundleMaker

FAMILIES: tuple[Callable[[], Net], ...] = (
    block_graphs.post_activation,
    block_graphs.pre_activation,
    block_graphs.inverted_bottlenecks,
    block_graphs.squeeze_and_excite,
    block_graphs.quantized,
    block_graphs.without_weights_on_skips,
    block_graphs.nested,
)


def picture(bundle: Bundle, seed: int = 4) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal(bundle.input_shape).astype(np.float32)


def by_hand(bundle: Bundle, block: ResidualBlock, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """The logits of the network with F(x) of one block multiplied by 0, as another program would edit the file."""
    model = onnx.load_from_string(bundle.path.read_bytes())
    model.graph.initializer.append(numpy_helper.from_array(np.zeros((), np.float32), "nothing"))
    place = next(i for i, node in enumerate(model.graph.node) if block.total in node.output)
    names = model.graph.node[place].input
    names[list(names).index(block.residual)] = "removed"
    model.graph.node.insert(place, helper.make_node("Mul", [block.residual, "nothing"], ["removed"]))
    found: NDArray[np.float32] = run(model.SerializeToString(), x[None])[0][0]
    return found


def both_ways(bundle: Bundle) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    classifier, blocks = Classifier(bundle, provider="cpu"), structure(bundle).blocks
    assert can_grow(bundle.view, bundle.output_name, blocks)
    x = picture(bundle)
    grown, single = LesionTest(classifier, blocks), LesionTest(classifier, blocks, grown=False)
    assert (grown.runs, single.runs) == (1, len(blocks))
    found = grown.logits(x)
    np.testing.assert_allclose(found, single.logits(x), rtol=1e-4, atol=1e-5)
    expected = np.stack([by_hand(bundle, block, x) for block in blocks])
    plain = run(bundle.path.read_bytes(), x[None])[0][0]
    assert (np.abs(expected - plain).max(axis=1) > 1e-3).all()  # every block matters, so that the comparison says much
    return found, expected


@pytest.mark.parametrize("family", FAMILIES)
def test_one_run_gives_what_an_edited_file_gives(tmp_path: Path, family: Callable[[], Net]) -> None:
    found, expected = both_ways(opened(tmp_path, family().model()))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_one_run_in_half_precision(tmp_path: Path) -> None:
    bundle = opened(tmp_path, block_graphs.half_precision().model())
    classifier, blocks, x = Classifier(bundle, provider="cpu"), structure(bundle).blocks, picture(bundle)
    grown = LesionTest(classifier, blocks).logits(x)
    single = LesionTest(classifier, blocks, grown=False).logits(x)
    full = opened(tmp_path, block_graphs.post_activation().model())
    expected = np.stack([by_hand(full, block, x) for block in structure(full).blocks])
    np.testing.assert_allclose(grown, expected, atol=0.01 * np.abs(expected).max())
    np.testing.assert_allclose(single, expected, atol=0.01 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["resnet18", "resnet20-cifar"])
def test_one_run_of_our_own_networks(make_bundle: BundleMaker, name: str) -> None:
    found, expected = both_ways(make_bundle(ARCHITECTURES[name]))
    scale = float(np.abs(expected).max())
    np.testing.assert_allclose(found / scale, expected / scale, atol=1e-4)


@pytest.mark.parametrize("rows", [[0, -1], [-1, 8]])
def test_a_reshape_for_any_batch_lets_the_batch_grow(tmp_path: Path, rows: list[int]) -> None:
    found, expected = both_ways(opened(tmp_path, block_graphs.post_activation(rows=rows).model()))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("batch", "rows"), [("N", [1, -1]), ("N", [1, 8]), (1, None), (3, None)])
def test_a_fixed_batch_takes_one_run_for_each_block(tmp_path: Path, batch: int | str, rows: list[int] | None) -> None:
    bundle = opened(tmp_path, block_graphs.post_activation(rows=rows).model(batch=batch))
    blocks = structure(bundle).blocks
    test = LesionTest(Classifier(bundle, provider="cpu"), blocks)
    assert test.runs == len(blocks)
    x, seen = picture(bundle), []
    found = test.logits(x, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    free = opened(tmp_path, block_graphs.post_activation().model())
    np.testing.assert_allclose(found, [by_hand(free, block, x) for block in blocks], rtol=1e-4, atol=1e-5)


def test_a_shape_taken_from_the_picture_keeps_the_batch_from_growing(tmp_path: Path) -> None:
    net = block_graphs.post_activation()
    linear = net.nodes.pop()
    pooled = net.nodes.pop().input[0]
    batch = net.op("Slice", net.op("Shape", "x"), *(net.constant(v, np.int64) for v in ([0], [1])))
    shape = net.op("Concat", batch, net.constant([8], np.int64), axis=0)
    linear.input[0] = net.op("Reshape", pooled, shape)
    net.nodes.append(linear)
    bundle = opened(tmp_path, net.model())
    blocks, x = structure(bundle).blocks, picture(bundle)
    assert not can_grow(bundle.view, bundle.output_name, blocks)
    found = LesionTest(Classifier(bundle, provider="cpu"), blocks).logits(x)
    np.testing.assert_allclose(found, [by_hand(bundle, block, x) for block in blocks], rtol=1e-4, atol=1e-5)


def test_a_peeled_softmax_and_claimed_shapes_are_no_trouble(tmp_path: Path) -> None:
    net = block_graphs.post_activation()
    net.nodes[-1].output[0] = "logits"
    net.op("Softmax", "logits", output="y")
    model = net.model(batch=1)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "N"
    model.graph.value_info.append(helper.make_tensor_value_info("18", onnx.TensorProto.FLOAT, [1, 8, 8, 8]))
    bundle = opened(tmp_path, model)
    assert bundle.output_name == "logits"
    blocks, x = structure(bundle).blocks, picture(bundle)
    found = LesionTest(Classifier(bundle, provider="cpu"), blocks).logits(x)
    for row, block in zip(found, blocks, strict=True):
        shares = np.exp(row - row.max())
        np.testing.assert_allclose(shares / shares.sum(), by_hand(bundle, block, x), rtol=1e-4, atol=1e-5)


def test_cancelled_between_runs(tmp_path: Path) -> None:
    bundle = opened(tmp_path, block_graphs.post_activation().model(batch=1))
    test = LesionTest(Classifier(bundle, provider="cpu"), structure(bundle).blocks)
    done: list[int] = []
    with pytest.raises(CancelledError):
        test.logits(picture(bundle), lambda: len(done) == 2, lambda count, _: done.append(count))
    assert done == [1, 2]
    with pytest.raises(CancelledError):
        test.logits(picture(bundle), lambda: True)
