"""How good a model is, as pieces of HTML: tables and drawings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from resnet_desktop.explain.report.svg import Axis, Line, line_chart, text
from resnet_desktop.runs.evaluation.calibrate import BINS

LARGEST_TABLE = 30
"""Classes up to which the confusion table is drawn."""
LARGEST_LIST = 60
"""Classes up to which all are shown at once; of more, the weakest are, and the others lie behind a fold."""
FEW_TO_CALIBRATE = 100
"""Pictures below which a calibration error is mostly chance."""
FEW = 50
"""Pictures below which an accuracy says little."""

APPROXIMATE = (
    "The per-epoch figures are approximate: they were computed in half precision during training. All others are "
    "measured on the finished file, the way the app runs it."
)
CROSSED = "cross-validation"
UNMEASURED = "Nothing was measured: there were no held-out photos."

Row = Mapping[str, Any]


def headline(results: Row) -> str:
    """Accuracy with its interval, on how many pictures, and how that is to be read."""
    metrics = results["metrics"]
    if not metrics.get("images"):
        return "<p>No held-out photos: accuracy could not be measured.</p>"
    low, high = metrics["acc1_interval"]
    five = ""
    if len(results["labels"]) > 5:
        five = f" For {metrics['acc5']:.1%} the correct class is among the top five."
    return (
        f'<p class="figure">{_figure(metrics)}</p>'
        f"<p>{_of_which(metrics)} The 95 % interval is "
        f"{low:.1%} to {high:.1%}: 19 in 20 intervals made this way contain the true accuracy.{five}</p>"
        f"<p>{_honesty(metrics, results['about'])}{_few(metrics['images'])}{_baseline(results['per_class'])}</p>"
        f"{_untested(results['per_class'])}"
    )


def _figure(metrics: Row) -> str:
    """The share; of few pictures their numbers, which say how few they are."""
    if metrics["images"] >= FEW_TO_CALIBRATE:
        return f"{metrics['acc1']:.1%}"
    return f"{round(metrics['acc1'] * metrics['images'])} of {metrics['images']}"


def _of_which(metrics: Row) -> str:
    of, share = f"of {metrics['images']:,} ", ""
    if metrics["images"] < FEW_TO_CALIBRATE:  # the figure has said of how many
        of, share = "", f" ({metrics['acc1']:.1%})"
    if metrics["on"] == CROSSED:
        return f"{of}photos are classified correctly in cross-validation{share}."
    return f"{of}{text(metrics['on'])} photos are classified correctly{share}."


def _honesty(metrics: Row, about: Row) -> str:
    changed = about.get("judged_changed", 0)
    if changed:
        pictures, were = ("1 photo", "was") if changed == 1 else (f"{changed:,} photos", "were")
        return (
            f"{pictures} used to evaluate an earlier run {were} left out or relabelled after its predictions were "
            "seen: the two accuracies are not comparable, and this one may be too high."
        )
    if metrics["on"] == CROSSED:
        return (
            f"The photos were divided into {metrics['folds']} folds, with copies of a photo kept together, and each "
            "fold was classified by a model trained on the others. The exported model was trained on all photos, so it "
            "probably does a little better. The same predictions also selected the regularization strength."
        )
    if metrics["on"] == "test" or metrics.get("chosen_by") is False:
        return "These photos were not used for training or for choosing the model."
    hows = {"loss": " (by loss)", "accuracy": " (by accuracy)"}
    how = hows.get(about.get("best_by") or "", "")
    return (
        f"The model was not trained on these photos, but these photos also selected the best epoch{how}: "
        "accuracy on new photos may be lower."
    )


def _few(images: int) -> str:
    if images >= FEW:
        return ""
    return f" {images} photos are few: four times as many would halve the width of the interval."


def _baseline(rows: Sequence[Row]) -> str:
    whole, largest = sum(row["support"] for row in rows), max(rows, key=lambda row: row["support"])
    share = largest["support"] / max(1, whole)
    return f" Always predicting “{text(largest['label'])}” would reach {share:.1%}."


def _untested(rows: Sequence[Row]) -> str:
    names = [row["label"] for row in rows if not row["support"]]
    if not names:
        return ""
    named = ", ".join(text(name) for name in names[:LARGEST_TABLE]) + (" …" if len(names) > LARGEST_TABLE else "")
    count = f"{len(names):,} of {len(rows):,} classes"
    return f"<p>{count} had no held-out photos, so their accuracy is unknown ({named}).</p>"


def classes(rows: Sequence[Row]) -> str:
    """Precision, recall, F1 and support of each class; of very many, the weakest first."""
    words = "Precision: how many of the predictions are correct. Recall: how many of the class's photos are found."
    note = f'<p class="note">{words}</p>'
    if len(rows) <= LARGEST_LIST:
        return note + _class_table(rows)
    weakest = sorted((row for row in rows if row["support"]), key=lambda row: row["f1"])[:LARGEST_TABLE]
    every = f"<details><summary>All {len(rows):,} classes</summary>{_class_table(rows)}</details>"
    return f"{note}<p>The {len(weakest)} weakest:</p>{_class_table(weakest)}{every}"


def _class_table(rows: Sequence[Row]) -> str:
    lines = "".join(
        f'<tr><th scope="row">{text(row["label"])}</th><td class="n">{_share(row["precision"])}</td>'
        f'<td class="n">{_share(row["recall"])}</td><td class="n">{_share(row["f1"], ".2f")}</td>'
        f'<td class="n">{row["support"]:,}</td>'
        f'<td class="wide"><div class="share" style="width:{row["f1"] or 0:.0%}"></div></td></tr>'
        for row in rows
    )
    names = "".join(f'<th class="n">{name}</th>' for name in ("precision", "recall", "F1", "photos"))
    return f"<table><thead><tr><th>class</th>{names}<th></th></tr></thead><tbody>{lines}</tbody></table>"


def _share(value: float | None, form: str = ".0%") -> str:
    """A figure; a dash where nothing was measured."""
    return "–" if value is None else format(value, form)


def confusion(results: Row, mistakes: Sequence[Row]) -> str:
    """The confusion table, or what is confused most where it would be too large."""
    table, labels = results["confusion"], results["labels"]
    if not results["metrics"].get("images"):
        return f"<p>{UNMEASURED}</p>"
    if not table or len(labels) > LARGEST_TABLE:
        return _most_confused(mistakes)
    head = "".join(f'<th><span class="turned">{text(label)}</span></th>' for label in labels)
    rows = []
    for i, counts in enumerate(table):
        whole = max(1, sum(counts))
        cells = "".join(
            f'<td style="background:color-mix(in srgb, var({"--c1" if i == j else "--c2"}) '
            f'{60 * n / whole:.0f}%, transparent)">{n or ""}</td>'
            for j, n in enumerate(counts)
        )
        rows.append(f'<tr><th scope="row">{text(labels[i])}</th>{cells}</tr>')
    note = '<p class="note">Rows: actual class. Columns: predicted class.</p>'
    body = f'<tr class="top"><th></th>{head}</tr>{"".join(rows)}'
    return f'{note}<div class="scroll"><table class="matrix">{body}</table></div>'


def _most_confused(mistakes: Sequence[Row]) -> str:
    pairs = Counter((row["label"], row["predicted"]) for row in mistakes)
    if not pairs:
        return "<p>No class is mistaken for another.</p>"
    rows = "".join(
        f'<tr><th scope="row">{text(label)}</th><td>{text(predicted)}</td><td class="n">{n}</td></tr>'
        for (label, predicted), n in pairs.most_common(LARGEST_TABLE)
    )
    head = '<tr><th>actual</th><th>predicted</th><th class="n">photos</th></tr>'
    return f"<p>Most frequent confusions:</p><table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def counted(shown: int, all_of_them: int, what: str) -> str:
    """How many there are, where not all are shown."""
    if not all_of_them:
        return ""
    rest = f" The worst {shown} are shown." if all_of_them > shown else ""
    return f"<p>{all_of_them:,} {what}, by loss.{rest} Bold: actual class. Below: predicted class.</p>"


def confidence(results: Row) -> str:
    """Accuracy by confidence, before and after the temperature."""
    metrics, tables = results["metrics"], results["reliability"]
    if not metrics.get("images"):
        return f"<p>{UNMEASURED}</p>"
    drawings = "".join(
        f"<figure>{_reliability(tables[when])}<figcaption>{title}: calibration error {metrics[key]:.3f}</figcaption>"
        "</figure>"
        for title, when, key in (("Before", "before", "ece_uncalibrated"), ("After", "after", "ece"))
    )
    where, fitted = "", "fitted on the validation photos"
    if metrics.get("chosen_by") is False:
        fitted = "fitted on predictions for photos not used to train the models that made them"
    if metrics["on"] == CROSSED or (metrics["on"] != "test" and metrics.get("chosen_by", True)):
        where = (
            " The error after it is measured on these same photos, so it is slightly too small; the one before is not."
        )
    if metrics["images"] < FEW_TO_CALIBRATE:
        where += (
            f" With {metrics['images']} photos in {BINS} bins, chance alone inflates both errors "
            "and pulls the temperature towards 1."
        )
    return (
        "<p>A perfectly calibrated model reaches the dashed line. The probabilities are calibrated with a "
        f"temperature of {results['temperature']:.2f}, {fitted}.{where} The number on each bar "
        "is its number of photos.</p>"
        f'<div class="pair">{drawings}</div>'
    )


def _reliability(rows: Sequence[Row]) -> str:
    side, left, below = 300, 62, 44
    marks = "".join(
        f'<line class="grid" x1="0" x2="{side}" y1="{y}" y2="{y}"/>'
        f'<text x="-4" y="{y + 4}" text-anchor="end">{100 - 100 * y // side} %</text>'
        f'<text x="{side - y}" y="{side + 14}" text-anchor="middle">{100 - 100 * y // side} %</text>'
        for y in (0, side // 2, side)
    )
    bars = "".join(
        f'<rect class="bar c1" x="{row["low"] * side:.1f}" y="{side * (1 - row["accuracy"]):.1f}" '
        f'width="{(row["high"] - row["low"]) * side - 1:.1f}" height="{side * row["accuracy"]:.1f}">'
        f"<title>{row['count']} photos, confidence {row['confidence']:.0%}, accuracy {row['accuracy']:.0%}</title>"
        "</rect>"
        for row in rows
        if row["count"]
    )
    middle = side // 2
    titles = (
        f'<text x="{middle}" y="{side + 34}" text-anchor="middle">confidence</text>'
        f'<text transform="translate(-46 {middle}) rotate(-90)" text-anchor="middle">accuracy</text>'
    )
    counts = "".join(
        f'<text class="count" x="{(row["low"] + row["high"]) / 2 * side:.1f}" text-anchor="middle" '
        f'y="{max(10.0, side * (1 - row["accuracy"]) - 3):.1f}">{row["count"]}</text>'
        for row in rows
        if row["count"]
    )
    line = f'<path class="line c2" stroke-dasharray="5 4" d="M0 {side}L{side} 0"/>'
    box = f"{-left} -6 {side + left + 18} {side + below + 8}"
    label = 'aria-label="accuracy by confidence"'
    return f'<svg viewBox="{box}" role="img" {label}>{marks}{bars}{line}{counts}{titles}</svg>'


def novelty(rule: Row | None) -> str:
    """How the warning about unfamiliar pictures was set, and how often it is wrong."""
    if not rule:
        return "<p>No warning: there were no held-out photos to set its threshold.</p>"
    rate = rule.get("false_alarm_rate")
    told = "unknown: no photos were left to measure them"
    if rate is not None:
        told = f"{rate:.1%} of {rule['images']:,} photos ({text(rule['measured_on'])}{_interval(rule)})"
    return (
        "<p>The app warns when the cosine similarity between a photo's features and the nearest prototype of the "
        f"training photos is below {rule['threshold']:.3f}. False alarms on photos that do belong: {told}. The "
        "warning misses many photos that do not belong: treat it as a hint, not a safeguard.</p>"
    )


def _interval(rule: Row) -> str:
    low, high = rule.get("false_alarm_interval") or (None, None)
    return "" if low is None else f"; 95 % interval {low:.1%} to {high:.1%}"


def curves(history: Sequence[Row], about: Row) -> str:
    """Loss and accuracy by epoch, and how they were measured."""
    if len(history) < 2:
        return ""
    note = "" if about.get("exact_epochs", True) else f'<p class="note">{APPROXIMATE}</p>'
    trained, judged, right = ([row.get(key) for row in history] for key in ("training_loss", "validation_loss", "acc1"))
    step = max(1, len(history) // 8)
    names = [str(row["epoch"]) if i % step == 0 else "" for i, row in enumerate(history)]
    lines = (Line("training", trained, 3), Line("validation", judged, 1))
    loss = line_chart(Axis.around("loss", [*trained, *judged]), lines, names, title="loss by epoch")
    accuracy = line_chart(
        Axis.around("accuracy", right, percent=True), [Line("validation", right, 1)], names, title="accuracy by epoch"
    )
    return f'{note}<div class="pair"><figure>{loss}</figure><figure>{accuracy}</figure></div>'


def epochs(history: Sequence[Row]) -> str:
    """A row for each epoch, behind a fold."""
    if not history:
        return ""
    rows = "".join(
        f"<tr><td>{row['epoch']}</td><td>{row['size']}</td><td>{_number(row['training_loss'])}</td>"
        f"<td>{_number(row['validation_loss'])}</td><td>{_number(row['acc1'])}</td>"
        f"<td>{row['learning_rate']:.2g}</td><td>{row['seconds']:.1f} s</td></tr>"
        for row in history
    )
    names = ("epoch", "pixels", "training loss", "validation loss", "validation accuracy", "learning rate", "time")
    head = "".join(f"<th>{name}</th>" for name in names)
    table = f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    return f"<details><summary>All epochs</summary>{table}</details>"


def regression(learner: Row | None) -> str:
    """How a last layer was learnt that has no epochs: by which strength of the penalty, and what others came to."""
    if not learner:
        return ""
    rows = "".join(
        f"<tr><td>{row['strength']:.1e}</td><td>{row['loss']:.3f}</td><td>{row['accuracy']:.1%}</td></tr>"
        for row in learner["path"]
    )
    head = "<th>strength</th><th>loss</th><th>accuracy</th>"
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return (
        "<p>The base computed the features of each photo once and stayed unchanged; the last layer was fitted to them "
        "(softmax regression), which has a single optimum and needs no epochs. The regularization strength "
        f"({learner['strength']:.1e}) was selected by {learner['folds']}-fold cross-validation on the training "
        "photos.</p>"
        f"<details><summary>Each strength</summary>{table}</details>"
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
