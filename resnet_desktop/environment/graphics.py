"""Whether there is an NVIDIA card that PyTorch could train on. Nothing of CUDA is loaded for that."""

from __future__ import annotations

import shutil
from pathlib import Path

from resnet_desktop.core.processes.child_process import ask
from resnet_desktop.core.progress import Cancelled, never

SECONDS = 10.0
"""How long the driver's own tool may take; a card that sleeps is woken first."""
DRIVER_FILES = (
    Path("/proc/driver/nvidia/version"),
    Path("/usr/lib/wsl/lib/libcuda.so.1"),
    Path("C:/Windows/System32/nvcuda.dll"),
)
"""What NVIDIA's driver puts on Linux, on Linux inside Windows, and on Windows."""


def nvidia_card(cancelled: Cancelled = never) -> str:
    """The name of the first NVIDIA card; without one, empty. Raises CancelledError."""
    tool = shutil.which("nvidia-smi")
    if tool is not None:
        try:
            answer = ask([tool, "--query-gpu=name", "--format=csv,noheader"], SECONDS, cancelled=cancelled)
        except OSError:
            pass  # what lies there is no program
        else:
            names = answer.output.strip().splitlines()
            if answer.code == 0 and names:
                return names[0].strip()
    return "an NVIDIA driver" if any(path.exists() for path in DRIVER_FILES) else ""
