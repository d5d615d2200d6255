"""How much room on the disk a run of PyTorch takes."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn

from resnet_desktop.runs.disk_space import SMALL
from resnet_desktop.runs.disk_space import check as check
from resnet_desktop.trainer.loop.checkpoint import KEPT


def needed(network: nn.Module, trained: Iterable[str], *, adam: bool, averaged: bool) -> int:
    """Bytes that a run of this network takes on the disk.

    A checkpoint holds what is trained as it is and as it was best, its average, and the state of the optimizer; of them
    ``KEPT`` and the one that is being written are there at a time. The model is written twice (``export/``).
    """
    state = network.state_dict()
    learnt = sum(state[name].nbytes for name in trained)
    whole = sum(value.nbytes for value in state.values())
    copies = 2 + (2 if adam else 1) + int(averaged)
    return int((KEPT + 1) * learnt * copies + 2 * whole + SMALL)
