"""What a model was made of, as pieces of HTML: data, recipe, origin, parity."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from resnet_desktop.explain.report.svg import text
from resnet_desktop.runs.report.pictures import short_name

LARGEST_LIST = 60
"""Classes up to which their counts are shown at once."""
MOST_SKIPPED = 200
ROLES = ("training", "validation", "test")
TRAINED = {
    "head": "the last layer only",
    "last-stage": "the last stage and the last layer",
    "last-two-stages": "the last two stages and the last layer",
    "all": "the whole network",
    "scratch": "the whole network, from scratch",
}

Row = Mapping[str, Any]


def data(about: Row) -> str:
    """Sources, how many pictures were for what, what was left out and what could not be read."""
    pictures = about["pictures"]
    facts = [
        ("from", ", ".join([*about["data"], *about["test_data"]])),
        *((f"for {role}", f"{pictures[role]:,}") for role in ROLES if pictures[role]),
        ("left out by you", f"{about['left_out']:,}"),
        ("relabelled by you", f"{about['relabelled']:,}"),
        ("unreadable", f"{about['unreadable']:,}"),
    ]
    notes = "".join(f"<p>{text(problem)}</p>" for problem in about["problems"])
    return _list(facts) + notes + _skipped(about["skipped"]) + _by_class(about["by_class"], pictures)


def _skipped(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    lines = "".join(
        f'<tr><th scope="row">{text(short_name(row["path"]))}</th><td>{text(row["message"])}</td></tr>'
        for row in rows[:MOST_SKIPPED]
    )
    more = f"<p>… and {len(rows) - MOST_SKIPPED} more.</p>" if len(rows) > MOST_SKIPPED else ""
    table = f"<table><thead><tr><th>photo</th><th>why it was not used</th></tr></thead><tbody>{lines}</tbody></table>"
    return f"<details><summary>Photos that could not be used ({len(rows):,})</summary>{table}{more}</details>"


def _by_class(rows: Sequence[Row], pictures: Row) -> str:
    roles = [role for role in ROLES if pictures[role]]
    head = "".join(f'<th class="n">{role}</th>' for role in roles)
    lines = "".join(
        f'<tr><th scope="row">{text(row["label"])}</th>'
        + "".join(f'<td class="n">{row[role]:,}</td>' for role in roles)
        + "</tr>"
        for row in rows
    )
    shown = "open" if len(rows) <= LARGEST_LIST else ""
    table = f"<table><thead><tr><th>class</th>{head}</tr></thead><tbody>{lines}</tbody></table>"
    return f"<details {shown}><summary>The split</summary>{table}</details>"


def recipe(about: Row) -> str:
    """How it was trained, on what, with which versions; everything else behind a fold."""
    job = about["recipe"]
    values = job.get("recipe") or {}
    schedule = ", then ".join(
        f"{phase['epochs']} epochs at {phase['size']} pixels in batches of {phase['batch_size']}"
        for phase in values.get("schedule", ())
    )
    names: tuple[tuple[str, str], ...] = (
        ("optimizer", "optimizer"),
        ("precision", "precision"),
        ("views", "versions of each photo"),
    )
    if about.get("learner"):  # it has neither steps nor a precision to choose
        names = names[-1:]
    facts = [
        ("trained", TRAINED.get(job["train"], job["train"])),
        ("base", short_name(about["base"] or "none")),
        ("teacher", short_name(about.get("teacher") or "")),
        ("preset", job["preset"]),
        ("schedule", schedule),
        ("learning rate", "" if job.get("learning_rate") is None else f"{job['learning_rate']:g}"),
        *((title, str(values.get(key, ""))) for key, title in names),
        ("seed", str(about["seed"])),
        ("device", about["device"]),
        ("time for features and epochs", _duration(about["minutes"])),
        ("compiled", {"on": "yes", "off": "no"}.get(values.get("compile", ""), "")),
        ("created with", ", ".join(f"{name} {version}" for name, version in about["versions"].items())),
        ("date", about["date"]),
    ]
    rest = {key: value for key, value in about.items() if key not in ("by_class", "skipped", "problems")}
    whole = "\n".join(text(line) for line in json.dumps(rest, indent=1, ensure_ascii=False).split("\n"))
    return _list(facts) + f"<details><summary>Everything</summary><pre>{whole}</pre></details>"


def parity(found: Row | None, learner: Row | None = None) -> str:
    """That the file answers as what was trained does, and what storing it in half the space costs."""
    if not found:
        return ""
    if learner:
        return (
            f"<p>On {found['photos']} photos the exported file agrees with the base's features weighted by the new "
            f"last layer: the same class for each, and no probability differs by more than "
            f"{max(found['bundle'], found['storage']):.1e}. All other weights are the base's own.</p>"
        )
    return (
        f"<p>On {found['photos']} photos the exported file in ONNX Runtime agrees with PyTorch on the same weights: "
        f"the same class for each, and no probability differs by more than {found['bundle']:.1e}. Storing the weights "
        f"as 16-bit numbers halves the file size; it changes probabilities by at most {found['storage']:.1e}, and "
        f"the class for {found.get('moved_classes', 0)} of the {found['photos']} photos.</p>"
    )


def _duration(minutes: float) -> str:
    return f"{60 * minutes:.1f} seconds" if minutes < 2 else f"{minutes:.1f} minutes"


def _list(facts: Sequence[tuple[str, str]]) -> str:
    rows = "".join(f"<dt>{text(name)}</dt><dd>{text(value)}</dd>" for name, value in facts if value)
    return f"<dl>{rows}</dl>"
