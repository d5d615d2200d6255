"""``resnet-desktop sort``: photos into folders by class, group or label, and back again."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from resnet_desktop.cli.shared import (
    EXIT_SOME_FAILED,
    EXIT_USAGE,
    FormatOption,
    ModelOption,
    ProviderOption,
    RangeOption,
    named_paths,
    open_classifier,
    print_json,
    say,
    tell,
    wanted_group_threshold,
)

if TYPE_CHECKING:
    from resnet_desktop.core.errors import ResNetDesktopError
    from resnet_desktop.sorting.choosing import Choice
    from resnet_desktop.sorting.transfer import Kept, Placed
    from resnet_desktop.sorting.undo import Returned

Failed = tuple[Path, "ResNetDesktopError"]
"""A photo that cannot be classified, and why."""
By = Literal["class", "group", "label"]


def sort(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH…", help="Files, folders or patterns; - reads paths from standard input."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="DIR", help="The folder to sort into; made if it is missing.")
    ] = None,
    by: Annotated[
        By, typer.Option("--by", help="The best class, the group that the answer is sure of, or your own label.")
    ] = "class",
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", min=0.0, max=1.0, metavar="P", help="Less confident photos are not sure, 0 to 1."),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option("--labels", metavar="CSV", help="Labels for --by label; else those of the window.")
    ] = None,
    move: Annotated[bool, typer.Option("--move", help="Move the photos instead of copying them.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    undo: Annotated[
        Path | None, typer.Option("--undo", metavar="DIR", help="Take back what was sorted into this folder.")
    ] = None,
    recursive: Annotated[bool, typer.Option("--recursive", help="Include subfolders.")] = False,
    values: RangeOption = None,
    model: ModelOption = None,
    provider: ProviderOption = None,
    format: FormatOption = "table",  # noqa: A002 - the option
) -> None:
    """Sort photos into folders by what they show."""
    if undo is not None:
        if paths or output is not None or move or dry_run:
            raise typer.BadParameter("It takes everything back, and goes with --format alone.", param_hint="--undo")
        _take_back(undo, format)
        return
    if not paths or output is None:
        say("Pass photos and --output, or --undo.")
        raise typer.Exit(EXIT_USAGE)
    if labels is not None and by != "label":
        raise typer.BadParameter("It can only be used with --by label.", param_hint="--labels")
    kept, photos = _photos(paths, output, recursive=recursive)
    failed: list[Failed] = []
    if by == "label":
        choices = _by_label([*kept, *photos], labels)
    else:
        found, failed = _classified(photos, by, threshold, model, provider, values)
        choices = [*_again(kept), *found]
    _carry_out(output, choices, failed, move=move, dry_run=dry_run, shape=format)


def _photos(paths: list[str], output: Path, *, recursive: bool) -> tuple[list[Path], list[Path]]:
    """Those that were sorted already, and those to be sorted; without what earlier runs have put there."""
    from resnet_desktop.imaging.files import find_images
    from resnet_desktop.sorting import record
    from resnet_desktop.sorting.transfer import Kept, place

    earlier = Kept(record.read(output))
    listed = {str(place(path)): path for path in find_images(named_paths(paths), recursive=recursive)}
    photos = [path for path in listed.values() if not earlier.is_own(path)]
    if not photos:
        say("No photos found." if not listed else "All photos found were put there by an earlier run.")
        raise typer.Exit(EXIT_USAGE if not listed else 0)
    return _parted(photos, earlier)


def _parted(photos: Iterable[Path], earlier: Kept) -> tuple[list[Path], list[Path]]:
    known: list[Path] = []
    new: list[Path] = []
    for path in photos:
        (new if earlier.entry(path) is None else known).append(path)
    return known, new


def _again(kept: Iterable[Path]) -> list[Choice]:
    """What lies there already is found by its path, whatever it would be sorted by now."""
    from resnet_desktop.sorting.choosing import Choice

    return [Choice(path, None) for path in kept]


def _by_label(photos: Sequence[Path], labels: Path | None) -> list[Choice]:
    """The photos that have a label. Raises DataError. Ends as wrong usage where none has."""
    from resnet_desktop.gui.labels import label_store
    from resnet_desktop.sorting.choosing import Choice

    if labels is None:
        known = label_store.remembered()
    else:
        table = label_store.read_table(labels)
        known = {os.path.abspath(path): label for path, label in table.labels.items()}  # noqa: PTH100 - links stay
        for remark in table.remarks:
            say(remark)
    named = [(path, known.get(os.path.abspath(path), "")) for path in photos]  # noqa: PTH100
    choices = [Choice(path, label) for path, label in named if label]
    if not choices:
        say("None of these photos has a label.")
        raise typer.Exit(EXIT_USAGE)
    if len(choices) < len(photos):
        say(f"{len(photos) - len(choices)} of {len(photos)} have no label and stay where they are.")
    return choices


def _classified(
    photos: Sequence[Path],
    by: By,
    threshold: float | None,
    model: str | None,
    provider: str | None,
    values: Any,  # noqa: ANN401 - one of the option's words
) -> tuple[list[Choice], list[Failed]]:
    """What the photos are sorted by, and those that cannot be classified."""
    from resnet_desktop.inference.batch import classify_many
    from resnet_desktop.sorting.choosing import choose

    if not photos:
        return [], []
    least = wanted_group_threshold(threshold)
    classifier = open_classifier(model, provider, values=values, keep_activations=False, group_threshold=least)
    choices: list[Choice] = []
    failed: list[Failed] = []
    with closing(classify_many(classifier, iter(photos))) as outcomes:
        for outcome in _counted(outcomes, "Classifying", len(photos)):
            path = photos[outcome.index]
            if outcome.prediction is not None:
                choices.append(choose(path, outcome.prediction, by, least))
            elif outcome.error is not None:
                failed.append((path, outcome.error))
    return choices, failed


def _carry_out(
    output: Path,
    choices: Sequence[Choice],
    failed: Sequence[Failed],
    *,
    move: bool,
    dry_run: bool,
    shape: str,
) -> None:
    from resnet_desktop.sorting import transfer

    placed = (transfer.plan if dry_run else transfer.sort)(output, choices, move=move)
    rows = [_row(one) for one in placed]
    rows += [{"path": os.fspath(path), "ok": False, "error": error.as_dict()} for path, error in failed]
    if shape == "json":
        print_json(rows)
    else:
        _tell(placed, move=move, dry_run=dry_run)
    _conclude(rows)


def _row(placed: Placed) -> dict[str, Any]:
    choice = placed.choice
    if placed.error is not None:
        return {"path": os.fspath(choice.path), "ok": False, "error": placed.error.as_dict()}
    return {
        "path": os.fspath(choice.path),
        "ok": True,
        "action": placed.action,
        "folder": placed.folder,
        "to": None if placed.to is None else os.fspath(placed.to),
        "label": choice.label,
        "probability": None if choice.probability is None else round(choice.probability, 6),
    }


def _tell(placed: Sequence[Placed], *, move: bool, dry_run: bool) -> None:
    """How many photos each folder got."""
    from rich.table import Table

    from resnet_desktop.cli.shared import cell, print_table

    done = [one for one in placed if one.error is None]
    there = sum(one.action == "keep" for one in done)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("folder", overflow="fold")
    table.add_column("photos", justify="right")
    for folder, count in Counter(one.folder for one in done if one.action != "keep").most_common():
        table.add_row(cell(folder), str(count))
    if table.row_count:
        print_table(table)
    word = ("would be " if dry_run else "") + ("moved" if move else "copied")
    tell(f"{len(done) - there} {word}" + (f"; {there} there already." if there else "."))


def _take_back(folder: Path, shape: str) -> None:
    from resnet_desktop.sorting.undo import take_back

    returned = take_back(folder)
    rows = [_returned_row(one) for one in returned]
    if shape == "json":
        print_json(rows)
    else:
        copies = sum(one.entry.action == "copy" and one.error is None for one in returned)
        moved = sum(one.entry.action == "move" and one.error is None for one in returned)
        tell(f"{copies} copies removed, {moved} photos moved back.")
    _conclude(rows)


def _returned_row(one: Returned) -> dict[str, Any]:
    row: dict[str, Any] = {"path": os.fspath(one.source), "ok": one.error is None}
    if one.error is not None:
        return row | {"error": one.error.as_dict()}
    return row | {"action": one.entry.action, "folder": one.to.parent.name, "to": os.fspath(one.to)}


def _conclude(rows: Sequence[dict[str, Any]]) -> None:
    """Say what did not work, with its exit code."""
    failed = [row for row in rows if not row["ok"]]
    for row in failed:
        say(row["error"]["message"])
    if failed:
        say(f"{len(failed)} of {len(rows)} failed.")
        raise typer.Exit(EXIT_SOME_FAILED)


def _counted(outcomes: Iterable[Any], title: str, total: int) -> Iterator[Any]:
    """The same, with a bar on standard error where that is a terminal."""
    if not sys.stderr.isatty():
        yield from outcomes
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(outcomes, title, total, console=Console(stderr=True), transient=True)
