"""What a finding is, and what it is made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from resnet_desktop.data.dataset import Dataset
from resnet_desktop.data.pictures.image_stats import PictureFacts
from resnet_desktop.data.pictures.near_duplicates import Near
from resnet_desktop.data.pictures.samples import Sample, Scan

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
    """What findings are made from; ``near`` says which of ``facts`` show nearly the same."""

    found: Dataset
    facts: Sequence[PictureFacts]
    near: Near
    scan: Scan

    def groups(self, places: Iterable[Sequence[int]]) -> tuple[tuple[Sample, ...], ...]:
        """Samples in the place of numbers, by name in each group."""
        return tuple(tuple(sorted((self.facts[i].sample for i in g), key=lambda s: s.name)) for g in places)


def imbalance(counts: Iterable[int]) -> float:
    """How many times as many pictures the largest class has as the smallest that has any."""
    some = [count for count in counts if count]
    return max(some) / min(some) if some else 1.0


def readable_counts(material: Material) -> dict[str, int]:
    """Pictures that can be read, for each label."""
    counts = Counter(fact.sample.label for fact in material.facts if fact.error is None)
    return {label: counts[i] for i, label in enumerate(material.found.labels)}


def classes_named(labels: Sequence[str]) -> str:
    """The first few of these classes by name, and how many more there are."""
    shown = [f"“{label}”" for label in labels[:_SHOWN]]
    if len(labels) > _SHOWN:
        return f"{', '.join(shown)} and {len(labels) - _SHOWN:,} more classes"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def counted(count: int, what: str) -> str:
    """``1 file``, ``2,000 files``."""
    return f"1 {what}" if count == 1 else f"{count:,} {what}s"


def photos(count: int) -> str:
    """``1 photo``, ``2,000 photos``."""
    return counted(count, "photo")
