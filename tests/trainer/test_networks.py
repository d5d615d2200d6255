"""Networks of today's families as PyTorch exports them: their layers, and gradients against PyTorch's in float64."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from resnet_desktop.bundle.file.bundle import Bundle, read
from resnet_desktop.bundle.file.layers import Layer, layers
from resnet_desktop.explain.autodiff.backward import SEED, appended, gradient_name, gradient_part
from resnet_desktop.explain.cam.explainer import Explainer
from resnet_desktop.explain.residual.lesion import LesionTest
from resnet_desktop.explain.residual.network_parts import structure
from resnet_desktop.inference.classifier import Classifier
from tests.trainer import networks
from tests.unit.explain.graphs import Array, error, noise, session

CLOSE = 1e-5


@cache
def exported(name: str, opset: int, *, fixed: bool = False) -> bytes:
    """A network as the exporter by tracing writes it."""
    picture = torch.zeros(1 if fixed else 2, 3, networks.SIDE, networks.SIDE)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder, "network.onnx")
        torch.onnx.export(
            networks.network(name),
            (picture,),
            path,
            dynamo=False,
            opset_version=opset,
            input_names=["x"],
            output_names=["y"],
            dynamic_axes=None if fixed else {"x": {0: "batch"}},
        )
        return path.read_bytes()


def opened(tmp_path: Path, data: bytes) -> Bundle:
    path = tmp_path / "network.onnx"
    path.write_bytes(data)
    return read(path)


def check(bundle: Bundle, data: bytes, name: str) -> None:
    """Compare what is computed from the picture to the logits, through every layer that is offered."""
    found = layers(bundle)
    model = onnx.load_from_string(data)
    tensors = [layer.tensor for layer in found]
    part = gradient_part(model, bundle.view, bundle.output_name, [bundle.input_name, *tensors])
    run = session(appended(data, part))
    x, seed = noise(2, 3, networks.SIDE, networks.SIDE), noise(2, networks.CLASSES, seed=1)
    y, gradient = run([bundle.output_name, gradient_name(bundle.input_name)], {bundle.input_name: x, SEED: seed})
    exact = torch.from_numpy(x).double().requires_grad_()
    right = networks.network(name).double()(exact)
    assert error(y, right.detach().numpy()) <= CLOSE
    (expected,) = torch.autograd.grad(right, exact, torch.from_numpy(seed).double())
    assert error(gradient, expected.numpy()) <= CLOSE


LAYERS = {
    "convnext": ("stage 1, block 2", 3),
    "vit": ("stage 1, block 2", 2),
    "vit-mean": ("stage 1, block 4", 4),
    "swin": ("stage 2, block 4", 8),
    "swin-reshaped": ("stage 2, block 4", 8),
    "poolformer": ("body.1", 2),
    "shufflenet": ("body.6.branch.6", 0),
    "mobilevit": ("2.fuse.1", 2),
    "edgenext": ("stage 1, block 2", 4),
    "coatnet": ("stage 1, block 1", 3),
}
"""The recommended layer of each network, and how many residual blocks are offered."""


@pytest.mark.parametrize("opset", [12, 17])
@pytest.mark.parametrize("name", networks.NETWORKS)
def test_layers_and_gradients(tmp_path: Path, name: str, opset: int) -> None:
    data = exported(name, opset)
    bundle = opened(tmp_path, data)
    assert bundle.view.layout.input == "nchw"
    found = layers(bundle)
    recommended, blocks = LAYERS[name]
    if name != "shufflenet":
        assert [layer.name for layer in found if layer.recommended] == [recommended]
    assert sum(layer.residual for layer in found) == blocks
    assert len({layer.name for layer in found}) == len(found)
    check(bundle, data, name)


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_a_batch_that_is_fixed(tmp_path: Path, name: str) -> None:
    bundle = opened(tmp_path, exported(name, 17, fixed=True))
    free = opened(tmp_path, exported(name, 17))
    assert bundle.batch == 1
    assert [(x.kind, x.shape) for x in layers(bundle)] == [(x.kind, x.shape) for x in layers(free)]


@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")  # PyTorch warns of its own exporter
@pytest.mark.parametrize("name", networks.NETWORKS)
def test_the_exporter_by_torch_export(tmp_path: Path, name: str) -> None:
    pytest.importorskip("onnxscript", reason="onnxscript, which PyTorch's newer exporter needs, is not installed")
    path = tmp_path / "new.onnx"
    shapes = ({0: torch.export.Dim("batch", min=1)},)
    picture = (torch.zeros(2, 3, networks.SIDE, networks.SIDE),)
    torch.onnx.export(networks.network(name), picture, path, dynamic_shapes=shapes, external_data=False, verbose=False)
    bundle = read(path)
    found = layers(bundle)
    assert sum(layer.residual for layer in found) == LAYERS[name][1]
    check(bundle, path.read_bytes(), name)


def captured(module: nn.Module, name: str) -> tuple[Callable[[Tensor], Tensor], dict[str, Tensor]]:
    """The network, which notes what a submodule gives."""
    kept: dict[str, Tensor] = {}

    def note(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
        output.retain_grad()
        kept["output"] = output

    module.get_submodule(name).register_forward_hook(note)
    return module, kept


Seen = Mapping[str, Callable[[Tensor], Tensor]]
_TOKENS: Callable[[Tensor], Tensor] = lambda x: x[:, 1:].transpose(1, 2).reshape(2, -1, 4, 4)  # noqa: E731
_LAST: Callable[[Tensor], Tensor] = lambda x: x.permute(0, 3, 1, 2)  # noqa: E731


@pytest.mark.parametrize(
    ("name", "module", "suffix", "seen"),
    [
        ("vit", "blocks.0.mlp.1", "mlp.1", _TOKENS),
        ("convnext", "6.mlp.1", "6.mlp.1", _LAST),
        ("swin", "stages.4.mlp.1", "stages.4.mlp.1", lambda x: x.transpose(1, 2).reshape(2, -1, 8, 8)),
    ],
)
def test_what_a_layer_shows_lies_where_it_lies_in_the_picture(
    tmp_path: Path, name: str, module: str, suffix: str, seen: Callable[[Tensor], Tensor]
) -> None:
    bundle = opened(tmp_path, exported(name, 17))
    explainer = Explainer(Classifier(bundle))
    layer = next(x for x in layers(bundle) if x.name.endswith(suffix))
    x, seed = noise(2, 3, networks.SIDE, networks.SIDE), noise(2, networks.CLASSES, seed=1)
    run = explainer.sessions.gradient(x, seed, [layer.tensor])
    net, kept = captured(networks.network(name).double(), module)
    net(torch.from_numpy(x).double()).backward(torch.from_numpy(seed).double())
    right, gradient = kept["output"], kept["output"].grad
    assert gradient is not None
    assert run.activations[layer.tensor].shape[1:] == layer.shape
    assert error(run.activations[layer.tensor], seen(right).detach().numpy()) <= CLOSE
    assert error(run.gradients[layer.tensor], seen(gradient).numpy()) <= CLOSE


def qkv(layers: Bundle, number: int) -> list[str]:
    """The tensors that the linear layers before attention make, in all of the network's blocks."""
    view = layers.view
    return [n.output[0] for n in view.nodes if n.op_type == "MatMul" and f"stages.{number}/attention/qkv" in n.name]


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("number", [0, 1, 4])
def test_windows_are_put_back(tmp_path: Path, number: int, fixed: bool) -> None:
    """A linear layer behind the windows gives what it gives before they are cut out, and rolled."""
    bundle = opened(tmp_path, exported("swin", 17, fixed=fixed))
    (tensor,) = qkv(bundle, number)
    grid = bundle.view.layout.grid(tensor)
    assert grid is not None
    assert grid.windowed
    assert any(grid.rolls) == (number in (1, 4))
    net, kept = captured(networks.network("swin").double(), f"stages.{number}.norm1")
    x = noise(3, 3, networks.SIDE, networks.SIDE)
    net(torch.from_numpy(x).double())
    weight = networks.network("swin").double().get_submodule(f"stages.{number}.attention.qkv").weight
    assert isinstance(weight, Tensor)
    right = (kept["output"] @ weight.T).permute(0, 3, 1, 2)
    found = Explainer(Classifier(bundle)).sessions.activations(x, [tensor])[tensor]
    assert error(found, right.detach().numpy()) <= CLOSE


