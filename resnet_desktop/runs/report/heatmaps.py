"""Before and after in a report: where the base and the new model look in the same photos, and the difference.

It is an extra: what goes wrong here is said on the page and does not make the run fail.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.library.library import Library
from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.data.dataset import Sample, SampleReader
from resnet_desktop.explain.cam.explainer import Explainer
from resnet_desktop.explain.report.model_diff import GAINED, LOST, Change, Look, compare, look
from resnet_desktop.explain.report.svg import text
from resnet_desktop.imaging.decode import Source
from resnet_desktop.imaging.overlay import colormap
from resnet_desktop.inference.classifier import Classifier
from resnet_desktop.runs.report.pictures import Row, image, short_name

PHOTOS = 6
SIDE = 260
QUALITY = 78
SECONDS = 8.0
"""After so many no further photo is begun."""


def section(
    bundle: Bundle,
    base: str | None,
    rows: Sequence[Row],
    samples: Mapping[str, Sample],
    check: Callable[[], object],
) -> str:
    """The worst mistakes and some photos that are named rightly, as both models see them.

    Args:
        bundle: the new model.
        base: the name or path of the model that it was made of; None for none.
        rows: ``pictures`` of ``results.json``.
        samples: pictures by name.
        check: called before each model and each photo; what it raises ends the work.
    """
    chosen = choose(rows)
    if not chosen:
        return ""
    began, parts, reader = time.monotonic(), [_words(base), _keys(base)], SampleReader()
    try:
        check()
        before = None if base is None else _explainer(bundles.read(Library().find(base)))
        check()
        after = _explainer(bundle)
        for done, row in enumerate(chosen):
            check()
            if time.monotonic() - began > SECONDS:
                parts.append(f"<p>{done} of {len(chosen)} photos are shown; the others would have taken too long.</p>")
                break
            parts.append(_photo(before, after, row, reader.read(samples[row["path"]]), check))
    except (ResNetDesktopError, MemoryError, KeyError) as error:
        parts.append(f"<p>No further heatmaps: {text(str(error))}</p>")
    finally:
        reader.close()
    return "".join(parts)


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


def _photo(before: Explainer | None, after: Explainer, row: Row, source: Source, check: Callable[[], object]) -> str:
    name = short_name(row["path"])
    head = f"<h3>{text(name)}: labelled {text(row['label'])}</h3>"
    if before is None:
        seen = look(after, source, SIDE)
        figures = [(seen.photo, "The photo"), (seen.overlay, _said("The model", seen))]
    else:
        change = compare(before, after, source, SIDE, check=check)
        figures = [
            (change.overlay_before, _said("Before", change.looks[0])),
            (change.overlay_after, _said("After", change.looks[1])),
            (change.difference, _moved(change)),
        ]
    shown = "".join(
        f"<figure>{image(pixels, name, QUALITY)}<figcaption>{caption}</figcaption></figure>"
        for pixels, caption in figures
    )
    return f'{head}<div class="triple">{shown}</div>'


def _said(who: str, seen: Look) -> str:
    where = "no evidence found" if seen.empty else f"seen at {text(seen.layer)}"
    return f"{who}: <b>{text(seen.score.label)}</b>, {seen.score.probability:.0%}; {where}"


def _moved(change: Change) -> str:
    return f"The difference: {change.moved:.0%} on average"


def _words(base: str | None) -> str:
    if base is None:
        return "<p>Where the model finds evidence for the class it predicts.</p>"
    return (
        f"<p>The same photos seen by {text(short_name(base))} and by the new model, each with the evidence for the "
        "class it predicts: the worst mistakes first, then correctly classified photos.</p>"
    )


def _keys(base: str | None) -> str:
    table = colormap("viridis")
    steps = ",".join(f"rgb({r},{g},{b})" for r, g, b in table[:: len(table) // 8].tolist())
    heat = f'<div class="bars">little evidence<i style="background:linear-gradient(90deg,{steps})"></i>much</div>'
    if base is None:
        return heat
    lost, gained = (f"rgb({r},{g},{b})" for r, g, b in (LOST, GAINED))
    change = f"linear-gradient(90deg,{lost},#8c8c8c,{gained})"
    return heat + f'<div class="bars">lost evidence<i style="background:{change}"></i>new evidence</div>'
