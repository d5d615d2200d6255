"""Setting pictures apart: which ones a network learns from, and which ones it is asked about.

``plain`` goes by the names of the files. ``grouped`` goes by what the pictures show: those that are nearly the same
stay together, so that no network is asked about what it has learnt by heart; and the order in which groups are taken
comes from the seed and the content of their files alone, so that neither the names of files nor the order of sources,
nor the machine matters, and leaving out a picture moves hardly any other.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from resnet_desktop.data.pictures.samples import Sample
from resnet_desktop.data.spec import Split

Parts = tuple[list[Sample], list[Sample], list[Sample]]
"""For training, validation and test."""
_ROLES = ("training", "validation", "test")


@dataclass(frozen=True, slots=True)
class Assigned:
    """A picture on its way into a part.

    Attributes:
        sample: which.
        role: what its source says that it is for, or None.
        key: what only its content determines.
        stays: it is not to be set apart from what is for training.
    """

    sample: Sample
    role: str | None
    key: bytes = b""
    stays: bool = False


def plain(pictures: Sequence[Assigned], split: Split, seed: int) -> Parts:
    """Keep what the sources say; set apart fractions of every class from what is for training."""
    pools: dict[str | None, list[Sample]] = defaultdict(list)
    for picture in pictures:
        pools[picture.role].append(picture.sample)
    training, validation, test = list(pools["training"]), list(pools["validation"]), list(pools["test"])
    validation_share = 0.0 if validation else split.validation
    test_share = 0.0 if test else split.test
    by_class: dict[int, list[Sample]] = defaultdict(list)
    for sample in (*training, *pools[None]):
        by_class[sample.label].append(sample)
    training = []
    for label in sorted(by_class):
        samples = sorted(by_class[label], key=lambda s: s.name)
        random.Random(f"{seed} {label}").shuffle(samples)
        held, tested = shares(len(samples), validation_share, test_share)
        validation += samples[:held]
        test += samples[held : held + tested]
        training += samples[held + tested :]
    return training, validation, test


def grouped(pictures: Sequence[Assigned], groups: Iterable[Sequence[int]], split: Split, seed: int) -> Parts:
    """The same, with each of ``groups`` (places in ``pictures`` that show the same) in one part.

    Where the sources themselves put some of a group into another part than the rest, it goes where most of it is, in
    doubt to training; in a strict split each stays where it was put. Of every class at least one picture stays for
    training.
    """
    if split.strict:
        groups = [part for group in groups for part in _by_role(pictures, group)]
    whole = _Whole.of(pictures, groups, seed)
    parts: dict[str, list[Sample]] = {role: [] for role in _ROLES}
    for role, group in whole.fixed:
        parts[role] += (pictures[place].sample for place in group)
    validation = 0.0 if parts["validation"] else split.validation
    test = 0.0 if parts["test"] else split.test
    left = Counter(pictures[place].sample.label for group in whole.loose for place in group)
    wanted = {label: shares(count, validation, test) for label, count in left.items()}
    remaining = whole.loose
    for place, role in enumerate(("validation", "test")):
        taken, remaining = _taken(pictures, remaining, {c: w[place] for c, w in wanted.items()}, left)
        parts[role] += (pictures[i].sample for group in taken for i in group)
    parts["training"] += (pictures[i].sample for group in (*whole.staying, *remaining) for i in group)
    for samples in parts.values():
        samples.sort(key=lambda s: (s.label, s.name))
    return parts["training"], parts["validation"], parts["test"]


def shares(count: int, validation: float, test: float) -> tuple[int, int]:
    """How many of ``count`` pictures of a class are held out; one at least stays for training."""
    held = max(1, round(count * validation)) if validation and count > 1 else 0
    tested = max(1, round(count * test)) if test and count > 2 else 0
    while held + tested >= count and held + tested > 0:
        held, tested = (held, tested - 1) if tested else (held - 1, tested)
    return held, tested


@dataclass(frozen=True, slots=True)
class _Whole:
    """All pictures in groups: held out by their sources, for training alone, and to be set apart from, in order."""

    fixed: list[tuple[str, list[int]]]
    staying: list[list[int]]
    loose: list[list[int]]

    @classmethod
    def of(cls, pictures: Sequence[Assigned], groups: Iterable[Sequence[int]], seed: int) -> _Whole:
        together = [list(group) for group in groups]
        covered = {place for group in together for place in group}
        together += [[place] for place in range(len(pictures)) if place not in covered]
        fixed, staying, loose = [], [], []
        for group in together:
            role = majority(Counter(pictures[place].role for place in group))
            if role in ("validation", "test"):
                fixed.append((role, group))
            elif any(pictures[place].stays for place in group):
                staying.append(group)
            else:
                loose.append(group)
        salt = f"{seed} ".encode()
        loose.sort(key=lambda group: min(hashlib.sha256(salt + pictures[i].key).digest() for i in group))
        return cls(fixed, staying, loose)


def _by_role(pictures: Sequence[Assigned], group: Sequence[int]) -> list[list[int]]:
    """A group in parts by what the sources say; what they say nothing of stays with most of it."""
    home = majority(Counter(pictures[place].role for place in group))
    parts: dict[str | None, list[int]] = defaultdict(list)
    for place in group:
        parts[pictures[place].role or home].append(place)
    return list(parts.values())


def majority(roles: Mapping[str | None, int]) -> str | None:
    """What most pictures of a group are for, of so many for each role; in doubt training, None if nobody says."""
    said = {role: count for role, count in roles.items() if role is not None}
    return max(_ROLES, key=lambda role: said.get(role, 0)) if said else None  # the first of equals: training


def _taken(
    pictures: Sequence[Assigned], groups: Sequence[list[int]], wanted: Mapping[int, int], left: Counter[int]
) -> tuple[list[list[int]], list[list[int]]]:
    """Take groups until every class has what is wanted, and no class loses its last picture; then the rest."""
    missing = Counter(wanted)
    counts = [Counter(pictures[place].sample.label for place in group) for group in groups]
    homes = [max(sorted(count), key=count.__getitem__) for count in counts]
    taken = set()

    def take(number: int) -> None:
        taken.add(number)
        missing.subtract(counts[number])
        left.subtract(counts[number])

    def can_go(number: int) -> bool:
        return all(left[label] > count for label, count in counts[number].items())

    for number, home in enumerate(homes):
        if missing[home] >= counts[number].total() and can_go(number):
            take(number)
    with_some: dict[int, list[int]] = defaultdict(list)
    for number, count in enumerate(counts):
        for label in count:
            with_some[label].append(number)
    for label in sorted(wanted):  # nothing small enough: the smallest group, if it is not most of the class
        if missing[label] == wanted[label] > 0:
            own = [number for number in with_some[label] if number not in taken and can_go(number)]
            smallest = min(own, key=lambda n: (homes[n] != label, counts[n].total()), default=None)
            if smallest is not None and 2 * counts[smallest][label] <= left[label]:
                take(smallest)
    return [groups[n] for n in sorted(taken)], [group for n, group in enumerate(groups) if n not in taken]
