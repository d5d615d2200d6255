"""What was seen when a model first ran, and its graph does not show: kept by the file's sha256.

The trial runs in a process of its own (``inference.admission``); whoever reads the file later gets to know.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from resnet_desktop.bundle.adapt.outputs import Ending
from resnet_desktop.core import atomic, paths
from resnet_desktop.core.errors import StorageError

_FORMAT = 1
_MOST = 1000


@dataclass(frozen=True, slots=True)
class Found:
    """What running a model has shown.

    Attributes:
        probabilities: the output that was never negative, and summed to 1 on every picture; None if it did not.
        batch: 1 if it failed, or answered differently, on several pictures at once; else None.
    """

    probabilities: str | None = None
    batch: int | None = None

    @classmethod
    def from_json(cls, values: object) -> Found:
        """As ``asdict`` gave it; what is not understood is passed over."""
        if not isinstance(values, Mapping):
            return cls()
        output = values.get("probabilities")
        return cls(output if isinstance(output, str) else None, 1 if values.get("batch") == 1 else None)


UNTRIED = Found()


def recall(data: bytes) -> Found:
    """What is kept of the file with these bytes; nothing if it was not tried, or nothing was remarkable."""
    entries = _entries()
    if not any(isinstance(entry, dict) and entry.get("bytes") == len(data) for entry in entries.values()):
        return UNTRIED  # spares the checksum of a large file
    return Found.from_json(entries.get(hashlib.sha256(data).hexdigest()))


def knows(sha256: str) -> bool:
    """Whether anything is kept of the file of this checksum."""
    return sha256 in _entries()


def remember(sha256: str, size: int, found: Found) -> None:
    """Keep what was found of the file of this checksum and so many bytes, in place of what was kept before."""
    entries = dict(_entries())
    before = entries.pop(sha256, None)
    if found == UNTRIED and before is None:
        return
    if found != UNTRIED:
        entries[sha256] = asdict(found) | {"bytes": size}
    kept = dict(list(entries.items())[-_MOST:])
    try:
        atomic.write_text(paths.cache_folder() / "tried.json", json.dumps({"format": _FORMAT, "models": kept}) + "\n")
    except StorageError:  # then it is found again when the model runs
        return


def as_found(ending: Ending, found: Found) -> Ending:
    """How a graph ends, by what its output was when it ran; another one that the user names was not looked at."""
    if found.probabilities == ending.row.name and ending.kind == "logits" and not ending.peeled:
        return replace(ending, kind="probabilities")
    return ending


def _entries() -> Mapping[str, Any]:
    try:
        values = json.loads((paths.cache_folder() / "tried.json").read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    entries = values.get("models") if isinstance(values, dict) and values.get("format") == _FORMAT else None
    return entries if isinstance(entries, dict) else {}
