"""Runs of the command line against a local cluster, and what happens to its processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

PATIENCE = 120.0
PROGRAM = [sys.executable, "-m", "resnet_desktop"]


def classify(*arguments: object) -> subprocess.Popen[str]:
    """``classify`` begun in a process of its own, which is the head of a group."""
    words = [*PROGRAM, "classify", *map(str, arguments)]
    return subprocess.Popen(
        words,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=_hear_interrupts,
    )


def _hear_interrupts() -> None:
    """A job in the background ignores Ctrl+C, and so would all that it starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code, and what was said."""
    _, said = process.communicate(timeout=PATIENCE)
    return process.returncode, said


def rows(folder: Path) -> list[dict[str, Any]]:
    """The rows of a folder of results, by path, without their times."""
    words = [*PROGRAM, "results", str(folder), "--format", "json"]
    found = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    return by_path(found)


def by_path(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sorted, without what differs from run to run."""
    return sorted(({k: v for k, v in row.items() if k != "seconds"} for row in found), key=lambda row: row["path"])


def wait_for_rows(folder: Path, count: int) -> None:
    """Wait until so many rows are written."""
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        if (folder / "manifest.json").exists():
            parts = json.loads((folder / "manifest.json").read_text("utf-8"))["parts"]
            if sum(part["rows"] for part in parts) >= count:
                return
        time.sleep(0.02)
    raise AssertionError(f"{folder} has not got {count} rows")


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    """The processes that classify for a run, by what Ray calls them."""
    return [pid for pid in _below(process.pid) if b"MapWorker" in _title(pid)]


def readers_of(name: str, process: subprocess.Popen[str]) -> list[int]:
    """Those of its processes that have a file of this name open."""
    return [pid for pid in _below(process.pid) if any(target.endswith(name) for target in _open_files(pid))]


def kill(pid: int) -> None:
    """End a process at once."""
    os.kill(pid, signal.SIGKILL)


def _below(pid: int) -> Iterator[int]:
    """All processes that a process has started, and those that these have."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            parents.setdefault(_parent(int(entry.name)), []).append(int(entry.name))
    waiting = [pid]
    while waiting:
        for child in parents.get(waiting.pop(), ()):
            waiting.append(child)
            yield child


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _title(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _open_files(pid: int) -> list[str]:
    found = []
    try:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            found.append(str(entry.readlink()))
    except OSError:
        return found
    return found
