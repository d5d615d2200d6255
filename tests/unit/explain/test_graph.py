"""Stages, blocks and last convolutions of networks of many families, and the words for their layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES, Architecture
from resnet_desktop.bundle.file.layers import layers
from resnet_desktop.explain.residual.network_parts import advice, structure

from . import block_graphs
from .block_graphs import Net, opened
from .conftest import BundleMaker


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "resnet20-cifar"])
def test_blocks_of_our_own_networks(make_bundle: BundleMaker, name: str) -> None:
    arch = ARCHITECTURES[name]
    found = structure(make_bundle(arch))
    assert [block.name for block in found.blocks] == [block.name for block in arch.blocks]
    for block, known in zip(found.blocks, arch.blocks, strict=True):
        assert block.output == known.name
        assert block.total == f"{known.name}.sum"
        assert (block.residual, block.skip) == (f"{known.name}.residual", f"{known.name}.skip")
        assert block.identity != known.projects
        assert block.activation == "Relu"
        assert f"layer{block.stage}" == known.name.split(".")[0]
        assert block.shape[0] == known.channels_out
    sources = [block.source for block in found.blocks]
    assert sources == ["relu" if "cifar" in name else "maxpool", *(block.name for block in arch.blocks[:-1])]
    assert [len(stage.blocks) for stage in found.stages if stage.number] == list(arch.depths)
    assert found.last_convolution == f"{arch.blocks[-1].name}.{arch.blocks[-1].convolutions[-1].name}"


def test_a_plain_network_has_stages_and_no_blocks(make_bundle: BundleMaker) -> None:
    found = structure(make_bundle(ARCHITECTURES["plain18"]))
    assert found.blocks == ()
    assert [(stage.number, stage.height) for stage in found.stages] == [(1, 32), (2, 16), (3, 8), (4, 4), (5, 2)]
    assert sum(len(stage.layers) for stage in found.stages) == 10
    assert found.last_stage == 5


@pytest.mark.parametrize("total", ["Add", "Sum"])
@pytest.mark.parametrize("skip_first", [False, True])
def test_which_side_is_the_skip_is_read_from_the_graph(tmp_path: Path, total: str, skip_first: bool) -> None:
    found = structure(opened(tmp_path, block_graphs.post_activation(total=total, skip_first=skip_first).model()))
    assert [(b.name, b.identity, b.activation, b.shape) for b in found.blocks] == [
        ("stage 1, block 1", True, "Relu", (4, 16, 16)),
        ("stage 2, block 1", False, "Relu", (8, 8, 8)),
        ("stage 2, block 2", True, "Relu", (8, 8, 8)),
    ]
    assert [(b.source, b.residual, b.skip, b.total, b.output) for b in found.blocks] == [
        ("2", "5", "2", "6", "7"),
        ("7", "10", "11", "12", "13"),
        ("13", "16", "13", "17", "18"),
    ]
    assert found.last_convolution == "16"


def test_pre_activation_blocks_end_in_their_sum(tmp_path: Path) -> None:
    found = structure(opened(tmp_path, block_graphs.pre_activation().model()))
    assert [(b.output == b.total, b.activation, b.identity) for b in found.blocks] == [
        (True, None, True),
        (True, None, False),
        (True, None, True),
    ]
    first, second, third = found.blocks
    assert (first.source, first.skip) == ("1", "1")
    assert second.source == "10"  # the projection starts behind the norm and ReLU that F(x) starts with
    assert (third.source, third.skip) == (second.output, second.output)


def test_linear_bottlenecks(tmp_path: Path) -> None:
    found = structure(opened(tmp_path, block_graphs.inverted_bottlenecks().model()))
    assert [(b.stage, b.activation, b.identity, b.shape) for b in found.blocks] == [
        (1, None, True, (4, 16, 16)),
        (2, None, True, (8, 8, 8)),
        (2, None, True, (8, 8, 8)),
    ]


def test_gates_are_no_blocks_and_sigmoid_times_x_is_an_activation(tmp_path: Path) -> None:
    bundle = opened(tmp_path, block_graphs.squeeze_and_excite().model())
    found = structure(bundle)
    assert [(b.identity, b.activation) for b in found.blocks] == [(True, None), (True, None)]
    kinds = [layer.kind for layer in layers(bundle)]
    assert kinds == ["activation", *["activation", "batch norm", "residual block"] * 2]


def test_concatenation_makes_no_blocks(tmp_path: Path) -> None:
    found = structure(opened(tmp_path, block_graphs.dense().model()))
    assert found.blocks == ()
    assert [stage.number for stage in found.stages] == [1]


def test_rounding_on_the_way_hides_no_block(tmp_path: Path) -> None:
    bundle = opened(tmp_path, block_graphs.quantized().model())
    found = structure(bundle)
    assert [(b.identity, b.activation, b.shape) for b in found.blocks] == [
        (True, "Relu", (4, 16, 16)),
        (False, "Relu", (8, 8, 8)),
    ]
    for block in found.blocks:
        producer = bundle.view.producer(block.source)
        assert producer is not None
        assert producer.op_type == "Relu"
    assert [layer.residual for layer in layers(bundle)].count(True) == 2


def test_skips_may_slice_pad_and_pool(tmp_path: Path) -> None:
    found = structure(opened(tmp_path, block_graphs.without_weights_on_skips().model()))
    assert [(b.identity, b.shape) for b in found.blocks] == [(False, (8, 8, 8)), (False, (12, 4, 4))]
    assert [b.source for b in found.blocks] == ["2", found.blocks[0].output]


def test_a_skip_over_several_blocks_is_a_block(tmp_path: Path) -> None:
    found = structure(opened(tmp_path, block_graphs.nested().model()))
    assert [b.source for b in found.blocks] == ["2", found.blocks[0].output, "2"]


def test_sums_that_are_no_blocks(tmp_path: Path) -> None:
    net = Net()
    x = net.relu(net.conv("x", 3, 4))
    x = net.op("Add", net.conv(x, 4, 4), net.conv(x, 4, 4, 1))  # two equal paths: which would be the skip?
    x = net.op("Add", x, x)
    x = net.op("Add", x, net.constant(np.ones((1, 4, 1, 1))))
    net.head(net.relu(x), 4)
    bundle = opened(tmp_path, net.model())
    assert structure(bundle).blocks == ()
    assert not any(layer.residual for layer in layers(bundle))


def test_names_that_say_where_a_block_is_are_kept(tmp_path: Path) -> None:
    model = block_graphs.post_activation().model()
    scopes = {"7": "/layer1/layer1.0/relu_1/Relu_output_0", "13": "/layer2/layer2.0/relu_1/Relu_output_0"}
    scopes["18"] = "/layer2/layer2.1/Relu_1_output_0"
    for node in model.graph.node:
        for names in (node.input, node.output):
            for i, name in enumerate(names):
                names[i] = scopes.get(name, name)
    bundle = opened(tmp_path, model)
    assert [b.name for b in structure(bundle).blocks] == ["layer1.0", "layer2.0", "layer2.1"]
    blocks = [layer for layer in layers(bundle) if layer.residual]
    assert [layer.name for layer in blocks] == ["layer1.0", "layer2.0", "layer2.1"]
    assert [layer.tensor for layer in blocks] == list(scopes.values())


@pytest.mark.parametrize("net", [block_graphs.post_activation, block_graphs.pre_activation, block_graphs.nested])
def test_blocks_and_layers_go_by_the_same_names(tmp_path: Path, net: type[Net]) -> None:
    bundle = opened(tmp_path, net().model())
    names = {layer.tensor: layer.name for layer in layers(bundle)}
    assert len(set(names.values())) == len(names)
    for block in structure(bundle).blocks:
        assert names[block.output] == block.name


def test_a_layer_that_does_not_lead_to_the_logits_is_none(tmp_path: Path) -> None:
    net = block_graphs.post_activation()
    aside = net.relu(net.conv("13", 8, 8))
    net.op("Add", aside, net.conv(net.relu(net.conv(aside, 8, 8)), 8, 8), output="aside")
    bundle = opened(tmp_path, net.model())
    found = structure(bundle)
    assert len(found.blocks) == 3
    assert [layer.name for layer in layers(bundle) if layer.recommended] == ["stage 2, block 2"]
    assert found.last_convolution == "16"


def test_words_for_the_layers_of_a_resnet(make_bundle: BundleMaker) -> None:
    bundle = make_bundle(ARCHITECTURES["resnet50"])
    found, every = structure(bundle), layers(bundle)
    words = {layer.name: advice(found, layer, every, 64) for layer in every}
    assert words["relu"].title == "Before the first block, activation"
    assert words["layer3.1"].title == "Stage 3 of 4, block 2 of 6"
    assert words["layer3.1"].grid == "4 × 4, each cell about 16 × 16 input pixels"
    assert words["layer4.2"].title == "Last stage, block 3 of 3"
    assert "edges" in words["layer1.2"].text
    assert "textures" in words["layer2.0"].text
    assert "parts of objects" in words["layer3.5"].text
    assert "whole objects" in words["layer4.0"].text
    assert [name for name, said in words.items() if said.recommended] == ["layer3.5"]
    assert words["layer3.5"].text.endswith("Start here.")


def test_words_for_networks_without_blocks_or_stages(tmp_path: Path, make_bundle: BundleMaker) -> None:
    bundle = opened(tmp_path, block_graphs.dense().model())
    found, every = structure(bundle), layers(bundle)
    words = [advice(found, layer, every, 16) for layer in every]
    assert words[0].title == "Stage 1 of 1, activation"
    assert words[0].grid == "16 × 16, one cell per input pixel"
    assert "edges" in words[0].text
    assert "whole objects" in words[-1].text
    shallow = make_bundle(Architecture("shallow", "basic", (1,), (8,)))
    every = layers(shallow)
    assert advice(structure(shallow), every[-1], every, 64).title == "Stage 1 of 1, block 1 of 1"
