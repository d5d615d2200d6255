"""What this machine trains on, and in which precision."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import time
from pathlib import Path

import numpy
import torch
from torch import nn

from resnet_desktop import __version__
from resnet_desktop.core import atomic, paths
from resnet_desktop.core.errors import JobError, StorageError
from resnet_desktop.jobs.fields import shown

ROUNDS = 8


def choose_device(wanted: str) -> torch.device:
    """``auto`` is CUDA where it works, then Apple's Metal, then the CPU. Raises JobError if ``wanted`` is not there."""
    if wanted == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(wanted)
        float(torch.zeros(1, device=device))  # some take numbers and never give them back
    except (RuntimeError, AssertionError, ImportError) as error:
        message = f"'device' of the job is {shown(wanted)}, which does not work here."
        raise JobError("bad_job", message, f"Choose “auto”, which uses {choose_device('auto')} here.") from error
    return device


def choose_precision(wanted: str, device: torch.device) -> str:
    """``auto`` is bfloat16 where a measured step is faster with it than in float32, else float32."""
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
    if device.type != "cpu":
        return "float32"
    # Processors without bfloat16 instructions emulate them, many times slower: only a run tells. It is tried once, for
    # on a busy machine another try may come out otherwise, and the same job must give the same network.
    key = " ".join((platform.node(), platform.machine(), str(os.cpu_count()), torch.__version__))
    known = _remembered()
    if known.get(key) not in ("bfloat16", "float32"):
        plain, half = _step_seconds(device)
        known[key] = "bfloat16" if half < 0.8 * plain else "float32"
        with contextlib.suppress(StorageError):  # then it is tried again the next time
            atomic.write_text(_precision_file(), json.dumps(known, indent=1) + "\n")
    return known[key]


def _precision_file() -> Path:
    return paths.cache_folder() / "precision.json"


def _remembered() -> dict[str, str]:
    try:
        values = json.loads(_precision_file().read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return {str(k): str(v) for k, v in values.items()} if isinstance(values, dict) else {}


def choose_workers(wanted: int | None) -> int:
    """Threads that decode pictures: as many as there are cores, at most 16."""
    return wanted if wanted is not None else min(16, os.cpu_count() or 1)


def device_name(device: str) -> str:
    """The device as a person calls it."""
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device


def versions() -> dict[str, str]:
    """The versions that a result may depend on."""
    return {
        "resnet_desktop": __version__,
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "python": platform.python_version(),
    }


def _step_seconds(device: torch.device) -> tuple[float, float]:
    """The best of several forward and backward passes of a small stack of convolutions, in float32 and in bfloat16.

    By turns, so that whatever else the machine does slows both: a repeated run must come to the same answer.
    """
    net = nn.Sequential(nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 64, 3, padding=1)).to(device)
    net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x = torch.ones(16, 64, 16, 16, device=device).contiguous(memory_format=torch.channels_last)
    best = [float("inf"), float("inf")]
    for _ in range(ROUNDS):
        for half in (False, True):
            started = time.perf_counter()
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                net(x).float().mean().backward()
            best[half] = min(best[half], time.perf_counter() - started)
    return best[0], best[1]
