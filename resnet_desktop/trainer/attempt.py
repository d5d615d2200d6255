"""A step that may find too little memory: what it had changed by then is as it was before."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from resnet_desktop.trainer import memory


class Attempt:
    """Makes steps; the norms of ``module``, as far as they learn, have seen none that failed.

    A norm takes in the batch when it is passed, long before memory may run out; the same batch in parts would count
    twice.
    """

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        self._buffers: list[Tensor] | None = None
        self._kept: list[Tensor] = []

    @torch.no_grad()
    def __call__(self, step: Callable[[], Tensor]) -> Tensor | None:
        """What the step gives, or None where there was no memory for it. Raises what else it raises."""
        buffers = self._remembered()
        try:
            with torch.enable_grad():
                return step()
        except (RuntimeError, MemoryError) as error:
            if not memory.is_out_of_memory(error):
                raise
        # Not inside the clause: the error holds the frames of the failed attempt, and those its memory.
        for buffer, kept in zip(buffers, self._kept, strict=True):
            buffer.copy_(kept)
        return None

    def _remembered(self) -> list[Tensor]:
        """The buffers that a step changes, with their present values kept."""
        if self._buffers is None:  # they are found once: to look for them takes longer than a step of a head alone
            learning = [module for module in self._module.modules() if module.training]
            self._buffers = [buffer for module in learning for buffer in module.buffers(recurse=False)]
            self._kept = [torch.empty_like(buffer) for buffer in self._buffers]
        for kept, buffer in zip(self._kept, self._buffers, strict=True):
            kept.copy_(buffer)
        return self._buffers
