"""``resnet-desktop blocks``: what each residual block does to one photo, and what the network says without it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from resnet_desktop.cli.shared import (
    EXIT_SOME_FAILED,
    FormatOption,
    ModelOption,
    ProviderOption,
    TargetOption,
    cell,
    open_classifier,
    print_json,
    print_table,
    say,
)
from resnet_desktop.core.errors import ImageError

if TYPE_CHECKING:
    from rich.table import Table

    from resnet_desktop.core.progress import Progress
    from resnet_desktop.explain.residual.analysis import BlockAnalysis, BlockReport

_NUMBERS: tuple[tuple[str, Callable[[BlockReport], float | None], str], ...] = (
    ("|F(x)|", lambda report: report.residual_norm, ".3g"),
    ("|skip|", lambda report: report.skip_norm, ".3g"),
    ("ratio", lambda report: report.ratio, ".2f"),
    ("cosine", lambda report: report.cosine, "+.2f"),
    ("silenced", lambda report: report.silenced, ".0%"),
    ("gradient", lambda report: report.gradient_norm, ".2g"),
    ("skips cut", lambda report: report.gradient_norm_cut, ".2g"),
)
_SILENCED = "silenced: the share of units that its last ReLU sets to 0; "
_LEGEND = (
    "F(x): what a block adds to its skip; ratio and cosine compare the two; {silenced}gradient: the norm of the "
    "class's gradient after the block, with and without the skips; without it: the probability of the class when "
    "F(x) is removed, and the prediction then."
)


def blocks(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="The photo.")],
    target: TargetOption = None,
    format: FormatOption = "table",  # noqa: A002 - the option's name
    model: ModelOption = None,
    provider: ProviderOption = None,
) -> None:
    """Show what each residual block does to a photo."""
    from resnet_desktop.bundle.format.class_hierarchy import class_or_group
    from resnet_desktop.explain.cam.explainer import Explainer
    from resnet_desktop.explain.residual.analysis import BlockAnalyzer

    classifier = open_classifier(model, provider, keep_activations=False)
    bundle = classifier.bundle
    named = class_or_group(bundle.metadata, target) if target is not None else None
    wanted = named if named is None or isinstance(named, int) else named.classes
    explainer = Explainer(classifier)
    analyzer = BlockAnalyzer(explainer)
    try:
        subject = explainer.subject(image)
    except ImageError as error:
        say(str(error))
        raise typer.Exit(EXIT_SOME_FAILED) from error
    with _followed() as progress:
        found = analyzer.analyse(subject, subject.prediction.top.index if wanted is None else wanted, progress=progress)
    if format == "json":
        print_json([report.as_dict() for report in found.reports])
        return
    print_table(_table(found))
    say(_LEGEND.format(silenced=_SILENCED if _has_silenced(found) else ""))


def _table(found: BlockAnalysis) -> Table:
    from rich.table import Table

    number = f" ({found.target})" if isinstance(found.target, int) else ""
    title = cell(f"{found.label}{number}: {found.probability:.1%}")
    table = Table(box=None, pad_edge=False, header_style="bold", title=title, title_justify="left")
    numbers = [entry for entry in _NUMBERS if entry[0] != "silenced" or _has_silenced(found)]
    table.add_column("block")
    for column in (*(name for name, _, _ in numbers), "without it"):
        table.add_column(column, justify="right")
    table.add_column("prediction")
    for report in found.reports:
        values = ((number(report), form) for _, number, form in numbers)
        texts = ["-" if value is None else format(value, form) for value, form in values]
        assert report.lesion is not None
        texts += [f"{report.lesion.probability:.1%}", report.lesion.top.label]
        table.add_row(*(cell(text) for text in (report.name, *texts)))
    return table


def _has_silenced(found: BlockAnalysis) -> bool:
    """Whether any block has a ReLU behind its sum."""
    return any(report.silenced is not None for report in found.reports)


@contextmanager
def _followed() -> Iterator[Progress | None]:
    """A bar on standard error where that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("blocks")
        yield lambda done, total: bar.update(task, completed=done, total=total)
