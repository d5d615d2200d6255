"""How good a model is, in sentences: on how many photos, how far that can be trusted, and what would help."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication

from resnet_desktop.gui.style import wording

if TYPE_CHECKING:
    from resnet_desktop.jobs.results import ClassResult, Results

CROSSED = "cross-validation"
"""What the figures are of where each photo was judged by a model that had not seen it."""
FEW_PHOTOS = 50
"""With fewer to check with, an accuracy says little."""
FEW_TO_CALIBRATE = 100
MOST_NAMES = 4
"""Classes that are named in a sentence."""
UNEVEN = 0.6
"""From this share of one class on, it is said what always naming that class would come to."""
WEAK = 0.6
"""A class that is found less often than this is named."""
ENOUGH = 10
"""Photos of a class from which on that says something of the class."""


def headline(results: Results) -> str:
    """The accuracy, and on how many photos of which kind."""
    metrics = results.metrics
    if metrics.get("acc1") is None:
        return _tr("No held-out photos: accuracy could not be measured.")
    text = _tr("{share} of {count} validation photos are classified correctly.")
    if metrics.get("on") == "test":
        text = _tr("{share} of {count} test photos are classified correctly.")
    elif metrics.get("on") == CROSSED:
        text = _tr("{right} of {count} photos are classified correctly (95\u00a0% interval {low} to {high}).")
    low, high = metrics.get("acc1_interval") or (0.0, 1.0)
    said = text.format(
        share=wording.percent(metrics["acc1"]),
        right=wording.number(round(metrics["acc1"] * metrics["images"])),
        count=wording.number(metrics["images"]),
        low=wording.percent(low),
        high=wording.percent(high),
    )
    missing = len(results.untested)
    if missing:
        text = _tr("{said} {missing} of {all} classes had no such photos.")
        said = text.format(said=said, missing=wording.number(missing), all=wording.number(len(results.labels)))
    return said


def caution(results: Results) -> str:
    """The interval, what the photos were used for, and what to bear in mind."""
    metrics = results.metrics
    if metrics.get("acc1") is None:
        return ""
    low, high = metrics.get("acc1_interval") or (0.0, 1.0)
    text = _tr("For photos like these, the 95\u00a0% interval is {low} to {high}.")
    if metrics.get("on") == CROSSED:
        text = _tr(
            "Each photo was classified by a model not trained on it ({folds}-fold cross-validation). Your model was "
            "trained on all of them."
        )
    said = [text.format(low=wording.percent(low), high=wording.percent(high), folds=metrics.get("folds", ""))]
    if metrics["images"] < FEW_PHOTOS:
        said.append(_tr("The range is wide because there are few photos: four times as many would halve it."))
    changed = _changed(results)
    if metrics.get("on") == "test":
        said.append(changed or _tr("These photos were not used for training or for choosing the model."))
        said.append(_validation(results))
    elif metrics.get("on") == CROSSED:
        said.append(changed)
    elif metrics.get("chosen_by") is False:
        said.append(changed or _tr("These photos were not used for training or for choosing the model."))
    else:
        by_loss = results.about.get("best_by") == "loss"
        said.append(changed)
        chosen = _tr("The model was not trained on them, but these photos also selected the best epoch.")
        said.append(
            _tr("The model was not trained on them, but these photos also selected the best epoch (by loss).")
            if by_loss
            else chosen
        )
    said += [_untested(results), _baseline(results), _weak(results)]
    return " ".join(sentence for sentence in said if sentence)


def confidence(results: Results) -> str:
    """How far percentages can be believed, and what the warning about unfamiliar photos is worth."""
    metrics = results.metrics
    if metrics.get("ece") is None:
        return _tr("No held-out photos: the confidence could not be checked.")
    said = [_tr("On the diagonal, “80\u00a0%” is right 8 times out of 10. Below it, the model is overconfident.")]
    text = _tr("Calibration error: {after}. Before calibration (temperature {temperature}): {before}.")
    after, before = wording.percent(metrics["ece"], 1), wording.percent(metrics["ece_uncalibrated"], 1)
    said.append(text.format(after=after, before=before, temperature=f"{results.temperature:.2f}"))
    if metrics.get("on") == CROSSED or (metrics.get("on") != "test" and metrics.get("chosen_by", True)):
        said.append(_tr("The temperature was fitted on these same photos, so the new error is slightly too small."))
    if metrics["images"] < FEW_TO_CALIBRATE:
        said.append(_tr("With so few photos, both errors are mostly chance and the temperature is pulled towards 1."))
    return "\n\n".join(said)


def novelty(results: Results) -> str:
    """How often the warning about unfamiliar photos is wrong."""
    rule = results.novelty
    if rule is None:
        return _tr("No warning: there were no held-out photos to set its threshold.")
    said = [_tr("The main window flags photos unlike the training data.")]
    rate = rule.get("false_alarm_rate")
    if rate is None:
        said.append(_tr("The false alarm rate is unknown: no photos were left to measure it."))
    else:
        said.append(_false_alarms(rate, rule))
    said.append(_tr("It misses many photos that do not belong: treat it as a hint, not a safeguard."))
    return " ".join(said)


def doubts(results: Results) -> str:
    """Of which photos the labels were looked at, and how far those who looked can be believed."""
    if not results.doubts:  # of an older run
        return ""
    training, apart = results.doubts["training"], results.doubts["apart"]
    if results.metrics.get("on") == CROSSED:
        text = _tr("The labels of {count} photos were checked by models not trained on them.")
        if not apart:
            text = _tr("Labels were not checked: there are too few photos.")
        return text.format(count=wording.number(apart))
    said = []
    why = {
        "learnt": _tr("Training labels were not checked: the network has memorised them."),
        "few": _tr("Training labels were not checked: there are too few photos."),
        "many": _tr("Training labels were not checked: there are too many photos."),
    }
    if training["why"]:
        said.append(why[training["why"]])
    else:
        text = _tr("{count} training photos were checked by models not trained on them, with an error rate of {share}.")
        values = {"count": wording.number(training["pictures"]), "share": wording.percent(training["wrong"])}
        said.append(text.format(**values))
    text = _tr("{count} held-out photos were checked too.")
    if training["why"]:
        text = (
            _tr("{count} held-out photos were checked.") if apart else _tr("There are too few held-out photos as well.")
        )
    if apart or training["why"]:
        said.append(text.format(count=wording.number(apart)))
    return " ".join(said)


def _false_alarms(rate: float, rule: Mapping[str, Any]) -> str:
    text = _tr("False alarms: {rate} of {count} photos that do belong.")
    interval = rule.get("false_alarm_interval")
    values = {"rate": wording.percent(rate, 1), "count": wording.number(rule.get("images", 0))}
    if interval:
        text = _tr("False alarms: {rate} of {count} photos that do belong (95\u00a0% interval {low} to {high}).")
        values |= {"low": wording.percent(interval[0]), "high": wording.percent(interval[1])}
    return text.format(**values)


def _validation(results: Results) -> str:
    """The accuracy on the photos that choices were made with, beside that of the test."""
    photos = [picture for picture in results.pictures if picture.role == "validation"]
    if not photos:
        return ""
    share = sum(picture.right for picture in photos) / len(photos)
    text = _tr("On the {count} validation photos, the accuracy is {share}.")
    return text.format(count=wording.number(len(photos)), share=wording.percent(share))


def _baseline(results: Results) -> str:
    whole = sum(row.support for row in results.per_class)
    largest = max(results.per_class, key=lambda row: row.support)
    if not whole or largest.support / whole < UNEVEN:
        return ""
    text = _tr("Always predicting {label} would reach {share}.")
    return text.format(label=largest.label, share=wording.percent(largest.support / whole))


def _weak(results: Results) -> str:
    """The classes that are often missed; of few photos, only that this was so."""
    rows = [row for row in results.per_class if row.recall is not None and row.recall < WEAK]
    sure = sorted((row for row in rows if row.support >= ENOUGH), key=lambda row: row.recall or 0.0)
    if not sure:
        few = sorted(rows, key=lambda row: (row.recall or 0.0) - row.support)[:1]
        text = _tr("It finds {found} of {count} photos of {label}, which is too few to judge.")
        return "".join(_of_few(text, row) for row in few)
    text = _tr("Often missed: {names}. More photos of these will help most.")
    names = ", ".join(row.label for row in sure[:MOST_NAMES])
    if len(sure) > MOST_NAMES:
        text = _tr("{count} classes are often missed, especially {names}. More photos of these will help most.")
    return text.format(names=names, count=wording.number(len(sure)))


def _of_few(text: str, row: ClassResult) -> str:
    found = round((row.recall or 0.0) * row.support)
    return text.format(found=wording.number(found), count=wording.number(row.support), label=row.label)


def _changed(results: Results) -> str:
    """That the photos are no longer those that an earlier run was judged by."""
    count = int(results.about.get("judged_changed") or 0)
    if not count:
        return ""
    text = _tr(
        "Photos used to evaluate an earlier run were left out or relabelled after its predictions were seen ({count}): "
        "the two accuracies are not comparable, and this one may be too high."
    )
    return text.format(count=wording.number(count))


def _untested(results: Results) -> str:
    names = results.untested
    if not names:
        return ""
    text = _tr("No held-out photos, so accuracy is unknown: {names}.")
    if len(names) > MOST_NAMES:
        text = _tr("{count} classes have no held-out photos, so their accuracy is unknown, such as {names}.")
    return text.format(names=", ".join(names[:MOST_NAMES]), count=wording.number(len(names)))


def _tr(text: str) -> str:
    return QCoreApplication.translate("result_words", text)
