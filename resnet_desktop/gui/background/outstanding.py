"""How many photos of the present queue wait for their result. For the GUI thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable


class Outstanding:
    """Counts; ``changed`` is told how many are done, and of how many."""

    def __init__(self, changed: Callable[[int, int], object]) -> None:
        self._changed = changed
        self._numbers: set[int] = set()
        self._total = 0

    def __bool__(self) -> bool:
        """Whether any waits."""
        return bool(self._numbers)

    def add(self, numbers: Iterable[int]) -> None:
        """These wait, too; where none waited, a new queue begins."""
        new = set(numbers) - self._numbers
        self._total = len(new) + (self._total if self._numbers else 0)
        self._numbers |= new
        self.report()

    def finish(self, number: int) -> None:
        """One has its result."""
        self._numbers.discard(number)

    def forget(self, gone: set[int]) -> None:
        """These are no part of the queue any more."""
        self._total -= len(gone & self._numbers)
        self._numbers -= gone
        self.report()

    def reset(self) -> None:
        """There is no queue any more."""
        self._numbers.clear()
        self._total = 0

    def report(self) -> None:
        """Say how far it is."""
        self._changed(self._total - len(self._numbers), self._total)
