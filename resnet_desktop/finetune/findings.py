"""What a person should look at before a network learns from their pictures: each with samples, a sentence, an advice.

The thresholds were measured on 548 photos (see ``imaging.fingerprint``): none of them is dark, bright or blurred by
these; of the same photos blurred by a Gaussian of 2 % of their shorter side 99 % are, at 1 % 65 %.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from resnet_desktop.finetune.dataset import Dataset
from resnet_desktop.finetune.duplicates import Groups, same_files
from resnet_desktop.finetune.facts import PictureFacts
from resnet_desktop.finetune.samples import Sample, Scan
from resnet_desktop.imaging.source import display_name

Kind = Literal[
    "unreadable",
    "exact_duplicate",
    "near_duplicate",
    "conflicting_labels",
    "leak",
    "dark",
    "bright",
    "blurred",
    "tiny",
    "few_images",
    "imbalance",
    "class_names",
]
Severity = Literal["error", "warning", "note"]
Suggestion = Literal["exclude", "relabel", "keep", "add"]

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
_SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at.

    Attributes:
        kind: what was found.
        samples: the pictures that it concerns; those of one group stand together.
        message: a sentence or two for a person.
        severity: an error spoils what is learnt, a warning may, a note is good to know.
        suggestion: what to do with them.
        groups: which samples are the same, or nearly, where that is what was found.
        surplus: those of the samples that can be left out so that one of each group remains.
    """

    kind: Kind
    samples: tuple[Sample, ...]
    message: str
    severity: Severity
    suggestion: Suggestion
    groups: tuple[tuple[Sample, ...], ...] = ()
    surplus: tuple[Sample, ...] = ()


@dataclass(frozen=True, slots=True)
class Material:
    """What findings are made from; ``near`` are the groups of ``facts`` that show nearly the same."""

    found: Dataset
    facts: Sequence[PictureFacts]
    near: Groups
    scan: Scan

    def groups(self, places: Iterable[Sequence[int]]) -> tuple[tuple[Sample, ...], ...]:
        """Samples in the place of numbers, by name in each group."""
        return tuple(tuple(sorted((self.facts[i].sample for i in g), key=lambda s: s.name)) for g in places)


def findings(material: Material) -> tuple[Finding, ...]:
    """Everything that was found, the worst first."""
    rules: tuple[Callable[[Material], Iterable[Finding]], ...] = (
        *(_conflicts, _few, _unreadable, _leaks, _class_names, _imbalance),
        *(_same_files, _near_duplicates, _looks),
    )
    found = [finding for rule in rules for finding in rule(material)]
    return tuple(sorted(found, key=lambda finding: _SEVERITIES.index(finding.severity)))


def imbalance(counts: Iterable[int]) -> float:
    """How many times as many pictures the largest class has as the smallest that has any."""
    some = [count for count in counts if count]
    return max(some) / min(some) if some else 1.0


def readable_counts(material: Material) -> dict[str, int]:
    """Pictures that can be read, for each label."""
    counts = Counter(fact.sample.label for fact in material.facts if fact.error is None)
    return {label: counts[i] for i, label in enumerate(material.found.labels)}


def names_alike(labels: Iterable[str]) -> Iterator[tuple[list[str], str]]:
    """Classes whose names differ only in case, spaces or the like, and a sentence on them."""
    alike: dict[str, list[str]] = defaultdict(list)
    for label in labels:
        alike[_plain_name(label)].append(label)
    for names in alike.values():
        if len(names) > 1:
            message = (
                f"{classes_named(names)} are different classes, but their names differ only in how they are written."
            )
            yield names, message


def classes_named(labels: Sequence[str]) -> str:
    """The first few of these classes by name, and how many more there are."""
    shown = [f"“{label}”" for label in labels[:_SHOWN]]
    if len(labels) > _SHOWN:
        return f"{', '.join(shown)} and {len(labels) - _SHOWN:,} more classes"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _conflicts(material: Material) -> Iterable[Finding]:
    mixed = [g for g in material.near if len({material.facts[i].sample.label for i in g}) > 1]
    if mixed:
        groups = material.groups(mixed)
        same = _photos(sum(map(len, groups)))
        message = f"{same} that are the same, or nearly, lie in different classes. Say what they really are."
        yield Finding("conflicting_labels", _flat(groups), message, "error", "relabel", groups)
    if material.found.contradictions:
        samples = tuple(sample for sample, _ in material.found.contradictions)
        sample, labels = material.found.contradictions[0]
        classes = " and ".join(f"“{label}”" for label in labels)
        verb = "is" if len(samples) == 1 else "are each"
        such = f"such as {display_name(sample.name)} in {classes}"
        message = f"{_photos(len(samples))} {verb} named in several classes, {such}."
        yield Finding("conflicting_labels", samples, message, "error", "relabel")


def _few(material: Material) -> Iterable[Finding]:
    for problem in material.found.layout.problems:
        if problem.kind == "few_images":
            yield Finding("few_images", (), problem.message, "warning", "add")
    unreadable = {fact.sample for fact in material.facts if fact.error is not None}
    taught = Counter(sample.label for sample in material.scan.training if sample not in unreadable)
    counts = readable_counts(material)
    none = [label for i, label in enumerate(material.found.labels) if not taught[i]]
    lacking = set(none)
    few = [label for label, count in counts.items() if count < FEW and label not in lacking]
    if none:
        have = "has no photo" if len(none) == 1 else "have no photos"
        message = f"{classes_named(none)} {have} to learn from."
        yield Finding("few_images", _of_classes(material, none), message, "error", "add")
    if few:
        have = f"has only {counts[few[0]]}" if len(few) == 1 else f"have fewer than {FEW}"
        what = "photo" if len(few) == 1 and counts[few[0]] == 1 else "photos"
        message = f"{classes_named(few)} {have} {what}. Add some: {FEW} are little, 30 are better."
        yield Finding("few_images", _of_classes(material, few), message, "warning", "add")


