"""Which folder an answer puts a photo into."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from resnet_desktop.sorting.names import FolderNames

if TYPE_CHECKING:
    from collections.abc import Sequence

By = Literal["class", "group", "label"]
"""The best class, the group that the answer is sure of, or what the user says it is."""


class Scored(Protocol):
    """A class or group with its name and probability."""

    @property
    def label(self) -> str:
        """Its name."""

    @property
    def probability(self) -> float:
        """A fraction of 1."""


class Answer(Protocol):
    """What a model says of a photo."""

    @property
    def scores(self) -> Sequence[Scored]:
        """The best classes, best first."""

    @property
    def group(self) -> Scored | None:
        """The group that is meant, where classes have a hierarchy."""

    @property
    def unfamiliar(self) -> bool:
        """Whether the photo looks unlike what the model was trained on."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A photo and what it is sorted by: ``label``, with its ``probability`` where a model says it.

    ``label`` is None where the answer is not sure.
    """

    path: Path
    label: str | None
    probability: float | None = None


def choose(path: Path, answer: Answer, by: By, threshold: float) -> Choice:
    """The choice by ``class`` or ``group``: unsure below ``threshold``, and where the photo looks unfamiliar."""
    best: Scored = answer.scores[0]
    if by == "group" and answer.group is not None:
        best = answer.group
    sure = best.probability >= threshold and not answer.unfamiliar
    return Choice(path, best.label if sure else None, best.probability)


def counts(choices: Iterable[Choice], names: FolderNames) -> dict[str, int]:
    """How many photos each folder gets, the fullest first; the unsure last."""
    found = Counter(choice.label for choice in choices)
    ranked = sorted(found.items(), key=lambda pair: (pair[0] is None, -pair[1], (pair[0] or "").casefold()))
    return {names.of(label): number for label, number in ranked}
