"""The stages of any classifier, told by its graph: what works on one resolution, from the picture to the features.

In a network of one resolution, such as a vision transformer, a stage is a quarter of its residual blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import onnx

from resnet_desktop.bundle.structure.blocks import ResidualBlock, find_blocks
from resnet_desktop.bundle.structure.graph_view import GraphView

QUARTERS = 4
FALLEN = 0.6
"""The part of a grid's cells that is left, at the most, where its resolution has changed."""


def tensor_stages(view: GraphView, output: str) -> dict[str, int]:
    """The stage of each tensor that ``output`` is computed from and that is no constant, counted from 0.

    A residual block in which the resolution changes belongs to the stage that it leads to as a whole. Without a
    resolution that changes, 0 is what comes before the first block, and 1 to 4 are the quarters of the blocks.
    """
    nodes = _leading(view, output)
    blocks = [block for block in find_blocks(view) if any(block.output in node.output for node in nodes)]
    if blocks and len({block.shape[1:] for block in blocks}) == 1:
        return _by_blocks(nodes, blocks)
    areas = _areas(view, nodes, blocks)
    numbers = _numbered(areas.values())
    stages = {tensor: numbers[area] for tensor, area in areas.items()}
    for block in blocks:
        if stages.get(block.source, 0) < stages[block.output]:
            for tensor in _inside(nodes, block):
                stages[tensor] = max(stages[tensor], stages[block.output])
    return stages


def _leading(view: GraphView, output: str) -> list[onnx.NodeProto]:
    """The nodes that ``output`` comes from, sorted, but for those of constants."""
    needed, found = {output}, []
    for node in reversed(view.nodes):
        if not needed.isdisjoint(node.output) and not view.is_constant(node.output[0]):
            needed.update(node.input)
            found.append(node)
    return found[::-1]


def _areas(view: GraphView, nodes: Iterable[onnx.NodeProto], blocks: Sequence[ResidualBlock]) -> dict[str, int]:
    """Cells of the grid that each tensor belongs to; gates and pooled features belong to what they are made of."""
    areas: dict[str, int] = {}
    least = min((block.shape[1] * block.shape[2] for block in blocks), default=2)
    for node in nodes:
        before = min((areas[name] for name in node.input if name in areas), default=0)
        for name in node.output:
            grid = view.layout.grid(name)
            area = grid.height * grid.width if grid is not None else 0
            areas[name] = min(area, before or area) if area >= max(1, min(least, 2)) else before or area or 1
    return areas


def _numbered(areas: Iterable[int]) -> dict[int, int]:
    """The number of each size: a new one where it has fallen far, and not where a border was cut off or added."""
    numbers: dict[int, int] = {}
    first = 0
    for area in sorted(set(areas), reverse=True):
        if not numbers:
            numbers[area], first = 0, area
        elif area <= FALLEN * first:
            numbers[area], first = max(numbers.values()) + 1, area
        else:
            numbers[area] = max(numbers.values())
    return numbers


def _by_blocks(nodes: Sequence[onnx.NodeProto], blocks: Sequence[ResidualBlock]) -> dict[str, int]:
    stages: dict[str, int] = {name: 0 for node in nodes for name in node.output}
    for number, block in enumerate(blocks):
        stage = 1 + number * QUARTERS // len(blocks) if len(blocks) >= QUARTERS else QUARTERS - len(blocks) + number + 1
        for tensor in _inside(nodes, block):
            stages[tensor] = max(stages[tensor], stage)
    for node in nodes:  # what follows a block belongs to it
        stage = max((stages[name] for name in node.input if name in stages), default=0)
        for name in node.output:
            stages[name] = max(stages[name], stage)
    return stages


def _inside(nodes: Sequence[onnx.NodeProto], block: ResidualBlock) -> set[str]:
    """The tensors between a block's source and its output, that among them."""
    behind, made = {block.source}, set[str]()
    for node in nodes:
        if not behind.isdisjoint(node.input):
            behind.update(node.output)
    needed = {block.output}
    for node in reversed(nodes):
        if not needed.isdisjoint(node.output):
            made.update(name for name in node.output if name in behind)
            needed.update(name for name in node.input if name in behind and name != block.source)
    return made
