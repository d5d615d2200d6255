"""Findings on pictures that are there more than once: as they are, edited, under another class, in another part."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath

from resnet_desktop.data.checks.finding import Finding, Material, classes_named, photos
from resnet_desktop.data.pictures.duplicates import contradicting, same_files
from resnet_desktop.data.pictures.samples import Sample
from resnet_desktop.data.split.assignment import majority
from resnet_desktop.imaging.files import printable
from resnet_desktop.imaging.source import display_name

_FOR = {"training": "for training", "validation": "for validation", "test": "for testing"}
_NAMED = 3
LEFT = 5
"""Pictures of a class that are not thinned out any further by leaving out what is nearly the same."""


def conflicts(material: Material) -> Iterable[Finding]:
    """The same picture under several classes."""
    several = [g for g in material.near.groups if len({material.facts[i].sample.label for i in g}) > 1]
    mixed = [some for group in several if (some := contradicting(material.facts, group))]
    if mixed:
        groups = material.groups(mixed)
        same = photos(sum(map(len, groups)))
        message = f"{same} that are identical or nearly so are in different classes. Choose the right class for each."
        yield Finding("conflicting_labels", _flat(groups), message, "error", "relabel", groups)
    if material.found.contradictions:
        samples = tuple(sample for sample, _ in material.found.contradictions)
        sample, labels = material.found.contradictions[0]
        classes = " and ".join(f"“{label}”" for label in labels)
        verb = "has" if len(samples) == 1 else "each have"
        such = f"such as {display_name(sample.name)} in {classes}"
        message = f"{photos(len(samples))} {verb} several class labels, {such}."
        yield Finding("conflicting_labels", samples, message, "error", "relabel")


def leaks(material: Material) -> Iterable[Finding]:
    """The same picture to learn from and to check with."""
    scan = material.scan
    part_of = {s: part for part, p in enumerate((scan.training, scan.validation, scan.test)) for s in p}
    parts = [{part_of.get(material.facts[i].sample) for i in group} - {None} for group in material.near.groups]
    open_groups = [group for group, used in zip(material.near.groups, parts, strict=True) if len(used) > 1]
    if open_groups:
        groups = material.groups(open_groups)
        message = (
            f"{photos(sum(map(len, groups)))} that are identical or nearly so are in both the training and the "
            "validation set. The accuracy will look better than it is."
        )
        yield Finding("leak", _flat(groups), message, "warning", "exclude", groups, _surplus(material, groups))


def moved(material: Material) -> Iterable[Finding]:
    """Pictures that are used for something else than the user's own folders say, since there are copies of them."""
    said = {picture.name: picture.role for picture in material.found.layout.found}
    scan = material.scan
    parts = {"training": scan.training, "validation": scan.validation, "test": scan.test}
    used = {sample: part for part, samples in parts.items() for sample in samples}
    moves: dict[tuple[str, str], list[Sample]] = defaultdict(list)
    for group in material.near.groups:
        samples = [material.facts[place].sample for place in group]
        there = {said.get(sample.name) for sample in samples}
        for sample in samples:
            role, part = said.get(sample.name), used.get(sample)
            if role is not None and part is not None and role != part and part in there:
                moves[role, part].append(sample)
    dropped = () if not moves else tuple(role for role in ("validation", "test") if _is_dropped(material, role, said))
    for role in dropped:
        own = sorted((fact.sample for fact in material.facts if said.get(fact.sample.name) == role), key=_by_name)
        message = (
            f"All {photos(len(own))} you set aside {_FOR[role]} ({_named(own)}) are copies or near copies of others, "
            f"so your split is not used. {photos(len(parts[role]))} were chosen at random {_FOR[role]} instead."
        )
        yield Finding("leak", tuple(own), message, "warning", "keep")
    for (role, part), samples in sorted(moves.items()):
        if {role, part} & set(dropped):
            continue
        samples.sort(key=_by_name)
        are, they = (
            ("is a copy or near copy", "it is") if len(samples) == 1 else ("are copies or near copies", "they are")
        )
        message = (
            f"{photos(len(samples))} you set aside {_FOR[role]} ({_named(samples)}) {are} of photos used "
            f"{_FOR[part]}, so {they} used {_FOR[part]} too."
        )
        yield Finding("leak", tuple(samples), message, "warning", "keep")


