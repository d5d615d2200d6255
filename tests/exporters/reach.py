"""How many foreign graphs are right in everything: families by exporters, operator sets and what people add to them.

    python -m tests.exporters.reach [--quick]

Each graph is written to a file, tried as the app tries what is new (in this process), read, and run. Right means: the
probabilities are those of the network in PyTorch, or of the file as it is in ONNX Runtime, made probabilities by hand;
and the gradient of the recommended layer is that of finite differences through the app's own activations: moving the
layer's activations a little along the gradient moves the score as it says. The last line counts.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from resnet_desktop.bundle.adapt import tried
from resnet_desktop.bundle.file.bundle import Bundle, read
from resnet_desktop.bundle.file.tensors import file_sha256
from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.explain.cam.explainer import Explainer
from resnet_desktop.inference import admission
from resnet_desktop.inference.classifier import Classifier
from tests.trainer import networks
from tests.unit.bundle.elsewhere import softmax
from tests.unit.explain.graphs import noise

SIDE, CLASSES = networks.SIDE, networks.CLASSES
CLOSE, STEP = 2e-3, 1e-2
GRADIENT = 1e-2
"""Steps of float32 numbers over the kinks of ReLUs measure a gradient no better."""
TELLING = 0.02
"""By so much the pictures' answers have to differ, or they would say little."""
Array = NDArray[Any]
Turn = Callable[[Array], Array]


@dataclass
class Case:
    """A file, and how it is asked by itself.

    Attributes:
        name: of the case.
        model: the file.
        feed: from prepared pictures ``[n, 3, side, side]`` to what the file takes.
        answer: from its output to probabilities ``[n, classes]``.
        output: the output that tells classes apart.
        refused: a word of the refusal, where it has to be refused.
        one_by_one: whether the file can take no more than one picture.
    """

    name: str
    model: onnx.ModelProto
    feed: Turn = lambda x: x
    answer: Turn = softmax
    output: str = "y"
    refused: str | None = None
    one_by_one: bool = False


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


def to_last(x: Array) -> Array:
    """Channels at the end."""
    return x.transpose(0, 2, 3, 1)


def shares(p: Array) -> Array:
    """What is probabilities already."""
    return np.asarray(p.reshape(len(p), -1) / p.reshape(len(p), -1).sum(axis=1, keepdims=True))


def single(p: Array) -> Array:
    """Of two classes the second."""
    p = p.reshape(-1, 1)
    return np.concatenate([1 - p, p], axis=1)


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
    yield Case("bytes, channels last", whole, feed=lambda x: to_last(x).astype(np.uint8))
    doubles = Ended(net, lambda z: z, lambda x: x.float())
    yield Case(
        "float64", traced(doubles, x=torch.zeros(2, 3, SIDE, SIDE).double()), feed=lambda x: x.astype(np.float64)
    )


def versions() -> Iterator[Case]:
    """What tools write around a graph."""
    net = made(Residual())
    for opset in (9, 11, 13, 15, 18, 20):
        yield Case(f"operator set {opset}", traced(net, opset))
    newest = traced(net, 17)
    newest.ir_version = 14
    yield Case("IR 14", newest)
    newer = onnx.version_converter.convert_version(traced(net, 18), 26)
    newer.opset_import[0].version, newer.ir_version = 28, 14
    yield Case("operator set 28", newer)
    unused = traced(net)
    for domain in ("ai.onnx.training", "com.microsoft.experimental", "org.pytorch.aten", "ai.onnx.preview"):
        unused.opset_import.append(helper.make_opsetid(domain, 1))
    yield Case("sets that no node uses", unused)
    yield Case("an operator of somebody's own", own_operator(traced(net)), refused="does not have")
    yield Case("functions", with_function(traced(net)))
    yield Case("weights as float16", halves(traced(networks.network("vit"))))
    yield Case("optimized by ONNX Runtime", optimized(traced(net)))
    yield Case("quantized, dynamically", quantized(traced(networks.network("vit"))), one_by_one=True)
    several = traced(net)
    several.graph.input.append(helper.make_tensor_value_info("keep_prob", TensorProto.FLOAT, []))
    yield Case("two inputs", several, refused="has 2")


