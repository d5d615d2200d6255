"""The parts of a network that explanations speak of: stages, residual blocks, the last convolution; and what they show.

What depths tend to show is told after Zeiler and Fergus 2014 (arXiv:1311.2901), section 4: from edges and colours over
textures and parts to whole objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.file.layers import Layer
from resnet_desktop.bundle.file.layers import layers as layers_of
from resnet_desktop.bundle.structure.blocks import CONVOLUTIONS, ResidualBlock, find_blocks, leading_to, resolutions
from resnet_desktop.bundle.structure.graph_view import GraphView

__all__ = ["LayerAdvice", "ResidualBlock", "Stage", "Structure", "advice", "structure"]


@dataclass(frozen=True, slots=True)
class Stage:
    """The part of a network that works at one resolution.

    Attributes:
        number: from 1; 0 is the stem, which lies before the first residual block and may have several resolutions.
        blocks: its residual blocks, in order; empty in networks without.
        layers: all of its layers that can be explained, blocks among them.
        height: rows of its grid (of the stem: of its last layer).
        width: columns of it.
    """

    number: int
    blocks: tuple[ResidualBlock, ...]
    layers: tuple[Layer, ...]
    height: int
    width: int


@dataclass(frozen=True, slots=True)
class Structure:
    """The parts of a network.

    Attributes:
        blocks: the residual blocks on the way to the logits, from input to output; empty if there are none.
        stages: from input to output.
        last_convolution: the tensor that the last convolution with height and width makes; None without one.
    """

    blocks: tuple[ResidualBlock, ...]
    stages: tuple[Stage, ...]
    last_convolution: str | None

    @property
    def last_stage(self) -> int:
        """The number of the last stage; 0 if the network has no layer with height and width."""
        return max((stage.number for stage in self.stages), default=0)


@dataclass(frozen=True, slots=True)
class LayerAdvice:
    """A layer in plain words.

    Attributes:
        title: where it lies, such as ``Stage 3 of 4, block 2 of 6``.
        grid: its resolution, such as ``4 × 4, each cell about 32 × 32 pixels of the input``.
        text: what this depth tends to show.
        recommended: where to start.
    """

    title: str
    grid: str
    text: str
    recommended: bool


def structure(bundle: Bundle) -> Structure:
    """Find the parts of any network. It takes milliseconds and reads no weights."""
    view = bundle.view
    leading = leading_to(view, bundle.output_name)
    blocks = tuple(block for block in find_blocks(view) if block.output in leading)
    sizes = resolutions(view, blocks)
    stages = []
    found = layers_of(bundle)
    for number in range(len(sizes) + 1):
        inside = tuple(layer for layer in found if _stage_of(layer.shape, sizes) == number)
        own = tuple(block for block in blocks if block.stage == number)
        if not inside and not own:
            continue
        _, height, width = own[0].shape if own else inside[-1].shape
        stages.append(Stage(number, own, inside, height, width))
    return Structure(blocks, tuple(stages), _last_convolution(view, leading))


def advice(structure: Structure, layer: Layer, layers: Sequence[Layer], input_side: int) -> LayerAdvice:
    """Which layer, in words for somebody who has never seen a network from inside.

    Args:
        structure: of the network.
        layer: one of its layers.
        layers: all of them, in order.
        input_side: height and width of the pictures that the network takes, in pixels.
    """
    stage = next((s for s in structure.stages if layer in s.layers), None)
    number, count = (stage.number if stage is not None else 0), structure.last_stage
    text = _TEXTS[_depth(number, count, layers.index(layer), len(layers))]
    if layer.recommended:
        text += " Start here."
    if layer.note:
        text += f" {layer.note}"
    return LayerAdvice(_title(stage, count, layer), _grid(layer, input_side), text, layer.recommended)


_TEXTS = (
    "Early layers tend to respond to edges, lines and colours. Their maps are sharp but say little about the class: "
    "almost every photo has edges.",
    "Here edges have been combined: cells tend to respond to textures and simple shapes, such as fur, stripes or "
    "rings. The map is still fairly sharp, and only partly about the class.",
    "Here cells tend to respond to parts of objects, such as an eye, a wheel or a petal. The map shows more detail "
    "than at the last stage, and more that has nothing to do with the class.",
    "The last layers tend to respond to whole objects and large parts: their maps say most about why a class was "
    "chosen. The grid is coarse, so details smaller than a cell cannot be told apart.",
)


def _depth(number: int, count: int, index: int, layers: int) -> int:
    """Which of the texts fits: by stage; by place among all layers where there are too few stages to tell."""
    depth = number / count if count > 2 else (index + 1) / layers
    return sum(depth > limit for limit in (0.34, 0.6, 0.99 if count > 2 else 0.8))


def _title(stage: Stage | None, count: int, layer: Layer) -> str:
    if stage is None:
        return layer.kind.capitalize()
    if stage.number == 0:
        return f"Before the first block, {layer.kind}"
    last = stage.number == count and count > 1
    where = "Last stage" if last else f"Stage {stage.number} of {count}"
    place = next((i for i, block in enumerate(stage.blocks, start=1) if block.output == layer.tensor), None)
    if place is None:
        return f"{where}, {layer.kind}"
    return f"{where}, block {place} of {len(stage.blocks)}"


def _grid(layer: Layer, input_side: int) -> str:
    _, height, width = layer.shape
    down, across = max(1, round(input_side / height)), max(1, round(input_side / width))
    if (down, across) == (1, 1):
        return f"{width} × {height}, one cell per input pixel"
    return f"{width} × {height}, each cell about {across} × {down} input pixels"


def _stage_of(shape: tuple[int, int, int], sizes: Sequence[tuple[int, int]]) -> int:
    """The last stage whose grid is as fine as this layer's; 0 for what is finer than the first one's."""
    _, height, width = shape
    return sum(h * w >= height * width for h, w in sizes)


def _last_convolution(view: GraphView, leading: set[str]) -> str | None:
    for node in reversed(view.nodes):
        if node.op_type not in CONVOLUTIONS or node.output[0] not in leading:
            continue
        if view.layout.grid(node.output[0]) is not None:
            return str(node.output[0])
    return None
