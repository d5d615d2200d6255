"""What a rule is: how PyTorch computes one node, as the ONNX specification of its operator says.

Values are tensors where something of the picture or of a weight is in them. Whole numbers, such as shapes, and single
constants are NumPy arrays, so that no device has to be waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from resnet_desktop.bundle.graph.nodes import GraphNode
from resnet_desktop.core.errors import JobError

Array = NDArray[Any]
Value = Tensor | Array
Inputs = Sequence[Value | None]
Rule = Callable[[GraphNode, Inputs], Value | Sequence[Value]]
"""From a node and its inputs (None for one that is left out) to its output, or all of its outputs."""


def refused(node: GraphNode, form: str = "") -> JobError:
    """The error of a node that cannot be computed here; ``form`` is what is unusual about it."""
    what = f"the operator {node.op}" if not form else f"{form} of the operator {node.op}"
    return JobError(
        "bad_job",
        f"Only the last layer of this base can be trained: the trainer does not support {what} ({node.name}).",
        "Train only its last layer, or choose another model as the base.",
    )


def tensor(value: Value | None, like: Tensor | None = None) -> Tensor:
    """A value as a tensor, on the device of ``like`` and in its precision."""
    if isinstance(value, Tensor):
        return value
    assert value is not None, "checked by whoever wrote the file"
    if like is None:
        return torch.as_tensor(np.array(value))
    dtype = like.dtype if value.dtype.kind == "f" and like.is_floating_point() else None
    return torch.as_tensor(np.array(value), dtype=dtype, device=like.device)


def floats(inputs: Inputs) -> list[Tensor]:
    """All inputs that are there as tensors, on the device of the first that is one."""
    like = next((x for x in inputs if isinstance(x, Tensor)), None)
    return [tensor(x, like) for x in inputs if x is not None]


def numbers(value: Value | None) -> list[int]:
    """A row of whole numbers; none for what is left out."""
    if value is None:
        return []
    return [int(number) for number in (value.tolist() if value.ndim else [value.item()])]


def number(value: Value | None, default: float) -> float:
    """A single number; ``default`` for what is left out."""
    return default if value is None or not np.prod(value.shape) else float(value.item())


def optional(inputs: Inputs, place: int) -> Value | None:
    """An input that may be left out."""
    return inputs[place] if place < len(inputs) else None


def axes(node: GraphNode, inputs: Inputs, place: int = 1) -> list[int]:
    """Axes, which were an attribute in the first versions of an operator and became an input."""
    given = node.given.get("axes")
    return list(given) if given is not None else numbers(optional(inputs, place))
