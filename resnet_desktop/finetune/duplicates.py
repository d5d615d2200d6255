"""Finding pictures that are the same, or nearly, among many: all pairs of hashes are compared, block by block.

With 128 bits and a distance of 26 no index that divides the bits saves anything, while a comparison takes some
nanoseconds: 10,000 pictures take 0.2 s, 50,000 take 2.5 s, and either some megabytes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.core.progress import Cancelled, never, stop_if
from resnet_desktop.finetune.facts import PictureFacts
from resnet_desktop.imaging.fingerprint import HASH_BYTES, NEAR

_BLOCK_ITEMS = 1 << 18

Groups = tuple[tuple[int, ...], ...]
"""Places of pictures that belong together, two at least in each; in order of the first of each group."""


def same_files(facts: Sequence[PictureFacts]) -> Groups:
    """Files of equal content."""
    by_content: dict[bytes, list[int]] = defaultdict(list)
    for place, fact in enumerate(facts):
        if fact.sha1 is not None:
            by_content[fact.sha1].append(place)
    return tuple(tuple(group) for group in by_content.values() if len(group) > 1)


def near_duplicates(facts: Sequence[PictureFacts], *, near: int = NEAR, cancelled: Cancelled = never) -> Groups:
    """Pictures that show the same: equal files, and those whose hashes differ in at most ``near`` bits.

    What is near one of a group belongs to the group. Raises CancelledError.
    """
    parents = np.arange(len(facts))
    for group in same_files(facts):
        parents[list(group)] = group[0]
    with_hash = [place for place, fact in enumerate(facts) if fact.hash is not None]
    if with_hash:
        raw = b"".join(facts[place].hash or b"" for place in with_hash)
        words = np.frombuffer(raw, np.uint64).reshape(-1, HASH_BYTES // 8)
        distinct, inverse = np.unique(words, axis=0, return_inverse=True)
        nearest = _joined(distinct, near, cancelled)[inverse.ravel()]
        _join_equal(parents, np.array(with_hash), nearest)
    return _collected(parents)


def _joined(words: NDArray[np.uint64], near: int, cancelled: Cancelled) -> NDArray[np.intp]:
    """For each of n distinct hashes, uint64 (n, 2), a number that all of its group share."""
    count = len(words)
    parents = np.arange(count)
    columns = [np.ascontiguousarray(words[:, i]) for i in range(words.shape[1])]
    step = max(1, _BLOCK_ITEMS // max(1, count))
    for start in range(0, count, step):
        stop_if(cancelled)
        distance = np.zeros((min(step, count - start), count - start), np.uint8)
        for column in columns:
            distance += np.bitwise_count(column[start : start + step, None] ^ column[None, start:])
        close = distance <= near
        for row in np.flatnonzero(np.count_nonzero(close, axis=1) > 1):
            _join(parents, start + np.flatnonzero(close[row]))
    return _roots(parents, np.arange(count))


def _join_equal(parents: NDArray[np.intp], places: NDArray[np.intp], marks: NDArray[np.intp]) -> None:
    order = np.argsort(marks, kind="stable")
    for group in np.split(places[order], np.flatnonzero(np.diff(marks[order])) + 1):
        if len(group) > 1:
            _join(parents, group)


def _join(parents: NDArray[np.intp], places: NDArray[np.intp]) -> None:
    roots = np.unique(_roots(parents, places))
    parents[roots] = roots[0]
    parents[places] = roots[0]


def _roots(parents: NDArray[np.intp], places: NDArray[np.intp]) -> NDArray[np.intp]:
    roots = parents[places]
    while not np.array_equal(higher := parents[roots], roots):
        roots = higher
    return roots


def _collected(parents: NDArray[np.intp]) -> Groups:
    groups: dict[int, list[int]] = defaultdict(list)
    for place, root in enumerate(_roots(parents, np.arange(len(parents))).tolist()):
        groups[root].append(place)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)
