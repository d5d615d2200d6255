"""``resnet-desktop bench``: how fast the model runs here, by provider and batch size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from resnet_desktop.cli.shared import (
    EXIT_NO_MODEL,
    FormatOption,
    ModelOption,
    ProviderOption,
    cell,
    open_admitted,
    print_json,
    print_table,
    say,
)

if TYPE_CHECKING:
    from resnet_desktop.bundle.file.bundle import Bundle
    from resnet_desktop.inference.speed import Speed

BATCHES = (1, 2, 4, 8, 32)
ENOUGH = 0.95
"""A smaller batch is recommended if it reaches so much of the fastest one's speed: its first answer comes sooner."""


def bench(
    batch: Annotated[
        list[int] | None,
        typer.Option("--batch", min=1, max=4096, help="Photos per run. Can be given more than once."),
    ] = None,
    seconds: Annotated[
        float, typer.Option("--seconds", min=0.1, max=600, help="Seconds to measure each batch size.")
    ] = 2.0,
    model: ModelOption = None,
    provider: ProviderOption = None,
    format: FormatOption = "table",  # noqa: A002 - the option's name
) -> None:
    """Measure how many photos per second the model processes, by execution provider and batch size."""
    bundle = open_admitted(model)
    found = _measured(bundle, provider, sorted(set(batch or BATCHES)), seconds)
    if format == "json":
        print_json([_row(speed) for speed in found])
    else:
        _print(bundle, found)
    if not any(speed.seconds for speed in found):
        raise typer.Exit(EXIT_NO_MODEL)


def _measured(bundle: Bundle, provider: str | None, batches: list[int], seconds: float) -> list[Speed]:
    """The provider that is named, or all that work."""
    from resnet_desktop.inference import providers
    from resnet_desktop.inference.classifier import Classifier
    from resnet_desktop.inference.speed import measure

    wanted = [provider] if provider else [status.name for status in providers.prove_all() if status.usable]
    found = []
    for name in wanted:
        classifier = Classifier(bundle, provider=name, keep_activations=False, on_fallback=say)
        say(f"{providers.short_name(classifier.provider)}: {len(batches)} batch sizes, {seconds:g} seconds each …")
        found += measure(classifier, batches, seconds)
    return found


def _row(speed: Speed) -> dict[str, Any]:
    row: dict[str, Any] = {"provider": speed.provider, "batch": speed.batch, "ok": speed.error is None}
    if speed.error is not None:
        return {**row, "error": speed.error.as_dict()}
    low, high = speed.range
    speeds = {"images_per_second": speed.images_per_second, "slowest": low, "fastest": high}
    return {**row, **{name: round(value, 2) for name, value in speeds.items()}, "runs": len(speed.seconds)}


def _print(bundle: Bundle, found: list[Speed]) -> None:
    from rich.table import Table

    from resnet_desktop.inference.providers import short_name
    from resnet_desktop.inference.runtime import CPU

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("provider", "photos per run", "photos per second", "slowest to fastest", "one run"):
        table.add_column(column, justify="left" if column == "provider" else "right")
    for speed in found:
        name = short_name(speed.provider)
        if speed.error is not None:
            table.add_row(name, str(speed.batch), cell(speed.error.message, style="red"), "", "")
            continue
        low, high = speed.range
        cells = (f"{speed.images_per_second:.1f}", f"{low:.1f} to {high:.1f}")
        table.add_row(name, str(speed.batch), *cells, f"{speed.batch / speed.images_per_second * 1e3:.1f} ms")
    print_table(table)
    best = recommended(found)
    if best is not None:
        options = f"--provider {short_name(best.provider).lower()}"
        if best.provider != CPU:
            options += f" --batch {best.batch}"
        say(f"{options} is as fast as any, or nearly so.")
        if best.provider == CPU:
            say("A folder is faster still without --batch: photos are then processed in parallel, one per core.")
    _, height, width = bundle.input_shape
    say(f"Pictures of {width} x {height} pixels, already in memory; reading photos from files takes extra time.")


def recommended(found: list[Speed]) -> Speed | None:
    """The smallest batch that is nearly as fast as the fastest; None where nothing could be run."""
    most = max((speed.images_per_second for speed in found), default=0.0)
    return min((s for s in found if s.seconds and s.images_per_second >= ENOUGH * most), key=_batch, default=None)


def _batch(speed: Speed) -> int:
    return speed.batch
