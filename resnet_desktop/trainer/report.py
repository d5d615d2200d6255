"""The report of a run: one HTML file that needs nothing beside it."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from resnet_desktop.bundle.bundle import Bundle
from resnet_desktop.core import atomic
from resnet_desktop.finetune.dataset import Sample
from resnet_desktop.trainer import report_parts as parts

WORST = 24
"""Mistakes, and doubtful labels, that are shown."""
STYLE = """
:root { color-scheme: light dark; --line: #8884; --a: #3f6f8f; --b: #b5713a; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 3rem auto; padding: 0 1rem; }
h1 { font-weight: 600; } h2 { margin-top: 2.5rem; font-weight: 600; font-size: 1.1rem; }
table { border-collapse: collapse; } td, th { padding: .2rem 1rem .2rem 0; text-align: left; font-weight: 400; }
td { border-top: 1px solid var(--line); font-variant-numeric: tabular-nums; }
.figure { font-size: 2.4rem; font-weight: 600; margin: 0; } svg { width: 100%; height: auto; }
.bar { background: var(--a); height: .7rem; border-radius: 2px; } pre { overflow-x: auto; font-size: .8rem; }
.small { font-size: .85rem; opacity: .75; } summary { cursor: pointer; margin: 1rem 0; }
.matrix td { padding: .2rem .5rem; text-align: right; } .turned { writing-mode: vertical-rl; }
.pair { display: flex; gap: 2rem; } figure { margin: 0; } figcaption { font-size: .8rem; line-height: 1.35; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); gap: 1rem; }
.gallery img { max-width: 100%; border-radius: 4px; }
"""


def write_report(
    path: Path,
    bundle: Bundle,
    results: Mapping[str, Any],
    samples: Mapping[str, Sample],
    check: Callable[[], object],
) -> Path:
    """Write the report of a bundle to ``path``. Raises StorageError.

    Args:
        path: where.
        bundle: what was made; its provenance holds the recipe.
        results: as in ``results.json``.
        samples: pictures by name, for the thumbnails.
        check: called now and then; what it raises ends the work.
    """
    provenance = bundle.metadata.provenance
    metrics, history = results["metrics"], results["history"]
    mistakes = [row for row in results["pictures"] if row["label"] != row["predicted"]]
    worst = sorted(mistakes, key=lambda row: -row["loss"])[:WORST]
    thumbnails = parts.Thumbnails(samples)
    try:
        check()
        shown = thumbnails.gallery(worst)
        check()
        doubted = thumbnails.gallery(results["suspects"][:WORST])
    finally:
        thumbnails.close()
    tables = results["reliability"]
    title = f"{html.escape(bundle.metadata.arch or 'Network')}, {bundle.classes} classes"
    sections = [
        ("", parts.headline(metrics)),
        ("Each class", parts.classes(results["per_class"])),
        ("What is taken for what", parts.confusion(results["confusion"], results["labels"])),
        ("The worst mistakes", shown),
        ("Labels that may be wrong", doubted),
        (
            "How far the percentages can be believed",
            parts.reliability(tables["before"], tables["after"], metrics, results["temperature"]),
        ),
        ("Unfamiliar pictures", parts.novelty(results["novelty"])),
        ("Training", parts.curves(history) + parts.epochs(history)),
        ("Data and recipe", _recipe(provenance)),
    ]
    body = "".join(f"<h2>{name}</h2>{part}" if name else part for name, part in sections)
    page = "<!doctype html><html lang=en><meta charset=utf-8><title>Training report</title>"
    atomic.write_text(path, f"{page}<style>{STYLE}</style><body><h1>{title}</h1>{body}</body></html>\n")
    return path


def _recipe(provenance: Mapping[str, Any]) -> str:
    pictures, parity = provenance.get("pictures", {}), provenance.get("parity", {})
    names = ", ".join(html.escape(str(name)) for name in provenance.get("data", ()))
    counts = ", ".join(f"{count} for {role}" for role, count in pictures.items())
    rest = {key: value for key, value in provenance.items() if key not in ("history", "metrics")}
    whole = html.escape(json.dumps(rest, indent=1, ensure_ascii=False))
    return (
        f"<p>Pictures from {names}: {counts}. On {parity.get('photos', 0)} photos the file answers as PyTorch does to "
        f"{parity.get('bundle', 0):.1e} in probability; storing the weights as float16 changes a probability by "
        f"{parity.get('storage', 0):.1e} at most.</p><details><summary>Everything</summary><pre>{whole}</pre></details>"
    )
