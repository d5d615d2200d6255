"""The events that the trainer speaks: one JSON object a line, version 1.

Both ends share this file: the trainer writes with ``encode``, parents read with ``decode``, which gives None for a line
that is no event (parents keep such lines and show them).
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

VERSION = 1
EVENTS = (
    "started",
    "scanned",
    "epoch_started",
    "progress",
    "epoch_finished",
    "checkpoint",
    "warning",
    "finished",
    "cancelled",
    "failed",
)
LAST_EVENTS = ("finished", "cancelled", "failed")
COMMANDS = ("pause", "resume", "stop", "cancel", "detach")
COMMANDS_FILE = "commands.jsonl"
"""In the run folder: what others than the parent ask of a trainer, a JSON object a line as on standard input."""

EXIT_FINISHED = 0
EXIT_OTHER = 1
EXIT_BAD_JOB = 2
EXIT_BAD_DATA = 3
EXIT_CANCELLED = 4


def encode(event: str, values: Mapping[str, Any]) -> str:
    """One line without its line end. The time is now, in seconds since the epoch."""
    if event not in EVENTS:
        raise ValueError(f"no such event: {event}")
    record = {"v": VERSION, "event": event, "time": round(time.time(), 3), **values}
    return json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(", ", ": "))


def decode(line: str) -> dict[str, Any] | None:
    """The event on this line, or None if the line holds none of this version."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or record.get("v") != VERSION or record.get("event") not in EVENTS:
        return None
    return record


def decode_command(line: str) -> str | None:
    """The command that a parent sent on this line, or None."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    command = record.get("command") if isinstance(record, dict) else None
    return command if isinstance(command, str) and command in COMMANDS else None