def _unreadable(material: Material) -> Iterable[Finding]:
    for problem in material.found.layout.problems:
        if problem.kind == "unreadable":
            yield Finding("unreadable", (), problem.message, "warning", "add")
    bad = [fact for fact in material.facts if fact.error is not None]
    if bad:
        first = bad[0].error[1] if bad[0].error is not None else ""
        such = first if len(bad) == 1 else f"Such as: {first}"
        message = f"{_count(len(bad), 'file')} cannot be read and will be passed over. {such}"
        yield Finding("unreadable", tuple(fact.sample for fact in bad), message, "warning", "exclude")


def _leaks(material: Material) -> Iterable[Finding]:
    scan = material.scan
    part_of = {s: part for part, p in enumerate((scan.training, scan.validation, scan.test)) for s in p}
    parts = [{part_of.get(material.facts[i].sample) for i in group} - {None} for group in material.near]
    open_groups = [group for group, used in zip(material.near, parts, strict=True) if len(used) > 1]
    if open_groups:
        groups = material.groups(open_groups)
        message = (
            f"{_photos(sum(map(len, groups)))} that are the same, or nearly, are both learnt from and checked with. "
            "The network will look better than it is."
        )
        yield Finding("leak", _flat(groups), message, "warning", "exclude", groups, _surplus(groups))
    still = set(open_groups)
    said = [{material.found.roles[i] or "training" for i in group} for group in material.near]
    closed = [group for group, roles in zip(material.near, said, strict=True) if len(roles) > 1 and group not in still]
    if closed:
        groups = material.groups(closed)
        message = (
            f"{_photos(sum(map(len, groups)))} that are the same, or nearly, lie in the folders to learn from and to "
            "check with. Each group is used for one of the two alone."
        )
        yield Finding("leak", _flat(groups), message, "note", "keep", groups, _surplus(groups))


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
            "A network learns to say what it sees most."
        )
        yield Finding("imbalance", _of_classes(material, [least]), message, "warning", "add")


def _same_files(material: Material) -> Iterable[Finding]:
    groups = material.groups(same_files(material.facts))
    if groups:
        times = sum(map(len, groups))
        message = f"{_photos(times)} are copies of {len(groups):,}. One of each is enough."
        if len(groups) == 1:
            message = f"One photo is there {times} times. One of them is enough."
        yield Finding("exact_duplicate", _flat(groups), message, "note", "exclude", groups, _surplus(groups))


def _near_duplicates(material: Material) -> Iterable[Finding]:
    groups = material.groups(g for g in material.near if len({material.facts[i].sha1 for i in g}) > 1)
    if groups:
        those = "one photo" if len(groups) == 1 else f"{len(groups):,} photos"
        message = (
            f"{_photos(sum(map(len, groups)))} show nearly the same: {those}, resized, edited or taken again. They may "
            "stay: the network is not asked about one after it has learnt from another."
        )
        yield Finding("near_duplicate", _flat(groups), message, "note", "keep", groups, _surplus(groups))


def _looks(material: Material) -> Iterable[Finding]:
    seen = [fact for fact in material.facts if fact.error is None]
    tiny = [fact for fact in seen if min(fact.width, fact.height) < TINY]
    dark = [fact for fact in seen if fact.brightness < DARK]
    bright = [fact for fact in seen if fact.brightness > BRIGHT]
    off = {id(fact) for fact in (*tiny, *dark, *bright)}
    blurred = [fact for fact in seen if fact.sharpness < BLURRED and id(fact) not in off]
    kinds: tuple[tuple[Kind, list[PictureFacts], str], ...] = (
        ("blurred", blurred, "blurred, or of hardly anything"),
        ("dark", dark, "nearly black"),
        ("bright", bright, "nearly white"),
        ("tiny", tiny, f"less than {TINY} pixels high or wide"),
    )
    for kind, some, words in kinds:
        if some:
            message = f"{_photos(len(some))} {'is' if len(some) == 1 else 'are'} {words}. Is there enough to be seen?"
            yield Finding(kind, tuple(fact.sample for fact in some), message, "note", "exclude")


def _of_classes(material: Material, labels: Iterable[str]) -> tuple[Sample, ...]:
    names = set(labels)
    wanted = {i for i, label in enumerate(material.found.labels) if label in names}
    return tuple(fact.sample for fact in material.facts if fact.sample.label in wanted)


def _flat(groups: Iterable[Sequence[Sample]]) -> tuple[Sample, ...]:
    return tuple(sample for group in groups for sample in group)


def _surplus(groups: Iterable[Sequence[Sample]]) -> tuple[Sample, ...]:
    return tuple(sample for group in groups for sample in group[1:])


def _plain_name(label: str) -> str:
    return re.sub(r"[\s_-]+", " ", unicodedata.normalize("NFKC", label).casefold()).strip()


def _count(count: int, what: str) -> str:
    return f"1 {what}" if count == 1 else f"{count:,} {what}s"


def _photos(count: int) -> str:
    return _count(count, "photo")
