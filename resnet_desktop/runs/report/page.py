"""The report of a run: one HTML file that needs nothing beside it.

No script, nothing fetched from anywhere, light and dark, fit for paper. Every name that comes from outside (classes,
files, folders, models) is escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.core import atomic
from resnet_desktop.data.dataset import Sample
from resnet_desktop.explain.report.style import document
from resnet_desktop.explain.report.svg import text
from resnet_desktop.runs.report import data, heatmaps, label_errors, parts
from resnet_desktop.runs.report.pictures import Thumbnails

WORST = 24
"""Mistakes, and doubtful labels, that are shown."""
OWN_STYLE = """
.figure { font-size: 2.6rem; font-weight: 600; margin: 1rem 0 0; line-height: 1.1; }
.share { background: var(--c1); height: .7rem; border-radius: 2px; min-width: 1px; print-color-adjust: exact; }
.small { font-size: .87rem; color: var(--soft); } summary { cursor: pointer; margin: .8rem 0; } pre { overflow-x: auto;
  font-size: .8rem; background: var(--box); padding: .6rem; border-radius: 4px; }
td.n, th.n { text-align: right; white-space: nowrap; } td.wide { width: 9rem; padding-left: .8rem; }
.scroll { overflow-x: auto; } .matrix { width: auto; } .matrix td { text-align: right; min-width: 2.2rem;
  padding: .25rem .5rem; border: 1px solid var(--line); print-color-adjust: exact; }
.matrix th { padding: .25rem .5rem; } .matrix .top th { vertical-align: bottom; text-align: center; }
.turned { writing-mode: vertical-rl; transform: rotate(180deg); max-height: 12rem; display: inline-block; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); gap: 1rem; margin-top: .6rem; }
.gallery img { width: auto; max-width: 100%; } .triple { display: grid; grid-template-columns: repeat(3, 1fr);
  gap: .8rem; margin: 1rem 0; align-items: start; max-width: 54rem; }
.bars { display: flex; align-items: center; gap: .5rem; font-size: .85rem; color: var(--soft); margin: .4rem 0; }
.bars i { flex: 0 0 14rem; height: .6rem; border-radius: 2px; print-color-adjust: exact; }
@media (max-width: 40rem) { .triple { grid-template-columns: 1fr; } }
"""


def write_report(
    path: Path,
    bundle: Bundle,
    base: str | None,
    results: Mapping[str, Any],
    samples: Sequence[Sample],
    check: Callable[[], object],
) -> Path:
    """Write the report of a bundle to ``path``. Raises StorageError.

    Args:
        path: where.
        bundle: what was made.
        base: the model that it was made of; None for none.
        results: as in ``results.json``.
        samples: the pictures of the run.
        check: called now and then; what it raises ends the work.
    """
    about = results["about"]
    judged = [row for row in results["pictures"] if row["role"] == results["metrics"].get("on")]
    mistakes = [row for row in judged if row["label"] != row["predicted"]]
    worst = sorted(mistakes, key=lambda row: -row["loss"])[:WORST]
    by_name = {sample.name: sample for sample in samples}
    with Thumbnails(by_name) as thumbnails:
        check()
        none = "No mistakes on the photos it was evaluated on." if judged else parts.UNMEASURED
        shown = thumbnails.gallery(worst, none)
        check()
        doubted = thumbnails.gallery(results["suspects"][:WORST], "None found.", doubts=True)
    changes = heatmaps.section(bundle, base, judged, by_name, check)
    sections = [
        ("", parts.headline(results)),
        ("Per-class results", parts.classes(results["per_class"])),
        ("Confusion", parts.confusion(results, mistakes)),
        ("Worst mistakes", parts.counted(len(worst), len(mistakes), "mistakes") + shown),
        ("Possibly wrong labels", label_errors.words(results, WORST) + doubted),
        ("Before and after" if base else "Where it looks", changes),
        ("Calibration", parts.confidence(results)),
        ("Unfamiliar photos", parts.novelty(results["novelty"])),
        ("Training", _training(results["history"], about)),
        ("Data", data.data(about)),
        ("Recipe and origin", data.recipe(about)),
        ("Export check", data.parity(about.get("parity"), about.get("learner"))),
    ]
    title = f"{about['name']}: {about['arch']}, {len(results['labels'])} classes"
    made = f"<header><h1>{text(title)}</h1><p>{text(about.get('date', ''))} · ResNet Desktop</p></header>"
    body = [f"<section>{f'<h2>{name}</h2>' if name else ''}{part}</section>" for name, part in sections if part]
    atomic.write_text(path, document(title, [made, *body], OWN_STYLE))
    return path


def _training(history: Sequence[Mapping[str, Any]], about: Mapping[str, Any]) -> str:
    curves = parts.curves(history, about) + parts.epochs(history)
    return curves + parts.regression(about.get("learner"))
