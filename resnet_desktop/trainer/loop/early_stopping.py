"""Which epoch is better, and whether a run has stopped getting better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def is_as_good(score: tuple[float, float], best: tuple[float, float], by: str) -> bool:
    """Whether a score (accuracy, minus the loss) is as good as another; ``by`` is what counts first."""
    return score >= best if by == "accuracy" else score[::-1] >= best[::-1]


def gets_no_better(history: Sequence[Mapping[str, Any]], patience: int, size: int) -> bool:
    """Whether neither accuracy nor loss on the validation pictures has improved for ``patience`` epochs; 0: never.

    Args:
        history: a row for each epoch.
        patience: as the recipe says.
        size: pixels of the epoch to come: at another size the search for the best begins anew.
    """
    rows = [row for row in history if row["size"] == size and row["validation_loss"] is not None]
    if not patience or len(rows) <= patience or history[-1]["size"] != size:
        return False
    old, new = rows[:-patience], rows[-patience:]
    if max(r["acc1"] for r in new) > max(r["acc1"] for r in old):
        return False
    return bool(min(r["validation_loss"] for r in new) >= min(r["validation_loss"] for r in old))
