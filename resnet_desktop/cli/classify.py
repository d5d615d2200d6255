"""``resnet-desktop classify``: files, folders, patterns or a list on standard input, in four formats."""

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
    group_as_dict,
    made_folder,
    named_paths,
    open_admitted,
    refused_input,
    say,
    wanted_group_threshold,
    wanted_provider,
    wanted_range,
)
from resnet_desktop.core import settings as declared
from resnet_desktop.core.output import identity
from resnet_desktop.core.settings import Settings

if TYPE_CHECKING:
    from resnet_desktop.inference.batch import Outcome

STDIN = (0,)
Format = Literal["table", "json", "jsonl", "csv"]


def classify(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH…", help="Files, folders or patterns; - reads paths from standard input."),
    ],
    top: Annotated[int, typer.Option("--top", min=1, max=1000, metavar="K", help="Number of classes per photo.")] = 5,
    recursive: Annotated[bool, typer.Option("--recursive", help="Include subfolders.")] = False,
    format: Annotated[Format, typer.Option("--format", help="Output format.")] = "table",  # noqa: A002 - the option
    output: Annotated[Path | None, typer.Option("--output", help="Write to this file instead.")] = None,
    heatmaps: Annotated[
        Path | None, typer.Option("--heatmaps", help="Write a heatmap of each photo to this folder.")
    ] = None,
    group_threshold: GroupThresholdOption = None,
    batch: Annotated[int | None, typer.Option("--batch", min=1, max=4096, help="Photos per run.")] = None,
    values: RangeOption = None,
    page: PageOption = None,
    model: ModelOption = None,
    provider: ProviderOption = None,
) -> None:
    """Classify photos."""
    from resnet_desktop.cli.rows import Heatmaps, finishing, writer_for
    from resnet_desktop.cli.sink import opened_sink
    from resnet_desktop.imaging.files import find_images
    from resnet_desktop.inference.batch import classify_many
    from resnet_desktop.inference.classifier import Classifier

    bundle = open_admitted(model)
    classifier = Classifier(
        bundle,
        provider=wanted_provider(provider),
        top_k=top,
        keep_activations=heatmaps is not None,
        max_pixels=Settings().integer(declared.MAX_MEGAPIXELS) * 1_000_000,
        group_threshold=wanted_group_threshold(group_threshold),
        range=wanted_range(values, bundle),
        page=page,
        on_fallback=say,
    )
    refused_input(output, [bundle.path, *paths, *(STDIN if "-" in paths else ())], "--output")
    found = find_images(named_paths(paths), recursive=recursive)
    pictures = None
    if heatmaps is not None:
        photos = list(found)  # none of them may be written over, nor one that comes later
        made_folder(heatmaps)
        pictures, found = Heatmaps(heatmaps, classifier, [bundle.path, *photos]), iter(photos)
    failed = count = 0
    with (
        opened_sink(output) as sink,
        finishing(writer_for(format, sink, top)) as write,
        closing(classify_many(classifier, _not_written(found, output), batch_size=batch)) as outcomes,
    ):
        for outcome in _followed(outcomes):
            row = _row(outcome, bundle.path.stem)
            if pictures is not None and row["ok"]:
                pictures.add(row, outcome)
            write(row)
            count += 1
            failed += not row["ok"]
    _conclude(count, failed)


def _conclude(count: int, failed: int) -> None:
    """Say what did not work, with its exit code."""
    if not count:
        say("No photos found.")
        raise typer.Exit(EXIT_USAGE)
    if failed:
        say(f"{failed} of {count} failed.")
        raise typer.Exit(EXIT_SOME_FAILED)


def _not_written(found: Iterator[Path], output: Path | None) -> Iterator[Path]:
    """The same photos; ends as wrong usage if one of them is the output, before that is replaced."""
    own = None if output is None else identity(output)
    for path in found:
        if own is not None and identity(path) == own:
            refused_input(output, [path], "--output")
        yield path


def _row(outcome: Outcome, model: str) -> dict[str, Any]:
    """One input as it stands in JSON."""
    path = os.fspath(outcome.source) if not isinstance(outcome.source, bytes) else "-"
    prediction = outcome.prediction
    if prediction is None:
        assert outcome.error is not None
        return {"path": path, "ok": False, "error": outcome.error.as_dict()}
    return {
        "path": path,
        "ok": True,
        "predictions": [
            {"index": s.index, "label": s.label, "probability": round(s.probability, 6)} for s in prediction.scores
        ],
        "group": None if prediction.group is None else group_as_dict(prediction.group),
        "sure": prediction.sure,
        "unfamiliar": prediction.unfamiliar,
        "notes": [note.as_dict() for note in prediction.notes],
        "model": model,
        "provider": prediction.provider,
        "seconds": round(prediction.seconds, 4),
    }


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
