"""``resnet-desktop models tune``: what makes a model faster on this machine, measured, and used if wanted."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from resnet_desktop.cli.shared import (
    FormatOption,
    ProviderOption,
    cell,
    named_paths,
    open_admitted,
    print_json,
    print_table,
    say,
    wanted_provider,
)
from resnet_desktop.core import settings as declared
from resnet_desktop.core.settings import Settings

if TYPE_CHECKING:
    from rich.table import Table

    from resnet_desktop.bundle.file.bundle import Bundle
    from resnet_desktop.inference.tuning.offers import Offer, Tuning
    from resnet_desktop.inference.tuning.tuner import Told

NONE = "none"


def tune(
    name: Annotated[str, typer.Argument(metavar="NAME|PATH", help="A model.")],
    photos: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PHOTO]…", help="Photos like yours: files, folders or patterns. None: see what was measured."
        ),
    ] = None,
    use: Annotated[
        str | None, typer.Option("--use", metavar="VARIANT|none", help="Use this from now on; none: as installed.")
    ] = None,
    recursive: Annotated[bool, typer.Option("--recursive", help="Include subfolders.")] = False,
    provider: ProviderOption = None,
    format: FormatOption = "table",  # noqa: A002 - the option's name
) -> None:
    """Measure on your photos what makes a model faster here, and how often it then answers otherwise."""
    from resnet_desktop.inference.tuning import choice, kept

    bundle = open_admitted(name)
    if photos:
        tuning: Tuning | None = _measured(bundle, photos, provider, recursive=recursive)
        assert tuning is not None
        before = Settings().string(declared.TUNED)
        if (after := choice.still_offered(before, tuning)) != before:
            Settings().change(declared.TUNED, after)
    else:
        tuning = kept.load(bundle.file_sha256)
    if use is not None:
        _use(bundle, tuning, use)
    elif tuning is None:
        raise typer.BadParameter("Nothing was measured yet for this model: name some photos.", param_hint="PHOTO")
    in_use = choice.name_of(Settings().string(declared.TUNED), bundle.file_sha256)
    if format == "json":
        print_json({**({} if tuning is None else tuning.as_dict()), "in_use": in_use or None})
        return
    if tuning is not None:
        print_table(_table(tuning, in_use))
        _explain(tuning)
    if use is not None:
        say(f"{bundle.path.stem} runs {f'as {use}' if in_use else 'as installed'} from now on.")


def _measured(bundle: Bundle, photos: list[str], provider: str | None, *, recursive: bool) -> Tuning:
    from resnet_desktop.imaging.files import find_images
    from resnet_desktop.inference.tuning.tuner import tune as measure

    found = list(find_images(named_paths(photos), recursive=recursive))
    most = Settings().integer(declared.MAX_MEGAPIXELS) * 1_000_000
    with _followed() as told:
        return measure(bundle, found, provider=wanted_provider(provider), max_pixels=most, told=told)


def _use(bundle: Bundle, tuning: Tuning | None, wanted: str) -> None:
    """Remember what is wanted. Raises typer.BadParameter if it is not on offer."""
    from resnet_desktop.inference.tuning import choice

    offer = None if tuning is None else tuning.offer(wanted)
    if offer is None and wanted != NONE:
        offered = ", ".join([*(one.name for one in (tuning.offers if tuning is not None else ())), NONE])
        raise typer.BadParameter(f"On offer for {bundle.path.stem}: {offered}.", param_hint="--use")
    choice.choose(Settings(), bundle.file_sha256, offer)


def _table(tuning: Tuning, in_use: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("variant", "runs on", "photos per second", "times as fast", "same answer", "largest change", ""):
        table.add_column(column, justify="left" if column in ("variant", "runs on", "") else "right")
    for offer in (tuning.installed, *tuning.offers):
        used = offer.name == (in_use or tuning.installed.name)
        table.add_row(*map(cell, (*_cells(offer), "in use" if used else "")))
    return table


def _cells(offer: Offer) -> tuple[str, ...]:
    from resnet_desktop.inference.providers import short_name

    same = largest = "-"
    if offer.agreement is not None:
        same, largest = f"{offer.agreement.same:.1%}", f"{offer.agreement.largest_change:.1%}"
    where = f"{short_name(offer.setup.provider)}{_spread(offer)}"
    return offer.name, where, f"{offer.speed.median:.1f}", f"{offer.speed.times_as_fast:.2f}", same, largest


def _spread(offer: Offer) -> str:
    way = offer.setup.way
    if way.batch is not None:
        return f", {way.batch} photos per run"
    if way.photos:
        return f", {way.photos} at once on {way.threads} core{'' if way.threads == 1 else 's'} each"
    return ""


def _explain(tuning: Tuning) -> None:
    """What the table is of, and what is not in it."""
    if tuning.judged:
        say(f"Answers compared on {tuning.judged} photos; ranges learnt from {tuning.learnt} others.")
    if tuning.unreadable:
        say(f"{tuning.unreadable} could not be read.")
    for offer in tuning.offers:
        if offer.doubtful and offer.agreement is not None:
            say(f"{offer.name} answers otherwise on {1 - offer.agreement.same:.1%} of the photos.")
        if offer.warns is False:
            say(f"{offer.name} does not warn of unfamiliar photos: the model's rule does not hold for it.")
    for refusal in tuning.refused:
        say(f"{refusal.name}: {refusal.why}")
    say("Pictures already in memory; reading photos from files takes extra time.")


@contextmanager
def _followed() -> Iterator[Told]:
    """Whom to tell how far it is: a bar on standard error, where that is a terminal."""
    from resnet_desktop.inference.tuning.tuner import nobody

    if not sys.stderr.isatty():
        yield nobody
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading photos")

        def told(stage: str, name: str, done: int, total: int) -> None:
            words = {"reading": "reading photos", "making": f"making {name}", "judging": f"comparing {name}"}
            bar.update(task, description=words.get(stage, f"timing {name}"), completed=done, total=total)

        yield told