def _is_dropped(material: Material, role: str, said: Mapping[str, str | None]) -> bool:
    """Whether every picture of a part lies in a group of copies most of which is for something else.

    Nothing is left of such a part, so that its place is taken by others.
    """
    names = {fact.sample.name for fact in material.facts if said.get(fact.sample.name) == role}
    if not names:
        return False
    elsewhere = set()
    for group in material.near.groups:
        inside = [material.facts[place].sample.name for place in group]
        if majority(Counter(said.get(name) for name in inside)) != role:
            elsewhere.update(inside)
    return names <= elsewhere


def _by_name(sample: Sample) -> str:
    return sample.name


def _named(samples: Sequence[Sample]) -> str:
    """The first few by the end of their paths, and how many more there are."""
    shown = ", ".join(printable("/".join(PurePath(sample.name).parts[-3:])) for sample in samples[:_NAMED])
    return f"{shown} and {len(samples) - _NAMED:,} more" if len(samples) > _NAMED else shown


def all_alike(material: Material) -> Iterable[Finding]:
    """Classes whose pictures are so alike that copies among them cannot be told."""
    parts = (material.scan.training, material.scan.validation, material.scan.test)
    part_of = {sample: number for number, part in enumerate(parts) for sample in part}
    groups = [
        group
        for group in material.near.alike
        if len({part_of.get(material.facts[i].sample) for i in group} - {None}) > 1
    ]
    if groups:
        samples = tuple(material.facts[i].sample for group in groups for i in group)
        times = Counter(sample.label for sample in samples)
        order = sorted(times, key=lambda label: (-times[label], label))
        names = classes_named([material.found.labels[label] for label in order])
        message = (
            f"{photos(len(samples))} of {names} are so alike that near copies among them cannot be told apart. "
            "The validation accuracy may be too high: validate on photos taken on another day."
        )
        yield Finding("leak", samples, message, "warning", "add")


def same(material: Material) -> Iterable[Finding]:
    """Files of equal content."""
    groups = material.groups(same_files(material.facts))
    if groups:
        times = sum(map(len, groups))
        message = f"{photos(times)} are copies of {len(groups):,}. One of each is enough."
        if len(groups) == 1:
            message = f"One photo appears {times} times. One is enough."
        surplus = _surplus(material, groups, 1)
        yield Finding("exact_duplicate", _flat(groups), message, "note", "exclude", groups, surplus)


def near(material: Material) -> Iterable[Finding]:
    """Pictures that were resized or edited, or taken again."""
    groups = material.groups(g for g in material.near.groups if len({material.facts[i].sha1 for i in g}) > 1)
    if groups:
        those = "one photo" if len(groups) == 1 else f"{len(groups):,} photos"
        message = (
            f"{photos(sum(map(len, groups)))} look almost the same: {those}, resized, edited or retaken. You can "
            "keep them: near copies never end up in both the training and the validation set."
        )
        yield Finding("near_duplicate", _flat(groups), message, "note", "keep", groups, _surplus(material, groups))


def _flat(groups: Iterable[Sequence[Sample]]) -> tuple[Sample, ...]:
    return tuple(sample for group in groups for sample in group)


def _surplus(material: Material, groups: Iterable[Sequence[Sample]], left: int = LEFT) -> tuple[Sample, ...]:
    """What can be left out of groups of copies.

    Nothing of a group that lies in several classes: which of them is right is for a person to say. And no class is left
    with fewer than ``left`` pictures.
    """
    counts = Counter(fact.sample.label for fact in material.facts if fact.error is None)
    surplus: list[Sample] = []
    for group in groups:
        label = group[0].label
        if all(sample.label == label for sample in group):
            some = group[1 : 1 + max(0, counts[label] - left)]
            counts[label] -= len(some)
            surplus += some
    return tuple(surplus)
