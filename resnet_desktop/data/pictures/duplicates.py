"""Finding pictures that are the same, or nearly, among many: all pairs of hashes are compared, block by block.

With 128 bits and a distance of 26 no index that divides the bits saves anything, while a comparison takes some
nanoseconds. In its class each is also compared as mirrored and turned by right angles: 10,000 pictures of 20 classes
take 0.3 s, 50,000 take 7 s (of two classes 0.7 s and 17 s), and either some megabytes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.core.progress import Cancelled, never, stop_if
from resnet_desktop.data.pictures.image_stats import PictureFacts
from resnet_desktop.imaging.fingerprint import HASH_BYTES, NEAR, NEAR_TURNED, turned

_BLOCK_ITEMS = 1 << 18
_REACH = 2
"""Times ``near`` that one of a group may be from its middle: what lies farther is another picture."""

Groups = tuple[tuple[int, ...], ...]
"""Places of pictures that belong together, two at least in each; in order of the first of each group."""
Words = NDArray[np.uint64]


def same_files(facts: Sequence[PictureFacts]) -> Groups:
    """Pictures whose files have equal content; what cannot be read shows nothing that could be the same."""
    by_content: dict[bytes, list[int]] = defaultdict(list)
    for place, fact in enumerate(facts):
        if fact.sha1 is not None and fact.error is None:
            by_content[fact.sha1].append(place)
    return tuple(tuple(group) for group in by_content.values() if len(group) > 1)


def near_duplicates(facts: Sequence[PictureFacts], *, near: int = NEAR, cancelled: Cancelled = never) -> Groups:
    """Pictures that show the same: equal files, and those whose hashes differ in at most ``near`` bits.

    Within a class they may be mirrored or turned; between classes that may be the very difference, as with arrows. What
    is near one of a group belongs to the group, as in a series of shots; see ``cut``. Raises CancelledError.
    """
    parents = np.arange(len(facts))
    for group in same_files(facts):
        parents[list(group)] = group[0]
    with_hash = [place for place, fact in enumerate(facts) if fact.hash is not None]
    if with_hash:
        labels = np.array([facts[place].sample.label for place in with_hash], np.uint64)
        rows = np.column_stack([_words(facts[place] for place in with_hash), labels])
        distinct, inverse = np.unique(rows, axis=0, return_inverse=True)
        nearest = _joined(distinct[:, :2], distinct[:, 2], near, cancelled)[inverse.ravel()]
        _join_equal(parents, np.array(with_hash), nearest)
    return _collected(parents)


def cut(facts: Sequence[PictureFacts], group: Sequence[int], *, near: int = NEAR) -> Groups:
    """A group of near pictures, or parts of it where it is a chain whose ends have nothing in common.

    In each part there is a picture in the middle that none is farther from than ``_REACH`` times ``near`` bits. Parts
    of one picture are none. What was cut depends on the content alone.
    """
    words, inverse = np.unique(_words(facts[place] for place in group), axis=0, return_inverse=True)
    blocks = np.array_split(words, _pieces(len(words)))
    degrees = np.concatenate([np.count_nonzero(_is_near(rows, words, near), axis=1) for rows in blocks])
    part = np.full(len(words), -1)
    for middle in np.argsort(-degrees, kind="stable"):
        if part[middle] < 0:
            apart = np.min([_distance(turn, words)[0] for turn in _turns(words[middle : middle + 1])], axis=0)
            part[(part < 0) & (apart <= _REACH * near)] = middle
    parts: dict[int, list[int]] = defaultdict(list)
    for place, number in zip(group, part[inverse.ravel()].tolist(), strict=True):
        parts[number].append(place)
    return tuple(tuple(some) for some in parts.values() if len(some) > 1)


def contradicting(facts: Sequence[PictureFacts], group: Sequence[int], *, near: int = NEAR) -> tuple[int, ...]:
    """Those of a group that are near one of another class themselves, and not only through others between them."""
    words = _words(facts[place] for place in group)
    labels = np.array([facts[place].sample.label for place in group])
    places = np.arange(len(group))
    found = []
    for rows in np.array_split(places, _pieces(len(group))):
        close = (_distance(words[rows], words) <= near) & (labels[rows][:, None] != labels)
        found += [group[row] for row in rows[close.any(axis=1)].tolist()]
    return tuple(found)


def _words(facts: Iterable[PictureFacts]) -> Words:
    """Hashes as uint64 (n, 2); zeros, where there is none."""
    raw = b"".join(fact.hash or bytes(HASH_BYTES) for fact in facts)
    return np.frombuffer(raw, np.uint64).reshape(-1, HASH_BYTES // 8)


def _pieces(count: int) -> int:
    """Into how many parts so many hashes are divided, so that each can be compared with all of them at once."""
    return max(1, min(count, count * count // _BLOCK_ITEMS))


def _turns(words: Words) -> Words:
    """The hashes, uint64 (n, 2), in all eight positions of their pictures: (8, n, 2)."""
    as_bytes = np.ascontiguousarray(words).view(np.uint8).reshape(-1, HASH_BYTES)
    return turned(as_bytes).view(np.uint64)


def _distance(some: Words, others: Words) -> NDArray[np.uint8]:
    """Bits by which hashes, (n, 2) and (m, 2), differ: (n, m)."""
    distance: NDArray[np.uint8] = np.bitwise_count(some[:, None, 0] ^ others[None, :, 0])
    distance += np.bitwise_count(some[:, None, 1] ^ others[None, :, 1])
    return distance


def _is_near(some: Words, others: Words, near: int) -> NDArray[np.bool_]:
    """Whether pictures show the same, (n, m), in whatever position."""
    positions = _turns(some)
    close = _distance(positions[0], others) <= near
    for position in positions[1:]:
        close |= _distance(position, others) <= min(near, NEAR_TURNED)
    return close


def _joined(words: Words, labels: Words, near: int, cancelled: Cancelled) -> NDArray[np.intp]:
    """For each of n hashes, uint64 (n, 2), of the classes (n,), a number that all of its group share."""
    parents = np.arange(len(words))
    for rows in np.array_split(np.arange(len(words)), _pieces(len(words))):
        stop_if(cancelled)
        later = np.arange(rows[0], len(words))
        _join_close(parents, rows, later, _distance(words[rows], words[later]) <= near)
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        for rows in np.array_split(own, _pieces(len(own))):
            stop_if(cancelled)
            later = own[np.searchsorted(own, rows[0]) :]
            _join_close(parents, rows, later, _is_near(words[rows], words[later], near))
    return _roots(parents, np.arange(len(words)))


def _join_close(
    parents: NDArray[np.intp], rows: NDArray[np.intp], columns: NDArray[np.intp], close: NDArray[np.bool_]
) -> None:
    for i in np.flatnonzero(np.count_nonzero(close, axis=1) > 1):
        _join(parents, np.append(columns[close[i]], rows[i]))


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
