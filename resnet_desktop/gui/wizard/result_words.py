"""How good a model is, in sentences: on how many photos, how far that can be trusted, and what would help."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication

from resnet_desktop.gui import wording

if TYPE_CHECKING:
    from resnet_desktop.finetune.results import ClassResult, Results

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
        return _tr("No photos were set apart, so nobody knows how good it is.")
    text = _tr("{share} of {count} validation photos are named rightly.")
    if metrics.get("on") == "test":
        text = _tr("{share} of {count} test photos are named rightly.")
    said = text.format(share=wording.percent(metrics["acc1"]), count=wording.number(metrics["images"]))
    missing = len(results.untested)
    if missing:
        text = _tr("{said} Of {missing} of {all} classes there were none.")
        said = text.format(said=said, missing=wording.number(missing), all=wording.number(len(results.labels)))
    return said


def caution(results: Results) -> str:
    """The interval, what the photos were used for, and what to bear in mind."""
    metrics = results.metrics
    if metrics.get("acc1") is None:
        return ""
    low, high = metrics.get("acc1_interval") or (0.0, 1.0)
    text = _tr("For photos like these, the 95 % interval is {low} to {high}.")
    said = [text.format(low=wording.percent(low), high=wording.percent(high))]
    if metrics["images"] < FEW_PHOTOS:
        said.append(_tr("That range is wide because the photos are few: four times as many would halve it."))
    changed = _changed(results)
    if metrics.get("on") == "test":
        said.append(changed or _tr("Nothing was learned from these photos, and nothing was chosen with them."))
        said.append(_validation(results))
    else:
        by_loss = results.about.get("best_by") == "loss"
        said.append(changed)
        chosen = _tr("It did not learn from them, but its best moment was chosen with them.")
        said.append(
            _tr("It did not learn from them, but its best moment was chosen by their loss.") if by_loss else chosen
        )
    said += [_untested(results), _baseline(results), _weak(results)]
    return " ".join(sentence for sentence in said if sentence)


def confidence(results: Results) -> str:
    """How far percentages can be believed, and what the warning about unfamiliar photos is worth."""
    metrics = results.metrics
    if metrics.get("ece") is None:
        return _tr("No photos were set apart, so it is not known whether a percentage means what it says.")
    said = [_tr("On the diagonal, “80 %” is right 8 times out of 10. Below it the model is too sure of itself.")]
    text = _tr("Calibration error {after}; before calibration (temperature {temperature}) it was {before}.")
    after, before = wording.percent(metrics["ece"], 1), wording.percent(metrics["ece_uncalibrated"], 1)
    said.append(text.format(after=after, before=before, temperature=f"{results.temperature:.2f}"))
    if metrics.get("on") != "test":
        said.append(
            _tr("The temperature was fitted on these same photos, so the error after it is a little too small.")
        )
    if metrics["images"] < FEW_TO_CALIBRATE:
        said.append(_tr("With so few photos both errors are mostly chance, and the temperature is drawn towards 1."))
    return "\n\n".join(said)


def novelty(results: Results) -> str:
    """How often the warning about unfamiliar photos is wrong."""
    rule = results.novelty
    if rule is None:
        return _tr("The model gives no warning: no photos were set apart to fit it on.")
    said = [_tr("The main window warns where a photo is unlike all that the model has learned from.")]
    rate = rule.get("false_alarm_rate")
    if rate is None:
        said.append(_tr("How often it warns wrongly is not known: no photos are left to count that on."))
    else:
        said.append(_false_alarms(rate, rule))
    said.append(_tr("It misses many photos that do not belong: take it as a hint, not as a safeguard."))
    return " ".join(said)


def doubts(results: Results) -> str:
    """Of which photos the labels were looked at, and how far those who looked can be believed."""
    if not results.doubts:  # of an older run
        return ""
    training, apart = results.doubts["training"], results.doubts["apart"]
    said = []
    why = {
        "learnt": _tr("Labels of training photos were not looked at: the network has learned them by heart."),
        "few": _tr("Labels of training photos were not looked at: there are too few to tell."),
        "many": _tr("Labels of training photos were not looked at: there are too many."),
    }
    if training["why"]:
        said.append(why[training["why"]])
    else:
        text = _tr("{count} training photos were judged by models that had not seen them; those err on {share}.")
        values = {"count": wording.number(training["pictures"]), "share": wording.percent(training["wrong"])}
        said.append(text.format(**values))
    text = _tr("{count} photos set apart were looked at, too.")
    if training["why"]:
        text = (
            _tr("{count} photos set apart were looked at.") if apart else _tr("Those set apart are too few, as well.")
        )
    if apart or training["why"]:
        said.append(text.format(count=wording.number(apart)))
    return " ".join(said)


def _false_alarms(rate: float, rule: Mapping[str, Any]) -> str:
    text = _tr("It warned wrongly about {rate} of {count} photos that do belong.")
    interval = rule.get("false_alarm_interval")
    values = {"rate": wording.percent(rate, 1), "count": wording.number(rule.get("images", 0))}
    if interval:
        text = _tr("It warned wrongly about {rate} of {count} photos that do belong (95 % interval {low} to {high}).")
        values |= {"low": wording.percent(interval[0]), "high": wording.percent(interval[1])}
    return text.format(**values)


def _validation(results: Results) -> str:
    """The accuracy on the photos that choices were made with, beside that of the test."""
    photos = [picture for picture in results.pictures if picture.role == "validation"]
    if not photos:
        return ""
    share = sum(picture.right for picture in photos) / len(photos)
    text = _tr("On the {count} validation photos it is {share}.")
    return text.format(count=wording.number(len(photos)), share=wording.percent(share))


def _baseline(results: Results) -> str:
    whole = sum(row.support for row in results.per_class)
    largest = max(results.per_class, key=lambda row: row.support)
    if not whole or largest.support / whole < UNEVEN:
        return ""
    text = _tr("Always saying {label} would be right for {share}.")
    return text.format(label=largest.label, share=wording.percent(largest.support / whole))


def _weak(results: Results) -> str:
    """The classes that are often missed; of few photos, only that this was so."""
    rows = [row for row in results.per_class if row.recall is not None and row.recall < WEAK]
    sure = sorted((row for row in rows if row.support >= ENOUGH), key=lambda row: row.recall or 0.0)
    if not sure:
        few = sorted(rows, key=lambda row: (row.recall or 0.0) - row.support)[:1]
        text = _tr("It finds {found} of {count} photos of {label}, but that is too few to tell.")
        return "".join(_of_few(text, row) for row in few)
    text = _tr("It often misses: {names}. More photos of these help most.")
    names = ", ".join(row.label for row in sure[:MOST_NAMES])
    if len(sure) > MOST_NAMES:
        text = _tr("It often misses {count} classes, most of all {names}. More photos of these help most.")
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
        "{count} photos that an earlier run was judged by were left out or renamed after its answers had been seen: "
        "the two accuracies cannot be compared, and this one may be too high."
    )
    return text.format(count=wording.number(count))


def _untested(results: Results) -> str:
    names = results.untested
    if not names:
        return ""
    text = _tr("No photo of these was set apart, so that nothing is known of them: {names}.")
    if len(names) > MOST_NAMES:
        text = _tr("Of {count} classes no photo was set apart, so that nothing is known of them, such as {names}.")
    return text.format(names=", ".join(names[:MOST_NAMES]), count=wording.number(len(names)))


def _tr(text: str) -> str:
    return QCoreApplication.translate("result_words", text)
