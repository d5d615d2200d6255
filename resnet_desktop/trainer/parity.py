"""Whether the file that is handed over answers as the network that was trained: what PyTorch says on real photos."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from resnet_desktop.bundle.resnet_graph import Storage, stored_arrays
from resnet_desktop.runs.parity import LIMIT, Floats, Parity, Witness, inputs
from resnet_desktop.trainer.network import load_arrays
from resnet_desktop.trainer.resnet import ResNet

__all__ = ["LIMIT", "Parity", "Witness", "inputs", "witness"]


def witness(
    network: ResNet,
    arrays: dict[str, NDArray[Any]],
    storage: Storage,
    rows: list[Floats],
    temperature: float,
    check: Callable[[], object],
) -> Witness:
    """Ask PyTorch.

    Args:
        network: of the same shape as the bundle; it gets other weights here.
        arrays: the weights as they were trained.
        storage: how the bundle stores them.
        rows: the photos, from ``inputs``.
        temperature: that was fitted.
        check: called before every run; what it raises ends the work.
    """
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    load_arrays(network, stored_arrays(arrays, storage))
    stored = _logits(network, rows, check)
    load_arrays(network, arrays)
    return Witness(rows, stored, _logits(network, rows, check), temperature)


def _logits(network: ResNet, rows: list[Floats], check: Callable[[], object]) -> Floats:
    """Logits of PyTorch in float32 on the CPU."""
    network.eval()
    found = []
    with torch.inference_mode():
        for x in rows:
            check()
            found.append(network(torch.from_numpy(x)).numpy())
    whole: Floats = np.concatenate(found)
    return whole
