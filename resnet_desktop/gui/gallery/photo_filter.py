"""Which photos of the list are seen, and how many there are of each kind. Nothing here knows of Qt's views."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from resnet_desktop.gui.gallery.gallery_model import Item
from resnet_desktop.imaging.files import natural_key
from resnet_desktop.session.results import Failure, Result

UNSURE, UNFAMILIAR, FAILED, LABELLED, UNLABELLED = "unsure", "unfamiliar", "failed", "labelled", "unlabelled"
STATES = (UNSURE, UNFAMILIAR, FAILED, LABELLED, UNLABELLED)


@dataclass(frozen=True, slots=True)
class PhotoFilter:
    """Conditions, all of which a photo meets to be seen.

    Attributes:
        words: each is found in the photo's name or place, in its answer or in its label; case does not matter.
        classes: answers of the network, as the list shows them; one of them. Empty: any.
        states: of ``STATES``; all of them.
        low: the least confidence of the answer, a fraction of 1.
        high: the greatest; with 0 and 1 photos without an answer are seen, too.
    """

    words: str = ""
    classes: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()
    low: float = 0.0
    high: float = 1.0

    @property
    def active(self) -> bool:
        """Whether it hides anything."""
        return self != PhotoFilter()


@dataclass(slots=True)
class Sieved:
    """What a filter leaves.

    Attributes:
        photos: those that are seen, in the order of the list.
        classes: how many photos each answer has among those that meet all the other conditions.
        states: how many photos are seen when this state is asked for, too.
    """

    photos: list[Item] = field(default_factory=list)
    classes: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)

    @property
    def by_class(self) -> Sequence[tuple[str, int]]:
        """The answers and their counts, the most frequent first."""
        return sorted(self.classes.items(), key=lambda pair: (-pair[1], natural_key(pair[0])))


def sieve(items: Iterable[Item], wanted: PhotoFilter) -> Sieved:
    """The photos that meet all conditions, with the counts beside each condition."""
    words = wanted.words.casefold().split()
    found = Sieved()
    photos, classes, states = found.photos, found.classes, found.states
    kinds: Counter[frozenset[str]] = Counter()
    low, high, any_confidence = wanted.low, wanted.high, (wanted.low, wanted.high) == (0.0, 1.0)
    for item in items:
        answer, probability = _said(item)
        if not any_confidence and not low <= probability <= high:
            continue
        if words and not _mentions(item, answer or "", words):
            continue
        own = states_of(item)
        in_state = wanted.states <= own
        if in_state and answer is not None:
            classes[answer] += 1
        if wanted.classes and answer not in wanted.classes:
            continue
        if in_state:
            kinds[own] += 1
            photos.append(item)
    for own, count in kinds.items():
        for state in own:
            states[state] += count
    return found


def _said(item: Item) -> tuple[str | None, float]:
    """The answer and its probability, as ``Result.headline`` has them; none and -1 where there is no answer."""
    outcome = item.outcome
    if not isinstance(outcome, Result):
        return None, -1.0
    said = outcome.scores[0] if outcome.group is None else outcome.group
    return said.label, said.probability


def states_of(item: Item) -> frozenset[str]:
    """Which of ``STATES`` a photo is in."""
    outcome = item.outcome
    label = LABELLED if item.label is not None else UNLABELLED
    if isinstance(outcome, Failure):
        return _KINDS[FAILED, label]
    if not isinstance(outcome, Result):
        return _KINDS["", label]
    if outcome.sure:
        return _KINDS[UNFAMILIAR if outcome.unfamiliar else "", label]
    return _KINDS[f"{UNSURE} {UNFAMILIAR}" if outcome.unfamiliar else UNSURE, label]


_KINDS = {
    (kinds, label): frozenset((*kinds.split(), label))
    for kinds in ("", FAILED, UNSURE, UNFAMILIAR, f"{UNSURE} {UNFAMILIAR}")
    for label in (LABELLED, UNLABELLED)
}
"""Made once: ten thousand photos are looked at for every letter that is typed."""


def _mentions(item: Item, answer: str, words: Sequence[str]) -> bool:
    label = item.label.name if item.label is not None else ""
    place = item.source if isinstance(item.source, Path) else None
    text = f"{_folded_place(item.name, place)}\n{_folded(answer)}\n{_folded(label)}"
    return all(word in text for word in words)


@lru_cache(maxsize=20_000)
def _folded_place(name: str, place: Path | None) -> str:
    return f"{name}\n{place or ''}".casefold()


@lru_cache(maxsize=4096)
def _folded(words: str) -> str:
    return words.casefold()
