"""The versions of what a result may depend on."""

from __future__ import annotations

import platform

import numpy as np

from resnet_desktop import __version__
from resnet_desktop.inference import runtime


def versions() -> dict[str, str]:
    """By name."""
    return {
        "resnet_desktop": __version__,
        "onnxruntime": str(runtime.library().__version__),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
