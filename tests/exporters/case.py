"""A graph of somebody else's, and how it is asked by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]
from numpy.typing import NDArray

from tests.unit.bundle.elsewhere import softmax

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
        close: how far probabilities may be off: by more than rounding has lost they may not.
        whole: whether it takes values from 0 to 255.
        runs: what ONNX Runtime is given in its place, where it cannot run the file as it is.
        gradient: by whoever made the network: from prepared pictures to the gradient there, of the same shape, of the
            score of class 1 less that of class 0; None: small steps are measured.
    """

    name: str
    model: onnx.ModelProto
    feed: Turn = lambda x: x
    answer: Turn = softmax
    output: str = "y"
    refused: str | None = None
    one_by_one: bool = False
    close: float = 2e-3
    whole: bool = False
    runs: onnx.ModelProto | None = None
    gradient: Turn | None = None


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


def quiet() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    return options
