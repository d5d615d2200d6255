"""Classes that photos may be meant to have where no folder says so: by what their names have in common, or by a depth.

Nothing is decided here: each proposal is shown with its classes and examples before a person takes it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from pathlib import Path

LEAST_PHOTOS = 2
"""A class of fewer photos is no evidence that a part of the names means anything."""
LEAST_SHARE = 0.9
"""Of the photos that such classes have to hold."""
MOST_CLASSES = 1_000

_NUMBER_AT_END = re.compile(r"[\s._-]*[(\[]?\d+[)\]]?$")
_NUMBER_AT_START = re.compile(r"^[(\[]?\d+[)\]]?[\s._-]*")
_SEPARATOR = re.compile(r"[\s._-]+")


@dataclass(frozen=True, slots=True)
class Proposal:
    """Classes with their photos, in the order of their names.

    ``depth``: that of the folders which give the names, 1 for those directly inside; 0: the files' own names do.
    """

    depth: int
    classes: Mapping[str, tuple[Path, ...]]

    @property
    def labels(self) -> dict[Path, str]:
        """The class of each photo."""
        return {path: label for label, paths in self.classes.items() for path in paths}


def proposed(root: Path, photos: Sequence[Path]) -> tuple[Proposal, ...]:
    """What the classes of the photos below a folder may be.

    Args:
        root: the folder.
        photos: files in it or below it.

    Returns:
        A proposal for each depth at which every photo has a folder, where photos lie at more than one; for photos that
        lie in the folder itself, one by their names. None where nothing is to be decided.
    """
    parts = {path: path.relative_to(root).parts for path in photos}
    shallowest = min((len(part) - 1 for part in parts.values()), default=0)
    if shallowest == 0:
        return _by_names(photos)
    found = (_proposal(depth + 1, parts, itemgetter(depth)) for depth in range(shallowest))
    return tuple(proposal for proposal in found if proposal is not None)


def _by_names(photos: Sequence[Path]) -> tuple[Proposal, ...]:
    parts: dict[Path, tuple[str, ...]] = {path: (path.stem,) for path in photos}
    for name_of in (_without_number_at_end, _without_number_at_start, _first_word, _last_word):
        found = _proposal(0, parts, partial(_of_stem, name_of))
        if found is not None:
            return (found,)
    return ()


def _of_stem(name_of: Callable[[str], str], part: tuple[str, ...]) -> str:
    return name_of(part[0])


def _proposal(
    depth: int, parts: Mapping[Path, tuple[str, ...]], name_of: Callable[[tuple[str, ...]], str]
) -> Proposal | None:
    """The photos by the names they get, if these can be classes."""
    groups: dict[str, list[Path]] = defaultdict(list)
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for path, part in parts.items():
        name = name_of(part)
        if name:
            groups[name.casefold()].append(path)
            spellings[name.casefold()][name] += 1
    kept = {key: paths for key, paths in groups.items() if len(paths) >= LEAST_PHOTOS}
    held = sum(map(len, kept.values()))
    if not 2 <= len(kept) <= MOST_CLASSES or held < LEAST_SHARE * len(parts):
        return None
    named = {spellings[key].most_common(1)[0][0]: tuple(paths) for key, paths in kept.items()}
    return Proposal(depth, dict(sorted(named.items(), key=lambda row: row[0].casefold())))


def _without_number_at_end(stem: str) -> str:
    shorter = _NUMBER_AT_END.sub("", stem)
    while shorter != stem:
        stem, shorter = shorter, _NUMBER_AT_END.sub("", shorter)
    return stem.strip(" ._-")


def _without_number_at_start(stem: str) -> str:
    return _without_number_at_end(_NUMBER_AT_START.sub("", stem))


def _first_word(stem: str) -> str:
    return next((word for word in _SEPARATOR.split(stem) if word and not word.isdigit()), "")


def _last_word(stem: str) -> str:
    return next((word for word in reversed(_SEPARATOR.split(stem)) if word and not word.isdigit()), "")
