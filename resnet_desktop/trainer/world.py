"""Several processes that train one network together, as ``torchrun`` starts them; usually it is one.

Every process plans the same batches and makes its own rows of them; gradients are averaged by PyTorch's
DistributedDataParallel (Li et al. 2020, arXiv:2006.15704). Only the first process speaks and writes.
"""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel

PATIENCE = datetime.timedelta(days=7)
"""How long the others wait for the first process, which may be paused."""


@dataclass(frozen=True, slots=True)
class World:
    """This process among all: ``rank`` of ``size``, and ``local`` among those of its machine."""

    rank: int = 0
    size: int = 1
    local: int = 0
    control: Any = None

    @property
    def first(self) -> bool:
        """Whether this process speaks for all."""
        return self.rank == 0

    def device(self, chosen: torch.device) -> torch.device:
        """The device of this process: with CUDA, each process of a machine has a GPU of its own."""
        return torch.device("cuda", self.local) if self.size > 1 and chosen.type == "cuda" else chosen

    def rows(self, count: int) -> Tensor:
        """Which of ``count`` rows are this process's."""
        return torch.arange(self.rank, count, self.size)

    def wrapped(self, module: nn.Module, device: torch.device) -> nn.Module:
        """The module with averaged gradients; itself where there is one process."""
        if self.size == 1:
            return module
        return DistributedDataParallel(module, device_ids=[device] if device.type == "cuda" else None)

    def agree(self, value: int) -> int:
        """The first process's value, in all processes."""
        if self.size == 1:
            return value
        told = torch.tensor([value])
        dist.broadcast(told, 0, group=self.control)
        return int(told)

    def told(self, value: Any) -> Any:  # noqa: ANN401 - whatever the first process has
        """What the first process has, in all processes; the others' machines need not see its files."""
        if self.size == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, 0, group=self.control)
        return box[0]

    def total(self, values: Tensor) -> Tensor:
        """The sum over the processes."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def gathered(self, rows: Tensor, count: int) -> Tensor:
        """All ``count`` rows in order, from the ``rows(count)`` that each process has."""
        if self.size == 1:
            return rows
        parts: list[Any] = [None] * self.size
        dist.all_gather_object(parts, rows.cpu(), group=self.control)
        whole = torch.empty((count, *rows.shape[1:]), dtype=rows.dtype)
        for rank, part in enumerate(parts):
            whole[rank :: self.size] = part
        return whole.to(rows.device)

    def gathered_objects(self, mine: object) -> list[Any]:
        """What each process has, in the order of the ranks."""
        if self.size == 1:
            return [mine]
        parts: list[Any] = [None] * self.size
        dist.all_gather_object(parts, mine, group=self.control)
        return parts

    def leave(self) -> None:
        """Wait for the others and part."""
        if self.size > 1:
            dist.barrier(group=self.control)
            dist.destroy_process_group()


def join(device: str) -> World:
    """Join the processes that ``torchrun`` started (it sets RANK, WORLD_SIZE and LOCAL_RANK); without it, be alone."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return World()
    rank, local = int(os.environ["RANK"]), int(os.environ.get("LOCAL_RANK", "0"))
    cuda = device.startswith("cuda") or (device == "auto" and torch.cuda.is_available())
    if cuda:
        torch.cuda.set_device(local)
    dist.init_process_group("nccl" if cuda else "gloo", timeout=PATIENCE)
    # Messages between the programs are not for the GPUs.
    return World(rank, size, local, dist.new_group(backend="gloo", timeout=PATIENCE))
