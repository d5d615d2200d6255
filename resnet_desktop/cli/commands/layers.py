"""``resnet-desktop layers``: the layers that can be explained."""

from __future__ import annotations

from resnet_desktop.cli.shared import FormatOption, ModelOption, cell, open_bundle, print_json, print_table


def layers(model: ModelOption = None, format: FormatOption = "table") -> None:  # noqa: A002 - the option's name
    """List the layers that can be explained."""
    from rich.table import Table

    from resnet_desktop.bundle.file.layers import layers as layers_of

    found = layers_of(open_bundle(model))
    if format == "json":
        print_json([layer.as_dict() for layer in found])
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("layer", "kind", "channels", "height x width", ""):
        table.add_column(column, justify="right" if column in ("channels", "height x width") else "left")
    for layer in found:
        channels, height, width = layer.shape
        note = "recommended" if layer.recommended else ""
        table.add_row(cell(layer.name), cell(layer.kind), str(channels), f"{height} x {width}", note)
    print_table(table)
