"""Whether the disk has room for a run, before it begins: it would be a pity to find out after hours."""

from __future__ import annotations

import shutil
from pathlib import Path

from resnet_desktop.core import atomic
from resnet_desktop.core.errors import StorageError

SMALL = 50_000_000
"""Bytes for log, events, what each epoch got wrong, the report and its pictures."""


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
            f"The run needs about {missing / 1e6:,.0f} MB in {folder}, and {free / 1e6:,.0f} MB are free there.",
            "Free some space, or choose a folder on another disk.",
        )
