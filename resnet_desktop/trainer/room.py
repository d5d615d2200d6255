"""Whether the disk has room for a run, before it begins: it would be a pity to find out after hours."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from torch import nn

from resnet_desktop.core import atomic
from resnet_desktop.core.errors import StorageError
from resnet_desktop.trainer.checkpoint import KEPT

SMALL = 50_000_000
"""Bytes for log, events, what each epoch got wrong, the report and its pictures."""


def needed(network: nn.Module, trained: Iterable[str], *, adam: bool, averaged: bool) -> int:
    """Bytes that a run of this network takes on the disk.

    A checkpoint holds what is trained as it is and as it was best, its average, and the state of the optimizer; of them
    ``KEPT`` and the one that is being written are there at a time. The model is written twice (``export/``).
    """
    state = network.state_dict()
    learnt = sum(state[name].nbytes for name in trained)
    whole = sum(value.nbytes for value in state.values())
    copies = 2 + (2 if adam else 1) + int(averaged)
    return int((KEPT + 1) * learnt * copies + 2 * whole + SMALL)


def check(folder: Path, wanted: int) -> None:
    """Raises StorageError ``disk_full`` if less is free than what a run takes beside what it has written already."""
    try:
        free = shutil.disk_usage(folder).free
        there = sum(path.stat().st_size for path in (folder / "checkpoints").glob("*.pt"))
    except OSError as error:
        raise atomic.storage_error(folder, error) from error
    missing = wanted - there
    if missing > free:
        raise StorageError(
            "disk_full",
            f"The run needs about {missing / 1e6:,.0f} MB in {folder}, and {free / 1e6:,.0f} MB is free there.",
            "Free some space, or choose a folder on another disk.",
        )
