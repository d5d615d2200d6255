"""What the block page and the check panel ask of the session thread: the analyses, with what is needed to draw them.

Every function here runs on the session thread, where the heavy imports have been made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from resnet_desktop.session.results import EvidenceRequest, Failure, Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from resnet_desktop.bundle.structure.blocks import ResidualBlock
    from resnet_desktop.bundle.structure.graph_view import GraphView
    from resnet_desktop.core.progress import Cancelled, Progress
    from resnet_desktop.explain.cam.target import Target
    from resnet_desktop.explain.checks.heatmap_checks import HeatmapCheck
    from resnet_desktop.explain.residual.analysis import BlockAnalysis, FeatureSheet
    from resnet_desktop.inference.classifier import ClassScore
    from resnet_desktop.session.engine import Engine

Shape = tuple[int, int, int]

_CONVOLUTIONS = ("Conv", "FusedConv")


@dataclass(frozen=True, slots=True)
class BlockSketch:
    """What a drawing of a residual block needs to know.

    Attributes:
        name: as in its report.
        stage: from 1.
        identity: whether the skip is x itself, and no projection of it.
        activation: what follows the sum, such as ``Relu``; None where nothing does.
        source: the shape of x, (channels, height, width); None where it is not known.
        output: the shape of what the block hands on.
        convolutions: those of F(x), in order, such as ``3 × 3 conv, 64``.
    """

    name: str
    stage: int
    identity: bool
    activation: str | None
    source: Shape | None
    output: Shape
    convolutions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OpenedBlocks:
    """The blocks at work on one photo, and how they are built.

    Attributes:
        analysis: their numbers.
        sketches: one for each report.
        top: the index of the best class for the whole network.
    """

    analysis: BlockAnalysis
    sketches: tuple[BlockSketch, ...]
    top: int


@dataclass(frozen=True, slots=True)
class Explained:
    """The class or group that a map explains, and its probability, a fraction of 1."""

    label: str
    probability: float


@dataclass(frozen=True, slots=True, eq=False)
class CheckedHeatmap:
    """The tests of a heatmap, with the pictures that they were made on.

    Attributes:
        check: the tests.
        before: the best classes for the whole photo.
        seen: what the network saw of the photo, uint8 (H, W, 3).
        changed: the same without the map's hottest part.
        explained: what the map explains, with its probability for the whole photo.
        explained_after: its probability without the hottest part.
        cam: the map that was tested, float32 (h, w), before ReLU and scaling.
    """

    check: HeatmapCheck
    before: tuple[ClassScore, ...]
    seen: NDArray[np.uint8]
    changed: NDArray[np.uint8]
    explained: Explained
    explained_after: float
    cam: NDArray[np.float32]


def open_blocks(
    engine: Engine, number: int, source: Source, target: Target | None, cancelled: Cancelled, progress: Progress
) -> OpenedBlocks | Failure:
    """The residual blocks at work on a photo. Raises LayerError ``no_blocks``, CancelledError."""
    try:
        analysis = engine.analysis.blocks(number, source, target, cancelled, progress)
    except IndexError:
        return _outdated()
    view = engine.analysis.bundle.view
    blocks = {block.name: block for block in engine.analysis.residual_blocks}
    return OpenedBlocks(
        analysis=analysis,
        sketches=tuple(sketch(view, blocks[report.name]) for report in analysis.reports),
        top=engine.analysis.subject(number, source).prediction.top.index,
    )


def feature_maps(engine: Engine, number: int, source: Source, layer: str, target: Target) -> FeatureSheet | Failure:
    """The feature maps of a layer, the strongest for a class first. Raises LayerError."""
    try:
        return engine.analysis.sheet(number, source, layer, target)
    except IndexError:
        return _outdated()


def check_map(
    engine: Engine, number: int, source: Source, request: EvidenceRequest, cancelled: Cancelled, progress: Progress
) -> CheckedHeatmap | Failure:
    """The tests of a heatmap. Raises LayerError if there is no such map, CancelledError."""
    from resnet_desktop.explain.cam.target import label_of, probability

    analysis = engine.analysis
    try:
        heatmap, check = analysis.check(number, source, request, cancelled, progress)
    except IndexError:
        return _outdated()
    subject, metadata, target = analysis.subject(number, source), analysis.bundle.metadata, heatmap.target
    transforms = metadata.transforms
    return CheckedHeatmap(
        check=check,
        before=subject.prediction.scores,
        seen=transforms.picture(subject.input),
        changed=transforms.picture(check.removed.input),
        explained=Explained(label_of(metadata, target), float(probability(subject.prediction.probabilities, target))),
        explained_after=float(probability(check.removed.prediction.probabilities, target)),
        cam=heatmap.cam,
    )


def sketch(view: GraphView, block: ResidualBlock) -> BlockSketch:
    """How a block is built, read from the graph."""
    shape = view.shape(block.source)
    known = len(shape) == 4 and None not in shape[1:]
    return BlockSketch(
        name=block.name,
        stage=block.stage,
        identity=block.identity,
        activation=block.activation,
        source=(shape[1] or 0, shape[2] or 0, shape[3] or 0) if known else None,
        output=block.shape,
        convolutions=_convolutions(view, block),
    )


def _convolutions(view: GraphView, block: ResidualBlock) -> tuple[str, ...]:
    """The convolutions between x and F(x), in the order in which they run: kernel size and channels."""
    waiting, seen = [block.residual], {block.source}
    while waiting:
        tensor = waiting.pop()
        node = view.producer(tensor)
        if tensor in seen or node is None:
            continue
        seen.add(tensor)
        waiting.extend(name for name in node.input if not view.is_constant(name))
    words = []
    for node in view.nodes:
        if node.op_type not in _CONVOLUTIONS or node.output[0] not in seen or node.output[0] == block.source:
            continue
        kernel, made = view.shape(node.input[1]), view.shape(node.output[0])
        if len(kernel) == 4 and len(made) == 4:
            words.append(f"{kernel[2]} × {kernel[3]} conv, {made[1]}")
    return tuple(words)


def _outdated() -> Failure:
    """The class is one of the model before this one, which was on its way out when it was asked for."""
    return Failure("unknown_class", "The model has changed in the meantime.", "Choose a class again.")
