"""The report of a run: one HTML file that needs nothing beside it."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

from resnet_desktop.bundle.bundle import Bundle
from resnet_desktop.core import atomic

STYLE = """
:root { color-scheme: light dark; --line: #8884; --a: #3f6f8f; --b: #b5713a; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 3rem auto; padding: 0 1rem; }
h1 { font-weight: 600; } h2 { margin-top: 2.5rem; font-weight: 600; font-size: 1.1rem; }
table { border-collapse: collapse; } td, th { padding: .2rem 1rem .2rem 0; text-align: left; }
td { border-top: 1px solid var(--line); font-variant-numeric: tabular-nums; }
.figure { font-size: 2.4rem; font-weight: 600; } svg { width: 100%; height: auto; }
.bar { background: var(--a); height: .7rem; border-radius: 2px; } pre { overflow-x: auto; font-size: .8rem; }
"""


def write_report(path: Path, bundle: Bundle, history: list[dict[str, Any]]) -> Path:
    """Write the report of a bundle and the epochs that led to it. Raises StorageError."""
    provenance = bundle.metadata.provenance
    metrics = provenance.get("metrics", {})
    parts = [
        f"<h1>{html.escape(bundle.metadata.arch or 'Network')}, {bundle.classes} classes</h1>",
        _headline(metrics),
        "<h2>Training</h2>",
        _curves(history),
        _epochs(history),
        "<h2>Each class</h2>",
        _per_class(metrics.get("per_class") or {}),
        "<h2>Recipe</h2>",
        f"<pre>{html.escape(json.dumps(provenance, indent=1, ensure_ascii=False))}</pre>",
    ]
    page = "<!doctype html><html lang=en><meta charset=utf-8><title>Training report</title>"
    atomic.write_text(path, f"{page}<style>{STYLE}</style><body>{''.join(parts)}</body></html>\n")
    return path


def _headline(metrics: dict[str, Any]) -> str:
    if not metrics.get("images"):
        return "<p>No pictures were set apart, so the accuracy is not known.</p>"
    low, high = metrics["acc1_interval"]
    return (
        f"<p class=figure>{metrics['acc1']:.1%}</p>"
        f"<p>of {metrics['images']} {html.escape(metrics['on'])} pictures are named rightly "
        f"(95 % interval {low:.1%} to {high:.1%}); for {metrics['acc5']:.1%} the right name is among the first five. "
        f"Calibration error {metrics['ece']:.3f}; before the temperature was fitted, "
        f"{metrics['ece_uncalibrated']:.3f}.</p>"
    )


def _curves(history: list[dict[str, Any]]) -> str:
    """Training and validation loss by epoch, as an inline drawing."""
    losses = [row[key] for row in history for key in ("training_loss", "validation_loss") if row[key] is not None]
    if len(history) < 2 or not losses:
        return ""
    width, height, top = 640, 200, max(losses) * 1.05
    lines = []
    for key, colour in (("training_loss", "--a"), ("validation_loss", "--b")):
        points = [
            f"{40 + i * (width - 50) / (len(history) - 1):.1f},{height - 20 - row[key] / top * (height - 30):.1f}"
            for i, row in enumerate(history)
            if row[key] is not None
        ]
        lines.append(f"<polyline fill=none stroke-width=2 stroke='var({colour})' points='{' '.join(points)}'/>")
    axes = f"<path d='M40 10V{height - 20}H{width - 10}' fill=none stroke='var(--line)'/>"
    label = f"<text x=0 y=16 font-size=11 fill=currentColor>{top:.1f}</text>"
    names = (("--a", "training loss"), ("--b", "validation loss"))
    legend = "".join(f"<span style='color:var({colour})'>{name}</span> " for colour, name in names)
    return f"<svg viewBox='0 0 {width} {height}' role=img>{axes}{label}{''.join(lines)}</svg><p>{legend}</p>"


def _epochs(history: list[dict[str, Any]]) -> str:
    rows = "".join(
        f"<tr><td>{row['epoch']}<td>{row['size']}<td>{_number(row['training_loss'])}<td>{_number(row['validation_loss'])}"
        f"<td>{_number(row['acc1'])}<td>{row['seconds']:.0f} s</tr>"
        for row in history
    )
    head = "<tr><th>epoch<th>pixels<th>training loss<th>validation loss<th>validation acc1<th>time</tr>"
    return f"<table>{head}{rows}</table>"


def _per_class(accuracies: dict[str, float]) -> str:
    rows = "".join(
        f"<tr><td>{html.escape(label)}<td>{value:.0%}<td style='width:14rem'>"
        f"<div class=bar style='width:{value:.0%}'></div></tr>"
        for label, value in sorted(accuracies.items(), key=lambda pair: -pair[1])
    )
    return f"<table>{rows}</table>"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
