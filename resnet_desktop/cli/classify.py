"""``resnet-desktop classify``: photos by path and lists of them, as a table and in formats that programs read."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
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
    from resnet_desktop.imaging.decode import Source
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
LayoutOption = Annotated[
    Literal["wide", "long"], typer.Option("--layout", help="CSV: a row per photo, or one per class.")
]


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
) -> None:
    """Classify photos."""
    from resnet_desktop.cli.inputs import read_inputs
    from resnet_desktop.cli.sink import opened_sink
    from resnet_desktop.inference.batch import classify_many
    from resnet_desktop.session.results import Limits

    limits = Limits.of(Settings())
    inputs = read_inputs(paths, format, recursive=recursive, photos=photos, threshold=detection_threshold)
    classifier = open_classifier(
        model,
        provider,
        values=values,
        page=page,
        top_k=top,
        keep_activations=heatmaps is not None,
        group_threshold=wanted_group_threshold(group_threshold),
    )
    top = classifier.top_k = top or classifier.bundle.classes
    refused_input(output, [classifier.bundle.path, *paths, *(STDIN if "-" in paths else ())], "--output")
    sources, pictures = _with_heatmaps(inputs.sources(), heatmaps, classifier)
    wanted, workers = _not_written(sources, output), limits.threads or None
    with (
        opened_sink(output) as sink,
        closing(classify_many(classifier, wanted, batch_size=batch, workers=workers, memory=limits.memory)) as outcomes,
    ):
        writer = _writer(format, sink, top, layout, inputs, classifier.bundle)
        count, failed = _written(writer, outcomes, classifier.bundle, pictures)
    _conclude(count, failed)


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


def _writer(kind: Format, sink: Sink, top: int, layout: Layout, inputs: Inputs, bundle: Bundle) -> Writer:
    from resnet_desktop.cli.camera_traps import BatchResultsJson, Observations
    from resnet_desktop.cli.inputs import CAMTRAP_DP, MEGADETECTOR
    from resnet_desktop.cli.rows import writer_for

    if kind == CAMTRAP_DP:
        return Observations(sink, bundle)
    if kind == MEGADETECTOR and inputs.results is not None:
        return BatchResultsJson(sink, inputs.results, bundle)
    return writer_for(kind, sink, top, layout=layout, detections=inputs.detections)


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


def _conclude(count: int, failed: int) -> None:
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
    prediction, more = outcome.prediction, about(outcome.source)
    if prediction is None:
        assert outcome.error is not None
        return result_rows.failed(path, outcome.error.as_dict(), more)
    notes = [note.as_dict() for note in prediction.notes]
    return result_rows.answered(
        path,
        prediction,
        provider=prediction.provider,
        model=bundle.path.stem,
        variant=bundle.variant,
        notes=notes,
        about=more,
    )


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
