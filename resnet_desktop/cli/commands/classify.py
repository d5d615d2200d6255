"""``resnet-desktop classify``: photos by path and lists of them, as a table and in formats that programs read."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from resnet_desktop.cli.shared import (
    EXIT_SOME_FAILED,
    EXIT_USAGE,
    GroupThresholdOption,
    ModelOption,
    PageOption,
    ProviderOption,
    RangeOption,
    made_folder,
    open_classifier,
    refused_input,
    say,
    wanted_group_threshold,
)
from resnet_desktop.core.output import identity
from resnet_desktop.core.settings import Settings

if TYPE_CHECKING:
    from resnet_desktop.bundle.file.bundle import Bundle
    from resnet_desktop.cli.inputs import Inputs
    from resnet_desktop.cli.rows import Heatmaps, Writer
    from resnet_desktop.cli.sink import Sink
    from resnet_desktop.imaging.decode import Range, Source
    from resnet_desktop.inference.batch import Outcome
    from resnet_desktop.inference.classifier import Classifier
    from resnet_desktop.session.result_rows import Layout

STDIN = (0,)
Format = Literal["table", "json", "jsonl", "csv", "camtrap-dp", "megadetector"]

TopOption = Annotated[
    int, typer.Option("--top", min=0, max=100_000, metavar="K", help="Number of classes per photo; 0: all.")
]
HeatmapsOption = Annotated[
    Path | None, typer.Option("--heatmaps", help="Write a heatmap of each photo to this folder.")
]
PhotosOption = Annotated[
    Path | None, typer.Option("--photos", help="The folder of the photos that a list names. Default: the list's.")
]
DetectionThresholdOption = Annotated[
    float | None,
    typer.Option("--detection-threshold", min=0.0, max=1.0, metavar="P", help="Detections to classify, 0 to 1."),
]
RayOption = Annotated[
    str | None,
    typer.Option("--ray", metavar="auto|ADDRESS", help="Classify on a cluster of Ray; --output is a folder then."),
]
WorkersOption = Annotated[int | None, typer.Option("--workers", min=1, metavar="N", help="Workers on the cluster.")]
CoresOption = Annotated[
    int | None, typer.Option("--cores-per-worker", min=1, metavar="N", help="Processor cores of each worker (1).")
]
PartRowsOption = Annotated[
    int | None, typer.Option("--part-rows", min=1, metavar="N", help="Photos in one file of the results (10000).")
]
KeepHeatmapsOption = Annotated[
    bool,
    typer.Option("--keep-heatmaps", help="With --ray: keep the heatmap of each photo's best class in the results."),
]
LayoutOption = Annotated[
    Literal["wide", "long"], typer.Option("--layout", help="CSV: a row per photo, or one per class.")
]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the answers depend on, as options say it."""

    top: int
    group_threshold: float | None
    values: Range | None
    page: int | None
    model: str | None
    provider: str | None


@dataclass(frozen=True, slots=True)
class Shape:
    """What is written of the answers."""

    format: Format
    layout: Layout
    heatmaps: Path | None
    batch: int | None


def classify(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH…", help="Files, folders, patterns or lists; - reads paths from standard input."),
    ],
    top: TopOption = 5,
    recursive: Annotated[bool, typer.Option("--recursive", help="Include subfolders.")] = False,
    format: Annotated[Format, typer.Option("--format", help="Output format.")] = "table",  # noqa: A002 - the option
    output: Annotated[Path | None, typer.Option("--output", help="Write to this file instead.")] = None,
    heatmaps: HeatmapsOption = None,
    photos: PhotosOption = None,
    detection_threshold: DetectionThresholdOption = None,
    layout: LayoutOption = "wide",
    group_threshold: GroupThresholdOption = None,
    batch: Annotated[int | None, typer.Option("--batch", min=1, max=4096, help="Photos per run.")] = None,
    values: RangeOption = None,
    page: PageOption = None,
    model: ModelOption = None,
    provider: ProviderOption = None,
    ray: RayOption = None,
    workers: WorkersOption = None,
    cores_per_worker: CoresOption = None,
    part_rows: PartRowsOption = None,
    keep_heatmaps: KeepHeatmapsOption = False,
) -> None:
    """Classify photos."""
    from resnet_desktop.cli.inputs import read_inputs

    cluster_only = {"workers": workers, "cores_per_worker": cores_per_worker, "part_rows": part_rows}
    _with_cluster_only(ray, **cluster_only, keep_heatmaps=keep_heatmaps or None)
    inputs = read_inputs(paths, format, recursive=recursive, photos=photos, threshold=detection_threshold)
    wish = Wish(top, group_threshold, values, page, model, provider)
    if ray is None:
        _classify_here(inputs, wish, output, Shape(format, layout, heatmaps, batch))
        return
    from resnet_desktop.cli.commands.classify_on_cluster import Cluster, classify_on_cluster

    _without_cluster_only(format=format, layout=layout, heatmaps=heatmaps, batch=batch)
    classify_on_cluster(inputs, wish, output, Cluster(ray, workers, cores_per_worker or 1, part_rows, keep_heatmaps))


