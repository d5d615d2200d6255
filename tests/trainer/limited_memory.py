"""The trainer in a process that has memory for few pictures at once, as ``python -m tests.trainer.limited_memory JOB``.

``ROOM`` in the environment says for how many; only the process of the rank in ``TIGHT`` lacks it.
"""

from __future__ import annotations

import os
import sys

import torch
from torch import Tensor

from resnet_desktop.trainer.__main__ import main
from resnet_desktop.trainer.network.classifier import Classifier

_forward = Classifier.forward


def forward(self: Classifier, x: Tensor) -> Tensor:
    """The network's own, where there is room; evaluation needs less and has it."""
    if self.fc.training and os.environ.get("RANK") == os.environ["TIGHT"] and len(x) > int(os.environ["ROOM"]):
        raise torch.OutOfMemoryError(f"there is no room for {len(x)} pictures")
    return _forward(self, x)


if __name__ == "__main__":
    Classifier.forward = forward  # type: ignore[method-assign]
    sys.exit(main())
