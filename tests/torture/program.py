"""The real program as a child, with what it said and took."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MEMORY_BUDGET = 1.5e9 + 0.7e9
"""Bytes: 1.5 GB of decoding beside what the program and a network take."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended: exit status (negative: the signal; None: it hung), output, bytes at its peak, seconds."""

    status: int | None
    out: str
    err: str
    peak: float
    seconds: float

    def faults(self, allowed: Sequence[int] = (0, 3)) -> list[str]:
        """What must never happen."""
        found = []
        if self.status is None:
            found.append("hung")
        elif self.status not in allowed:
            found.append(f"ended with {self.status}: {self.err.strip()[-300:]}")
        if "Traceback" in self.err:
            found.append(f"traceback: {self.err.strip().splitlines()[-1][:200]}")
        if self.peak > MEMORY_BUDGET:
            found.append(f"took {self.peak / 1e9:.1f} GB")
        if any(ord(c) < 32 and c not in "\t\n\r" for c in self.err + self.out):
            found.append("printed control characters")
        return found


def run(arguments: Sequence[str], *, limit: float, home: Path, stdin: bytes = b"") -> Ended:
    """Run the program's command line."""
    return run_python(["-m", "resnet_desktop", *arguments], limit=limit, home=home, stdin=stdin)


def run_python(
    arguments: Sequence[str],
    *,
    limit: float,
    home: Path,
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """Run Python with ``arguments``; killed after ``limit`` seconds."""
    given = {**os.environ, "RESNET_DESKTOP_HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)}
    given |= environment or {}
    began = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as given_in:
        given_in.write(stdin)
        given_in.seek(0)
        command, where = [sys.executable, *arguments], home.parent  # a damaged job may name a folder from here
        process = subprocess.Popen(command, stdin=given_in, stdout=out, stderr=err, env=given, cwd=where)
        status, peak = _waited(process, limit)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
    return Ended(status, texts[0], texts[1], peak, time.monotonic() - began)


def _waited(process: subprocess.Popen[bytes], limit: float) -> tuple[int | None, float]:
    """Exit status, None if it had to be killed; and the peak of its memory in bytes."""
    deadline = time.monotonic() + limit
    while True:
        pid, status, used = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, _bytes(used)
        if time.monotonic() > deadline:
            process.kill()
            _, _, used = os.wait4(process.pid, 0)
            process.returncode = -9
            return None, _bytes(used)
        time.sleep(0.05)


def _bytes(used: resource.struct_rusage) -> float:
    return used.ru_maxrss * (1.0 if sys.platform == "darwin" else 1024.0)
