"""Whether the file that is handed over answers as the network that was trained: what PyTorch says on real photos."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from resnet_desktop.runs.evaluation.parity import LIMIT, ROUNDING, Floats, Parity, Witness, inputs
from resnet_desktop.trainer.export.assemble import Made
from resnet_desktop.trainer.network.build import channels_last, load_arrays
from resnet_desktop.trainer.network.classifier import Classifier

__all__ = ["LIMIT", "ROUNDING", "Floats", "Parity", "Witness", "inputs", "witness"]


def witness(network: Classifier, made: Made, rows: list[Floats], check: Callable[[], object]) -> Witness:
    """Ask PyTorch, on the CPU.

    Args:
        network: that was trained; it stays as it is.
        made: what it was made into.
        rows: the photos, from ``inputs``.
        check: called before every run; what it raises ends the work.
    """
    network = copy.deepcopy(network).cpu()
    channels_last(network)
    load_arrays(network, made.stored)
    stored = _logits(network, rows, check)
    load_arrays(network, made.arrays)
    return Witness(rows, stored, _logits(network, rows, check))


def _logits(network: nn.Module, rows: list[Floats], check: Callable[[], object]) -> Floats:
    """Logits of PyTorch in float32 on the CPU."""
    network.eval()
    found = []
    with torch.inference_mode():
        for x in rows:
            check()
            found.append(network(torch.from_numpy(x)).numpy())
    whole: Floats = np.concatenate(found)
    return whole
