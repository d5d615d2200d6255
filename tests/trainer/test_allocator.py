"""How the trainer's process gets its memory."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, torch
from resnet_desktop.trainer.allocator import keep_freed_memory
{call}
def step():
    blocks = [torch.ones(2_000_000) for _ in range(8)]
    return sum(float(block[0]) for block in blocks)
for _ in range(10):  # the heap takes its final size: alignment may cost it another block or two
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these settings")
def test_freed_memory_is_used_again() -> None:
    counts = {}
    for call in ("keep_freed_memory()", ""):
        # The library adapts its thresholds to what it saw; a value from outside makes the comparison always the same.
        environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "1000000"}
        command = [sys.executable, "-c", FAULTS.format(call=call)]
        done = subprocess.run(command, capture_output=True, check=True, env=environment)
        counts[call] = int(done.stdout)
    assert counts["keep_freed_memory()"] < counts[""] / 4  # pages that the kernel had to make anew
