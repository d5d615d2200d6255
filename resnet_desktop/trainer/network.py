"""The network of a run: from scratch, or a base model with a new head and only the needed parts set free."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from resnet_desktop.bundle import bundle as bundles
from resnet_desktop.bundle.architectures import ARCHITECTURES
from resnet_desktop.bundle.library import Library
from resnet_desktop.core.errors import JobError
from resnet_desktop.finetune.job import Job
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.trainer.resnet import ResNet

TRAINED_STAGES = {"head": 0, "last-stage": 1, "last-two-stages": 2}


def build_network(job: Job, classes: int) -> ResNet:
    """The network that the job starts from, in channels-last layout on the CPU.

    Raises:
        JobError: the network or base is not one that can be trained.
        ModelError: the base cannot be read.
    """
    hidden = () if job.head.hidden is None else (job.head.hidden,)
    if job.train == "scratch":
        assert job.recipe is not None, "the job is filled in before"
        architecture = ARCHITECTURES.get(job.recipe.arch)
        if architecture is None:
            raise JobError("bad_job", f"'arch' of 'recipe' of the job must be one of {', '.join(ARCHITECTURES)}.")
        network = ResNet(architecture, classes, hidden=hidden, dropout=job.head.dropout)
    else:
        network = _from_base(job, classes, hidden)
        freeze(network, job.train)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def _from_base(job: Job, classes: int, hidden: tuple[int, ...]) -> ResNet:
    base = bundles.read(Library().find(job.base))
    architecture = ARCHITECTURES.get(base.metadata.arch or "")
    if architecture is None:
        raise JobError("bad_job", f"The base {job.base} is no ResNet that this app built: it cannot be fine-tuned.")
    network = ResNet(architecture, classes, hidden=hidden, dropout=job.head.dropout)
    arrays = {k: v for k, v in bundles.arrays(base).items() if not k.startswith(("fc.", "head."))}
    load_arrays(network, arrays, strict=False)
    return network


def base_transforms(base: str) -> Transforms:
    """The preprocessing that a base model was trained with; fine-tuning keeps it. Raises ModelError."""
    return bundles.read(Library().find(base)).metadata.transforms


def load_arrays(network: nn.Module, arrays: dict[str, np.ndarray], *, strict: bool = True) -> None:
    """Put named arrays into the network; with ``strict``, every parameter must be among them."""
    state = {name: torch.from_numpy(np.array(values)) for name, values in arrays.items()}
    missing, unexpected = network.load_state_dict(state, strict=False)
    missing = [m for m in missing if not m.endswith("num_batches_tracked")]
    if unexpected or (strict and missing):
        raise JobError("bad_job", f"The weights do not fit the network: {', '.join([*unexpected, *missing][:5])}.")


def freeze(network: ResNet, train: str) -> None:
    """Leave only the head and the last stages free; ``all`` leaves everything free."""
    if train in ("all", "scratch"):
        return
    free = tuple(network.stages[len(network.stages) - TRAINED_STAGES[train] :])
    for name, parameter in network.named_parameters():
        parameter.requires_grad = name.startswith(("fc.", "head.", *(f"{stage}." for stage in free)))


def training_mode(network: ResNet) -> None:
    """Training mode, but batch norms of frozen parts keep their statistics: they belong to the frozen weights."""
    network.train()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d) and not module.weight.requires_grad:
            module.eval()
