"""How the trainer's process gets its memory."""

from __future__ import annotations

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
        done = subprocess.run([sys.executable, "-c", FAULTS.format(call=call)], capture_output=True, check=True)
        counts[call] = int(done.stdout)
    assert counts["keep_freed_memory()"] < counts[""] / 4  # pages that the kernel had to make anew
