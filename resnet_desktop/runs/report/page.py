"""The report of a run: one HTML file that needs nothing beside it."""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.core import atomic
from resnet_desktop.data.dataset import Sample
from resnet_desktop.explain.report import rendering
from resnet_desktop.explain.report.svg import Axis, Line, line_chart
from resnet_desktop.runs.evaluation.calibrate import BINS
from resnet_desktop.runs.evaluation.scores import LEAST_OF_CLASS, ODDS
from resnet_desktop.runs.report import heatmaps
from resnet_desktop.runs.report.label_errors import LEAST, MOST_PICTURES
from resnet_desktop.runs.report.pictures import Thumbnails, short_name

WORST = 24
"""Mistakes, and doubtful labels, that are shown."""
LARGEST_TABLE = 30
"""Classes up to which the confusion table is drawn."""

CONSTANTS: Mapping[str, Any] = {
    "BINS": BINS,
    "CROSSED": "cross-validation",
    # Pictures below which an accuracy says little, and below which a calibration error is mostly chance.
    "FEW": 50,
    "FEW_TO_CALIBRATE": 100,
    # Classes up to which all are shown at once; of more, the weakest are, and the others lie behind a fold.
    "LARGEST_LIST": 60,
    "LARGEST_TABLE": LARGEST_TABLE,
    "LEAST": LEAST,
    "LEAST_OF_CLASS": LEAST_OF_CLASS,
    "MOST_PICTURES": MOST_PICTURES,
    "MOST_SKIPPED": 200,
    "ODDS": ODDS,
    "ROLES": ("training", "validation", "test"),
    "TRAINED": {
        "head": "the last layer only",
        "last-stage": "the last stage and the last layer",
        "last-two-stages": "the last two stages and the last layer",
        "all": "the whole network",
        "scratch": "the whole network, from scratch",
    },
    "UNMEASURED": "Nothing was measured: there were no held-out photos.",
    "WORST": WORST,
}

Row = Mapping[str, Any]


def write_report(
    path: Path, bundle: Bundle, base: str | None, results: Row, samples: Sequence[Sample], check: Callable[[], object]
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
    judged = [row for row in results["pictures"] if row["role"] == results["metrics"].get("on")]
    by_name = {sample.name: sample for sample in samples}
    values = described(results, judged)
    with Thumbnails(by_name) as thumbnails:
        for row in (*values["worst"], *results["suspects"][:WORST]):
            check()
            thumbnails.add(row["path"])
    values |= {
        "base": None if base is None else short_name(base),
        "heatmaps": heatmaps.section(bundle, base, judged, by_name, check),
        "thumbnails": thumbnails.made,
    }
    atomic.write_text(path, templates().get_template("run.html").render(values))
    return path


@functools.cache
def templates() -> Environment:
    """The pieces of the page."""
    made = rendering.environment(Path(__file__).parent / "templates")
    made.filters["short_name"] = short_name
    made.globals.update(CONSTANTS)
    return made


def described(results: Row, judged: Sequence[Row]) -> dict[str, Any]:
    """What the templates show of the results: these, and what is counted or drawn here."""
    about = results["about"]
    mistakes = [row for row in judged if row["label"] != row["predicted"]]
    confused = Counter((row["label"], row["predicted"]) for row in mistakes)
    schedule = (about["recipe"].get("recipe") or {}).get("schedule", ())
    rest = {key: value for key, value in about.items() if key not in ("by_class", "skipped", "problems")}
    return {
        **results,
        "title": f"{about['name']}: {about['arch']}, {len(results['labels'])} classes",
        "judged": judged,
        "mistakes": mistakes,
        "worst": sorted(mistakes, key=lambda row: -row["loss"])[:WORST],
        "confused": confused.most_common(LARGEST_TABLE),
        "curves": curves(results["history"]),
        "schedule": ", then ".join(
            f"{phase['epochs']} epochs at {phase['size']} pixels in batches of {phase['batch_size']}"
            for phase in schedule
        ),
        "versions": ", ".join(f"{name} {version}" for name, version in about["versions"].items()),
        "everything": json.dumps(rest, indent=1, ensure_ascii=False).split("\n"),
    }


def curves(history: Sequence[Row]) -> tuple[Markup, ...]:
    """Loss and accuracy by epoch; none of less than two epochs."""
    if len(history) < 2:
        return ()
    trained, judged, right = ([row.get(key) for row in history] for key in ("training_loss", "validation_loss", "acc1"))
    step = max(1, len(history) // 8)
    names = [str(row["epoch"]) if i % step == 0 else "" for i, row in enumerate(history)]
    lines = (Line("training", trained, 3), Line("validation", judged, 1))
    loss = line_chart(Axis.around("loss", [*trained, *judged]), lines, names, title="loss by epoch")
    percent = Axis.around("accuracy", right, percent=True)
    return loss, line_chart(percent, [Line("validation", right, 1)], names, title="accuracy by epoch")
