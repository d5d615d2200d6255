"""Random damage to a sound file: what a bad disk, a broken download or a careless program does to it."""

from __future__ import annotations

import random
from collections.abc import Callable


def damaged(data: bytes, chance: random.Random) -> bytes:
    """``data`` after one to three accidents; never empty."""
    found = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 3))):
        chance.choice(_ACCIDENTS)(found, chance)
        if not found:
            return data[:1]
    return bytes(found)


def _cut(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(len(data)) :]


def _flip(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.randrange(1, 9)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _flip_early(data: bytearray, chance: random.Random) -> None:
    """Where files say what they are and how large."""
    for _ in range(chance.randrange(1, 5)):
        data[chance.randrange(min(len(data), 200))] = chance.randrange(256)


def _blank(data: bytearray, chance: random.Random) -> None:
    start, count = chance.randrange(len(data)), chance.randrange(1, 600)
    data[start : start + count] = bytes([chance.choice((0, 255))]) * len(data[start : start + count])


def _repeat(data: bytearray, chance: random.Random) -> None:
    start, count = chance.randrange(len(data)), chance.randrange(1, 300)
    data[start:start] = data[start : start + count]


def _drop(data: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(data))
    del data[start : start + chance.randrange(1, 200)]


def _noise(data: bytearray, chance: random.Random) -> None:
    start, count = chance.randrange(len(data)), chance.randrange(1, 64)
    data[start : start + count] = chance.randbytes(len(data[start : start + count]))


_ACCIDENTS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    *(_cut, _flip, _flip_early, _blank, _repeat, _drop, _noise),
)
