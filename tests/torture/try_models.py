"""A child of the torture: opens and runs the model files named on standard input, a line for each."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file import torch_file
from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.inference.classifier import Classifier


def outcome(path: Path) -> str:
    """``ok``, or the code of the error."""
    try:
        if torch_file.is_torch_file(path):
            torch_file.read_state_dict(path)
            return "ok"
        classifier = Classifier(bundles.read(path), provider="cpu")
        classifier.predict(np.zeros((1, *classifier.bundle.input_shape), np.float32))
    except ResNetDesktopError as error:
        return error.code
    return "ok"


if __name__ == "__main__":
    for line in sys.stdin.read().splitlines():
        print(outcome(Path(line)), line, flush=True)
