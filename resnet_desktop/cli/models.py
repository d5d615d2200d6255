"""``resnet-desktop models``: what is installed, what is in a model, whether it is whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from resnet_desktop.cli.shared import (
    EXIT_NO_MODEL,
    FormatOption,
    ModelOption,
    open_bundle,
    print_json,
    print_table,
    say,
)

if TYPE_CHECKING:
    from resnet_desktop.bundle.bundle import Bundle
    from resnet_desktop.bundle.summary import Summary

app = typer.Typer(help="The library of models.", no_args_is_help=True)
NamedModel = Annotated[str | None, typer.Argument(metavar="[NAME|PATH]", help="A model; else the one in use.")]


@app.command("list")
def list_models(format: FormatOption = "table") -> None:  # noqa: A002 - the option's name
    """List the installed models."""
    from rich.table import Table
    from rich.text import Text

    from resnet_desktop.bundle.library import Library

    entries = Library().entries()
    if format == "json":
        print_json([{"name": e.name, "path": str(e.path), "origin": e.origin, "bytes": e.size} for e in entries])
        return
    table = Table("name", "from", "size", "file", box=None, pad_edge=False, header_style="bold")
    for entry in entries:
        origin = "the app" if entry.origin == "bundled" else "you"
        table.add_row(Text(entry.name), origin, f"{entry.size / 1e6:.1f} MB", Text(str(entry.path)))
    print_table(table)


@app.command()
def info(name: NamedModel = None, model: ModelOption = None, format: FormatOption = "table") -> None:  # noqa: A002
    """Show what a model is and every block of its network: shape, parameters, multiply-adds."""
    from resnet_desktop.bundle.summary import summarize

    bundle = open_bundle(name or model)
    summary = summarize(bundle)
    if format == "json":
        print_json(_info(bundle, summary))
        return
    _print_card(bundle)
    _print_summary(summary)


@app.command()
def verify(name: NamedModel = None, model: ModelOption = None, format: FormatOption = "table") -> None:  # noqa: A002
    """Check the weights of a model against the checksum that it carries; ends with 1 if they differ."""
    from resnet_desktop.bundle.bundle import verify as verify_weights

    bundle = open_bundle(name or model)
    result = verify_weights(bundle)
    if format == "json":
        print_json({"ok": result.ok, "expected": result.expected, "found": result.found, "path": str(bundle.path)})
    elif result.ok:
        typer.echo(f"{bundle.path.name}: the weights are whole.")
    elif result.expected is None:
        say(f"{bundle.path.name} carries no checksum, so its weights cannot be checked.")
    else:
        say(f"{bundle.path.name}: the weights differ from the checksum. Install the model again.")
    raise typer.Exit(0 if result.ok else EXIT_NO_MODEL)


@app.command()
def install(
    file: Annotated[Path, typer.Argument(help="A model bundle or another ONNX classifier.")],
    name: Annotated[str | None, typer.Option(help="Under which name; else the file's.")] = None,
) -> None:
    """Check a model file and copy it into the library."""
    from resnet_desktop.bundle.library import Library

    entry = Library().install(file, name)
    typer.echo(f"{entry.name} is installed.")


@app.command()
def remove(name: Annotated[str, typer.Argument(help="An installed model.")]) -> None:
    """Remove one of your models from the library."""
    from resnet_desktop.bundle.library import Library

    Library().remove(name)
    typer.echo(f"{name} is removed.")


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
        "provenance": dict(metadata.provenance),
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
    metrics = metadata.provenance.get("metrics", {})
    transforms = metadata.transforms
    typer.echo(f"{bundle.path.stem}: {metadata.arch or 'a network from elsewhere'}, {bundle.classes} classes")
    first = f"shorter side reduced to {transforms.native}, then " if transforms.native else ""
    typer.echo(f"Photos: {first}resized to {transforms.resize}, centre {transforms.crop} x {transforms.crop}")
    if metrics.get("images"):
        low, high = metrics["acc1_interval"]
        typer.echo(
            f"Accuracy: {metrics['acc1']:.1%} of {metrics['images']} pictures (95 % interval {low:.1%} to {high:.1%})"
        )
    if "data" in metadata.provenance:
        typer.echo(f"Trained on: {', '.join(str(name) for name in metadata.provenance['data'])}")
    typer.echo("")


def _print_summary(summary: Summary) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("part")
    table.add_column("kind")
    for column in ("output", "parameters", "multiply-adds"):
        table.add_column(column, justify="right")
    for row in summary.rows:
        shape = " x ".join(str(side) for side in row.shape)
        table.add_row(Text(row.name), row.kind, shape, f"{row.parameters:,}", f"{row.multiply_adds:,}")
    table.add_section()
    totals = (f"{summary.total_parameters:,}", f"{summary.total_multiply_adds:,}")
    table.add_row("total", "", "", *totals, style="bold")
    print_table(table)
