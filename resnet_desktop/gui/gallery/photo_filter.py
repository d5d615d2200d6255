"""Which photos of the list are seen, and how many there are of each kind. Nothing here knows of Qt's views."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from resnet_desktop.gui.gallery.gallery_model import Item
from resnet_desktop.gui.gallery.photo_classes import PhotoClass
from resnet_desktop.imaging.files import natural_key
from resnet_desktop.session.results import Failure, Result, Source, file_of

UNSURE, UNFAMILIAR, FAILED, LABELLED, UNLABELLED = "unsure", "unfamiliar", "failed", "labelled", "unlabelled"
MOST_GONE = 20_000
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

    photos: list[Item]
    classes: Counter[str]
    states: Counter[str]

    @property
    def by_class(self) -> Sequence[tuple[str, int]]:
        """The answers and their counts, the most frequent first."""
        return sorted(self.classes.items(), key=lambda pair: (-pair[1], natural_key(pair[0])))


@dataclass(slots=True)
class Facts:
    """What a filter looks at of a photo, and below that what it was made of: as long as that is so, it holds."""

    item: Item
    text: str
    answer: str | None
    probability: float
    states: frozenset[str]
    outcome: Result | Failure | None
    label: PhotoClass | None
    name: str
    source: Source


class PhotoFacts:
    """The facts of many photos, kept: ten thousand are looked at for every letter that is typed."""

    def __init__(self) -> None:
        self._known: dict[int, Facts] = {}

    def of(self, items: Sequence[Item]) -> list[Facts]:
        """The facts of each photo, in their order."""
        known, found = self._known, []
        for item in items:
            facts, label = known.get(item.number), item.label
            if (
                facts is None
                or facts.outcome is not item.outcome
                or facts.label is not label
                or facts.source is not item.source
                or (label is not None and facts.name != label.name)
            ):
                facts = known[item.number] = _facts(item)
            found.append(facts)
        return found

    def forget_gone(self, items: Sequence[Item]) -> None:
        """Other photos have gone. Thousands of files stay known, for a step may be taken back; pictures do not."""
        numbers, few = {item.number for item in items}, len(self._known) <= len(items) + MOST_GONE
        self._known = {
            number: facts
            for number, facts in self._known.items()
            if number in numbers or (few and isinstance(facts.source, Path))
        }


def sieve(items: Sequence[Item], wanted: PhotoFilter, known: PhotoFacts) -> Sieved:
    """The photos that meet all conditions, with the counts beside each condition."""
    left = known.of(items)  # no pairs with their photos: ten thousand tuples wake the collector of garbage
    if (wanted.low, wanted.high) != (0.0, 1.0):
        low, high = wanted.low, wanted.high
        left = [one for one in left if low <= one.probability <= high]
    for word in wanted.words.casefold().split():
        left = [one for one in left if word in one.text]
    if wanted.states:
        asked = wanted.states
        left = [one for one in left if asked <= one.states]
    classes = Counter([one.answer for one in left if one.answer is not None])
    if wanted.classes:
        chosen = wanted.classes
        left = [one for one in left if one.answer in chosen]
    states: Counter[str] = Counter()
    for own, count in Counter([one.states for one in left]).items():
        for state in own:
            states[state] += count
    return Sieved([one.item for one in left], classes, states)


def _facts(item: Item) -> Facts:
    outcome, label = item.outcome, item.label
    answer, probability = None, -1.0
    if isinstance(outcome, Result):
        said = outcome.headline
        answer, probability = said.label, said.probability
    name = label.name if label is not None else ""
    text = f"{item.name}\n{file_of(item.source) or ''}\n{answer or ''}\n{name}".casefold()
    return Facts(item, text, answer, probability, _states_of(item), outcome, label, name, item.source)


def _states_of(item: Item) -> frozenset[str]:
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
"""Made once, and shared by all photos."""
