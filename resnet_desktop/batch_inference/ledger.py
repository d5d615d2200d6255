"""A count that outlives the workers. It has a process of its own, which is up the sooner for how little it imports."""

from __future__ import annotations

from collections import Counter


class Ledger:
    """Counts what was begun and not ended, outside of the workers: each is a process that a photo can bring down."""

    def __init__(self) -> None:
        self._begun: Counter[tuple[str, int]] = Counter()

    def begin(self, kind: str, place: int) -> int:
        """The how manyth try this is since one came to its end."""
        self._begun[kind, place] += 1
        return self._begun[kind, place]

    def end(self, kind: str, place: int) -> None:
        """It came to its end."""
        del self._begun[kind, place]
