"""Operators before and behind other people's graphs, so that they take and give what the app's do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from resnet_desktop.bundle.adapt.inputs import BYTES, ImageInput
from resnet_desktop.bundle.adapt.outputs import Ending
from resnet_desktop.bundle.structure.graph_view import ONNX_DOMAINS, GraphView
from resnet_desktop.bundle.structure.quantized import WHOLE, scale_of
from resnet_desktop.core.errors import ModelError
from resnet_desktop.imaging.transforms import Transforms

LUMA = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in grey: Rec. ITU-R BT.601, section 2.5.1, as Pillow and OpenCV have it."""
PICTURES = "resnet_desktop.pictures"
_LEAST = 1e-30
"""What a probability is at least before its logarithm is taken, which is then -69."""
_LEAST_REST = 2.0**-24
"""What 1 less a probability is at least: half a step of float32 at 1."""
_NEW_CLIP, _NEW_SUM = 11, 13
_OF_8_BITS, _OF_16_BITS = 10, 21
"""The operator sets since which DequantizeLinear takes such numbers; ONNX Runtime's own always did."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done to a graph; the same file and plan give the same graph, whenever it is needed.

    Attributes:
        image: its input.
        ending: its output.
        batch: the size of the batch that it really takes; None for any.
        steps: the operators that are put behind it.
        input_name: of the graph that results.
        output_name: of the graph that results; logits ``[batch, classes]``.
    """

    image: ImageInput
    ending: Ending
    batch: int | None
    steps: tuple[onnx.NodeProto, ...]
    input_name: str
    output_name: str
    outputs: tuple[str, ...]
    """Of the graph in the file."""

    @property
    def changes_input(self) -> bool:
        """Whether the graph takes pictures in another form, or says wrongly which."""
        return not self.image.is_plain or self.image.odd or self.batch != self.image.batch

    def adds(self, tensor: str) -> bool:
        """Whether a tensor is none of the file's, but made by what was put before or behind it."""
        before = not self.image.is_plain and tensor.startswith(self.input_name)
        return before or any(tensor in node.output for node in self.steps)

    @property
    def is_needed(self) -> bool:
        """Whether the graph in the file does not do as it is."""
        return self.changes_input or bool(self.steps) or self.output_name not in self.outputs

    @property
    def changes_tensors(self) -> bool:
        """Whether there are operators in the graph that are not in the file, or another input."""
        return self.changes_input or bool(self.steps)


def planned(image: ImageInput, ending: Ending, view: GraphView, batch: int | None = None) -> Plan:
    """What a graph needs; ``batch``: the size of the batch that it was found to need, though it says otherwise."""
    batch = 1 if ending.row.is_single else image.batch or batch
    taken = {*view.tensors, *view.inputs, *(name for node in view.nodes for name in node.output)}
    steps, output = _ending_steps(ending, view, taken)
    name = image.name if image.is_plain else _free_name(PICTURES, taken)
    return Plan(image, ending, batch, steps, name, output, view.outputs)


def apply(model: onnx.ModelProto, plan: Plan) -> None:
    """Rewrite ``model`` in place: the one output is then logits."""
    if plan.changes_input:
        _new_input(model, plan)
    model.graph.node.extend(plan.steps)
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info(plan.output_name, TensorProto.FLOAT, [None, None]))


