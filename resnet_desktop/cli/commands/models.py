"""``resnet-desktop models``: what is installed, what is in a model, whether it is whole."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from resnet_desktop.cli.commands.install import install
from resnet_desktop.cli.commands.thresholds import thresholds
from resnet_desktop.cli.commands.tune import tune
from resnet_desktop.cli.shared import (
    EXIT_NO_MODEL,
    FormatOption,
    ModelOption,
    TableOrJson,
    cell,
    open_bundle,
    print_json,
    print_table,
    say,
    tell,
)
from resnet_desktop.core.progress import Progress, unheard
from resnet_desktop.core.settings import MODEL, Settings

if TYPE_CHECKING:
    from resnet_desktop.bundle.file.bundle import Bundle
    from resnet_desktop.bundle.file.summary import Summary
    from resnet_desktop.bundle.format.metadata import Metadata
    from resnet_desktop.bundle.library.catalogue import Pretrained

app = typer.Typer(help="The library of models.", no_args_is_help=True)
app.command("install")(install)
app.command("thresholds")(thresholds)
app.command("tune")(tune)
NamedModel = Annotated[str | None, typer.Argument(metavar="[NAME|PATH]", help="A model. Default: the one in use.")]


@app.command("list")
def list_models(format: FormatOption = "table") -> None:  # noqa: A002 - the option's name
    """List the installed models."""
    from rich.table import Table

    from resnet_desktop.bundle.library.library import Library

    entries = Library().entries()
    if format == "json":
        print_json([{"name": e.name, "path": str(e.path), "origin": e.origin, "bytes": e.size} for e in entries])
        return
    table = Table("name", "from", "size", "file", box=None, pad_edge=False, header_style="bold")
    for entry in entries:
        origin = "the app" if entry.origin == "bundled" else "you"
        table.add_row(cell(entry.name), origin, f"{entry.size / 1e6:.1f} MB", cell(str(entry.path)))
    print_table(table)


@app.command()
def info(name: NamedModel = None, model: ModelOption = None, format: FormatOption = "table") -> None:  # noqa: A002
    """Show what a model is and every block of its network: shape, parameters, multiply-adds."""
    from resnet_desktop.bundle.file.summary import summarize

    bundle = open_bundle(name or model)
    summary = summarize(bundle)
    if format == "json":
        print_json(_info(bundle, summary))
        return
    _print_card(bundle)
    _print_summary(summary)


@app.command()
def verify(name: NamedModel = None, model: ModelOption = None, format: FormatOption = "table") -> None:  # noqa: A002
    """Check the weights of a model against its checksum; exits with 1 if they differ."""
    from resnet_desktop.bundle.file.bundle import verify as verify_weights

    bundle = open_bundle(name or model)
    result = verify_weights(bundle)
    if format == "json":
        print_json({"ok": result.ok, "expected": result.expected, "found": result.found, "path": str(bundle.path)})
    elif result.ok:
        tell(f"{bundle.path.name}: the weights are intact.")
    elif result.expected is None:
        say(f"{bundle.path.name} has no checksum, so its weights cannot be verified.")
    else:
        say(f"{bundle.path.name}: the weights do not match the checksum. Reinstall the model.")
    raise typer.Exit(0 if result.ok else EXIT_NO_MODEL)


@app.command()
def download(
    name: Annotated[str | None, typer.Argument(help="A pretrained network. Omit to list them.")] = None,
    mirror: Annotated[
        str | None, typer.Option(metavar="URL", help="A folder on another server with the same files.")
    ] = None,
    sha256: Annotated[
        str | None, typer.Option(metavar="DIGITS", help="The full checksum of the file, if you know it.")
    ] = None,
    format: FormatOption = "table",  # noqa: A002 - the option's name
) -> None:
    """Download a pretrained network from its publisher and install it. Without a name, list those available."""
    from resnet_desktop.bundle.library import catalogue
    from resnet_desktop.bundle.library.library import Library
    from resnet_desktop.bundle.library.packaged import TERMS

    if name is None:
        _print_catalogue(catalogue.pretrained(), format)
        return
    from resnet_desktop.inference import admission

    wanted = catalogue.find(name)
    say(f"{wanted.title}: {wanted.size / 1e6:.0f} MB from {wanted.publisher}, {wanted.licence}. {TERMS}")
    doubt = "" if sha256 else catalogue.checksum_words(wanted)
    if doubt:
        say(f"{doubt} If you know it, pass it with --sha256.")
    with _bytes_followed(wanted.file) as progress:
        entry = catalogue.obtain(
            wanted, Library(), mirror=mirror, sha256=sha256, copy=admission.copy, progress=progress
        )
    tell(f"{entry.name} is installed.")


@app.command()
def rename(
    name: Annotated[str, typer.Argument(metavar="OLD", help="An installed model.")],
    wanted: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.")],
) -> None:
    """Give one of your models another name. Jobs and runs that use its old name still find it."""
    from resnet_desktop.bundle.library.library import Library

    library, settings = Library(), Settings()
    entry = library.rename(name, wanted)
    chosen = settings.string(MODEL)
    if chosen and library.is_installed_as(entry, chosen):
        settings.change(MODEL, entry.name)
    tell(f"{name} is now called {entry.name}.")


@app.command()
def remove(name: Annotated[str, typer.Argument(help="An installed model.")]) -> None:
    """Remove one of your models from the library."""
    from resnet_desktop.bundle.library.library import Library

    Library().remove(name)
    tell(f"{name} was removed.")


def _print_catalogue(networks: tuple[Pretrained, ...], format: TableOrJson) -> None:  # noqa: A002 - as the option
    from rich.table import Table

    from resnet_desktop.bundle.library.packaged import TERMS

    if format == "json":
        print_json([dataclasses.asdict(network) | {"url": network.folder + network.file} for network in networks])
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("name", "network", "from"):
        table.add_column(title)
    table.add_column("top-1", justify="right")
    table.add_column("size", justify="right")
    for network in networks:
        size = f"{network.size / 1e6:.0f} MB"
        table.add_row(cell(network.name), cell(network.title), cell(network.publisher), f"{network.top1:.1%}", size)
    print_table(table)
    say(f"1,000 classes of ImageNet. Top-1 is the publisher's figure; it was not measured here. {TERMS}")


@contextmanager
def _bytes_followed(file: str) -> Iterator[Progress]:
    """Whom to tell how many bytes have come: a bar on standard error, where that is a terminal."""
    if not sys.stderr.isatty():
        yield unheard
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Bars(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(file, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def _info(bundle: Bundle, summary: Summary) -> dict[str, Any]:
    metadata = bundle.metadata
    return {
        "name": bundle.path.stem,
        "path": str(bundle.path),
        "bytes": bundle.size,
        "sha256": bundle.file_sha256,
        "arch": metadata.arch,
        "input": list(bundle.input_shape),
        "classes": bundle.classes,
        "categories": list(metadata.categories),
        "transforms": metadata.transforms.to_json(),
        "temperature": metadata.temperature,
        "novelty": None if metadata.novelty is None else {k: v for k, v in metadata.novelty.items() if k != "values"},
        "provenance": dict(metadata.provenance),
        "output": metadata.output,
        "thresholds": metadata.present_from,
        "notes": [note.as_dict() for note in bundle.notes],
        "parameters": summary.total_parameters,
        "multiply_adds": summary.total_multiply_adds,
        "layers": [
            {
                "name": row.name,
                "kind": row.kind,
                "shape": list(row.shape),
                "parameters": row.parameters,
                "multiply_adds": row.multiply_adds,
            }
            for row in summary.rows
        ],
    }


def _print_card(bundle: Bundle) -> None:
    """A few lines on where the model comes from and how good it is."""
    metadata = bundle.metadata
    metrics = metadata.provenance.get("metrics") or {}
    transforms = metadata.transforms
    tell(f"{bundle.path.stem}: {metadata.arch or 'an external network'}, {bundle.classes} classes")
    first = f"shorter side reduced to {transforms.native}, then " if transforms.native else ""
    side = " x ".join(map(str, transforms.size[::-1]))
    seen = f"stretched to {side}" if transforms.fit == "stretch" else f"resized to {transforms.resize}, centre {side}"
    tell(f"Photos: {first}{seen}{', blue first' if transforms.channels == 'bgr' else ''}")
    for note in bundle.notes:
        tell(f"Note: {note.message}")
    if metrics.get("images") and "acc1" in metrics and "acc1_interval" in metrics:
        low, high = metrics["acc1_interval"]
        which = {"validation": "validation photos, which also selected the best epoch", "test": "test photos"}
        kind = which.get(metrics.get("on") or "", "photos")
        if metrics.get("on") == "cross-validation":
            kind = "photos, each classified by a model not trained on it (cross-validation)"
        elif metrics.get("on") == "validation" and metrics.get("chosen_by") is False:
            kind = "validation photos, used for nothing else"
        tell(f"Accuracy: {metrics['acc1']:.1%} of {metrics['images']} {kind}")
        tell(f"          95 % interval {low:.1%} to {high:.1%}")
    published = metadata.provenance.get("published") or {}
    if published.get("acc1") is not None:
        on = f", on {published['on']}" if published.get("on") else ""
        tell(f"Accuracy: {published['acc1']:.1%} according to its publisher{on}; not measured here")
    if metadata.provenance.get("data"):
        tell(f"Trained on: {', '.join(metadata.provenance['data'])}")
    for name, key in (("Publisher", "publisher"), ("Source", "source"), ("Licence", "licence")):
        if metadata.provenance.get(key):
            tell(f"{name}: {metadata.provenance[key]}")
    if metadata.provenance.get("notice"):
        tell(metadata.provenance["notice"])
    _print_making(metadata)
    tell("")


def _print_making(metadata: Metadata) -> None:
    """What it was made of, its temperature, and how often its warning of unfamiliar photos is wrong."""
    told, recipe = metadata.provenance, metadata.provenance.get("recipe")
    facts = [
        ("Base", told.get("base")),
        ("Teacher", told.get("teacher")),
        ("Trained part", recipe.get("train") if isinstance(recipe, dict) else None),
        ("Created", told.get("date")),
        ("Temperature", None if metadata.temperature == 1 else f"{metadata.temperature:.2f}"),
    ]
    for name, value in facts:
        if value:
            tell(f"{name}: {value}")
    if metadata.novelty is None:
        return
    rate, images = metadata.novelty.get("false_alarm_rate"), metadata.novelty.get("images")
    said = "false alarm rate unknown"
    if rate is not None and images is not None:
        said = f"false alarms on {rate:.1%} of {images} photos that do belong"
        interval = metadata.novelty.get("false_alarm_interval")
        if interval is not None:
            said += f" (95 % interval {interval[0]:.1%} to {interval[1]:.1%})"
    tell(f"Warns about unfamiliar photos: {said}")


def _print_summary(summary: Summary) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("part")
    table.add_column("kind")
    for column in ("output", "parameters", "multiply-adds"):
        table.add_column(column, justify="right")
    for row in summary.rows:
        shape = " x ".join(str(side) for side in row.shape)
        table.add_row(cell(row.name), cell(row.kind), shape, f"{row.parameters:,}", f"{row.multiply_adds:,}")
    table.add_section()
    totals = (f"{summary.total_parameters:,}", f"{summary.total_multiply_adds:,}")
    table.add_row("total", "", "", *totals, style="bold")
    print_table(table)
