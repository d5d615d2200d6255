"""Work that takes seconds: how it says how far it is, and how it is stopped."""

from __future__ import annotations

from collections.abc import Callable

Cancelled = Callable[[], bool]
"""Asked between runs of the model; once it says True, the work ends with CancelledError."""

Progress = Callable[[int, int], None]
"""Told how many steps are done, and of how many."""


class CancelledError(Exception):
    """The work was given up because somebody asked for it; no error to be shown."""


def never() -> bool:
    """Not cancelled."""
    return False


def unheard(done: int, total: int) -> None:
    """Progress that nobody follows."""


def stop_if(cancelled: Cancelled) -> None:
    """Raises CancelledError if ``cancelled`` says so."""
    if cancelled():
        raise CancelledError