def _new_input(model: onnx.ModelProto, plan: Plan) -> None:
    image = plan.image
    value = next(one for one in model.graph.input if one.name == image.name)
    if image.is_plain:
        shape: list[Any] = [plan.batch or "batch", 3]
        sides = [dim.dim_value for dim in value.type.tensor_type.shape.dim][2:]
        shape += [side if side > 0 else f"side {i}" for i, side in enumerate(sides)]
    else:
        shape = [plan.batch or "batch", 3, image.height, image.width]
    value.CopyFrom(helper.make_tensor_value_info(plan.input_name, TensorProto.FLOAT, shape))
    if image.is_plain:
        return
    opset = max((o.version for o in model.opset_import if o.domain in ONNX_DOMAINS), default=1)
    nodes = [*_input_steps(plan, opset), *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


class _Chain:
    """Operators one behind the other, that begin at a tensor."""

    def __init__(self, start: str, scope: str, taken: set[str]) -> None:
        self.last = start
        self.nodes: list[onnx.NodeProto] = []
        self._scope, self._taken = scope, taken

    def add(self, kind: str, *more: str, **given: Any) -> None:  # noqa: ANN401 - ONNX attributes
        """An operator that takes the last tensor, and constants."""
        name = self._name(kind.lower())
        self.nodes.append(helper.make_node(kind, [self.last, *more], [name], name=name, **given))
        self.last = name

    def constant(self, array: Any) -> str:  # noqa: ANN401 - whatever NumPy takes
        """A constant: a node, since before IR version 4 every initializer has to be an input as well."""
        name = self._name("constant")
        value = numpy_helper.from_array(np.asarray(array), name)
        self.nodes.append(helper.make_node("Constant", [], [name], name=name, value=value))
        return name

    def finish(self, name: str) -> list[onnx.NodeProto]:
        """The operators, of which the last one makes ``name``."""
        self.nodes[-1].output[0] = name
        return self.nodes

    def _name(self, kind: str) -> str:
        name = _free_name(f"{self._scope}/{kind}", self._taken)
        self._taken.add(name)
        return name


def _input_steps(plan: Plan, opset: int) -> list[onnx.NodeProto]:
    """From float32 ``[batch, 3, height, width]`` to what the graph takes."""
    image = plan.image
    chain = _Chain(plan.input_name, plan.input_name, set())
    if image.channels == 1:
        chain.add("Mul", chain.constant(np.array(LUMA, np.float32).reshape(1, 3, 1, 1)))
        if opset >= _NEW_SUM:
            chain.add("ReduceSum", chain.constant(np.array([1], np.int64)), keepdims=1)
        else:
            chain.add("ReduceSum", axes=[1], keepdims=1)
    if image.order == "nhwc":
        chain.add("Transpose", perm=[0, 2, 3, 1])
    if image.scale is not None:
        scale, zero = np.float32(image.scale[0]), np.array(image.scale[1], helper.tensor_dtype_to_np_dtype(image.type))
        chain.add("QuantizeLinear", chain.constant(scale), chain.constant(zero))
    elif image.type in BYTES:
        _to_bytes(chain, opset)
        if BYTES[image.type]:
            chain.add("Floor")  # since Cast cuts off what is behind the point, of negative numbers upwards
            chain.add("Add", chain.constant(np.float32(BYTES[image.type])))
        chain.add("Cast", to=image.type)
    elif image.type != TensorProto.FLOAT:
        chain.add("Cast", to=image.type)
    return chain.finish(image.name)


def _to_bytes(chain: _Chain, opset: int) -> None:
    """From any numbers to some of which the nearest byte is left when what is behind the point is cut off."""
    if opset >= _NEW_CLIP:
        bounds = (chain.constant(np.float32(0)), chain.constant(np.float32(255)))
        chain.add("Clip", *bounds)
    else:
        chain.add("Clip", min=0.0, max=255.0)
    chain.add("Add", chain.constant(np.float32(0.5)))


def _ending_steps(ending: Ending, view: GraphView, taken: set[str]) -> tuple[tuple[onnx.NodeProto, ...], str]:
    """From the tensor that the graph gives to logits ``[batch, classes]``, and the name of these."""
    shape = view.shape(ending.source) or ending.row.shape
    chain = _Chain(ending.source, ending.source, taken)
    found = view.tensors.get(ending.source)
    kind = found.type if found is not None and found.type != TensorProto.UNDEFINED else ending.row.type
    if kind in WHOLE:
        kind = _dequantize(chain, view, kind)
    if kind != TensorProto.FLOAT:
        chain.add("Cast", to=TensorProto.FLOAT)
    if len(shape) != 2:
        single = len(shape) == 1 and ending.row.width > 1
        chain.add("Flatten", axis=0 if single else 1)
        if len(chain.nodes) == 1 and ending.kind == "logits":
            flat = _free_name(f"{ending.source}/flat", taken)
            return tuple(chain.finish(flat)), flat
    if ending.kind == "logit":
        chain.add("Mul", chain.constant(np.array([[0.0, 1.0]], np.float32)))
    elif ending.kind == "probability":
        chain.add("Mul", chain.constant(np.array([[-1.0, 1.0]], np.float32)))
        chain.add("Add", chain.constant(np.array([[1.0, 0.0]], np.float32)))
    if ending.kind in ("probability", "probabilities"):
        chain.add("Max", chain.constant(np.float32(_LEAST)))
        chain.add("Log")
    elif ending.kind == "rates":
        _log_odds(chain)
    if not chain.nodes:
        return (), ending.source
    name = _free_name(f"{ending.source}/logits", taken)
    return tuple(chain.finish(name)), name


def _dequantize(chain: _Chain, view: GraphView, kind: int) -> int:
    """From whole numbers of a type to what they stand for, and the type of that. Raises ModelError."""
    found = scale_of(view, chain.last)
    if found is None:
        raise ModelError(
            "unsupported_model", f"No operator has the scale of the whole numbers {chain.last[:80]!r}, which is needed."
        )
    since = _OF_8_BITS if kind in (TensorProto.INT8, TensorProto.UINT8) else _OF_16_BITS
    zero = [found.zero] if found.zero else []
    chain.add("DequantizeLinear", found.scale, *zero, domain="" if view.opset >= since else "com.microsoft")
    known = view.tensors.get(found.scale)
    return TensorProto.FLOAT if known is None else known.type


def _log_odds(chain: _Chain) -> None:
    """From the last tensor, which is cut at both ends, to log p - log(1 - p)."""
    rates = chain.last
    chain.add("Max", chain.constant(np.float32(_LEAST)))
    chain.add("Log")
    log = chain.last
    chain.last = rates
    chain.add("Neg")
    chain.add("Add", chain.constant(np.float32(1.0)))
    chain.add("Max", chain.constant(np.float32(_LEAST_REST)))
    chain.add("Log")
    chain.add("Sub", log)  # turned round: log(1 - p) - log p
    chain.add("Neg")


def _free_name(wanted: str, taken: Sequence[str] | set[str]) -> str:
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted} ({number})", number + 1
    return name


def fitting_values(image: ImageInput, transforms: Transforms) -> Transforms:
    """The preprocessing with means and deviations that the input can take.

    A network that sees grey has one of each, and one that takes whole numbers takes them as they are in a picture.
    """
    mean, std = transforms.mean, transforms.std
    if image.type in BYTES and image.scale is None:
        mean, std = (0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255)
    elif image.channels == 1:
        mean, std = (_same(values) for values in (mean, std))
    return replace(transforms, mean=mean, std=std)


def _same(values: Sequence[float]) -> tuple[float, float, float]:
    one = math.fsum(values) / len(values)
    return one, one, one
