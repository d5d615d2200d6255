"""A step that may find too little memory: what it had changed by then is as it was before."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from resnet_desktop.trainer.distributed.process_group import ProcessGroup
from resnet_desktop.trainer.inputs import memory
from resnet_desktop.trainer.inputs.feeds import Plan


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

    def rehearsed(self, step: Callable[[], Tensor]) -> bool:
        """Whether there is memory for a step that changes no weights; the norms have not seen it either way."""
        found = self(step) is not None
        with torch.no_grad():
            for buffer, kept in zip(self._buffers or (), self._kept, strict=True):
                buffer.copy_(kept)
        return found

    def _remembered(self) -> list[Tensor]:
        """The buffers that a step changes, with their present values kept."""
        if self._buffers is None:  # they are found once: to look for them takes longer than a step of a head alone
            learning = [module for module in self._module.modules() if module.training]
            self._buffers = [buffer for module in learning for buffer in module.buffers(recurse=False)]
            self._kept = [torch.empty_like(buffer) for buffer in self._buffers]
        for kept, buffer in zip(self._kept, self._buffers, strict=True):
            kept.copy_(buffer)
        return self._buffers


class Rehearsals:
    """Which batches have been found to fit into every process that trains, before the first of each kind.

    A process that runs out of memory in the middle of a step leaves the others waiting in theirs, so each first goes
    through its part by itself. Where there is one process, its steps are attempts enough.

    Args:
        attempt: makes the rehearsal.
        world: the processes.
        rehearse: a step on a batch that changes no weights.
    """

    def __init__(self, attempt: Attempt, world: ProcessGroup, rehearse: Callable[[Plan], Tensor]) -> None:
        self._attempt, self._world, self._rehearse = attempt, world, rehearse
        self._fitting: set[tuple[int, int, int]] = set()

    def __call__(self, kind: tuple[int, int, int], plan: Plan) -> bool:
        """Whether a batch fits; ``kind``: pixels of a side, pictures, and parts that each process makes of it.

        All processes get the same answer.
        """
        if self._world.size == 1 or kind in self._fitting:
            return True
        if not all(self._world.gathered_objects(self._attempt.rehearsed(partial(self._rehearse, plan)))):
            return False
        self._fitting.add(kind)
        return True
