"""A bound on the memory of all decodes, or of all files, in flight together."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Iterator

# Pillow's own pixels (4 bytes), a converted or turned copy (4), the packed RGB result and its pieces (6), rounded up.
BYTES_PER_PIXEL = 16
DEFAULT_BUDGET_BYTES = 1 << 30


class DecodeBudget:
    """Bytes that decoders on several threads share; a decoder waits until what it needs is free.

    First come, first served, so that a large picture is not passed over for ever by small ones. A picture larger than
    the whole budget is let through alone.

    Args:
        limit: the bytes of all decodes in flight together.
    """

    def __init__(self, limit: int = DEFAULT_BUDGET_BYTES) -> None:
        if limit <= 0:
            raise ValueError(f"a budget must be positive, not {limit}")
        self._limit = limit
        self._used = 0
        self._queue: deque[object] = deque()
        self._condition = threading.Condition()

    @property
    def used(self) -> int:
        """Bytes that are reserved now."""
        with self._condition:
            return self._used

    @contextlib.contextmanager
    def reserve(self, width: int, height: int) -> Iterator[None]:
        """Hold the memory to decode ``width`` × ``height`` pixels while the block runs; wait for it first."""
        with self.hold(width * height * BYTES_PER_PIXEL):
            yield

    @contextlib.contextmanager
    def hold(self, wanted: int) -> Iterator[None]:
        """Hold so many bytes while the block runs; wait for them first."""
        taken = self.take(wanted)
        try:
            yield
        finally:
            self.give_back(taken)

    def take(self, wanted: int) -> int:
        """Wait for so many bytes and hold them, from whatever thread, until they are given back; says how many."""
        needed = min(wanted, self._limit)
        ticket = object()
        with self._condition:
            self._queue.append(ticket)
            try:
                self._condition.wait_for(lambda: self._queue[0] is ticket and self._used + needed <= self._limit)
                self._used += needed
            finally:  # also when the wait is interrupted: a ticket left behind would block all others
                self._queue.remove(ticket)
                self._condition.notify_all()
        return needed

    def give_back(self, taken: int) -> None:
        """Free what ``take`` said was taken."""
        with self._condition:
            self._used -= taken
            self._condition.notify_all()
