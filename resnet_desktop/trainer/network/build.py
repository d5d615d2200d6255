"""The network of a run: from scratch, or a base model with a new head and only the needed parts set free."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import nn

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES
from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.graph import base as bases
from resnet_desktop.bundle.graph.nodes import Graph
from resnet_desktop.bundle.library.library import Library
from resnet_desktop.core.errors import JobError, ModelError
from resnet_desktop.jobs.fields import shown
from resnet_desktop.jobs.job import Job
from resnet_desktop.trainer.network.classifier import Classifier
from resnet_desktop.trainer.network.graph_network import GraphNetwork
from resnet_desktop.trainer.network.resnet import ResNet

BatchNorm = (nn.BatchNorm2d, nn.SyncBatchNorm)
LARGEST = 65504.0
"""Of float16, in which the weights of a bundle are stored."""


def build_network(job: Job, classes: int) -> Classifier:
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
        network: Classifier = ResNet(architecture, classes, hidden=hidden, dropout=job.head.dropout)
    else:
        network = _from_base(job, classes, hidden)
        freeze(network, job.train, norms=job.recipe is not None and job.recipe.freeze_norms)
    channels_last(network)
    return network


def channels_last(network: nn.Module) -> None:
    """Lay the filters of convolutions so that the channels of a cell lie side by side, as pictures do."""
    for parameter in network.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)


def _from_base(job: Job, classes: int, hidden: tuple[int, ...]) -> GraphNetwork:
    bundle = read_base(job.base)
    base = bases.read_base(bundle)
    check_weights(job.base, bundle, base.graph)
    network = GraphNetwork(
        base.graph,
        base.stages,
        width=base.width,
        classes=classes,
        hidden=hidden,
        dropout=job.head.dropout,
        arch=bundle.metadata.arch or "",
        reduction=base.reduction,
    )
    network.base = dataclasses.replace(base, graph=base.graph.bare())
    _check_sizes(job, bundle, network)
    return network


def check_weights(name: str, bundle: Bundle, graph: Graph) -> None:
    """Refuse a base that nothing can be learnt from, before anything is computed. Raises ModelError."""
    checked = bundles.verify(bundle)
    if checked.expected is not None and not checked.ok:
        message = f"The weights in the base {name} do not match their checksum: the file is damaged."
        raise ModelError("damaged_model", message, "Copy or download it again, or choose another model as the base.")
    variances = {node.inputs[4] for node in graph.nodes if node.op == "BatchNormalization"}
    for key, values in {**graph.weights, **graph.statistics}.items():
        sound = np.isfinite(values).all() and (key in graph.statistics or np.abs(values).max(initial=0) <= LARGEST)
        if not sound or (key in variances and values.min(initial=0) < 0):
            message = f"The base {name} contains weights that are unusable ({shown(key)})."
            raise ModelError("damaged_model", message, "Choose another model as the base, or train from scratch.")


def _check_sizes(job: Job, bundle: Bundle, network: GraphNetwork) -> None:
    """Refuse batches and pictures of sizes that the graph does not take. Raises JobError."""
    height, usual = bundle.input_shape[1:]
    if height != usual:
        message = f"The base {job.base} sees {usual} × {height} pixels, but the trainer works with square photos."
        raise JobError("bad_job", message, "Train only its last layer, or choose another model as the base.")
    if bundle.batch is not None and not _takes(network, bundle.batch + 1, usual):
        message = f"The base {job.base} only accepts batches of {bundle.batch}, so only its last layer can be trained."
        raise JobError("bad_job", message, "Train only the last layer, or export the model with a free batch size.")
    asked = {job.input_size or usual, *(phase.size for phase in (job.recipe.schedule if job.recipe else ()))}
    for size in sorted(asked - {usual}):
        if not _takes(network, 1, size):
            message = f"The base {job.base} only accepts photos of {usual} pixels, not {size}."
            raise JobError("bad_job", message, "Leave out 'input_size' (and the sizes of 'schedule').")


def _takes(network: GraphNetwork, count: int, size: int) -> bool:
    """Whether the graph makes features of so many pictures of this size."""
    try:
        with torch.inference_mode():
            shape = network.eval().pooled(torch.zeros(count, 3, size, size)).shape
    except (RuntimeError, ValueError, IndexError):  # shapes that do not fit, as PyTorch and NumPy say it
        return False
    return tuple(shape) == (count, network.width)


def read_base(base: str) -> Bundle:
    """The model to start from. Raises ModelError if there is none."""
    try:
        return bundles.read(Library().find(base))
    except ModelError as error:
        raise ModelError(error.code, error.message, error.hint or "Choose another model as the base.") from error
    except (OSError, RuntimeError) as error:  # a name that is too long; the home folder of nobody
        said = error.strerror if isinstance(error, OSError) else "there is no such folder"
        message = f"The base {shown(base)} cannot be read: {said}."
        raise ModelError("missing_model", message, "Choose another model as the base.") from error


def base_checksum(job: Job) -> str:
    """The checksum of the weights that the job starts from; empty for none. Raises ModelError."""
    if job.train == "scratch":
        return ""
    base = read_base(job.base)
    return base.metadata.weights_sha256 or base.file_sha256


def load_arrays(network: nn.Module, arrays: dict[str, np.ndarray], *, strict: bool = True) -> None:
    """Put named arrays into the network; with ``strict``, every parameter must be among them."""
    state = {name: torch.from_numpy(np.array(values)) for name, values in arrays.items()}
    missing, unexpected = network.load_state_dict(state, strict=False)
    missing = [m for m in missing if not m.endswith("num_batches_tracked")]
    if unexpected or (strict and missing):
        names = ", ".join([*unexpected, *missing][:5])
        raise JobError("bad_job", f"The weights do not fit the network: {names}.", "Choose another model as the base.")


def freeze(network: Classifier, train: str, *, norms: bool = False) -> None:
    """Leave only the head and the last stages free; ``all`` leaves everything free, but ``norms`` if so wished.

    Batch norms that are frozen keep weights and statistics: those of small batches are poor ones.
    """
    for module in network.modules():
        if norms and isinstance(module, BatchNorm):
            module.weight.requires_grad = module.bias.requires_grad = False
    last = network.last_stage
    network.freeze_before({"head": last + 1, "last-stage": last, "last-two-stages": last - 1}.get(train, 0))


def training_mode(network: nn.Module) -> None:
    """Training mode, but batch norms of frozen parts keep their statistics: they belong to the frozen weights."""
    network.train()
    for module in network.modules():
        if isinstance(module, BatchNorm) and not module.weight.requires_grad:
            module.eval()


def trained_names(network: nn.Module) -> tuple[str, ...]:
    """Names in the state of what training changes: free parameters, and the statistics of their batch norms."""
    free = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
    for name, module in network.named_modules():
        if isinstance(module, BatchNorm) and module.weight.requires_grad:
            free |= {f"{name}.{buffer}" for buffer, _ in module.named_buffers(recurse=False)}
    return tuple(name for name in network.state_dict() if name in free)


def count_parameters(network: nn.Module) -> dict[str, int]:
    """How many parameters are ``trainable``, and how many there are in ``total``."""
    counts = [(p.numel(), p.requires_grad) for p in network.parameters()]
    return {"trainable": sum(n for n, free in counts if free), "total": sum(n for n, _ in counts)}
