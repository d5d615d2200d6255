"""Comparing the gradient of a small graph with PyTorch's automatic differentiation in float64."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor

from tests.unit.explain.graphs import Array, error, gradients, graph, noise

CLOSE = 1e-5


@dataclass
class Case:
    """A node or several from ``x`` to ``y``, and the same in PyTorch."""

    name: str
    nodes: Sequence[onnx.NodeProto]
    same: Callable[[Tensor, dict[str, Tensor]], Tensor]
    weights: dict[str, Array] = field(default_factory=dict)
    shape: tuple[int, ...] = (2, 4, 6, 6)
    opset: int = 17
    x: Array | None = None


def check(case: Case, *, dynamic: bool = True) -> None:
    x = noise(*case.shape, seed=1) if case.x is None else case.x
    exact = torch.from_numpy(x).double().requires_grad_()
    weights = {name: torch.from_numpy(a.astype(np.float64)) for name, a in case.weights.items() if a.dtype.kind == "f"}
    y = case.same(exact, weights)
    seed = noise(len(y), y[0].numel(), seed=2)
    (right,) = torch.autograd.grad(y, exact, torch.from_numpy(seed).double().reshape(y.shape))
    shape = ("N" if dynamic else len(x), *x.shape[1:])
    model = graph(case.nodes, case.weights, shape=shape, opset=case.opset)
    (found,) = gradients(model, ["x"], x, seed)
    assert error(found, right.numpy()) <= CLOSE


def ids(case: Any) -> str:
    return str(case.name)
