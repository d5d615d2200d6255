"""The tables, drawings and thumbnails of a report, as pieces of HTML."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from typing import Any

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.finetune.dataset import Sample, SampleReader
from resnet_desktop.imaging.decode import decode, encode_jpeg, thumbnail

THUMBNAIL = 132
QUALITY = 72
LARGEST_TABLE = 30
"""Classes up to which the confusion table is drawn."""

Row = Mapping[str, Any]


def headline(metrics: Row) -> str:
    """Accuracy with its interval, and calibration."""
    if not metrics.get("images"):
        return "<p>No pictures were set apart, so the accuracy is not known.</p>"
    low, high = metrics["acc1_interval"]
    which = html.escape(metrics["on"])
    return (
        f"<p class=figure>{metrics['acc1']:.1%}</p>"
        f"<p>of {metrics['images']} {which} pictures are named rightly (95 % interval {low:.1%} to {high:.1%}); for "
        f"{metrics['acc5']:.1%} the right name is among the first five. {_honesty(metrics['on'])}</p>"
    )


def _honesty(which: str) -> str:
    if which == "test":
        return "Nothing was learnt from these pictures, and nothing was chosen by them."
    return "Nothing was learnt from these pictures, but the best epoch was chosen by them: new pictures may do worse."


def curves(history: Sequence[Row]) -> str:
    """Training and validation loss by epoch."""
    losses = [row[key] for row in history for key in ("training_loss", "validation_loss") if row[key] is not None]
    if len(history) < 2 or not losses:
        return ""
    width, height, top = 640, 200, max(losses) * 1.05 or 1.0
    lines = []
    for key, colour in (("training_loss", "--a"), ("validation_loss", "--b")):
        points = [
            f"{40 + i * (width - 50) / (len(history) - 1):.1f},{height - 20 - row[key] / top * (height - 30):.1f}"
            for i, row in enumerate(history)
            if row[key] is not None
        ]
        lines.append(f"<polyline fill=none stroke-width=2 stroke='var({colour})' points='{' '.join(points)}'/>")
    axes = f"<path d='M40 10V{height - 20}H{width - 10}' fill=none stroke='var(--line)'/>"
    label = f"<text x=0 y=16 font-size=11 fill=currentColor>{top:.2f}</text>"
    names = (("--a", "training loss"), ("--b", "validation loss"))
    legend = " ".join(f"<span style='color:var({colour})'>{name}</span>" for colour, name in names)
    return f"<svg viewBox='0 0 {width} {height}' role=img>{axes}{label}{''.join(lines)}</svg><p>{legend}</p>"


def epochs(history: Sequence[Row]) -> str:
    """A row for each epoch, behind a fold."""
    rows = "".join(
        f"<tr><td>{row['epoch']}<td>{row['size']}<td>{_number(row['training_loss'])}<td>{_number(row['validation_loss'])}"
        f"<td>{_number(row['acc1'])}<td>{row['learning_rate']:.2g}<td>{row['seconds']:.1f} s</tr>"
        for row in history
    )
    names = ("epoch", "pixels", "training loss", "validation loss", "validation accuracy", "learning rate", "time")
    head = "".join(f"<th>{name}" for name in names)
    return f"<details><summary>Each epoch</summary><table><tr>{head}</tr>{rows}</table></details>"


def classes(rows: Sequence[Row]) -> str:
    """Precision, recall, F1 and support of each class."""
    lines = "".join(
        f"<tr><td>{html.escape(row['label'])}<td>{row['precision']:.0%}<td>{row['recall']:.0%}<td>{row['f1']:.2f}"
        f"<td>{row['support']}<td style='width:10rem'><div class=bar style='width:{row['f1']:.0%}'></div></tr>"
        for row in rows
    )
    head = "<tr><th>class<th>precision<th>recall<th>F1<th>pictures<th></tr>"
    words = "Precision: how many of the answers are right. Recall: how many of the class's pictures are found."
    return f"<table>{head}{lines}</table><p class=small>{words}</p>"


def confusion(table: Sequence[Sequence[int]] | None, labels: Sequence[str]) -> str:
    """The confusion table, or what is confused most where it is too large."""
    if not table:
        return "<p>There are too many classes for a table; the worst mistakes are below.</p>"
    if len(labels) > LARGEST_TABLE:
        return _most_confused(table, labels)
    head = "".join(f"<th class=turned>{html.escape(label)}" for label in labels)
    rows = []
    for i, counts in enumerate(table):
        whole = max(1, sum(counts))
        cells = "".join(
            f"<td class=cell style='background:color-mix(in srgb, var({'--a' if i == j else '--b'}) "
            f"{100 * n / whole:.0f}%, transparent)'>{n or ''}"
            for j, n in enumerate(counts)
        )
        rows.append(f"<tr><th>{html.escape(labels[i])}{cells}</tr>")
    words = "Rows: what it is. Columns: what the model says."
    return f"<table class=matrix><tr><th>{head}</tr>{''.join(rows)}</table><p class=small>{words}</p>"


def _most_confused(table: Sequence[Sequence[int]], labels: Sequence[str]) -> str:
    pairs = [(n, i, j) for i, row in enumerate(table) for j, n in enumerate(row) if i != j and n]
    rows = "".join(
        f"<tr><td>{html.escape(labels[i])}<td>{html.escape(labels[j])}<td>{n}</tr>"
        for n, i, j in sorted(pairs, reverse=True)[:LARGEST_TABLE]
    )
    return f"<table><tr><th>is<th>taken for<th>pictures</tr>{rows}</table>"


def reliability(before: Sequence[Row], after: Sequence[Row], metrics: Row, temperature: float) -> str:
    """Accuracy by confidence, before and after the temperature."""
    if not metrics.get("images"):
        return ""
    drawings = "".join(
        f"<figure>{_reliability(rows)}<figcaption>{title}: calibration error {metrics[key]:.3f}</figcaption></figure>"
        for title, rows, key in (("before", before, "ece_uncalibrated"), ("after", after, "ece"))
    )
    words = (
        f"A model that is right as often as it says lies on the diagonal. Probabilities are divided out with a "
        f"temperature of {temperature:.2f}, fitted on the validation pictures."
    )
    return f"<div class=pair>{drawings}</div><p class=small>{words}</p>"


def _reliability(rows: Sequence[Row]) -> str:
    side = 200
    bars = "".join(
        f"<rect x='{row['low'] * side:.1f}' y='{side * (1 - row['accuracy']):.1f}' fill='var(--a)' "
        f"width='{(row['high'] - row['low']) * side - 1:.1f}' height='{side * row['accuracy']:.1f}'>"
        f"<title>{row['count']} pictures, {row['confidence']:.0%} sure, {row['accuracy']:.0%} right</title></rect>"
        for row in rows
        if row["count"]
    )
    line = f"<path d='M0 {side}L{side} 0' stroke='var(--b)' stroke-dasharray='4 3'/>"
    return f"<svg viewBox='-2 -2 {side + 4} {side + 4}' role=img>{bars}{line}</svg>"


def novelty(rule: Row | None) -> str:
    """How the warning about unfamiliar pictures was set, and how often it is wrong."""
    if not rule:
        return "<p>It was not fitted: no pictures were set apart.</p>"
    rate = rule.get("false_alarm_rate")
    told = (
        "not known: there are too few pictures" if rate is None else f"{rate:.1%} (measured on {rule['measured_on']})"
    )
    return (
        f"<p>The app warns where the energy of the answers is below {rule['threshold']:.3f}. False alarms on familiar "
        f"pictures: {told}.</p>"
    )


class Thumbnails:
    """Small copies of pictures inside the page. For one thread; close it at the end."""

    def __init__(self, samples: Mapping[str, Sample]) -> None:
        self._samples = samples
        self._reader = SampleReader()

    def gallery(self, rows: Sequence[Row]) -> str:
        """Pictures with what they are, what the model says, and how sure it is."""
        if not rows:
            return "<p>There are none.</p>"
        figures = "".join(
            f"<figure>{self._picture(row['path'])}<figcaption><b>{html.escape(row['label'])}</b><br>"
            f"{html.escape(row['predicted'])} {row['probability']:.0%}</figcaption></figure>"
            for row in rows
        )
        return f"<div class=gallery>{figures}</div>"

    def close(self) -> None:
        """Close the archives."""
        self._reader.close()

    def _picture(self, path: str) -> str:
        sample = self._samples.get(path)
        name = html.escape(path.replace("\\", "/").rsplit("/", 1)[-1].encode("utf-8", "replace").decode("utf-8"))
        if sample is None:
            return f"<p>{name}</p>"
        try:
            pixels = thumbnail(decode(self._reader.read(sample), shorter_side=THUMBNAIL), THUMBNAIL)
        except ResNetDesktopError:  # gone since it was judged
            return f"<p>{name}</p>"
        data = base64.b64encode(encode_jpeg(pixels, QUALITY)).decode("ascii")
        return f"<img src='data:image/jpeg;base64,{data}' title='{name}' alt='{name}'>"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
