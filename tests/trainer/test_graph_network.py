"""Networks that are made from graphs against the modules that the graphs were exported from."""

from __future__ import annotations

import tempfile
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional as f

from resnet_desktop.bundle.builders.resnet import build_resnet
from resnet_desktop.bundle.file.bundle import Bundle, read, write
from resnet_desktop.bundle.file.layers import layers
from resnet_desktop.bundle.format.metadata import Metadata
from resnet_desktop.bundle.graph.base import Base, read_base
from resnet_desktop.bundle.graph.nodes import read_graph
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.inference.session import Session
from resnet_desktop.trainer.network.graph_network import GraphNetwork
from resnet_desktop.trainer.network.resnet import ResNet, named_arrays
from tests.trainer import graph_networks
from tests.trainer.networks import CLASSES, SIDE
from tests.trainer.test_gradient_families import light
from tests.unit.explain.graphs import error, noise, session

CLOSE = 1e-4
NAMES = tuple(graph_networks.NETWORKS)
torch.set_num_threads(1)  # small networks, and other tests beside them


@cache
def exported(name: str, *, folded: bool = False, newer: bool = False, side: int = SIDE) -> bytes:
    """A network as an exporter of PyTorch writes it; ``folded``: norms and transposed weights computed into one."""
    picture, module = torch.zeros(2, 3, side, side), graph_networks.network(name)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder, "network.onnx")
        if newer:
            shapes = ({0: torch.export.Dim("batch", min=1)},)
            torch.onnx.export(module, (picture,), path, dynamic_shapes=shapes, external_data=False, verbose=False)
            return path.read_bytes()
        kept: dict[str, Any] = {"training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}
        torch.onnx.export(
            module,
            (picture,),
            path,
            dynamo=False,
            opset_version=17,
            input_names=["x"],
            output_names=["y"],
            dynamic_axes={"x": {0: "batch"}},
            **({} if folded else kept),
        )
        return path.read_bytes()


def opened(tmp_path: Path, data: bytes) -> Bundle:
    path = tmp_path / "base.onnx"
    path.write_bytes(data)
    return read(path)


def made(base: Base, module: nn.Module) -> GraphNetwork:
    """A network of the graph that starts with the head of the module."""
    network = GraphNetwork(base.graph, base.stages, width=base.width, classes=CLASSES, reduction=base.reduction)
    last = [m for m in module.modules() if isinstance(m, nn.Linear)][-1]
    network.fc.load_state_dict(last.state_dict())
    return network.eval()


def loss(module: nn.Module) -> Tensor:
    dtype = next(module.parameters()).dtype
    x = torch.from_numpy(noise(4, 3, SIDE, SIDE, seed=2)).to(dtype)
    found = f.cross_entropy(module(x), torch.arange(4) % CLASSES)
    found.backward()
    return found.detach()


def matched(network: GraphNetwork, module: nn.Module) -> list[tuple[str, Tensor, Tensor]]:
    """The gradient of each parameter of the module, and that of the array with the same values in the graph's."""
    ours = list(network.named_parameters())
    found = []
    for name, parameter in module.named_parameters():
        if parameter.grad is None:  # nothing depends on it
            continue
        for _, other in ours:
            same = [t for t in (other, other.T if other.ndim == 2 else other) if t.numel() == parameter.numel()]
            for turned in same:
                if torch.equal(turned.detach().reshape(parameter.shape), parameter.detach()):
                    gradient = other.grad if turned is other else other.grad.T if other.grad is not None else None
                    assert gradient is not None, name
                    found.append((name, parameter.grad, gradient.reshape(parameter.shape)))
                    break
            else:
                continue
            break
        else:
            raise AssertionError(f"{name} is not in the graph")
    return found


def check_gradients(base: Base, module: nn.Module) -> None:
    network, module = made(base, module).double(), module.double()
    assert torch.allclose(loss(network), loss(module), rtol=1e-6)
    rows = matched(network, module)
    largest = max(float(right.abs().max()) for _, right, _ in rows)
    for name, right, found in rows:
        error = float((found - right).abs().max()) / max(float(right.abs().max()), 1e-6 * largest)
        assert error <= CLOSE, name


@pytest.mark.parametrize("name", NAMES)
def test_gradients_of_every_parameter(tmp_path: Path, name: str) -> None:
    base, module = read_base(opened(tmp_path, exported(name))), graph_networks.network(name)
    check_gradients(base, module)
    learnt = sum(p.numel() for p in module.parameters())
    network = made(base, module)
    unused = sum(p.numel() for p in module.parameters() if p.grad is None)
    assert sum(p.numel() for p in network.parameters()) == learnt - unused  # no literal is taken for a weight


@pytest.mark.parametrize("name", NAMES)
def test_a_training_step_and_the_export(tmp_path: Path, name: str) -> None:
    bundle = opened(tmp_path, exported(name))
    base, module = read_base(bundle), graph_networks.network(name)
    network = made(base, module)
    for one in (network, module):
        one.double().train()
        optimizer = torch.optim.SGD(one.parameters(), lr=0.05)
        loss(one)
        optimizer.step()
        one.float().eval()
    x = noise(3, 3, SIDE, SIDE, seed=7)
    with torch.inference_mode():
        right, found = (one(torch.from_numpy(x)).softmax(1).numpy() for one in (module, network))
    np.testing.assert_allclose(found, right, atol=1e-5)
    linears = [(network.fc.weight.detach().numpy(), network.fc.bias.detach().numpy())]
    exported_again = base.exported(network.arrays(), linears, SIDE, "float32")
    features = exported_again.features
    labels = tuple(f"label {i}" for i in range(CLASSES))
    metadata = Metadata(arch=None, categories=labels, transforms=Transforms(resize=SIDE, crop=SIDE))
    written = write(tmp_path / "new.onnx", exported_again.model, metadata)
    answers = Session(written, extra_outputs=(features,)).run(x)
    logits = torch.from_numpy(answers[written.output_name])
    np.testing.assert_allclose(logits.softmax(1).numpy(), right, atol=CLOSE)
    assert answers[features].shape == (3, base.width)
    assert (written.input_name, written.output_name, written.batch) == ("input", "logits", None)
    assert [layer.tensor for layer in layers(written)] == [layer.tensor for layer in layers(bundle)]


@pytest.mark.parametrize("name", ["resnet18", "mobilenet-v3", "convnext", "vit", "swin"])
def test_norms_that_are_folded_into_convolutions(tmp_path: Path, name: str) -> None:
    """The arrays are not those of the module any more; what it computes from the picture is."""
    base, module = read_base(opened(tmp_path, exported(name, folded=True))), graph_networks.network(name).double()
    assert not base.graph.statistics
    network = made(base, module).double()
    rows = []
    for one in (module, network):
        x = torch.from_numpy(noise(2, 3, SIDE, SIDE)).double().requires_grad_()
        y = one(x)
        rows.append((y.detach(), torch.autograd.grad(y[:, 1].sum(), x)[0]))
    for right, found in zip(*rows, strict=True):
        torch.testing.assert_close(found, right, rtol=CLOSE, atol=CLOSE * float(right.abs().max()))


@pytest.mark.parametrize("name", ["resnet18", "mobilenet-v3", "convnext", "vit"])
def test_the_exporter_by_torch_export(tmp_path: Path, name: str) -> None:
    pytest.importorskip("onnxscript", reason="onnxscript, which PyTorch's newer exporter needs, is not installed")
    base, module = read_base(opened(tmp_path, exported(name, newer=True))), graph_networks.network(name)
    network = made(base, module)
    x = torch.from_numpy(noise(3, 3, SIDE, SIDE))
    with torch.inference_mode():
        torch.testing.assert_close(network(x), module(x), rtol=CLOSE, atol=CLOSE)


LAST = {
    "resnet18": ("layer4.",),
    "resnet50": ("layer4.",),
    "mobilenet-v2": (
        "features.6.expand.3.",
        "features.6.expand.4.",
        "features.6.project.",
        "features.7.",
        "features.8.",
    ),
    "vit": ("blocks.1.mlp", "blocks.1.norm2", "norm."),
    "convnext": ("5.", "6.", "8."),
    "swin": ("stages.2.", "stages.3.", "stages.4.", "stages.5."),
}
"""What the names begin with of what is trained with the last stage."""


@pytest.mark.parametrize("name", LAST)
def test_the_last_stage(tmp_path: Path, name: str) -> None:
    side = 2 * SIDE if name.startswith("resnet") else SIDE
    network = made(read_base(opened(tmp_path, exported(name, side=side))), graph_networks.network(name))
    network.freeze_before(network.last_stage)
    free = {network.initializers[key] for key, p in network.named_parameters() if p.requires_grad and key[:3] != "fc."}
    kept = {initializer for initializer in network.initializers.values() if initializer.startswith(LAST[name])}
    assert free == {initializer for initializer in kept if ".running_" not in initializer}
    x = torch.from_numpy(noise(2, 3, side, side))
    with torch.inference_mode():
        front = network.frozen_part(x)
        assert (front.shape != x.shape) == (name != "swin")  # which asks for the sizes of what lies before
        torch.testing.assert_close(network.learning_part(front), network(x))


def test_names_and_order_are_those_of_the_network_that_is_written_by_hand(tmp_path: Path) -> None:
    """So that checkpoints of runs that began with it go on: an optimizer knows parameters by their order alone."""
    written = graph_networks.network("resnet50")
    assert isinstance(written, ResNet)
    metadata = Metadata(arch=None, categories=tuple("abcde"), transforms=Transforms(resize=64, crop=64))
    model = build_resnet(written.architecture, named_arrays(written), height=64, width=64)
    network = made(read_base(write(tmp_path / "own.onnx", model, metadata)), written)
    assert [(n, p.shape) for n, p in network.named_parameters()] == [
        (n, p.shape) for n, p in written.named_parameters()
    ]
    assert network.state_dict().keys() == written.state_dict().keys()
    assert [network.depth(n) for n, _ in network.named_parameters() if n[:3] != "fc."] == [
        written.depth(n) for n, _ in written.named_parameters() if n[:3] != "fc."
    ]


class Keras(nn.Module):
    """As Keras lays things out: channels last, one more cell padded below and on the right than above and left."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 6, 3, 2, bias=False), nn.Conv2d(6, 6, 3, 1, 1, groups=6, bias=False)
        self.scale, self.shift, self.bias = (nn.Parameter(torch.randn(6)) for _ in range(3))
        self.last = nn.Linear(6, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(f.pad(x, (0, 1, 0, 1))).permute(0, 2, 3, 1)
        x = (x * self.scale + self.shift).clamp(0, 6)
        x = self.second(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1) + self.bias
        out: Tensor = self.last(x.mean((1, 2)))
        return out


def keras_graph(module: Keras, *, turned: bool) -> bytes:
    """The same as tf2onnx writes it; ``turned``: it takes pictures with channels first all the same."""
    arrays = {name: p.detach().numpy() for name, p in module.named_parameters()}
    arrays["last.weight"] = arrays["last.weight"].T.copy()
    arrays |= {"zero": np.array(0, np.float32), "six": np.array(6, np.float32)}
    last, first = {"perm": [0, 2, 3, 1]}, {"perm": [0, 3, 1, 2]}
    steps: list[tuple[str, list[str], dict[str, Any]]] = [
        ("Transpose", [], last),
        ("Transpose", [], first),
        ("Conv", ["first.weight"], {"strides": [2, 2], "auto_pad": "SAME_UPPER"}),
        ("Transpose", [], last),
        ("Mul", ["scale"], {}),
        ("Add", ["shift"], {}),
        ("Clip", ["zero", "six"], {}),
        ("Transpose", [], first),
        ("Conv", ["second.weight"], {"group": 6, "auto_pad": "SAME_LOWER"}),
        ("Transpose", [], last),
        ("Add", ["bias"], {}),
        ("ReduceMean", [], {"axes": [1, 2], "keepdims": 0}),
        ("MatMul", ["last.weight"], {}),
        ("Add", ["last.bias"], {}),
    ]
    steps = steps if turned else steps[1:]
    shape = [3, SIDE, SIDE] if turned else [SIDE, SIDE, 3]
    names = ["x", *(f"t{i}" for i in range(len(steps)))]
    nodes = [
        helper.make_node(op, [names[i], *others], [names[i + 1]], **given)
        for i, (op, others, given) in enumerate(steps)
    ]
    graph = helper.make_graph(
        nodes,
        "keras",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *shape])],
        [helper.make_tensor_value_info(names[-1], TensorProto.FLOAT, ["n", CLASSES])],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    return bytes(model.SerializeToString())


@pytest.mark.parametrize("turned", [True, False])
def test_channels_last_as_keras_has_them(tmp_path: Path, turned: bool) -> None:
    torch.manual_seed(1)
    module = Keras().eval()
    base = read_base(opened(tmp_path, keras_graph(module, turned=turned)))
    assert base.graph.weights.keys() == {"first.weight", "second.weight", "scale", "shift", "bias"}
    check_gradients(base, module)


@pytest.mark.parametrize("name", ["densenet121", "shufflenet", "squeezenet", "inception_v2"])
def test_networks_of_other_exporters(name: str) -> None:
    """Those that the onnx package carries, against ONNX Runtime."""
    model, logits = light(name)
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info(logits, TensorProto.FLOAT, None))
    given = model.graph.input[0]
    x = noise(*(dim.dim_value for dim in given.type.tensor_type.shape.dim))
    (right,) = session(model.SerializeToString())([logits], {given.name: x})
    with torch.inference_mode():
        found = GraphNetwork(read_graph(model), {}, width=1, classes=1).eval().pooled(torch.from_numpy(x))
    assert error(found.numpy(), right) <= CLOSE


def test_what_torch_compile_takes_it_for(tmp_path: Path) -> None:
    """It gives the same; the compiler itself is not asked. A graph that computes sizes is not given to it."""
    network = made(read_base(opened(tmp_path, exported("mobilenet-v3"))), graph_networks.network("mobilenet-v3"))
    assert network.traceable
    x = torch.from_numpy(noise(2, 3, SIDE, SIDE))
    compiled = torch.compile(network, backend="eager")
    with torch.no_grad():
        torch.testing.assert_close(compiled(x), network(x), rtol=CLOSE, atol=CLOSE)
    assert not made(read_base(opened(tmp_path, exported("swin"))), graph_networks.network("swin")).traceable
