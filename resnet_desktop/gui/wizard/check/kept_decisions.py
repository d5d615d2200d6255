"""What was decided about photos in the guide, kept for the next time that the same photos are looked at."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from resnet_desktop.core import atomic, paths
from resnet_desktop.core.errors import StorageError
from resnet_desktop.gui.wizard.decisions import Decisions

MOST = 20
"""Sets of photos that are remembered, the latest."""
_logger = logging.getLogger(__name__)

Sources = Sequence[Mapping[str, str]]


def recall(sources: Sources) -> Decisions:
    """What was decided about the photos of these sources; nothing, if that is not known."""
    for kept in _kept():
        if kept.get("sources") == [dict(source) for source in sources]:
            exclude, relabel = kept.get("exclude"), kept.get("relabel")
            if isinstance(exclude, list) and isinstance(relabel, dict):
                return Decisions(tuple(map(str, exclude)), {str(name): str(label) for name, label in relabel.items()})
    return Decisions()


def keep(sources: Sources, decisions: Decisions) -> None:
    """Remember them. Where that fails they are lost with the guide, which the log says."""
    own = [dict(source) for source in sources]
    rest = [kept for kept in _kept() if kept.get("sources") != own]
    entry = {"sources": own, "exclude": list(decisions.exclude), "relabel": dict(decisions.relabel)}
    try:
        atomic.write_text(_file(), json.dumps([entry, *rest][:MOST], indent=1) + "\n")
    except StorageError as error:
        _logger.warning("The decisions about photos could not be saved: %s", error)


def _file() -> Path:
    return paths.data_folder() / "decisions.json"


def _kept() -> list[dict[str, Any]]:
    try:
        values = json.loads(_file().read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return []
    return [kept for kept in values if isinstance(kept, dict)] if isinstance(values, list) else []
