"""Before and after in a report: where the base and the new model look in the same photos, and the difference.

It is an extra: what goes wrong here is said on the page and does not make the run fail.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.library.library import Library
from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.data.dataset import Sample, SampleReader
from resnet_desktop.explain.cam.explainer import Explainer
from resnet_desktop.explain.report.model_diff import GAINED, LOST, Look, compare, look
from resnet_desktop.imaging.decode import Source
from resnet_desktop.imaging.heat.overlay import colormap
from resnet_desktop.inference.classifier import Classifier
from resnet_desktop.runs.report.pictures import jpeg_source, short_name

PHOTOS = 6
SIDE = 260
QUALITY = 78
SECONDS = 8.0
"""After so many no further photo is begun."""

Row = Mapping[str, Any]
Figure = tuple[str, str, Look | None]


@dataclass(slots=True)
class Section:
    """What the page shows of it.

    Attributes:
        heat: the colours of a heatmap, from little evidence to much.
        change: those of a difference, from lost evidence to new.
        photos: the name, the label and the figures of each: the picture's source, whose view it is, and that view or
            None.
        out_of: how many photos there were, if the time ended before all were shown.
        trouble: why there are no further ones, if something went wrong.
    """

    heat: Sequence[str]
    change: Sequence[str]
    photos: list[tuple[str, str, list[Figure]]] = field(default_factory=list)
    out_of: int | None = None
    trouble: str | None = None


def section(
    bundle: Bundle,
    base: str | None,
    rows: Sequence[Row],
    samples: Mapping[str, Sample],
    check: Callable[[], object],
) -> Section | None:
    """The worst mistakes and some photos that are named rightly, as both models see them; None without photos.

    Args:
        bundle: the new model.
        base: the name or path of the model that it was made of; None for none.
        rows: ``pictures`` of ``results.json``.
        samples: pictures by name.
        check: called before each model and each photo; what it raises ends the work.
    """
    chosen = choose(rows)
    if not chosen:
        return None
    table = colormap("viridis")
    shown = Section([_rgb(colour) for colour in table[:: len(table) // 8]], [_rgb(LOST), "#8c8c8c", _rgb(GAINED)])
    began, reader = time.monotonic(), SampleReader()
    try:
        check()
        before = None if base is None else _explainer(bundles.read(Library().find(base)))
        check()
        after = _explainer(bundle)
        for row in chosen:
            check()
            if time.monotonic() - began > SECONDS:
                shown.out_of = len(chosen)
                break
            figures = _figures(before, after, reader.read(samples[row["path"]]), check)
            shown.photos.append((short_name(row["path"]), row["label"], figures))
    except (ResNetDesktopError, MemoryError, KeyError) as error:
        shown.trouble = str(error)
    finally:
        reader.close()
    return shown


def choose(rows: Sequence[Row]) -> list[Row]:
    """Half of the photos are the worst mistakes, the others named rightly and as surely as is usual, of all classes."""
    wrong = sorted((row for row in rows if row["label"] != row["predicted"]), key=lambda row: -row["loss"])
    right = sorted((row for row in rows if row["label"] == row["predicted"]), key=lambda row: row["loss"])
    by_class: dict[str, list[Row]] = {}
    for row in right:
        by_class.setdefault(row["label"], []).append(row)
    usual = [found[len(found) // 2] for _, found in sorted(by_class.items())]
    mistakes = wrong[: max(PHOTOS // 2, PHOTOS - len(usual))]
    return [*mistakes, *usual[: PHOTOS - len(mistakes)]]


def _explainer(bundle: Bundle) -> Explainer:
    return Explainer(Classifier(bundle, provider="cpu"))


def _figures(before: Explainer | None, after: Explainer, source: Source, check: Callable[[], object]) -> list[Figure]:
    if before is None:
        seen = look(after, source, SIDE)
        shown = [(seen.photo, "The photo", None), (seen.overlay, "The model", seen)]
    else:
        change = compare(before, after, source, SIDE, check=check)
        shown = [
            (change.overlay_before, "Before", change.looks[0]),
            (change.overlay_after, "After", change.looks[1]),
            (change.difference, f"The difference: {change.moved:.0%} on average", None),
        ]
    return [(jpeg_source(pixels, QUALITY), who, seen) for pixels, who, seen in shown]


def _rgb(colour: Iterable[int]) -> str:
    return f"rgb({','.join(str(part) for part in colour)})"
