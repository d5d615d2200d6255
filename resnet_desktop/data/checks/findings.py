"""What a person should look at before a network learns from their pictures: each with samples, a sentence, an advice.

The thresholds were measured on 548 photos (see ``imaging.fingerprint``): none of them is dark, bright or blurred by
these; of the same photos blurred by a Gaussian of 2 % of their shorter side 99 % are, at 1 % 65 %.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from resnet_desktop.data.checks import coverage_warnings, duplicate_findings
from resnet_desktop.data.checks.coverage_warnings import names_alike
from resnet_desktop.data.checks.finding import (
    Finding,
    Kind,
    Material,
    Severity,
    classes_named,
    counted,
    imbalance,
    photos,
    readable_counts,
)
from resnet_desktop.data.pictures.image_stats import PictureFacts
from resnet_desktop.data.pictures.samples import Sample

DARK = 0.12
BRIGHT = 0.95
"""Mean grey values, 0 black to 1 white."""
BLURRED = 0.25
TINY = 64
"""Pixels of the shorter side."""
FEW = 10
"""Pictures of a class: fewer say little about it, and leave one or two to check with."""
IMBALANCED = 5.0
"""Times as many pictures in the largest class as in the smallest."""
MOST_REMARKS = 5
"""Sentences that a run says of what was found."""
_KEPT_BY = "With --strict-split, or “strict” in the job's split, your folders stay as they are."
_SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


def findings(material: Material) -> tuple[Finding, ...]:
    """Everything that was found, the worst first."""
    rules: tuple[Callable[[Material], Iterable[Finding]], ...] = (
        *(
            duplicate_findings.conflicts,
            _unchecked,
            _few,
            _lost_classes,
            _unreadable,
            duplicate_findings.leaks,
            duplicate_findings.moved,
            duplicate_findings.all_alike,
            _class_names,
            _imbalance,
        ),
        *(duplicate_findings.same, duplicate_findings.near, _looks),
    )
    return _worst_first(rules, material)


def remarks(material: Material) -> tuple[str, ...]:
    """What a run says of its pictures before it learns: a few sentences, the worst first.

    What could not be read or found, and which classes lack pictures to learn from or to check with, the run knows and
    says by itself.
    """
    rules = (duplicate_findings.conflicts, duplicate_findings.leaks, duplicate_findings.all_alike, _imbalance)
    found = [finding.message for finding in _worst_first(rules, material) if finding.severity != "note"]
    # First of all: that the user's own split is not kept as it is must not be lost among other news.
    own = [f"{finding.message} {_KEPT_BY}" for finding in duplicate_findings.moved(material)]
    return tuple([*own, *found][: max(MOST_REMARKS, len(own))])


def _worst_first(rules: Iterable[Callable[[Material], Iterable[Finding]]], material: Material) -> tuple[Finding, ...]:
    found = [finding for rule in rules for finding in rule(material)]
    return tuple(sorted(found, key=lambda finding: _SEVERITIES.index(finding.severity)))


def _few(material: Material) -> Iterable[Finding]:
    for problem in material.found.problems:
        if problem.kind == "few_images":
            yield Finding("few_images", (), problem.message, "warning", "add")
    taught, _ = _parts(material)
    counts = readable_counts(material)
    learnt = set(taught)
    # Those that cannot be read at all are said by another rule.
    none = [label for i, label in enumerate(material.found.labels) if i not in learnt and counts[label]]
    lacking = {label for i, label in enumerate(material.found.labels) if i not in learnt}
    few = [label for label, count in counts.items() if count < FEW and label not in lacking]
    if none:
        have = "has no photo" if len(none) == 1 else "have no photos"
        message = f"{classes_named(none)} {have} for training."
        yield Finding("few_images", _of_classes(material, none), message, "error", "add")
    if few:
        have = f"has only {counts[few[0]]}" if len(few) == 1 else f"have fewer than {FEW}"
        what = "photo" if len(few) == 1 and counts[few[0]] == 1 else "photos"
        message = f"{classes_named(few)} {have} {what}. Add some: {FEW} is a minimum, 30 is better."
        yield Finding("few_images", _of_classes(material, few), message, "warning", "add")


def _unchecked(material: Material) -> Iterable[Finding]:
    """Classes that the network is not asked about, or all of them."""
    training, validation = _parts(material)
    untried = {material.found.labels[label] for label in set(training) - set(validation)}
    for code, message in coverage_warnings.warnings(material.found.labels, training, validation):
        if code in ("nothing_set_apart", "class_not_tried"):
            yield Finding("few_images", _of_classes(material, untried), message, "warning", "add")


def _parts(material: Material) -> tuple[list[int], list[int]]:
    """The class of each picture that can be learnt from, and of each that can be checked with."""
    unreadable = {fact.sample for fact in material.facts if fact.error is not None}
    parts = (material.scan.training, material.scan.validation)
    training, validation = ([sample.label for sample in part if sample not in unreadable] for part in parts)
    return training, validation


def _lost_classes(material: Material) -> Iterable[Finding]:
    """Classes none of whose files can be read."""
    counts = readable_counts(material)
    there = {fact.sample.label for fact in material.facts}
    lost = [label for i, label in enumerate(material.found.labels) if i in there and not counts[label]]
    if lost:
        those = "this class" if len(lost) == 1 else "these classes"
        message = f"None of the photos of {classes_named(lost)} can be read, so {those} cannot be learned."
        yield Finding("unreadable", _of_classes(material, lost), message, "error", "add")


def _unreadable(material: Material) -> Iterable[Finding]:
    for problem in material.found.problems:
        if problem.kind == "unreadable":
            yield Finding("unreadable", (), problem.message, "warning", "add")
    bad = [fact for fact in material.facts if fact.error is not None]
    if bad:
        first = bad[0].error[1] if bad[0].error is not None else ""
        such = first if len(bad) == 1 else f"For example: {first}"
        message = f"{counted(len(bad), 'file')} cannot be read and will be skipped. {such}"
        yield Finding("unreadable", tuple(fact.sample for fact in bad), message, "warning", "exclude")


def _class_names(material: Material) -> Iterable[Finding]:
    pictures = Counter(material.found.labels[fact.sample.label] for fact in material.facts)
    for names, message in names_alike(material.found.labels):
        largest = max(names, key=lambda name: pictures[name])
        others = [name for name in names if name != largest]
        yield Finding("class_names", _of_classes(material, others), message, "warning", "relabel")


def _imbalance(material: Material) -> Iterable[Finding]:
    counts = readable_counts(material)
    ratio = imbalance(counts.values())
    if ratio > IMBALANCED:
        some = {label: count for label, count in counts.items() if count}
        most, least = max(some, key=some.__getitem__), min(some, key=some.__getitem__)
        message = (
            f"“{most}” has {ratio:.0f} times as many photos as “{least}” ({some[most]:,} and {some[least]:,}). "
            "A network tends to predict the classes it sees most."
        )
        yield Finding("imbalance", _of_classes(material, [least]), message, "warning", "add")


def _looks(material: Material) -> Iterable[Finding]:
    seen = [fact for fact in material.facts if fact.error is None]
    tiny = [fact for fact in seen if min(fact.width, fact.height) < TINY]
    dark = [fact for fact in seen if fact.brightness < DARK]
    bright = [fact for fact in seen if fact.brightness > BRIGHT]
    off = {id(fact) for fact in (*tiny, *dark, *bright)}
    blurred = [fact for fact in seen if fact.sharpness < BLURRED and id(fact) not in off]
    kinds: tuple[tuple[Kind, list[PictureFacts], str], ...] = (
        ("blurred", blurred, "blurred or almost empty"),
        ("dark", dark, "nearly black"),
        ("bright", bright, "nearly white"),
        ("tiny", tiny, f"less than {TINY} pixels high or wide"),
    )
    for kind, some, words in kinds:
        if some:
            message = (
                f"{photos(len(some))} {'is' if len(some) == 1 else 'are'} {words}. Check that there is enough to see."
            )
            yield Finding(kind, tuple(fact.sample for fact in some), message, "note", "exclude")


def _of_classes(material: Material, labels: Iterable[str]) -> tuple[Sample, ...]:
    names = set(labels)
    wanted = {i for i, label in enumerate(material.found.labels) if label in names}
    return tuple(fact.sample for fact in material.facts if fact.sample.label in wanted)
