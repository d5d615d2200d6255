"""Several processes that train one network together, as ``torchrun`` starts them; usually it is one.

Every process plans the same batches and makes its own rows of them; gradients are averaged by PyTorch's
DistributedDataParallel (Li et al. 2020, arXiv:2006.15704). Only the first process speaks and writes.
"""

from __future__ import annotations

import datetime
import math
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel

from resnet_desktop.core.errors import ResNetDesktopError, TrainingError
from resnet_desktop.jobs import events
from resnet_desktop.trainer.distributed.heartbeat import Ending, Heartbeats

PATIENCE = datetime.timedelta(days=7)
"""How long the others wait for the first process, which may be paused; ``Heartbeats`` notices one that has gone."""
JOINING = datetime.timedelta(minutes=30)
"""How long each waits for all to come, and for the others in the middle of a step."""
SILENCE_SECONDS = 5.0
"""A process that was just there and does not beat for so long has gone."""


@dataclass(frozen=True, slots=True)
class ProcessGroup:
    """This process among all: ``rank`` of ``size``, and ``local`` among the ``neighbours`` of its machine."""

    rank: int = 0
    size: int = 1
    local: int = 0
    neighbours: int = 1
    control: Any = None
    peers: Heartbeats | None = None

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

    def tell_paused(self, yes: bool) -> None:
        """Say, as the first process, that it stands still, or goes on: the others do as it does."""
        if self.peers is not None:
            self.peers.paused = yes

    def go_on_alone(self) -> None:
        """From now on this process needs no other."""
        if self.peers is not None:
            self.peers.need_nobody()

    @property
    def paused(self) -> bool:
        """Whether the first process stands still."""
        return self.peers is not None and self.peers.paused

    @property
    def ended(self) -> Ending | None:
        """How the run has ended, once a process has said so; known half a second later."""
        return None if self.peers is None else self.peers.ending

    def wait_for_ending(self, seconds: float = math.inf) -> Ending | None:
        """How the run ends; None if the first process has gone without a word, or after so many seconds."""
        return None if self.peers is None else self.peers.wait_for_ending(seconds)

    def on_vain(self, give_up: Callable[[], object]) -> None:
        """What to do, on another thread, when this process keeps waiting for one that has ended or gone."""
        if self.peers is not None:
            self.peers.give_up = give_up

    def trouble(self) -> TrainingError | None:
        """Why the processes cannot go on together, if another one is the reason."""
        if self.peers is None:
            return None
        ending, again = self.peers.look(), "Restart all of them with --resume and the run folder."
        if ending is not None and ending.rank != self.rank:
            error = ending.error or {"code": "process_lost", "message": "it stopped unexpectedly.", "hint": again}
            said = f"Process {ending.rank} of {self.size} has failed: {error.get('message')}"
            return TrainingError(str(error.get("code")), said, error.get("hint"))
        gone = self.peers.lost
        if gone is None:
            gone = self.peers.silent(SILENCE_SECONDS)
        if gone is None:
            return None
        return TrainingError("process_lost", f"Process {gone} of the {self.size} training together has exited.", again)

    def end(self, code: int, error: ResNetDesktopError | None = None) -> None:
        """Say to the others how this process ends, and take part no more."""
        if self.peers is None:
            return
        # torchrun ends the others as soon as one has ended: they are ending already.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        told = None if error is None else {"code": error.code, "message": error.message, "hint": error.hint}
        self.peers.end(code, told)
        self.peers.close()
        if code == events.EXIT_FINISHED:  # else some of them may still wait in the middle of a sum
            dist.destroy_process_group()


def join(device: str) -> ProcessGroup:
    """Join the processes that ``torchrun`` started (it sets RANK, WORLD_SIZE and LOCAL_RANK); without it, be alone."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return ProcessGroup()
    rank, local = int(os.environ["RANK"]), int(os.environ.get("LOCAL_RANK", "0"))
    cuda = device.startswith("cuda") or (device == "auto" and torch.cuda.is_available())
    if cuda:
        torch.cuda.set_device(local)
    dist.init_process_group("nccl" if cuda else "gloo", timeout=JOINING)
    return ProcessGroup(
        rank,
        size,
        local,
        int(os.environ.get("LOCAL_WORLD_SIZE", "1")),
        dist.new_group(backend="gloo", timeout=PATIENCE),  # messages between the programs are not for the GPUs
        Heartbeats(_store(), rank, size),
    )


def _store() -> Any:  # noqa: ANN401 - PyTorch's stores have no type that is exported
    """A connection of its own to the keys and values of this attempt at this run, for ``Heartbeats`` has a thread."""
    host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    store = dist.TCPStore(host, port, is_master=False, wait_for_workers=False)  # type: ignore[attr-defined]
    attempt = [os.environ.get(f"TORCHELASTIC_{name}", "") for name in ("RUN_ID", "RESTART_COUNT")]
    return dist.PrefixStore(f"resnet_desktop/{'/'.join(attempt)}", store)  # type: ignore[attr-defined]