def own_operator(model: onnx.ModelProto) -> onnx.ModelProto:
    """With an operator that would need a library."""
    model.graph.node[-1].domain, model.graph.node[-1].op_type = "mine", "Head"
    model.opset_import.append(helper.make_opsetid("mine", 1))
    return model


def with_function(model: onnx.ModelProto) -> onnx.ModelProto:
    """Its activations as a function of the model's own."""
    sets = list(model.opset_import)
    body = [helper.make_node("Relu", ["a"], ["b"])]
    model.functions.append(helper.make_function("mine", "Act", ["a"], ["b"], body, sets))
    for node in model.graph.node:
        if node.op_type == "Relu":
            node.domain, node.op_type = "mine", "Act"
    model.opset_import.append(helper.make_opsetid("mine", 1))
    return model


def halves(model: onnx.ModelProto) -> onnx.ModelProto:
    """Weights stored as float16, each with a Cast behind it."""
    casts = []
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype == np.float32 and array.size > 1:
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(array.astype(np.float16), f"{name}.half"))
            casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def optimized(model: onnx.ModelProto) -> onnx.ModelProto:
    """As ONNX Runtime saves it, at its extended level."""
    with tempfile.TemporaryDirectory() as folder:
        options = quiet()
        options.optimized_model_filepath = str(Path(folder, "o.onnx"))
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return onnx.load(options.optimized_model_filepath)


def quantized(model: onnx.ModelProto) -> onnx.ModelProto:
    """By ONNX Runtime's dynamic quantizer."""
    from onnxruntime.quantization import quantize_dynamic  # type: ignore[import-untyped]

    with tempfile.TemporaryDirectory() as folder:
        onnx.save(model, str(Path(folder, "m.onnx")))
        quantize_dynamic(str(Path(folder, "m.onnx")), str(Path(folder, "q.onnx")))
        return onnx.load(str(Path(folder, "q.onnx")))


def quiet() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    return options


def judged(case: Case, folder: Path) -> tuple[str, str]:
    """``right``, ``answers only``, ``refused``, ``refused wrongly`` or ``wrong``, and what there is to say."""
    path = folder / "case.onnx"
    path.write_bytes(case.model.SerializeToString())
    try:
        found = admission.trial(path)
        tried.remember(file_sha256(path)[0], path.stat().st_size, found)
        bundle = read(path)
        answers = _answers(bundle, case)
    except ResNetDesktopError as error:
        if case.refused is not None and case.refused in error.message:
            return "refused", error.message
        return "refused wrongly", error.message
    if case.refused is not None:
        return "wrong", "it should have been refused"
    if answers > CLOSE:
        return "wrong", f"probabilities off by {answers:.2g}"
    off = _gradient(bundle)
    notes = " ".join(note.code for note in bundle.notes)
    return ("right" if off < GRADIENT else "answers only"), f"probabilities {answers:.1g}, gradient {off:.1g} {notes}"


def _answers(bundle: Bundle, case: Case) -> float:
    """How far probabilities are off at most."""
    x = noise(3, *bundle.input_shape) + 2 * noise(3, 3, 1, 1, seed=3)
    if "bytes" in case.name:
        x = np.random.default_rng(0).integers(0, 256, x.shape).astype(np.float32)
    classifier = Classifier(bundle, provider="cpu")
    found = classifier.probabilities(classifier.session.run(x)[bundle.output_name])
    session = onnxruntime.InferenceSession(onnx_lowered(case.model), quiet(), providers=["CPUExecutionProvider"])
    given = case.feed(x)
    batches = [given[i : i + 1] for i in range(len(given))] if case.one_by_one else [given]
    rows = [case.answer(np.asarray(session.run([case.output], {"x": batch})[0], np.float64)) for batch in batches]
    right = np.concatenate(rows)
    if found.shape != right.shape or np.ptp(right, axis=0).max() < TELLING:
        return float("inf")
    return float(np.abs(found - right).max())


