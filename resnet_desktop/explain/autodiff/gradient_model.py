"""Any graph with its gradients as further outputs: a model of its own, for whoever runs it."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike, fspath

import onnx

from resnet_desktop.bundle.structure.graph_view import GraphView
from resnet_desktop.core.errors import LayerError
from resnet_desktop.explain.autodiff.backward import SEED, appended, gradient_name, gradient_part
from resnet_desktop.explain.autodiff.rules import RULES

__all__ = ["SEED", "gradient_name", "gradients", "operators"]


def gradients(
    model: onnx.ModelProto | bytes | str | PathLike[str], output: str, wrt: str | Sequence[str]
) -> onnx.ModelProto:
    """An ONNX model that also gives gradients, by reverse-mode differentiation written as ONNX nodes.

    The model that comes back has the nodes, inputs and outputs of the one that is given; one input more, ``SEED``,
    float32 ``[batch, classes]``; the tensors ``wrt`` as outputs where they were none; and for each of them an output
    ``gradient_name(tensor)``, float32 of its shape: the gradient of ``sum(seed * output)`` with respect to it.

    Args:
        model: an ONNX model, its bytes, or its path. Weights in other files must have been loaded.
        output: the tensor to differentiate, floats ``[batch, classes]``.
        wrt: the tensors, or inputs of the model, to differentiate with respect to.

    Raises:
        LayerError: ``unknown_layer``: a tensor does not lie before the output, or there is none of its name;
            ``no_gradient_rule`` names the operator on the way that has none (see ``operators``).
        ModelError: the model is damaged.
    """
    if isinstance(model, str | PathLike):
        model = onnx.load(fspath(model))
    data = model if isinstance(model, bytes) else model.SerializeToString()
    parsed = onnx.load_from_string(data)
    view = GraphView(parsed)
    layers = (wrt,) if isinstance(wrt, str) else tuple(dict.fromkeys(wrt))
    for tensor in (output, *layers):
        if view.producer(tensor) is None and tensor not in view.inputs:
            raise LayerError("unknown_layer", f"The model has no tensor {tensor!r}.")
    part = gradient_part(parsed, view, output, layers)
    known = {info.name: info for info in parsed.graph.value_info}
    for layer in layers:
        if layer not in view.outputs and layer not in view.inputs:
            found = view.tensors[layer]
            info = known.get(layer) or onnx.helper.make_tensor_value_info(layer, found.type, found.shape)
            part.output.append(info)
    return onnx.load_from_string(appended(data, part))


def operators() -> tuple[str, ...]:
    """The operators of ONNX that gradients can pass, in alphabetical order."""
    return tuple(sorted(RULES))