def test_the_cells_of_unfolded_patches_are_put_back(tmp_path: Path) -> None:
    """In a MobileViT nothing but attention mixes cells: with it silent, a cell's tokens depend on that cell alone."""
    bundle = opened(tmp_path, exported("mobilevit", 17))
    layer = next(x for x in layers(bundle) if x.name.endswith("block.mlp.1"))
    grid = bundle.view.layout.grid(layer.tensor)
    assert grid is not None
    assert grid.windowed
    net = networks.network("mobilevit").double()
    stem = nn.Sequential(*list(net.children())[:2], *[net.get_submodule("2.local")])
    x = noise(2, 3, networks.SIDE, networks.SIDE)
    tensor = next(n.output[0] for n in bundle.view.nodes if n.op_type == "LayerNormalization")
    norm = net.get_submodule("2.block.norm1")
    right = norm(stem(torch.from_numpy(x).double()).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    found = Explainer(Classifier(bundle)).sessions.activations(x, [tensor])[tensor]
    assert error(found, right.detach().numpy()) <= CLOSE


@pytest.mark.parametrize(
    ("name", "branches"),
    [
        ("vit", ["blocks.0.attention", "blocks.0.mlp", "blocks.1.attention", "blocks.1.mlp"]),
        ("swin", [f"stages.{i}.{part}" for i in (0, 1, 3, 4) for part in ("attention", "mlp")]),
        ("mobilevit", ["2.block.attention", "2.block.mlp"]),
        ("convnext", ["2.mlp", "3.mlp", "6.mlp"]),
    ],
)
def test_blocks_without_their_branch(tmp_path: Path, name: str, branches: list[str]) -> None:
    """The lesion test of each block against the network in which its branch gives nothing."""
    bundle = opened(tmp_path, exported(name, 17))
    blocks = structure(bundle).blocks
    assert len(blocks) == len(branches)
    picture = noise(3, networks.SIDE, networks.SIDE)
    found = LesionTest(Classifier(bundle), blocks).logits(picture)
    for row, branch in zip(found, branches, strict=True):
        net = networks.network(name)
        net.get_submodule(branch).register_forward_hook(lambda _module, _inputs, output: output * 0)
        right = net(torch.from_numpy(picture[None])).detach().numpy()[0]
        assert error(row, right) <= CLOSE, branch


def offered(tmp_path: Path, name: str) -> dict[str, Layer]:
    return {layer.name: layer for layer in layers(opened(tmp_path, exported(name, 17)))}


def test_what_goes_on_by_the_class_token_alone_is_not_offered(tmp_path: Path) -> None:
    """Behind the last attention the other tokens are never looked at again: their gradient would be 0."""
    assert list(offered(tmp_path, "vit")) == [
        "patches",
        "Concat_2",
        "stage 1, block 1",
        "blocks.0.mlp.1",
        "stage 1, block 2",
    ]
    assert "blocks.1.mlp.1" in offered(tmp_path, "vit-mean")


def test_layers_say_what_they_show(tmp_path: Path) -> None:
    vit = offered(tmp_path, "vit")
    assert vit["patches"].note == ""
    assert "class token" in vit["stage 1, block 1"].note
    assert "token" in vit["stage 1, block 1"].note
    assert "pieces" in offered(tmp_path, "mobilevit")["stage 1, block 1"].note
    assert not any(layer.note for layer in offered(tmp_path, "convnext").values())


def test_concatenations_are_layers_but_rolls_are_not(tmp_path: Path) -> None:
    shuffled = [x for x in offered(tmp_path, "shufflenet").values() if x.kind == "concatenation"]
    assert [layer.shape for layer in shuffled] == [(8, 8, 8), (8, 8, 8)]
    swin = [x for x in offered(tmp_path, "swin").values() if x.kind == "concatenation"]
    assert [layer.shape for layer in swin] == [(32, 8, 8)]


def test_activations_that_are_written_out_are_one_layer(tmp_path: Path) -> None:
    kinds = [x.kind for x in offered(tmp_path, "mobilevit").values()]
    assert kinds.count("activation") == 5  # four SiLUs, one GELU
    coatnet: Array = np.array([x.shape for x in offered(tmp_path, "coatnet").values() if x.kind == "activation"])
    assert len(coatnet) == 3