def _classify_here(inputs: Inputs, wish: Wish, output: Path | None, shape: Shape) -> None:
    from resnet_desktop.cli.sink import opened_sink
    from resnet_desktop.inference.batch import classify_many
    from resnet_desktop.session.results import Limits

    limits, paths, batch = Limits.of(Settings()), inputs.paths, shape.batch
    classifier = open_classifier(
        wish.model,
        wish.provider,
        values=wish.values,
        page=wish.page,
        top_k=wish.top,
        keep_activations=shape.heatmaps is not None,
        group_threshold=wanted_group_threshold(wish.group_threshold),
    )
    top = classifier.top_k = wish.top or classifier.bundle.classes
    refused_input(output, [classifier.bundle.path, *paths, *(STDIN if "-" in paths else ())], "--output")
    sources, pictures = _with_heatmaps(inputs.sources(), shape.heatmaps, classifier)
    wanted, workers = _not_written(sources, output), limits.threads or None
    with (
        opened_sink(output) as sink,
        closing(classify_many(classifier, wanted, batch_size=batch, workers=workers, memory=limits.memory)) as outcomes,
    ):
        writer = _writer(shape, sink, top, inputs, classifier.bundle)
        count, failed = _written(writer, outcomes, classifier.bundle, pictures)
    conclude(count, failed)


def _with_cluster_only(ray: str | None, **options: int | None) -> None:
    """Ends as wrong usage if an option is given that needs a cluster, and there is none."""
    for name, value in options.items():
        if ray is None and value is not None:
            raise typer.BadParameter("It goes with --ray.", param_hint=f"--{name.replace('_', '-')}")


def _without_cluster_only(**options: object) -> None:
    """Ends as wrong usage if an option is given that a cluster has no use for."""
    usual = {"format": "table", "layout": "wide"}
    for name, value in options.items():
        if value != usual.get(name):
            message = "It does not go with --ray, which writes a folder of results: see resnet-desktop results."
            raise typer.BadParameter(message, param_hint=f"--{name}")


def _with_heatmaps(
    sources: Iterator[Source], folder: Path | None, classifier: Classifier
) -> tuple[Iterator[Source], Heatmaps | None]:
    """The same sources, and what writes heatmaps of them where a folder is named for these."""
    from resnet_desktop.cli.rows import Heatmaps

    if folder is None:
        return sources, None
    found = list(sources)  # none of them may be written over, nor one that comes later
    made_folder(folder)
    kept = [Path(source) for source in found if not isinstance(source, bytes)]
    return iter(found), Heatmaps(folder, classifier, [classifier.bundle.path, *kept])


def _writer(shape: Shape, sink: Sink, top: int, inputs: Inputs, bundle: Bundle) -> Writer:
    from resnet_desktop.cli.camera_traps import BatchResultsJson, Observations
    from resnet_desktop.cli.inputs import CAMTRAP_DP, MEGADETECTOR
    from resnet_desktop.cli.rows import writer_for

    kind = shape.format
    if kind == CAMTRAP_DP:
        return Observations(sink, bundle)
    if kind == MEGADETECTOR and inputs.results is not None:
        return BatchResultsJson(sink, inputs.results, bundle)
    return writer_for(kind, sink, top, layout=shape.layout, detections=inputs.detections)


def _written(writer: Writer, outcomes: Iterable[Outcome], bundle: Bundle, pictures: Heatmaps | None) -> tuple[int, int]:
    """Write a row for each outcome; how many there were, and how many of them failed."""
    from resnet_desktop.cli.rows import finishing

    count = failed = 0
    with finishing(writer) as write:
        for outcome in _followed(outcomes):
            row = _row(outcome, bundle)
            if pictures is not None and row["ok"]:
                pictures.add(row, outcome)
            write(row)
            count += 1
            failed += not row["ok"]
    return count, failed


def conclude(count: int, failed: int) -> None:
    """Say what did not work, with its exit code."""
    if not count:
        say("No photos found.")
        raise typer.Exit(EXIT_USAGE)
    if failed:
        say(f"{failed} of {count} failed.")
        raise typer.Exit(EXIT_SOME_FAILED)


def _not_written(found: Iterator[Source], output: Path | None) -> Iterator[Source]:
    """The same photos; ends as wrong usage if one of them is the output, before that is replaced."""
    own = None if output is None else identity(output)
    for source in found:
        if own is not None and not isinstance(source, bytes) and identity(source) == own:
            refused_input(output, [source], "--output")
        yield source


def _row(outcome: Outcome, bundle: Bundle) -> dict[str, Any]:
    """One input as it stands in JSON."""
    from resnet_desktop.cli.inputs import about
    from resnet_desktop.session import result_rows

    path = os.fspath(outcome.source) if not isinstance(outcome.source, bytes) else "-"
    return result_rows.of_outcome(path, outcome, bundle.path.stem, about(outcome.source), variant=bundle.variant)


def _followed(outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    """The same outcomes, with a count on standard error where that is a terminal."""
    if not sys.stderr.isatty():
        yield from outcomes
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed} photos"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("photos", total=None)
        for outcome in outcomes:
            progress.advance(task)
            yield outcome
