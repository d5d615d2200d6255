"""Telling copies of pictures from pictures that are all alike: those of a fixed camera, scans of one form, digits.

Where everything is near everything else, groups of near pictures say nothing: one of them would take a whole class, or
the whole data set, and nothing would be left to check with. Such groups are broken up to files of equal content.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from resnet_desktop.core.progress import Cancelled, never
from resnet_desktop.data.pictures.duplicates import Groups, cut, near_duplicates, same_files
from resnet_desktop.data.pictures.image_stats import PictureFacts

LARGE_SHARE = 0.5
"""Of a class: a group with more of it is no group of copies."""
WIDE_SHARE = 1 / 3
"""Of all pictures: likewise."""
LEAST = 8
"""Pictures: so few may well be shots of one thing, whatever share they are."""
_TOUCHED = 0.25
"""Of a class: with more of it in groups that were broken up, its other groups are of the same kind."""


@dataclass(frozen=True, slots=True)
class Near:
    """Places of pictures that belong together.

    Attributes:
        groups: of pictures that are the same, or nearly.
        alike: of pictures that are so alike that copies among them cannot be told; equal files are in ``groups``, too.
    """

    groups: Groups
    alike: Groups


def near_groups(facts: Sequence[PictureFacts], *, cancelled: Cancelled = never) -> Near:
    """The groups of near pictures, and those that turned out to be pictures which are all alike.

    Raises:
        CancelledError: ``cancelled`` said so.
    """
    groups = near_duplicates(facts, cancelled=cancelled)
    sizes = Counter(fact.sample.label for fact in facts if fact.error is None)
    large = [_is_large(_labels(group, facts), sizes) for group in groups]
    inside = Counter(
        facts[i].sample.label for group, is_large in zip(groups, large, strict=True) if is_large for i in group
    )
    touched = {label for label, count in inside.items() if count > _TOUCHED * sizes[label]}
    kept: list[tuple[int, ...]] = []
    alike: list[tuple[int, ...]] = []
    for group, is_large in zip(groups, large, strict=True):
        if is_large or _labels(group, facts).keys() <= touched:
            kept += _equal(group, facts)
            alike.append(group)
        else:
            kept += cut(facts, group)
    return Near(tuple(kept), tuple(alike))


def separable(groups: Groups, facts: Sequence[PictureFacts], unasked: Collection[int] = ()) -> Groups:
    """The groups, but those that hold all pictures of a class broken up into equal files.

    Such a class could not be asked about otherwise. ``unasked`` are further classes of which that is known.
    """
    sizes = Counter(fact.sample.label for fact in facts)
    kept: list[tuple[int, ...]] = []
    for group in groups:
        inside = _labels(group, facts)
        whole = any(count == sizes[label] > 1 for label, count in inside.items())
        kept += _equal(group, facts) if whole or any(label in unasked for label in inside) else [group]
    return tuple(kept)


def _is_large(inside: Counter[int], sizes: Counter[int]) -> bool:
    """Whether a group with so many pictures of each class is too large to be one of copies."""
    if inside.total() >= LEAST and inside.total() > WIDE_SHARE * sizes.total():
        return True
    return any(count >= LEAST and count > LARGE_SHARE * sizes[label] for label, count in inside.items())


def _labels(group: Sequence[int], facts: Sequence[PictureFacts]) -> Counter[int]:
    return Counter(facts[place].sample.label for place in group)


def _equal(group: Sequence[int], facts: Sequence[PictureFacts]) -> list[tuple[int, ...]]:
    same = same_files([facts[place] for place in group])
    return [tuple(group[i] for i in equal) for equal in same]
