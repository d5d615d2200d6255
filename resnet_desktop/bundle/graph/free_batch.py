"""A graph that was exported for one number of pictures, made to take any, where that can be proven."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from resnet_desktop.bundle.structure.graph_view import GraphView, Shape, declared
from resnet_desktop.core.errors import ModelError

_TRIED = 3
"""A number of pictures that no exporter fixes by chance."""


def freed(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with a free first axis of its input and output; as it was where some layer asks for the number.

    Shapes that a Reshape is given lose the number where it stands first; then the sizes of all layers are computed for
    another number of pictures.
    """
    weights = {t.name for t in model.graph.initializer}
    (given,) = (i for i in model.graph.input if i.name not in weights)
    shape = declared(given).shape
    if shape is None or len(shape) != 4:
        return model
    tried = onnx.ModelProto()
    tried.CopyFrom(model)
    if shape[0] is not None:
        _loosen(tried, shape[0], shape)
    for value in (*tried.graph.input, *tried.graph.output):
        if value.name not in weights and value.type.tensor_type.HasField("shape"):
            first = value.type.tensor_type.shape.dim[0]
            first.ClearField("dim_value")
            first.dim_param = "batch"
    del tried.graph.value_info[:]  # they may name the number
    if shape[0] is None or _takes(tried, shape):
        return tried
    for value in model.graph.output:
        value.type.tensor_type.shape.dim[0].dim_value = shape[0]
    return model


def _takes(model: onnx.ModelProto, shape: Shape) -> bool:
    """Whether all sizes fit together for another number of pictures, up to the output's."""
    try:
        view = GraphView(model, input_shape=(_TRIED, *shape[1:]), strict=True)
    except ModelError:
        return False
    found = view.shape(model.graph.output[0].name)
    rows = [view.shape(name) for node in view.nodes for name in node.output if name and not view.is_constant(name)]
    return found[:1] == (_TRIED,) and all(row[0] is None or row[0] % _TRIED == 0 for row in rows if row)


def _loosen(model: onnx.ModelProto, batch: int, shape: Shape) -> None:
    """Let every Reshape whose shape begins with the number of pictures take it from what it reads."""
    view = GraphView(model, input_shape=shape)
    initializers = {t.name: t for t in model.graph.initializer}
    for i, node in enumerate(model.graph.node):
        if node.op_type != "Reshape" or view.shape(node.input[0])[:1] != (batch,):
            continue
        sizes = view.integers(node.input[1])
        if not sizes or sizes[0] != batch or any(a.name == "allowzero" and a.i for a in node.attribute):
            continue
        name = f"{node.input[1]}/any{i}"
        if name not in initializers:
            free = numpy_helper.from_array(np.array([0, *sizes[1:]], np.int64), name)
            assert free.data_type == TensorProto.INT64
            model.graph.initializer.append(free)
        node.input[1] = name
