"""``resnet-desktop models thresholds``: from which probability each label of a model counts as present."""

from __future__ import annotations

from typing import Annotated

import typer

from resnet_desktop.cli.shared import FormatOption, ModelOption, cell, open_bundle, print_json, print_table, tell

ThresholdOption = Annotated[
    list[str] | None,
    typer.Option(
        "--threshold",
        metavar="LABEL=P|P",
        help="The probability from which a label counts as present, or P for all labels (0.5). May be repeated. "
        "Only for models that can find several labels in one photo.",
    ),
]


def thresholds(
    name: Annotated[str | None, typer.Argument(metavar="[NAME|PATH]", help="A model. Default: the one in use.")] = None,
    threshold: ThresholdOption = None,
    reset: Annotated[bool, typer.Option("--reset", help="Return to the model's own thresholds.")] = False,
    model: ModelOption = None,
    format: FormatOption = "table",  # noqa: A002 - the option's name
) -> None:
    """Show or change the thresholds of a model's labels; changes are remembered for the file."""
    from resnet_desktop.bundle.labels.thresholds import thresholds_of
    from resnet_desktop.bundle.library import remembered_labels

    bundle = open_bundle(name or model)
    values = thresholds_of(bundle.metadata, (), bundle.path.name)
    if reset:
        remembered_labels.remember_thresholds(bundle, None)
        bundle = open_bundle(name or model)
        values = thresholds_of(bundle.metadata, (), bundle.path.name)
    if threshold:
        values = thresholds_of(bundle.metadata, threshold, bundle.path.name)
        remembered_labels.remember_thresholds(bundle, values)
    labels = bundle.metadata.categories
    if format == "json":
        print_json([{"index": i, "label": label, "threshold": values[i]} for i, label in enumerate(labels)])
        return
    from rich.table import Table

    table = Table("label", box=None, pad_edge=False, header_style="bold")
    table.add_column("present from", justify="right")
    for label, value in zip(labels, values, strict=True):
        table.add_row(cell(label), f"{value:.4g}")
    print_table(table)
    if reset or threshold:
        tell(f"The thresholds of {bundle.path.stem} are remembered.")
