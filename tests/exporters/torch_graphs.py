"""Networks as PyTorch's two exporters write them, with what people put before and behind them."""

from __future__ import annotations

import importlib.util
import io
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from tests.exporters.case import Case, shares, single, to_last
from tests.trainer import networks
from tests.unit.bundle.elsewhere import softmax

SIDE, CLASSES = networks.SIDE, networks.CLASSES


class Ended(nn.Module):
    """A network and what people put behind it, and before it."""

    begin: Callable[[Tensor], Tensor]

    def __init__(
        self, net: nn.Module, end: Callable[[Tensor], Any], begin: Callable[[Tensor], Tensor] | None = None
    ) -> None:
        super().__init__()
        self.net, self.end = net, end
        self.begin = begin or (lambda x: x)

    def forward(self, x: Tensor) -> Any:
        return self.end(self.net(self.begin(x)))


class Residual(nn.Sequential):
    """A small convolutional network with a skip, a norm and an activation."""

    def __init__(self, channels: int = 3, classes: int = CLASSES, act: Callable[[], nn.Module] = nn.ReLU) -> None:
        super().__init__(
            nn.Conv2d(channels, 8, 3, 2, 1, bias=False),
            nn.BatchNorm2d(8),
            act(),
            Skip(nn.Sequential(nn.Conv2d(8, 8, 3, 1, 1), nn.GroupNorm(2, 8), act())),
            Skip(nn.Sequential(nn.Conv2d(8, 8, 3, 1, 1), nn.InstanceNorm2d(8, affine=True), act())),
            nn.Conv2d(8, 12, 3, 2, 1),
            act(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(12, classes),
        )


class Skip(nn.Module):
    def __init__(self, branch: nn.Module) -> None:
        super().__init__()
        self.branch = branch

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.branch(x)
        return out


def made(net: nn.Module, seed: int = 0) -> nn.Module:
    """The same, its weights drawn anew and answers that differ."""
    torch.manual_seed(seed)
    for module in net.modules():
        reset = getattr(module, "reset_parameters", None)
        if reset is not None:
            reset()
    last = [m for m in net.modules() if isinstance(m, nn.Linear)][-1]
    with torch.no_grad():
        last.weight.mul_(6)
    return net.eval()


def traced(net: nn.Module, opset: int = 17, x: Tensor | None = None, axes: Any = None, **given: Any) -> onnx.ModelProto:
    """As PyTorch's exporter by tracing writes it."""
    picture = torch.zeros(2, 3, SIDE, SIDE) if x is None else x
    buffer: Any = io.BytesIO()
    options: dict[str, Any] = {"input_names": ["x"], "output_names": ["y"]}
    options |= {"dynamic_axes": axes or {"x": {0: "batch"}}} | given
    torch.onnx.export(net, (picture,), buffer, dynamo=False, opset_version=opset, **options)
    return onnx.load_from_string(buffer.getvalue())


def captured(net: nn.Module, opset: int | None = None) -> onnx.ModelProto | None:
    """As PyTorch's exporter by capture writes it; None without onnxscript."""
    if importlib.util.find_spec("onnxscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m.onnx")
        shapes = ({0: torch.export.Dim("batch", min=1)},)
        picture = (torch.zeros(2, 3, SIDE, SIDE),)
        names: dict[str, Any] = {"input_names": ["x"], "output_names": ["y"]}
        torch.onnx.export(
            net, picture, path, dynamic_shapes=shapes, external_data=False, verbose=False, opset_version=opset, **names
        )
        return onnx.load(path)


def families(quick: bool) -> Iterator[Case]:
    """What people train, by both exporters."""
    for name in networks.NETWORKS:
        for opset in (17,) if quick else (12, 17, 20):
            yield Case(f"{name}, traced, set {opset}", traced(networks.network(name), opset))
        new = None if quick else captured(networks.network(name))
        if new is not None:
            yield Case(f"{name}, captured", new)
    for act in (nn.ReLU, nn.SiLU, nn.Hardswish, nn.PReLU, nn.Mish, nn.GELU, nn.SELU):
        for opset in (14,) if quick else (9 if act not in (nn.Hardswish,) else 14, 18):
            yield Case(f"residual, {act.__name__}, set {opset}", traced(made(Residual(act=act)), opset))


def ends() -> Iterator[Case]:
    """What people put behind a network."""
    net = made(Residual())
    yield Case("softmax", traced(Ended(net, lambda z: z.softmax(1))), answer=shares)
    yield Case("softmax, set 11", traced(Ended(net, lambda z: z.softmax(1)), 11), answer=shares)
    yield Case("softmax by hand", traced(Ended(net, lambda z: z.exp() / z.exp().sum(1, keepdim=True))), answer=shares)
    yield Case("softmax, clipped", traced(Ended(net, lambda z: z.softmax(1).clamp(1e-6, 1))), answer=shares)
    yield Case("softmax, in percent", traced(Ended(net, lambda z: z.softmax(1) * 100)), answer=shares)
    yield Case("log softmax", traced(Ended(net, lambda z: z.log_softmax(1))))
    other = made(Residual(), 5)
    both = Average(net, other)
    yield Case("two networks, averaged", traced(both), answer=shares)
    yield Case("sigmoid of labels", traced(Ended(net, lambda z: z.sigmoid())), answer=lambda p: p)
    one = made(Residual(classes=1))
    yield Case("one sigmoid", traced(Ended(one, lambda z: z.sigmoid())), answer=single)
    yield Case("one sigmoid, flat", traced(Ended(one, lambda z: z.sigmoid().flatten())), answer=single)
    yield Case("one logit", traced(one), answer=lambda z: single(1 / (1 + np.exp(-z))))
    wide, deep = Ended(net, lambda z: z[:, None, None]), Ended(net, lambda z: z[:, :, None, None])
    yield Case("[n, 1, 1, classes]", traced(wide), answer=lambda z: softmax(z[:, 0, 0]))
    yield Case("[n, classes, 1, 1]", traced(deep), answer=lambda z: softmax(z[..., 0, 0]))
    first = traced(Ended(net, lambda z: z[0]), x=torch.zeros(1, 3, SIDE, SIDE), axes={"x": {0: "batch"}})
    yield Case("a row without a batch", first, answer=lambda z: softmax(z.reshape(1, -1)), one_by_one=True)
    yield Case("features first", traced(Features(net), output_names=["features", "y"]))
    labelled = traced(Ended(net, lambda z: (z.argmax(1), z.softmax(1))), output_names=["label", "y"])
    yield Case("a label first", labelled, answer=shares)
    yield Case("a label alone", traced(Ended(net, lambda z: z.argmax(1))), refused="INT64")
    yield Case("a map of classes", traced(nn.Conv2d(3, 4, 3)), refused="image classifier gives")


class Average(nn.Module):
    def __init__(self, *nets: nn.Module) -> None:
        super().__init__()
        self.nets = nn.ModuleList(nets)

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([net(x).softmax(1) for net in self.nets]).mean(0)


class Features(nn.Module):
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        assert isinstance(net, nn.Sequential)
        self.body, self.head = nn.Sequential(*list(net)[:-1]), net[-1]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.body(x)
        return features, self.head(features)


def begins() -> Iterator[Case]:
    """What people put before a network."""
    net = made(Residual())
    last = Ended(net, lambda z: z, lambda x: x.permute(0, 3, 1, 2))
    square = torch.zeros(2, SIDE, SIDE, 3)
    yield Case("channels last", traced(last, x=square), feed=to_last)
    free = {"x": {0: "n", 1: "h", 2: "w"}}
    yield Case("channels last, free sides", traced(last, x=square, axes=free), feed=to_last)
    minus = traced(last, x=square, axes=free)
    for dim in minus.graph.input[0].type.tensor_type.shape.dim[:3]:
        dim.dim_value = -1
    yield Case("channels last, -1", minus, feed=to_last)
    yield Case("free sides", traced(net, axes={"x": {0: "n", 2: "h", 3: "w"}}))
    yield Case("oblong", traced(net, x=torch.zeros(2, 3, SIDE, 48)))
    yield Case("a batch of one", traced(net, x=torch.zeros(1, 3, SIDE, SIDE), axes={"y": {1: "c"}}), one_by_one=True)
    grey = traced(made(Residual(1)), x=torch.zeros(2, 1, SIDE, SIDE))
    weights = np.array([0.299, 0.587, 0.114], np.float32)[:, None, None]
    yield Case("grey", grey, feed=lambda x: (x * weights).sum(1, keepdims=True))
    bytes_ = Ended(net, lambda z: z, lambda x: (x.permute(0, 3, 1, 2).float() - 127.5) / 60)
    whole = traced(bytes_, x=square.to(torch.uint8))
    yield Case("bytes, channels last", whole, feed=lambda x: to_last(x).astype(np.uint8), whole=True)
    doubles = Ended(net, lambda z: z, lambda x: x.float())
    yield Case(
        "float64", traced(doubles, x=torch.zeros(2, 3, SIDE, SIDE).double()), feed=lambda x: x.astype(np.float64)
    )
