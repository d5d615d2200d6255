"""An average of the weights over the steps, which often generalizes better than the last step's (Polyak & Juditsky)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn


class Average:
    """The exponential moving average of what training changes in a network: ``decay`` of the old, the rest of the new.

    ``values`` is None until the first update, which copies the network.
    """

    def __init__(self, names: Sequence[str], decay: float) -> None:
        self._names = names
        self._decay = decay
        self.values: dict[str, Tensor] | None = None

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take in the network after a step."""
        state = network.state_dict()
        if self.values is None:
            self.values = {name: state[name].clone() for name in self._names}
            return
        real = [name for name in self._names if state[name].is_floating_point()]
        torch._foreach_lerp_([self.values[n] for n in real], [state[n] for n in real], 1 - self._decay)
        for name in set(self._names) - set(real):  # counters
            self.values[name].copy_(state[name])

    @contextlib.contextmanager
    def inside(self, network: nn.Module) -> Iterator[None]:
        """The network computes with the average while the block runs."""
        if self.values is None:
            yield
            return
        state = network.state_dict()
        kept = {name: state[name].clone() for name in self._names}
        network.load_state_dict(self.values, strict=False)
        try:
            yield
        finally:
            network.load_state_dict(kept, strict=False)
