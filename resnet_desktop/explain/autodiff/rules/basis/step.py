"""What a rule gets: one node of the model on the way back, and the gradient that arrives at its output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from resnet_desktop.bundle.structure.graph_view import attributes
from resnet_desktop.explain.autodiff.rules.basis.writer import Writer, per_channel


@dataclass(frozen=True, slots=True, eq=False)
class Gradient:
    """A gradient with respect to a tensor of the model.

    Attributes:
        name: the tensor that holds it.
        scale: one factor for each channel (axis 1) that is still to be multiplied in; None if there is none. It waits
            so that a convolution's weights can take it up.
        loose: whether sizes of 1 stand for the whole extent, as in broadcasting.
    """

    name: str
    scale: NDArray[np.float64] | None = None
    loose: bool = False


Found = Mapping[int, Gradient]
"""Gradients with respect to a node's inputs, by the inputs' places."""


class Step:
    """One node on the way back.

    Attributes:
        write: writes nodes.
        node: the node.
        given: its attributes.
        arriving: the gradient at each of its outputs; None where none arrives.
        wanted: the places of the inputs whose gradients are asked for.
    """

    def __init__(
        self, write: Writer, node: onnx.NodeProto, arriving: tuple[Gradient | None, ...], wanted: tuple[int, ...]
    ) -> None:
        self.write = write
        self.node = node
        self.given: dict[str, Any] = attributes(node)
        self.arriving = arriving
        self.wanted = wanted

    @property
    def x(self) -> str:
        """The first input."""
        return str(self.node.input[0])

    @property
    def y(self) -> str:
        """The first output."""
        return str(self.node.output[0])

    def input(self, place: int) -> str:
        """An input; the empty string if it is left out."""
        return str(self.node.input[place]) if place < len(self.node.input) else ""

    @property
    def lazy(self) -> Gradient:
        """The gradient at the first output as it is: perhaps loose, perhaps with a factor that waits."""
        gradient = self.arriving[0]
        assert gradient is not None
        return gradient

    @property
    def unscaled(self) -> Gradient:
        """The gradient at the first output in its full shape; a factor may wait."""
        return full(self.write, self.lazy, self.y)

    @property
    def gradient(self) -> str:
        """The gradient at the first output, whole: nothing waits."""
        return self.gradient_at(0)

    def gradient_at(self, place: int) -> str:
        """The gradient at one of several outputs, where one arrives: whole."""
        gradient = self.arriving[place]
        assert gradient is not None
        return whole(self.write, gradient, str(self.node.output[place]))

    def integers(self, name: str, default: list[int]) -> list[int]:
        """An attribute that is a list of whole numbers."""
        return [int(value) for value in self.given.get(name, default)]

    def integer(self, name: str, default: int) -> int:
        """An attribute that is a whole number."""
        return int(self.given.get(name, default))

    def number(self, name: str, default: float) -> float:
        """An attribute that is a number."""
        return float(self.given.get(name, default))

    def only(self, name: str) -> Found:
        """The gradient with respect to the first input is the tensor ``name``."""
        return {0: Gradient(name)}


Rule = Callable[[Step], Found]
"""From a node and the gradient at its outputs to the gradients at its inputs."""


def scaled(write: Writer, gradient: Gradient, tensor: str) -> Gradient:
    """The gradient with respect to ``tensor`` with its factor multiplied in."""
    if gradient.scale is None:
        return gradient
    factor = per_channel(gradient.scale, len(write.shape(tensor))).astype(write.dtype(tensor))
    return replace(gradient, name=write.op("Mul", [gradient.name, write.constant(factor)]), scale=None)


def full(write: Writer, gradient: Gradient, tensor: str) -> Gradient:
    """The gradient with respect to ``tensor`` in its full shape."""
    return replace(gradient, name=write.spread(gradient.name, tensor), loose=False) if gradient.loose else gradient


def whole(write: Writer, gradient: Gradient, tensor: str) -> str:
    """The gradient with respect to ``tensor`` in its full shape and with its factor multiplied in: a tensor's name."""
    return full(write, scaled(write, gradient, tensor), tensor).name


def rescaled(gradient: Gradient, factor: NDArray[np.float64]) -> Gradient:
    """The gradient with one more factor for each channel to be multiplied in."""
    return replace(gradient, scale=factor if gradient.scale is None else gradient.scale * factor)
