"""``resnet-desktop results``: what is in a folder of results, as a summary and as the rows that ``classify`` writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from resnet_desktop.cli.commands.classify import LayoutOption
from resnet_desktop.cli.shared import EXIT_SOME_FAILED, cell, made_folder, refused_input, say, tell

if TYPE_CHECKING:
    from resnet_desktop.batch_inference.results_folder import Results
    from resnet_desktop.batch_inference.selection import Selection
    from resnet_desktop.cli.commands.result_heatmaps import ResultHeatmaps

Format = Literal["summary", "table", "json", "jsonl", "csv"]
MOST_CLASSES = 20
"""So many classes are listed in a summary."""


def results(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that classify --ray has written.")],
    of_class: Annotated[
        str | None, typer.Option("--class", metavar="CLASS", help="Only photos of this label, index or group.")
    ] = None,
    above: Annotated[
        float | None, typer.Option("--above", min=0.0, max=1.0, metavar="P", help="Only photos at least so probable.")
    ] = None,
    below: Annotated[
        float | None, typer.Option("--below", min=0.0, max=1.0, metavar="P", help="Only photos less probable.")
    ] = None,
    errors: Annotated[bool, typer.Option("--errors", help="Only photos that failed.")] = False,
    unfamiliar: Annotated[bool, typer.Option("--unfamiliar", help="Only photos that look unfamiliar.")] = False,
    format: Annotated[Format, typer.Option("--format", help="Output format.")] = "summary",  # noqa: A002 - the option
    layout: LayoutOption = "wide",
    output: Annotated[Path | None, typer.Option("--output", help="Write to this file instead.")] = None,
    heatmaps: Annotated[
        Path | None,
        typer.Option("--heatmaps", help="Paint the heatmaps over these photos, into this folder (--keep-heatmaps)."),
    ] = None,
) -> None:
    """Read the results of a cluster."""
    from resnet_desktop.batch_inference import manifest
    from resnet_desktop.batch_inference.results_folder import Results
    from resnet_desktop.batch_inference.selection import Selection
    from resnet_desktop.cli.sink import opened_sink

    found, wanted = Results(folder), Selection(of_class, above, below, errors, unfamiliar)
    own = [found.folder / manifest.NAME, *(found.folder / part.file for part in found.manifest.parts)]
    pictures = None if heatmaps is None else _pictures(found, heatmaps, own)
    if format == "summary":
        if output is not None:
            raise typer.BadParameter("A summary goes to standard output alone.", param_hint="--output")
        _summarize(found, wanted)
        if pictures is not None:
            for _row in _rows(found, wanted, pictures):
                pass  # each is painted as it is made
            _conclude(pictures)
        return
    refused_input(output, own, "--output")
    with opened_sink(output) as sink:
        _write(sink, found, _rows(found, wanted, pictures), format, layout)
    if pictures is not None:
        _conclude(pictures)


def _pictures(found: Results, folder: Path, kept: list[Path]) -> ResultHeatmaps:
    """What paints heatmaps; ends as wrong usage if the results have none."""
    from resnet_desktop.cli.commands.result_heatmaps import ResultHeatmaps

    if not found.manifest.options.heatmaps:
        message = "These results have no heatmaps: classify with --keep-heatmaps, into another folder."
        raise typer.BadParameter(message, param_hint="--heatmaps")
    made_folder(folder)
    return ResultHeatmaps(folder, found.manifest, kept)


def _conclude(pictures: ResultHeatmaps) -> None:
    """Say how many were painted, with the exit code of those that could not be."""
    failed = f"; {pictures.failed:,} photos could not be painted" if pictures.failed else ""
    say(f"{pictures.count:,} heatmaps written{failed}.")
    if pictures.failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def _write(sink: Any, found: Results, rows: Iterable[dict[str, Any]], kind: str, layout: Any) -> None:  # noqa: ANN401 - options
    from resnet_desktop.cli.rows import finishing, writer_for

    detections = any(_has_detections(table) for table in found.tables(["detection"]))
    writer = writer_for(kind, sink, found.manifest.options.top, layout=layout, detections=detections)
    with finishing(writer) as write:
        for row in rows:
            write(row)


def _has_detections(table: Any) -> bool:  # noqa: ANN401 - a table of pyarrow
    return bool(table["detection"].null_count < table.num_rows)


def _rows(found: Results, wanted: Selection, pictures: ResultHeatmaps | None) -> Iterator[dict[str, Any]]:
    from resnet_desktop.batch_inference import columns
    from resnet_desktop.batch_inference.results_folder import records

    for table in found.tables():
        for stored in records(wanted.of(table)):
            row = columns.row(stored)
            if pictures is not None:
                pictures.add(stored, row)
            yield row


def _summarize(found: Results, wanted: Selection) -> None:
    from resnet_desktop.batch_inference.selection import Summary

    summary, manifest = Summary.of(wanted.of(table) for table in found.tables()), found.manifest
    _table("class", summary.classes)
    _table("error", summary.errors)
    all_of = "" if summary.photos == manifest.rows else f" of {manifest.rows:,}"
    tell(
        f"{summary.photos:,}{all_of} photos: {sum(summary.classes.values()):,} sure, {summary.unsure:,} not sure, "
        f"{summary.failed:,} failed; {summary.unfamiliar:,} unfamiliar."
    )
    tell(f"Model: {manifest.model.name} ({manifest.model.sha256[:12]}).")
    if not manifest.complete:
        tell("The run has not come to its end: run the same command again to continue it.")


def _table(title: str, counts: Counter[str]) -> None:
    from rich.table import Table

    from resnet_desktop.cli.shared import print_table

    if not counts:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(title, overflow="fold")
    table.add_column("photos", justify="right")
    for name, count in counts.most_common(MOST_CLASSES):
        table.add_row(cell(name), f"{count:,}")
    left = counts.most_common()[MOST_CLASSES:]
    if left:
        table.add_row(f"… and {len(left):,} more", f"{sum(count for _, count in left):,}", style="dim")
    print_table(table)
    tell("")
