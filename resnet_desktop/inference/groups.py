"""One answer out of fine classes: the most specific thing that is probable enough.

Where a network wavers between a tabby, a tiger cat and an Egyptian cat, none of the three is a good answer, and
"domestic cat" is. Deng, Krause, Berg and Fei-Fei 2012, "Hedging your bets" (CVPR): of all things in a hierarchy whose
classes together are probable enough, name the one that says most, which is the one over the fewest classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.bundle.taxonomy.tree import Group, Taxonomy

DEFAULT_THRESHOLD = 0.6
"""Chosen by ``python -m tests.benchmarks.groups``; the README has the curve."""


@dataclass(frozen=True, slots=True)
class GroupScore:
    """A group as an answer.

    Attributes:
        id: its identifier in the hierarchy, such as ``n02121808``; None for a class outside the hierarchy.
        label: its name.
        probability: of its classes together, a fraction of 1.
        classes: the indices of its classes, rising.
    """

    id: str | None
    label: str
    probability: float
    classes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said of a photo: a group, or nothing where the model has no hierarchy; and whether it is sure."""

    group: GroupScore | None
    sure: bool


class GroupRule:
    """Finds the answer for one model.

    Args:
        taxonomy: the groups of its classes; None: there is no hierarchy, and the best class is the answer.
        threshold: the probability from which an answer is sure, a fraction of 1.
    """

    def __init__(self, taxonomy: Taxonomy | None, threshold: float = DEFAULT_THRESHOLD) -> None:
        self.threshold = threshold
        self._groups: tuple[Group, ...] = ()
        if taxonomy is None:
            return
        # Most specific first: the fewest classes, of these the deepest; then the order that sums are looked through in.
        useful = [i for i, generic in enumerate(taxonomy.generic) if not generic]
        useful.sort(key=lambda i: (len(taxonomy.groups[i].classes), -taxonomy.depths[i], taxonomy.groups[i].id or ""))
        self._groups = tuple(taxonomy.groups[i] for i in useful)
        sizes = [len(group.classes) for group in self._groups]
        self._members = np.array([i for group in self._groups for i in group.classes], np.intp)
        self._sizes = np.array(sizes)
        self._information = np.log2(1 + len(taxonomy.classes) / self._sizes)
        self._starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)

    def answer(self, probabilities: NDArray[np.float32]) -> Answer:
        """The answer for probabilities ``(classes,)``.

        Where no group is probable enough the answer is not sure, and its group is what the network leans to: the one
        with the most probability times information, which is log2 of how many times fewer its classes are.
        """
        if not self._groups:
            return Answer(None, bool(probabilities.max() >= self.threshold))
        sums = np.add.reduceat(probabilities[self._members], self._starts, dtype=np.float64)
        enough = np.flatnonzero(sums >= self.threshold)
        if enough.size:  # at a low threshold several of one size may be: then the most probable of them
            as_small = enough[self._sizes[enough] == self._sizes[enough[0]]]
            best = int(as_small[np.argmax(sums[as_small])])
        else:
            best = int(np.argmax(sums * self._information))
        group = self._groups[best]
        score = GroupScore(group.id, group.label, min(1.0, float(sums[best])), group.classes)
        return Answer(score, bool(enough.size))
