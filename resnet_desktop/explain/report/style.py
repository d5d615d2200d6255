"""A report's page, and how it looks: on a light screen, on a dark one, on paper.

The three drawing colours are told apart by all.
"""

from __future__ import annotations

from collections.abc import Sequence

from resnet_desktop.explain.report.svg import text

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1d1f23; --soft: #5d636d; --line: #d5d9e0; --box: #f5f6f8;
  --c1: #0072b2; --c2: #d55e00; --c3: #767c85; --good: #00705a; --mixed: #8a5a00; --poor: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --paper: #17191d; --ink: #e8eaee; --soft: #a3aab5; --line: #3a3f48;
  --box: #202329; --c1: #56b4e9; --c2: #f0a04b; --c3: #959ca7; --good: #4cc9a4; --mixed: #e9b949; --poor: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif; }
h1 { margin: 0; font-size: 1.6rem; } h2 { margin: 0 0 .5rem; font-size: 1.15rem; } h3 { margin: .8rem 0 .3rem;
  font-size: 1rem; }
p { margin: .4rem 0; max-width: 48rem; overflow-wrap: anywhere; } header p, figcaption, .note { color: var(--soft); }
section { margin-top: 1.6rem; }
figure { margin: 0; } figure img { display: block; width: 100%; height: auto; border-radius: 4px; }
figcaption { margin-top: .3rem; font-size: .87rem; overflow-wrap: anywhere; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; align-items: start; }
.row { display: flex; flex-wrap: wrap; gap: .8rem; } .row figure { width: 11rem; } .row.tiny figure { width: 6rem; }
.stack { position: relative; } .frame { position: absolute; inset: 0; width: 100%; height: 100%; }
.frame rect { fill: none; stroke: #fff; stroke-width: 2; paint-order: stroke; filter: drop-shadow(0 0 1px #000); }
.scale { height: .6rem; margin-top: .4rem; border-radius: 2px; print-color-adjust: exact; }
.ends { display: flex; justify-content: space-between; font-size: .8rem; color: var(--soft); }
table { border-collapse: collapse; width: 100%; max-width: 48rem; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .5rem .2rem 0; border-bottom: 1px solid var(--line); text-align: left; font-weight: 400;
  overflow-wrap: anywhere; vertical-align: top; }
thead th { color: var(--soft); font-size: .87rem; } tr.asked th { font-weight: 600; }
.meter { width: 45%; vertical-align: middle; } .meter span { display: block; height: .7rem; background: var(--c1);
  border-radius: 2px; min-width: 1px; print-color-adjust: exact; }
.verdict { border-left: 4px solid var(--c3); padding: .2rem .9rem; background: var(--box); }
.verdict.good { border-color: var(--good); } .verdict.mixed { border-color: var(--mixed); }
.verdict.poor { border-color: var(--poor); }
svg { display: block; width: 100%; height: auto; } svg text { fill: var(--soft); font-size: 11px; }
.grid { stroke: var(--line); stroke-width: 1; } .line { fill: none; stroke-width: 2; }
.line.c1 { stroke: var(--c1); } .line.c2 { stroke: var(--c2); } .line.c3 { stroke: var(--c3); }
.bar.c1 { fill: var(--c1); } .bar.c2 { fill: var(--c2); } .bar.c3 { fill: var(--c3); }
.keys { display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: .85rem; color: var(--soft); }
.key { display: inline-flex; align-items: center; gap: .35rem; } .key .sample { width: 26px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; margin: .4rem 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 40rem) { .pair { grid-template-columns: 1fr; } }
@media print { :root { color-scheme: light; --paper: #fff; --ink: #000; --soft: #444; --line: #bbb; --box: #f4f4f4;
  --c1: #0072b2; --c2: #d55e00; --c3: #666; } body { max-width: none; padding: 0; font-size: 9pt; }
  section { margin-top: 1rem; } .pair { max-width: 150mm; } .row figure { width: 30mm; }
  .row.tiny figure { width: 20mm; }
  figure, table, .verdict { break-inside: avoid; } h2, h3 { break-after: avoid; } @page { margin: 15mm; } }
"""


def document(title: str, body: Sequence[str], style: str = "") -> str:
    """The parts that are not empty, as one page that may fetch and run nothing; ``style`` comes after ``STYLE``."""
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        f"<title>{text(title)}</title>",
        f"<style>{STYLE}{style}</style>",
        "</head>",
        "<body>",
        *(part for part in body if part),
        "</body>",
        "</html>",
        "",
    ]
    return "\n".join(lines)
