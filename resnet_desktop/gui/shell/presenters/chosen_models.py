"""The models that the user is switching to: several may have been asked for before the first is open."""

from __future__ import annotations


class ChosenModels:
    """Those whose opening has not ended yet, in order."""

    def __init__(self) -> None:
        self._wanted: list[str] = []

    def add(self, wanted: str) -> None:
        """One more is chosen."""
        self._wanted.append(wanted)

    def answered(self, waiting: int) -> str | None:
        """The one whose opening has just ended, where ``waiting`` are still to be opened; None: nobody chose it."""
        done = max(0, len(self._wanted) - waiting)
        answered, self._wanted = self._wanted[:done], self._wanted[done:]
        return answered[-1] if answered else None
