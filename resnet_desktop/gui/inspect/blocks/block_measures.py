"""What can be drawn of residual blocks, and their numbers in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from resnet_desktop.gui.style import wording
from resnet_desktop.gui.widgets.canvas.charts import Scale, number
from resnet_desktop.gui.widgets.help import help_texts
from resnet_desktop.gui.widgets.help.help_texts import Help

if TYPE_CHECKING:
    from resnet_desktop.explain.residual.analysis import BlockReport
    from resnet_desktop.session.inspections import OpenedBlocks

_CLEAR_COSINE = 0.15
"""Beyond this F(x) is said to strengthen or to take away what is there."""


@dataclass(frozen=True, slots=True)
class Series:
    """One value a block (None: there is none); ``role``: a colour of ``charts``; as bars, or as a (dashed) line."""

    name: str
    values: tuple[float | None, ...]
    role: str = "first"
    line: bool = False
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Plot:
    """What a chart of blocks shows.

    Attributes:
        title: what is measured, with its unit.
        series: side by side.
        scale: of all series.
        reference: a value that is marked by a line across, or None.
        reference_name: what it is.
        marked: blocks that stand out.
        marked_name: why.
        below: a second, lower plot over the same blocks, or None.
    """

    title: str
    series: tuple[Series, ...]
    scale: Scale
    reference: float | None = None
    reference_name: str = ""
    marked: frozenset[int] = frozenset()
    marked_name: str = ""
    below: Plot | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """One way to look at the blocks: its name on a button, one sentence, more words, and how it is drawn."""

    key: str
    title: str
    sentence: str
    help: Help
    plot: Callable[[OpenedBlocks], Plot]


SILENCE = "silence"


def measures(*, linear: bool = False) -> tuple[Measure, ...]:
    """All ways, the simplest first.

    Args:
        linear: whether the blocks hand on the sum as it is: then nothing is said of a ReLU behind it, and none of
            their units is silent.
    """
    own = tuple(m for m in _of_the_block(linear=linear) if not linear or m.key != SILENCE)
    return (*own, *_of_the_network(linear=linear))


def has_linear_ends(opened: OpenedBlocks) -> bool:
    """Whether no block has an activation behind its sum."""
    return all(sketch.activation is None for sketch in opened.sketches)


def _of_the_block(*, linear: bool) -> tuple[Measure, ...]:
    """What a block does to what it gets."""
    tr = QCoreApplication.translate
    return (
        Measure(
            "size",
            tr("blocks", "Size"),
            tr(
                "blocks",
                "How much each block adds, F(x), relative to its skip. A small ratio means a small correction.",
            ),
            help_texts.skip_connections(),
            _sizes,
        ),
        Measure(
            "direction",
            tr("blocks", "Direction"),
            tr(
                "blocks",
                "Whether a block strengthens its input (above 0), weakens it (below 0) or adds something that "
                "has little to do with it (near 0).",
            ),
            help_texts.direction(linear=linear),
            _cosines,
        ),
        Measure(
            SILENCE,
            tr("blocks", "Silence"),
            tr("blocks", "The share of a block's units that its last ReLU sets to 0 for this photo."),
            help_texts.silenced_units(),
            _silence,
        ),
    )


def _of_the_network(*, linear: bool) -> tuple[Measure, ...]:
    """What a block is to the network as a whole."""
    tr = QCoreApplication.translate
    return (
        Measure(
            "gradient",
            tr("blocks", "Gradient"),
            tr(
                "blocks",
                "How much of the class's gradient reaches each block on its way back, from right to left: "
                "with the network's skips, and without them.",
            ),
            help_texts.vanishing_gradients(linear=linear),
            _gradients,
        ),
        Measure(
            "lesion",
            tr("blocks", "Left out"),
            tr("blocks", "The probability of the class when one block loses its F(x) and passes on only the skip."),
            help_texts.lesion_test(),
            _lesions,
        ),
    )


def _sizes(opened: OpenedBlocks) -> Plot:
    tr = QCoreApplication.translate
    reports = opened.analysis.reports
    own, skip = tuple(r.residual_norm for r in reports), tuple(r.skip_norm for r in reports)
    ratios = tuple(r.ratio for r in reports)
    below = Scale.upward(ratios)
    return Plot(
        title=tr("blocks", "Euclidean norm"),
        series=(Series("F(x)", own), Series(tr("blocks", "skip"), skip, "pale")),
        scale=Scale.upward((*own, *skip)),
        below=Plot(
            title=tr("blocks", "ratio F(x) / skip (dashed: 1, as large as the skip)")
            if below.high >= 1.0
            else tr("blocks", "ratio F(x) / skip"),
            series=(Series(tr("blocks", "ratio"), ratios, line=True),),
            scale=below,
            reference=1.0,
        ),
    )


def _cosines(opened: OpenedBlocks) -> Plot:
    values = tuple(r.cosine for r in opened.analysis.reports)
    title = QCoreApplication.translate("blocks", "cosine between F(x) and the skip")
    return Plot(title, (Series(title, values),), Scale.around_zero(values, most=1.0))


def _silence(opened: OpenedBlocks) -> Plot:
    values = tuple(r.silenced for r in opened.analysis.reports)
    title = QCoreApplication.translate("blocks", "units that are 0")
    return Plot(title, (Series(title, values),), Scale(0.0, 1.0, percent=True))


def _gradients(opened: OpenedBlocks) -> Plot:
    tr = QCoreApplication.translate
    whole = tuple(r.gradient_norm for r in opened.analysis.reports)
    cut = tuple(r.gradient_norm_cut for r in opened.analysis.reports)
    return Plot(
        title=tr("blocks", "norm of the gradient, in powers of ten"),
        series=(
            Series(tr("blocks", "with skips"), whole, line=True),
            Series(tr("blocks", "without skips"), cut, "second", line=True, dashed=True),
        ),
        scale=Scale.powers((*whole, *cut)),
    )


def _lesions(opened: OpenedBlocks) -> Plot:
    tr = QCoreApplication.translate
    analysis = opened.analysis
    lesions = [r.lesion for r in analysis.reports]
    values = tuple(None if lesion is None else lesion.probability for lesion in lesions)
    most = max((*(v or 0.0 for v in values), analysis.probability))
    return Plot(
        title=tr("blocks", "probability of {label}").format(label=analysis.label),
        series=(Series(tr("blocks", "without the block's F(x)"), values),),
        scale=Scale(0.0, 1.0, percent=True) if most > 0.25 else Scale.upward((most,), least=0.01, percent=True),
        reference=analysis.probability,
        reference_name=tr("blocks", "whole network"),
        marked=frozenset(
            i for i, lesion in enumerate(lesions) if lesion is not None and lesion.top.index != opened.top
        ),
        marked_name=tr("blocks", "another class is predicted"),
    )


def block_title(opened: OpenedBlocks, index: int) -> str:
    """Where a block lies, such as ``Stage 3 of 4, block 2 of 6``."""
    stages = [sketch.stage for sketch in opened.sketches]
    stage = stages[index]
    return QCoreApplication.translate("blocks", "Stage {stage} of {stages}, block {place} of {count}").format(
        stage=stage, stages=max(stages), place=stages[: index + 1].count(stage), count=stages.count(stage)
    )


def readout(opened: OpenedBlocks, index: int) -> tuple[str, ...]:
    """Every number of a block in short lines, its name first."""
    tr = QCoreApplication.translate
    report = opened.analysis.reports[index]
    lines = [
        block_title(opened, index),
        tr("blocks", "F(x) {own}, skip {skip}, ratio {ratio}").format(
            own=number(report.residual_norm), skip=number(report.skip_norm), ratio=number(report.ratio)
        ),
        tr("blocks", "cosine {value}").format(value=number(report.cosine)),
    ]
    if report.silenced is not None:
        lines.append(tr("blocks", "silent units {value}").format(value=wording.percent(report.silenced, 1)))
    if report.gradient_norm is not None:
        lines.append(
            tr("blocks", "gradient {whole}, without skips {cut}").format(
                whole=number(report.gradient_norm), cut=number(report.gradient_norm_cut)
            )
        )
    if report.lesion is not None:
        lines.append(
            tr("blocks", "without it: {value} (of {whole})").format(
                value=wording.percent(report.lesion.probability, 1),
                whole=wording.percent(opened.analysis.probability, 1),
            )
        )
        if report.lesion.top.index != opened.top:
            lines.append(tr("blocks", "then predicted: {label}").format(label=report.lesion.top.label))
    return tuple(lines)


def facts(opened: OpenedBlocks, index: int) -> tuple[tuple[str, str], ...]:
    """The numbers of a block in plain sentences, each with the name of what it is about."""
    tr = QCoreApplication.translate
    report = opened.analysis.reports[index]
    found = [(tr("blocks", "Size"), _size_words(report)), (tr("blocks", "Direction"), _direction_words(report))]
    if report.silenced is not None:
        text = tr("blocks", "{value} of its units are 0 after the ReLU.")
        found.append((tr("blocks", "Silence"), text.format(value=wording.percent(report.silenced))))
    if report.gradient_norm is not None:
        found.append((tr("blocks", "Gradient"), _gradient_words(report)))
    if report.lesion is not None:
        found.append((tr("blocks", "Left out"), _lesion_words(opened, report)))
    return tuple(found)


def _size_words(report: BlockReport) -> str:
    tr = QCoreApplication.translate
    if report.ratio is None:
        return tr("blocks", "The skip is 0 everywhere: only F(x) is passed on.")
    if report.residual_norm == 0:
        return tr("blocks", "F(x) is 0 everywhere: the block passes on its skip.")
    if abs(report.ratio - 1) < 0.05:
        text = tr("blocks", "F(x) is about as large as the skip ({own} to {skip}).")
    else:
        text = tr("blocks", "F(x) is {ratio} times as large as the skip ({own} to {skip}).")
    return text.format(ratio=number(report.ratio, 2), own=number(report.residual_norm), skip=number(report.skip_norm))


def _direction_words(report: BlockReport) -> str:
    tr = QCoreApplication.translate
    if report.cosine is None:
        return tr("blocks", "A vector of zeros has no direction.")
    if report.cosine > _CLEAR_COSINE:
        text = tr("blocks", "F(x) partly strengthens the block's input (cosine {value}).")
    elif report.cosine < -_CLEAR_COSINE:
        text = tr("blocks", "F(x) partly weakens the block's input (cosine {value}).")
    else:
        text = tr("blocks", "F(x) adds something largely unrelated to the block's input (cosine {value}).")
    return text.format(value=number(report.cosine, 2))


def _gradient_words(report: BlockReport) -> str:
    tr = QCoreApplication.translate
    whole, cut = report.gradient_norm or 0.0, report.gradient_norm_cut
    if cut is None:
        return tr("blocks", "Norm {value}.").format(value=number(whole))
    if cut == 0 and whole > 0:
        text = tr("blocks", "Norm {value}; without skips nothing arrives.")
    elif whole > cut * 1.05:
        text = tr("blocks", "Norm {value}; without skips {times} times smaller.")
    elif cut > whole * 1.05:
        text = tr("blocks", "Norm {value}; without skips {times} times larger.")
    else:
        text = tr("blocks", "Norm {value}, the same without the skips of later blocks.")
    times = number(max(whole, cut) / min(whole, cut), 2) if min(whole, cut) > 0 else ""
    return text.format(value=number(whole), times=times)


def _lesion_words(opened: OpenedBlocks, report: BlockReport) -> str:
    tr = QCoreApplication.translate
    assert report.lesion is not None
    before = wording.percent(opened.analysis.probability, 1)
    after = wording.percent(report.lesion.probability, 1)
    if before == after:
        text = tr("blocks", "{label} stays at {after}.")
    else:
        text = tr("blocks", "{label} changes from {before} to {after}.")
    words = text.format(label=opened.analysis.label, before=before, after=after)
    top = report.lesion.top
    if top.index == opened.top:
        return words
    other = tr("blocks", "The prediction is then {label} ({value}).")
    return f"{words} {other.format(label=top.label, value=wording.percent(top.probability, 1))}"