def onnx_lowered(model: onnx.ModelProto) -> bytes:
    """The file itself, its numbers of versions as ONNX Runtime takes them."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    copy.ir_version = min(copy.ir_version, 10)
    for one in copy.opset_import:
        if one.domain == "":
            one.version = min(one.version, 26)
    return bytes(copy.SerializeToString())


def _gradient(bundle: Bundle) -> float:
    """The gradient of a score at the recommended layer, against central differences along one random direction.

    The differences are those of the app's graph with a small step added to the layer's tensor.
    """
    explainer = Explainer(Classifier(bundle, provider="cpu"))
    offered = [layer for layer in explainer.layers if not explainer.why_no_gradient(layer)]
    if not offered:
        return float("inf")
    layer = next((one for one in offered if one.recommended), offered[-1])
    x = noise(1, *bundle.input_shape, seed=7)
    run = explainer.gradient(x, explainer.seed(1), [layer.tensor])
    raw = Probe(bundle, layer.tensor)
    shape = raw.shape(x)
    grid = bundle.view.layout.grid(layer.tensor)
    assert grid is not None
    step = np.zeros(shape, np.float32)
    cells = grid.picture(np.arange(step.size).reshape(shape)).reshape(-1)  # not the class token
    step.reshape(-1)[cells] = np.random.default_rng(1).standard_normal(cells.size)
    ahead, behind = (raw.score(x, step * (STEP * sign), 1) for sign in (1, -1))
    measured = (ahead - behind) / (2 * STEP)
    told = float((run.gradients[layer.tensor].astype(np.float64) * grid.picture(step)).sum())
    return abs(told - measured) / max(abs(measured), 1e-3)


class Probe:
    """The bundle's graph with something added to one of its tensors."""

    def __init__(self, bundle: Bundle, tensor: str) -> None:
        from resnet_desktop.bundle.file.bundle import serialized

        model = onnx.load_from_string(serialized(bundle, [tensor]))
        for node in model.graph.node:
            for i, name in enumerate(node.input):
                if name == tensor:
                    node.input[i] = "moved"
        place = next(i for i, node in enumerate(model.graph.node) if tensor in node.output)
        model.graph.node.insert(place + 1, helper.make_node("Add", [tensor, "step"], ["moved"]))
        model.graph.input.append(helper.make_tensor_value_info("step", TensorProto.FLOAT, None))
        options = quiet()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        self._session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self._tensor, self._input, self._output = tensor, bundle.input_name, bundle.output_name

    def shape(self, x: Array) -> tuple[int, ...]:
        """Of the tensor."""
        found = self._session.run([self._tensor], {self._input: x, "step": np.zeros((), np.float32)})[0]
        return tuple(np.asarray(found).shape)

    def score(self, x: Array, step: Array, target: int) -> float:
        """The logit of a class."""
        return float(self._session.run([self._output], {self._input: x, "step": step})[0][0, target])


def cases(quick: bool) -> Iterator[Case]:
    """All of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield from ends()
        yield from begins()
        yield from versions()
        yield from families(quick)


def main() -> None:
    """Print a line for each, and how many there are of each kind."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="one operator set, one exporter")
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for case in cases(parser.parse_args().quick):
            kind, words = judged(case, Path(folder))
            counts[kind] += 1
            print(f"{kind:16} {case.name:36} {words}", flush=True)
    print(f"{sum(counts.values())} graphs:", ", ".join(f"{n} {kind}" for kind, n in counts.most_common()))


if __name__ == "__main__":
    main()
