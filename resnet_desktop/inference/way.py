"""How a model's runs are spread over the processor."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Way:
    """How many photos go through a model at once.

    Attributes:
        threads: processor cores for a run; 0: all.
        photos: side by side, where ``batch`` is None; 0: one for each core.
        batch: photos in one run; None: as is usual on the provider, on the CPU one, several side by side.
    """

    threads: int = 0
    photos: int = 0
    batch: int | None = None


USUAL = Way()
