"""How many pictures fit: found from what one picture needs, and what to do when it was too many all the same."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from resnet_desktop.runs.error_messages import is_out_of_memory as is_out_of_memory

_SHARE = 0.6
"""Of the free memory, the part that a batch may take."""
_GUESS = 2 * 2**30
"""Bytes that are taken to be free where the system does not say."""


def release(device: torch.device) -> None:
    """Give cached blocks back after an allocation failed."""
    if device.type == "cuda":
        torch.cuda.empty_cache()


def free_bytes(device: torch.device) -> int:
    """Memory that can be taken now, in bytes."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if sys.platform == "linux":
        for line in Path("/proc/meminfo").read_text("ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return min(int(line.split()[1]) * 1024, _left_to_the_group())
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return _GUESS


def _left_to_the_group() -> int:
    """What a limit on this container or service leaves (Linux control groups, version 2), in bytes."""
    folder = Path("/sys/fs/cgroup")
    try:
        limit, used = ((folder / name).read_text("ascii").strip() for name in ("memory.max", "memory.current"))
        return max(0, int(limit) - int(used))
    except (OSError, ValueError):  # no such file, or "max": no limit
        return sys.maxsize


def used_megabytes(device: torch.device) -> int | None:
    """The most memory that the device (or, on the CPU, the process) has held, in MiB; None where nobody says."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device) // 2**20)
    if sys.platform == "win32":
        return None
    import resource  # not there on Windows

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(most // 2**20 if sys.platform == "darwin" else most // 2**10)


def bytes_per_picture(network: nn.Module, x: Tensor) -> int:
    """What a training step keeps for its backward pass, for each picture of ``x`` (at least two, for batch norms).

    The network is afterwards as it was: a pass in training mode would move the statistics of its batch norms towards
    those of ``x``, of the frozen ones, too.
    """
    kept: dict[int, int] = {}
    before = [(buffer, buffer.clone()) for buffer in network.buffers()]

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    weights = {p.untyped_storage().data_ptr() for p in network.parameters()}
    try:
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            network(x).float().sum()
    finally:
        for buffer, values in before:
            buffer.copy_(values)
    return sum(size for place, size in kept.items() if place not in weights) // len(x)


def batch_that_fits(wanted: int, per_picture: int, device: torch.device) -> int:
    """``wanted``, halved until it fits into the free memory. Gradients of activations take as much again."""
    free = free_bytes(device) * _SHARE
    while wanted > 1 and 2 * per_picture * wanted > free:
        wanted //= 2
    return wanted
